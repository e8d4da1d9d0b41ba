"""The verb of interim measures: hide something until somebody has decided."""

from datetime import datetime, timedelta
from typing import Protocol

from openhaven import intake
from openhaven.core import Problem
from openhaven.decisions.actions import Voice, decide, verbs_of
from openhaven.decisions.kinds import content_types
from openhaven.decisions.model import INTERIM_BY, Decision, Draft
from openhaven.intake import Event
from openhaven.policy import Clause
from openhaven.staff import approvals
from openhaven.storage import Tx

LONGEST = timedelta(days=7)
KIND = "interim-again"
# What was hidden before a decision within this time is not hidden again by one person alone.
SPAN = timedelta(days=90)


class Matter(Protocol):
    """What is read of a case: a judgement that waits has it, and so has a task."""

    @property
    def case_id(self) -> str: ...
    @property
    def platform(self) -> str: ...
    @property
    def item(self) -> str | None: ...
    @property
    def account(self) -> str | None: ...
    @property
    def harm(self) -> str: ...
    @property
    def event(self) -> int | None: ...
    @property
    def reports(self) -> int: ...


def hide(
    tx: Tx, about: Matter, clause: Clause, pack: str, facts: str, lasts: timedelta, by: str,
    voice: Voice,
) -> Decision | None:  # fmt: skip
    """Hide the item of a case for `lasts` (seven days at most), and tell the person.

    `by` is the member of staff. What was hidden within the last 90 days is hidden again once a
    second person has agreed: the first call asks them and returns None, the next one finds their
    answer. Raises `Problem`: 409 where it is hidden already, the platform cannot take it back, or
    the second person waits or did not agree; 400 for what is no item, no reason, or too long.
    """
    facts = facts.strip()
    if about.item is None or not timedelta(0) < lasts <= LONGEST or not 1 <= len(facts) <= 5_000:
        raise Problem("interim.wrong", "An item is hidden for seven days at most, with a reason.",
                      next_step="Say what you saw and why waiting could do harm.")  # fmt: skip
    if not verbs_of(tx, about.platform).get("restrict"):
        raise Problem("interim.platform", "This platform cannot hide something and show it again.",
                      status=409, next_step="Judge the matter now.")  # fmt: skip
    tx.run("SELECT 1 FROM cases WHERE id = %(c)s FOR UPDATE", c=about.case_id)
    if hidden(tx, about.case_id):
        raise Problem("interim.hidden", "It is hidden already.", status=409,
                      next_step="Judge the matter when you are ready.")  # fmt: skip
    if not _agreed(tx, about, facts, by):
        return None
    return decide(tx, _draft(tx, about, clause, pack, facts, lasts, by), voice)


def _agreed(tx: Tx, about: Matter, facts: str, by: str) -> bool:
    """Say whether it may be hidden: for the first time, or with a second person's word.

    Whom nobody has asked yet is asked now.
    """
    last = hidden_before(tx, about.platform, about.item)
    if last is None:
        return True
    match approvals.state_of(tx, KIND, last):
        case "approved" | "alone":
            return True
        case "waiting":
            raise Problem("interim.asked", "A second person has been asked already.", status=409,
                          next_step="Judge the matter, or come back when they have answered.",
                          )  # fmt: skip
        case "refused":
            raise Problem("interim.refused", "A second person did not agree to hide it again.",
                          status=409, next_step="Judge the matter now.")  # fmt: skip
    approvals.ask(tx, KIND, last, facts[:2_000], by=by)
    return approvals.state_of(tx, KIND, last) == "alone"


def hidden_before(tx: Tx, platform: str, item: str | None) -> str | None:
    """Return the last decision that hid an item before anybody decided, of the last 90 days."""
    sql = """SELECT id FROM decisions WHERE platform = %(p)s AND item = %(i)s
               AND decided_by LIKE 'held:staff:%%' AND decided_at > %(since)s
             ORDER BY decided_at DESC, id DESC LIMIT 1"""
    last = tx.value(sql, p=platform, i=item, since=tx.now - SPAN)
    return None if last is None else str(last)


def hidden(tx: Tx, case: str) -> bool:
    """Say whether a decision in force hides what a case is about."""
    sql = """SELECT 1 FROM decisions WHERE case_id = %(c)s AND state = 'in_force'
             AND outcome IN ('remove', 'block', 'restrict') LIMIT 1"""
    return tx.value(sql, c=case) is not None


def _draft(
    tx: Tx, about: Matter, clause: Clause, pack: str, facts: str, lasts: timedelta, by: str
) -> Draft:
    event, at = _event(tx, about)
    known = intake.account_of(tx, about.platform, about.account) if about.account else None
    media = intake.media_facts(
        tx, about.platform, [ref.id for ref in event.item.media] if event and event.item else []
    )
    return Draft(
        case_id=about.case_id,
        platform=about.platform,
        outcome="restrict",
        harm=about.harm,
        clause=clause.anchor,
        clause_title=clause.title,
        clause_text=clause.text,
        ground=clause.ground,
        ground_reference=clause.reference,
        pack=pack,
        facts=facts,
        source="report" if about.reports else "own_initiative",
        automated_detection=not about.reports,
        automated_decision="not",
        content_type=content_types(event, media),
        content_at=at or tx.now,
        decided_by=f"{INTERIM_BY}{by}",
        account=about.account if known else None,
        subject=known.subject if known else None,
        item=about.item,
        event=about.event,
        until=tx.now + lasts,
    )


def _event(tx: Tx, about: Matter) -> tuple[Event | None, datetime | None]:
    if about.event is None:
        return None, None
    row, event = intake.open_event(tx, about.event)
    return (None, None) if row.kind == "report.create" else (event, row.at)
