"""Verbs of copies: begin a list, carry it out, and take it back with the first decision."""

from collections.abc import Collection

from msgspec.structs import asdict, replace

from openhaven import intake, ledger, review
from openhaven.core import Problem, new_id
from openhaven.decisions.actions import Voice, decide
from openhaven.decisions.copies.model import Copy, Listed
from openhaven.decisions.copies.store import copies_of, find, listed
from openhaven.decisions.model import Decision, Draft
from openhaven.decisions.store import decision
from openhaven.staff import approvals
from openhaven.storage import Tx

KIND = "bulk"


def begin(
    tx: Tx, made: Decision, items: Collection[str], voice: Voice, *, alone_upto: int
) -> Listed:
    """Deal with these copies of what was decided on as with the first; return their list.

    With more than `alone_upto` a second person is asked first, where there is one. Raises
    `Problem`: 409 where the decision holds no more or was not a person's, 400 for none or for one
    that is no copy.
    """
    tx.run("SELECT 1 FROM decisions WHERE id = %(d)s FOR UPDATE", d=made.id)
    made = decision(tx, made.id)
    if made.state != "in_force" or made.judgement is None or tx.actor.kind != "staff":
        raise Problem("copies.decision", "Only with what a person decided, and what holds.",
                      status=409, next_step="Look at the decision again.")  # fmt: skip
    chosen = [one for one in find(tx, made) if one.item in set(items)]
    if not chosen or len(chosen) != len(set(items)):
        raise Problem("copies.none", "Choose at least one, and only what is on the list.",
                      next_step="The list may have changed: look at it again.")  # fmt: skip
    kept = _keep(tx, made, chosen, alone_upto)
    if kept.n > alone_upto:
        approvals.ask(tx, KIND, kept.id, f"{kept.n} copies of one item: {made.facts}"[:2_000])
    follow(tx, voice)
    return listed(tx, kept.id)


def _keep(tx: Tx, made: Decision, chosen: list[Copy], alone_upto: int) -> Listed:
    kept = new_id("cpl")
    tx.run(
        """INSERT INTO copy_lists (id, decision, asked_by, asked_at, state, n, alone_upto)
           VALUES (%(id)s, %(d)s, %(me)s, %(now)s, 'waits', %(n)s, %(alone)s)""",
        id=kept,
        d=made.id,
        me=tx.actor.id,
        now=tx.now,
        n=len(chosen),
        alone=alone_upto,
    )
    tx.run(
        """INSERT INTO copy_items (list, item, event, how)
           SELECT %(l)s, *
           FROM unnest(%(items)s::text[], %(events)s::bigint[], %(hows)s::text[])""",
        l=kept,
        items=[one.item for one in chosen],
        events=[one.event for one in chosen],
        hows=[one.how for one in chosen],
    )
    ids = {"list": kept, "decision": made.id}
    ledger.append(tx, "copies.listed", ids, row=("copy_lists", kept))
    return listed(tx, kept)


def follow(tx: Tx, voice: Voice) -> int:
    """Carry out lists that may be, and end those that were refused; return how many."""
    sql = "SELECT id FROM copy_lists WHERE state = 'waits' ORDER BY id FOR UPDATE SKIP LOCKED"
    ended = 0
    for row in tx.rows(sql):
        one = listed(tx, str(row["id"]))
        said = approvals.state_of(tx, KIND, one.id)
        if one.n <= one.alone_upto or said in ("approved", "alone"):
            _carry_out(tx, one, voice)
        elif said in ("refused", "lapsed"):
            _end(tx, one, "refused")
        else:
            continue
        ended += 1
    return ended


def _carry_out(tx: Tx, one: Listed, voice: Voice) -> None:
    # Whoever overturns it now waits, and then finds these copies; or is waited for.
    tx.run("SELECT 1 FROM decisions WHERE id = %(d)s FOR UPDATE", d=one.decision)
    made = decision(tx, one.decision)
    if made.state != "in_force":
        _end(tx, one, "refused")
        return
    for copy in copies_of(tx, one.id):
        same = decide(tx, _draft(tx, made, copy), voice)
        sql = "UPDATE copy_items SET decision = %(d)s WHERE list = %(l)s AND item = %(i)s"
        tx.run(sql, d=same.id, l=one.id, i=copy.item)
    _end(tx, one, "done")


def _end(tx: Tx, one: Listed, state: str) -> None:
    tx.run("UPDATE copy_lists SET state = %(s)s WHERE id = %(id)s", s=state, id=one.id)
    ledger.append(tx, f"copies.{state}", {"list": one.id, "decision": one.decision})


def _draft(tx: Tx, made: Decision, copy: Copy) -> Draft:
    """Return the decision on a copy: as the first, about another item and perhaps somebody else."""
    known = intake.account_of(tx, made.platform, copy.account)
    first = Draft(**{name: asdict(made)[name] for name in Draft.__struct_fields__})
    return replace(
        first,
        case_id=review.case_for(tx, made.platform, copy.item, copy.account, made.harm),
        item=copy.item,
        account=copy.account if known else None,
        subject=known.subject if known else None,
        event=copy.event,
        content_at=copy.at,
        judgement=None,
        copy_of=made.id,
    )
