"""Verbs on entries: add, propose and confirm harmless ones, withdraw, let expire."""

from collections.abc import Sequence

from openhaven.core import Problem, permits
from openhaven.ledger import append
from openhaven.signals.banks.actions import CHANNEL, bank_named, tell
from openhaven.signals.banks.model import Added, BankInfo, NewEntry, Refused, fault_of
from openhaven.storage import Tx

EXPIRED = "its time had come"


def add_entries(tx: Tx, name: str, entries: Sequence[NewEntry]) -> Added:
    """Add entries to a bank; those that cannot be used are refused one by one, with a reason.

    An entry that was withdrawn before lives again. Raises `Problem` when there is no such bank, or
    when it is a negative one: what is harmless is proposed and confirmed instead. Values of links
    are canonical (`openhaven.signals.links.canonical`), in UTF-8.
    """
    info = bank_named(tx, name)
    if info.opinion == "negative":
        raise Problem(
            "bank.two_people",
            "What is known to be harmless takes two people.",
            status=409,
            next_step="One proposes it, another one confirms it.",
        )
    return _add(tx, info, entries)


def propose_negative(tx: Tx, name: str, entries: Sequence[NewEntry]) -> Added:
    """Propose entries of a negative bank: they count once another person has confirmed them.

    Raises `Problem` 403 when the actor is no member of staff who may edit banks.
    """
    info = _negative_bank(tx, name)
    _require_editor(tx)
    return _add(tx, info, entries)


def confirm_negative(tx: Tx, name: str, value: bytes) -> int:
    """Confirm what somebody else proposed as harmless; return the entry's id.

    Raises `Problem` 403 when the actor may not edit banks or proposed it, 404 when nothing waits.
    """
    info = _negative_bank(tx, name)
    _require_editor(tx)
    sql = """SELECT id, added_by FROM bank_entries
             WHERE bank = %(bank)s AND sha256(value) = sha256(%(value)s) AND negative
               AND confirmed_at IS NULL AND withdrawn_at IS NULL FOR UPDATE"""
    rows = tx.rows(sql, bank=info.id, value=value)
    if not rows:
        raise _no_entry(name, "It may have been confirmed or withdrawn before.")
    entry, proposer = int(rows[0]["id"]), str(rows[0]["added_by"])
    if proposer == str(tx.actor):
        raise Problem(
            "bank.two_people",
            "You proposed this entry, so somebody else must confirm it.",
            status=403,
            next_step="Ask a colleague who may edit banks.",
        )
    sql = """UPDATE bank_entries SET confirmed_by = %(me)s, confirmed_at = %(now)s
             WHERE id = %(id)s"""
    tx.run(sql, id=entry, me=str(tx.actor), now=tx.now)
    _note(tx, info.id, [entry], "add")
    append(tx, "bank.negative_confirmed", {"bank": info.id, "entry": str(entry)})
    return entry


def withdraw_entry(tx: Tx, name: str, value: bytes, reason: str = "it should not be there") -> int:
    """Take one entry out of a bank and return its id; it stays on record and matches no more.

    What rested on it is looked for and put before a person again. A proposed entry of a negative
    bank is withdrawn in the same way. Raises `Problem` when the bank has no such entry.
    """
    info = bank_named(tx, name)
    sql = """SELECT id FROM bank_entries
             WHERE bank = %(bank)s AND sha256(value) = sha256(%(value)s) AND withdrawn_at IS NULL"""
    entry = tx.value(sql, bank=info.id, value=value)
    if entry is None or not withdraw_entries(tx, [int(entry)], reason):
        raise _no_entry(name, "Check the value; it may have been withdrawn before.")
    append(tx, "bank.entry_withdrawn", {"bank": info.id, "entry": str(entry)})
    return int(entry)


def withdraw_entries(tx: Tx, ids: Sequence[int], reason: str) -> int:
    """Withdraw those of these entries that were not yet; return how many that were.

    The caller writes the ledger's entry, since one may speak of many.
    """
    sql = """UPDATE bank_entries SET withdrawn_at = %(now)s, withdrawn_by = %(actor)s,
               withdrawn_reason = %(reason)s
             WHERE id = ANY(%(ids)s) AND withdrawn_at IS NULL RETURNING id, bank"""
    rows = tx.rows(sql, ids=list(ids), now=tx.now, actor=str(tx.actor), reason=reason[:500])
    return _withdrawn(tx, rows)


def expire(tx: Tx, limit: int = 10_000) -> int:
    """Withdraw entries whose time has come and switch off such banks; return how many entries."""
    sql = """UPDATE banks SET mode = 'off' WHERE expires_at <= %(now)s AND mode <> 'off'
             RETURNING id"""
    for row in tx.rows(sql, now=tx.now):
        tell(tx, str(row["id"]))
        append(tx, "bank.expired", {"bank": str(row["id"])})
    sql = """UPDATE bank_entries SET withdrawn_at = %(now)s, withdrawn_by = %(actor)s,
               withdrawn_reason = %(reason)s
             WHERE id IN (SELECT id FROM bank_entries WHERE expires_at <= %(now)s
                          AND withdrawn_at IS NULL LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
             RETURNING id, bank"""
    rows = tx.rows(sql, now=tx.now, actor=str(tx.actor), reason=EXPIRED, limit=limit)
    found = _withdrawn(tx, rows)
    if found:
        append(tx, "bank.entries_expired", {"count": str(found)})
    return found


# Inside ---------------------------------------------------------------------------------------


def _add(tx: Tx, info: BankInfo, entries: Sequence[NewEntry]) -> Added:
    refused = []
    taken: dict[bytes, NewEntry] = {}
    for place, entry in enumerate(entries):
        if reason := fault_of(info.kind, entry.value, entry.quality):
            refused.append(Refused(place, reason))
        else:
            taken.setdefault(entry.value, entry)
    added = _insert(tx, info, list(taken.values())) if taken else 0
    if added:
        kind = "bank.negatives_proposed" if info.opinion == "negative" else "bank.entries_added"
        append(tx, kind, {"bank": info.id, "count": str(added)})
    return Added(added, len(entries) - len(refused) - added, tuple(refused))


def _insert(tx: Tx, info: BankInfo, entries: list[NewEntry]) -> int:
    sql = """WITH given AS (
               SELECT * FROM unnest(%(values)s::bytea[], %(qualities)s::int[], %(origins)s::text[],
                 %(ids)s::text[], %(tags)s::text[], %(ends)s::timestamptz[])
                 AS given (value, quality, provenance, source_id, tags, expires_at)
             ), put AS (
               INSERT INTO bank_entries (bank, value, quality, provenance, source_id, tags,
                 expires_at, negative, added_by, added_at)
               SELECT %(bank)s, value, quality, provenance, source_id,
                 coalesce(string_to_array(nullif(tags, ''), chr(31)), '{}'), expires_at,
                 %(negative)s, %(actor)s, %(now)s FROM given
               ON CONFLICT (bank, sha256(value)) DO UPDATE SET withdrawn_at = NULL,
                 withdrawn_by = NULL, withdrawn_reason = NULL, confirmed_by = NULL,
                 confirmed_at = NULL, source = NULL,
                 quality = excluded.quality, provenance = excluded.provenance,
                 source_id = excluded.source_id, tags = excluded.tags,
                 expires_at = excluded.expires_at, added_by = excluded.added_by,
                 added_at = excluded.added_at
                 WHERE bank_entries.withdrawn_at IS NOT NULL
               RETURNING id
             )
             INSERT INTO bank_changes (bank, entry, op, at)
             SELECT %(bank)s, id, 'add', %(now)s FROM put"""
    added = tx.run(
        sql,
        bank=info.id,
        negative=info.opinion == "negative",
        actor=str(tx.actor),
        now=tx.now,
        values=[entry.value for entry in entries],
        qualities=[entry.quality for entry in entries],
        origins=[entry.provenance for entry in entries],
        ids=[entry.source_id for entry in entries],
        tags=["\x1f".join(entry.tags) for entry in entries],
        ends=[entry.expires_at for entry in entries],
    )
    if added:
        tx.wake(CHANNEL)
    return added


def _withdrawn(tx: Tx, rows: Sequence[dict[str, object]]) -> int:
    """Write down that these entries (id and bank) match no more, and recall what they caused."""
    if not rows:
        return 0
    sql = """INSERT INTO bank_changes (bank, entry, op, at)
             SELECT bank, entry, 'withdraw', %(now)s
             FROM unnest(%(banks)s::text[], %(ids)s::bigint[]) AS gone (bank, entry)"""
    ids = [row["id"] for row in rows]
    tx.run(sql, banks=[row["bank"] for row in rows], ids=ids, now=tx.now)
    sql = """INSERT INTO bank_recalls (entry, at) SELECT unnest(%(ids)s::bigint[]), %(now)s
             ON CONFLICT (entry) DO UPDATE SET at = excluded.at"""
    tx.run(sql, ids=ids, now=tx.now)
    tx.wake(CHANNEL)
    return len(rows)


def _note(tx: Tx, bank: str, ids: Sequence[int], op: str) -> None:
    sql = """INSERT INTO bank_changes (bank, entry, op, at)
             SELECT %(bank)s, unnest(%(ids)s::bigint[]), %(op)s, %(now)s"""
    tx.run(sql, bank=bank, ids=list(ids), op=op, now=tx.now)
    tx.wake(CHANNEL)


def _negative_bank(tx: Tx, name: str) -> BankInfo:
    info = bank_named(tx, name)
    if info.opinion != "negative":
        raise Problem("bank.opinion", f"“{name}” is no bank of what is known to be harmless.",
                      next_step="Choose a bank whose opinion is negative.")  # fmt: skip
    return info


def _require_editor(tx: Tx) -> None:
    if tx.actor.kind != "staff" or not permits(tx.actor.roles, "bank.edit"):
        raise Problem("permission", "Only a member of staff who may edit banks can do this.",
                      status=403, next_step="Ask somebody with the role “policy”.")  # fmt: skip


def _no_entry(name: str, hint: str) -> Problem:
    return Problem("bank.no_entry", f"The bank “{name}” has no such entry.", status=404,
                   next_step=hint)  # fmt: skip
