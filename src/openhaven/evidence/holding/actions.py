"""Verbs of holds: place, renew, release, end what is over, and destroy what nothing keeps."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.evidence import store
from openhaven.evidence.actions import touch
from openhaven.evidence.model import GRACE, Hold, Item, ground
from openhaven.storage import Tx

_STEP = 100
# Holds that end so near to each other are one, asked for twice.
_TWICE = timedelta(days=1)
# The longest reference of a hold, in characters.
_LONGEST = 200


def hold(
    tx: Tx, target: Item | str, ground_code: str, until: datetime | None = None, reference: str = ""
) -> Hold:
    """Hold a case (by its id) or one item of it; return the hold.

    Without `until` it stands for as long as its ground says, and never longer. `reference` is what
    names the duty: a report's number, a letter, the operator's reason. The same hold twice is one.
    Raises `Problem`: 400 for an unknown ground, a day that is over or too late, or no reason where
    the operator's own is the ground; 404 for an unknown case or item.
    """
    why = ground(ground_code)
    longest = why.until(tx.now)
    end = longest if until is None else until
    if not tx.now < end <= longest:
        raise Problem("hold.until", f"“{why.words}” holds from now on, until {longest:%d %B %Y} "
                      "at the latest.", next_step="Choose a day until then.")  # fmt: skip
    if ground_code == "operator" and not reference.strip():
        raise Problem("hold.reason", "A hold of one's own needs a reason.",
                      next_step="Say in a few words why this is to be kept.")  # fmt: skip
    if len(reference) > _LONGEST:
        raise Problem("hold.reference", "This is too long.",
                      next_step=f"Write up to {_LONGEST} characters.")  # fmt: skip
    case, item = _target(tx, target)
    found = _same(tx, case, item, ground_code, reference, end)
    if found is not None:
        return found
    hold_id = new_id("hld")
    tx.run(
        """INSERT INTO holds (id, case_id, item, ground, reference, sealed_reference, placed_by,
             placed_at, until)
           VALUES (%(id)s, %(case)s, %(item)s, %(ground)s, '', %(reference)s, %(by)s, %(now)s,
             %(until)s)""",
        id=hold_id, case=case, item=item, ground=ground_code, by=str(tx.actor), now=tx.now,
        until=end, reference=tx.keys.seal(store.hold_subject(hold_id), reference.encode()),
    )  # fmt: skip
    ledger.append(tx, "hold.placed", {"hold": hold_id, "case": case}, row=("holds", hold_id))
    return store.hold_of(tx, hold_id)


def _target(tx: Tx, target: Item | str) -> tuple[str, str | None]:
    """Lock what is to be held, so that it is not destroyed meanwhile; return case and item."""
    if isinstance(target, str) and not target.startswith("evi_"):
        sql = "SELECT id FROM evidence_items WHERE case_id = %(c)s ORDER BY id FOR UPDATE"
        tx.rows(sql, c=target)
        if not tx.value("SELECT 1 FROM cases WHERE id = %(c)s", c=target):
            raise Problem("case.unknown", "There is no such case.", status=404)
        return target, None
    item_id = target if isinstance(target, str) else target.id
    tx.rows("SELECT id FROM evidence_items WHERE id = %(i)s FOR UPDATE", i=item_id)
    found = store.item(tx, item_id)
    if found.destroyed_at is not None:
        raise Problem("evidence.destroyed", "This item was destroyed.", status=410)
    return found.case_id, found.id


def _same(
    tx: Tx, case: str, item: str | None, code: str, reference: str, end: datetime
) -> Hold | None:
    # What is asked for a second time, to keep it for longer, is another hold.
    return next((one for one in store.holds(tx, case) if one.stands(tx.now)
                 and one.until > end - _TWICE
                 and (one.item, one.ground, one.reference) == (item, code, reference)),
                None)  # fmt: skip


def renew(tx: Tx, hold_id: str) -> Hold:
    """Let a hold stand once more for as long as its ground allows, and return it.

    Raises `Problem`: 404, 409 when it is over, was renewed, or its ground knows no renewal.
    """
    tx.rows("SELECT id FROM holds WHERE id = %(h)s FOR UPDATE", h=hold_id)
    found = store.hold_of(tx, hold_id)
    more = ground(found.ground).renew_days
    if not more or found.renewed_at is not None or not found.stands(tx.now):
        raise Problem("hold.renew", "This hold cannot be renewed.", status=409,
                      next_step="Place another one, if there is a ground for it.")  # fmt: skip
    sql = "UPDATE holds SET until = %(u)s, renewed_at = %(now)s WHERE id = %(h)s"
    tx.run(sql, u=found.until + timedelta(days=more), now=tx.now, h=hold_id)
    ledger.append(tx, "hold.renewed", {"hold": hold_id, "case": found.case_id})
    return store.hold_of(tx, hold_id)


def release_hold(tx: Tx, hold_id: str) -> None:
    """End a hold before its time; raises `Problem` 409 for one that a statute asks for, or over."""
    tx.rows("SELECT id FROM holds WHERE id = %(h)s FOR UPDATE", h=hold_id)
    found = store.hold_of(tx, hold_id)
    if not found.stands(tx.now):
        raise Problem("hold.over", "This hold is over already.", status=409)
    if ground(found.ground).statutory:
        raise Problem("hold.statutory", "The law asks for this hold: nobody here ends it early.",
                      ground(found.ground).law, status=409,
                      next_step=f"It ends by itself on {found.until:%d %B %Y}.")  # fmt: skip
    _end(tx, [found], "released")


def end_over(tx: Tx) -> int:
    """End the holds whose time has come; return how many."""
    over = store.ending(tx, tx.now + timedelta(microseconds=1))
    _end(tx, over, "over")
    return len(over)


def _end(tx: Tx, ended: Sequence[Hold], why: str) -> None:
    # One that was renewed or released while this waited for its row is left as it is.
    sql = """UPDATE holds SET ended_at = %(now)s, why_ended = %(why)s
             WHERE id = ANY(%(ids)s) AND ended_at IS NULL
               AND (%(why)s = 'released' OR until <= %(now)s) RETURNING id, case_id"""
    rows = tx.rows(sql, now=tx.now, why=why, ids=[one.id for one in ended])
    ledger.append_many(tx, [ledger.New("hold.ended", {"hold": row["id"], "case": row["case_id"]})
                            for row in rows])  # fmt: skip
    _forget_references(tx, [str(row["case_id"]) for row in rows])


def _forget_references(tx: Tx, cases: Sequence[str]) -> None:
    """Forget the references of holds that are over, where somebody's erasure asked for it."""
    sql = """SELECT h.id FROM holds h WHERE h.case_id = ANY(%(c)s) AND h.ended_at IS NOT NULL
             AND EXISTS (SELECT 1 FROM evidence_items i WHERE i.case_id = h.case_id
                         AND i.erase_asked_at IS NOT NULL)"""
    for row in tx.rows(sql, c=list(cases)):
        tx.keys.destroy(store.hold_subject(str(row["id"])))


# The end of an item ----------------------------------------------------------------------------

# The hold on a report's reference is none on its content: the filing keeps the reference.
_FREE = """NOT EXISTS (SELECT 1 FROM holds h WHERE h.case_id = i.case_id AND h.ended_at IS NULL
             AND h.until > %(now)s AND h.ground <> 'uk.nca.reference'
             AND (h.item IS NULL OR h.item = i.id))"""


def forget_case(tx: Tx, cases: Sequence[str]) -> int:
    """Destroy what is sealed of these cases, at once or when its last hold ends; return how many
    were destroyed at once. For the erasure of a person."""
    sql = """UPDATE evidence_items SET erase_asked_at = coalesce(erase_asked_at, %(now)s)
             WHERE case_id = ANY(%(c)s) AND destroyed_at IS NULL"""
    tx.run(sql, now=tx.now, c=list(cases))
    _forget_references(tx, cases)
    sql = f"""SELECT id FROM evidence_items i WHERE case_id = ANY(%(c)s) AND destroyed_at IS NULL
              AND {_FREE} ORDER BY id FOR UPDATE"""  # noqa: S608 (a constant)
    return _destroy(tx, [str(r["id"]) for r in tx.rows(sql, c=list(cases), now=tx.now)])


def let_go(tx: Tx) -> int:
    """Destroy up to 100 items that no hold keeps any more; return how many.

    That is what somebody's erasure asked for, what a hold stood on that is over, and what nobody
    ever held within a week.
    """
    sql = f"""SELECT i.id FROM evidence_items i WHERE i.destroyed_at IS NULL AND {_FREE}
              AND (i.erase_asked_at IS NOT NULL OR i.received_at < %(grace)s)
              ORDER BY i.received_at, i.id LIMIT {_STEP} FOR UPDATE SKIP LOCKED"""  # noqa: S608
    found = [str(row["id"]) for row in tx.rows(sql, now=tx.now, grace=tx.now - GRACE)]
    return _destroy(tx, still_free(tx, found))


def still_free(tx: Tx, locked: Sequence[str]) -> list[str]:
    """Return those of these items, which are locked, that no hold keeps.

    Who places a hold locks the items first. What looked for them here may have begun before that
    was done and locked them after it: it has not seen the hold. This does, and none comes now.
    """
    sql = f"""SELECT i.id FROM evidence_items i WHERE i.id = ANY(%(ids)s) AND {_FREE}
              ORDER BY i.id"""  # noqa: S608 (a constant)
    return [str(row["id"]) for row in tx.rows(sql, ids=list(locked), now=tx.now)]


def _destroy(tx: Tx, ids: Sequence[str]) -> int:
    """Destroy the keys of items, with a ledger entry for each; nobody opens them again."""
    for item in ids:
        touch(tx, item, "destroyed", "no hold stands")
        tx.run("DELETE FROM evidence_keys WHERE item = %(i)s", i=item)
        tx.keys.destroy(store.subject_of(item))
        sql = "UPDATE evidence_items SET destroyed_at = %(now)s, about = NULL WHERE id = %(i)s"
        tx.run(sql, now=tx.now, i=item)
    ledger.destroy_salts(tx, "evidence_items", ids)
    return len(ids)


def note_removed(tx: Tx, item: str) -> None:
    """Write down that the sealed bytes of a destroyed item are gone from the store."""
    sql = "UPDATE evidence_items SET removed_at = %(now)s WHERE id = %(i)s AND removed_at IS NULL"
    if tx.run(sql, now=tx.now, i=item):
        touch(tx, item, "removed", "after its destruction")


def mark_kept(tx: Tx, item: str, until: datetime) -> None:
    """Note until when the store was told to keep an item."""
    tx.run("UPDATE evidence_items SET kept_until = %(u)s WHERE id = %(i)s", u=until, i=item)
