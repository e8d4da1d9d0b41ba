"""Verbs of copies: learn the hashes of what was removed, and take them out again."""

from datetime import datetime

from openhaven import ledger
from openhaven.signals.banks import add_entries, create_bank, withdraw_entries
from openhaven.signals.banks.model import NewEntry
from openhaven.storage import Tx
from openhaven.survivors import store
from openhaven.survivors.store import Learning


def learn(tx: Tx, one: Learning) -> None:
    """Put the hashes of something that was removed on request into banks, so copies are found.

    A match only asks a person. The banks look back over the last 30 days by themselves.
    """
    hashes = store.hashes_of(tx, one.platform, one.item)
    for kind, values in hashes.items():
        name = bank_for(
            tx,
            f"removed-on-request-{kind}" + ("-child" if one.young else ""),
            kind,
            one.harm,
            "Copies of what was removed at the request of whom it shows.",
        )
        origin = "removed on request"
        add_entries(tx, name, [NewEntry(v, q, origin, source_id=one.report) for v, q in values])
        _rest_on(tx, one.report, name, [value for value, _ in values])
    tx.run("UPDATE survivor_items SET learned = %(l)s WHERE report = %(r)s", r=one.report,
           l="learned" if hashes else "nothing")  # fmt: skip


def _rest_on(tx: Tx, report: str, bank: str, values: list[bytes]) -> None:
    """Note that these hashes in a bank rest on the removal behind a report as well."""
    sql = """INSERT INTO survivor_copies (report, entry)
             SELECT %(r)s, e.id FROM bank_entries e JOIN banks b ON b.id = e.bank
             WHERE b.name = %(bank)s AND e.withdrawn_at IS NULL AND sha256(e.value) IN (
               SELECT sha256(v) FROM unnest(%(values)s::bytea[]) AS v)
             ON CONFLICT DO NOTHING"""
    tx.run(sql, r=report, bank=bank, values=values)


def unlearn_overturned(tx: Tx, cases: list[str]) -> int:
    """Take out what was learned of removals in these cases that are overturned; return how many."""
    found = store.to_unlearn(tx, cases)
    for one in found:
        unlearn(tx, one.report)
    return len(found)


def unlearn(tx: Tx, report: str) -> None:
    """Take the hashes of something out again that was put back after an appeal.

    What another removal rests on as well stays.
    """
    sql = "DELETE FROM survivor_copies WHERE report = %(r)s RETURNING entry"
    mine = [int(row["entry"]) for row in tx.rows(sql, r=report)]
    entries = store.without_ground(tx, mine)
    if entries and withdraw_entries(tx, entries, "the removal was overturned"):
        ledger.append(tx, "bank.entries_withdrawn", {"count": str(len(entries))})
    tx.run("UPDATE survivor_items SET learned = 'taken_back' WHERE report = %(r)s", r=report)


def forget_hashes(tx: Tx, before: datetime, limit: int) -> int:
    """Forget hashes that people gave us or that were learned, withdrawn before a moment.

    They matched nothing since then. What was found with them stays, without them.
    """
    gone = store.long_withdrawn(tx, before, limit)
    for sql in (
        "UPDATE survivor_requests SET entry = NULL WHERE entry = ANY(%(ids)s)",
        "DELETE FROM survivor_copies WHERE entry = ANY(%(ids)s)",
        "DELETE FROM bank_feedback WHERE entry = ANY(%(ids)s)",
        "DELETE FROM bank_entries WHERE id = ANY(%(ids)s)",
    ):
        tx.run(sql, ids=gone)
    return len(gone)


def bank_for(tx: Tx, name: str, kind: str, harm: str, purpose: str) -> str:
    """Return the name of a bank that only asks people, which is made when it is not there."""
    # Whoever comes second waits here, and then finds it.
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=f"bank:{name}")
    if not tx.value("SELECT 1 FROM banks WHERE name = %(n)s", n=name):
        create_bank(tx, name, kind=kind, harm=harm, owner="survivors", purpose=purpose,
                    opinion="investigate", at_most="review")  # fmt: skip
    return name
