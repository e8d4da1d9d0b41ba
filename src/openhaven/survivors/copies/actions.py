"""Verbs of copies: learn the hashes of what was removed, and take them out again."""

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
    tx.run("UPDATE survivor_items SET learned = %(l)s WHERE report = %(r)s", r=one.report,
           l="learned" if hashes else "nothing")  # fmt: skip


def unlearn(tx: Tx, report: str) -> None:
    """Take the hashes of something out again that was put back after an appeal."""
    entries = store.entries_of(tx, report)
    if entries and withdraw_entries(tx, entries, "the removal was overturned"):
        ledger.append(tx, "bank.entries_withdrawn", {"count": str(len(entries))})
    tx.run("UPDATE survivor_items SET learned = 'taken_back' WHERE report = %(r)s", r=report)


def bank_for(tx: Tx, name: str, kind: str, harm: str, purpose: str) -> str:
    """Return the name of a bank that only asks people, which is made when it is not there."""
    # Whoever comes second waits here, and then finds it.
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=f"bank:{name}")
    if not tx.value("SELECT 1 FROM banks WHERE name = %(n)s", n=name):
        create_bank(tx, name, kind=kind, harm=harm, owner="survivors", purpose=purpose,
                    opinion="investigate", at_most="review")  # fmt: skip
    return name
