"""Reading decisions for the pages: lists, one decision with all its effects, what needs a hand."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from openhaven.core import HARMS, Problem
from openhaven.decisions.store import Notice
from openhaven.storage import Tx

# An act or e-mail that has waited so long is shown as slow although it has not failed.
SLOW = timedelta(minutes=2)
# What a platform accepted and has not spoken of for so long may never have been done.
SILENT = timedelta(hours=24)


def title(harm: str, clause_title: str) -> str:
    """Return what a decision is about: the harm in words, or the clause for the harm `other`."""
    return HARMS[harm].words if harm in HARMS and harm != "other" else clause_title


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A decision in a list."""

    id: str
    platform: str
    outcome: str
    harm: str
    clause_title: str
    automated_decision: str
    decided_at: datetime
    until: datetime | None
    state: str
    appeal: str | None
    open_acts: int
    failed_acts: int

    @property
    def what(self) -> str:
        """The harm in plain words; where that says nothing, the clause."""
        return title(self.harm, self.clause_title)


class Appeal(msgspec.Struct, frozen=True):
    """An appeal with the person's own words (None when they were erased) and how it ended."""

    id: str
    decision: str
    state: str
    created_at: datetime
    due_at: datetime
    decided_at: datetime | None
    text: str | None
    reasons: str | None
    decided_by: str | None
    report: str | None = None
    independent: bool = True


class Sent(msgspec.Struct, frozen=True):
    """A notice and how it went by e-mail."""

    id: str
    audience: str
    kind: str
    created_at: datetime
    email_state: str
    email_attempts: int
    email_sent_at: datetime | None
    last_error: str | None
    seen_at: datetime | None
    notice: Notice | None


class Entry(msgspec.Struct, frozen=True):
    """A ledger entry: its place in the tree (None while it waits for one)."""

    id: str
    at: datetime
    kind: str
    actor: str
    idx: int | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An act or an e-mail on its way out."""

    id: str
    decision: str
    platform: str
    verb: str
    state: str
    attempts: int
    next_at: datetime | None
    since: datetime
    last_error: str | None
    able: bool = True


class Troubles(msgspec.Struct, frozen=True):
    """How much of what was decided has not reached the outside, or waits for a second person."""

    acts_failed: int
    acts_slow: int
    notices_failed: int
    second: int


_LINE = """SELECT d.id, p.name AS platform, d.outcome, d.harm, d.clause_title, d.automated_decision,
             d.decided_at, d.until, d.state,
             (SELECT a.state FROM appeals a WHERE a.decision = d.id
              ORDER BY a.created_at DESC LIMIT 1) AS appeal,
             (SELECT count(*) FROM acts a WHERE a.decision = d.id
              AND a.state IN ('intended', 'accepted')) AS open_acts,
             (SELECT count(*) FROM acts a WHERE a.decision = d.id AND a.state = 'failed')
               AS failed_acts
           FROM decisions d JOIN platforms p ON p.id = d.platform
           JOIN cases c ON c.id = d.case_id AND (%(lane)s OR c.lane_at IS NULL) """


def recent(
    tx: Tx, *, before: datetime | None = None, limit: int = 50, lane: bool = False
) -> list[Line]:
    """Return the latest decisions, newest first; `before` turns the page.

    Those about suspected child sexual exploitation are among them with `lane` only.
    """
    sql = (
        _LINE
        + """WHERE %(before)s::timestamptz IS NULL OR d.decided_at < %(before)s
                     ORDER BY d.decided_at DESC LIMIT %(limit)s"""
    )
    return tx.all(sql, Line, before=before, limit=limit, lane=lane)


def of_account(
    tx: Tx, platform: str, account: str, limit: int = 20, *, lane: bool = False
) -> list[Line]:
    """Return the latest decisions on an account of a platform (by its id), as `recent` does."""
    sql = (
        _LINE
        + """WHERE d.platform = %(p)s AND d.account = %(a)s
                     ORDER BY d.decided_at DESC LIMIT %(limit)s"""
    )
    return tx.all(sql, Line, p=platform, a=account, limit=limit, lane=lane)


def of_item(tx: Tx, platform: str, item: str, limit: int = 10, *, lane: bool = False) -> list[Line]:
    """Return the latest decisions on an item of a platform (by its id), as `recent` does."""
    sql = """SELECT id FROM cases WHERE platform = %(p)s AND item = %(i)s"""
    cases = [row["id"] for row in tx.rows(sql, p=platform, i=item)]
    sql = "WHERE d.case_id = ANY(%(c)s) ORDER BY d.decided_at DESC LIMIT %(limit)s"
    return tx.all(_LINE + sql, Line, c=cases, limit=limit, lane=lane)


def of_case(tx: Tx, case: str, limit: int = 20) -> list[Line]:
    """Return the latest decisions on a case, newest first."""
    sql = _LINE + "WHERE d.case_id = %(c)s ORDER BY d.decided_at DESC LIMIT %(limit)s"
    return tx.all(sql, Line, c=case, limit=limit, lane=True)


def of_task(tx: Tx, task: str) -> str | None:
    """Return the decision that the judgement of a task made, if it has been settled."""
    sql = """SELECT d.id FROM decisions d JOIN judgements j ON j.id = d.judgement
             WHERE j.task = %(t)s"""
    found = tx.value(sql, t=task)
    return None if found is None else str(found)


def appeals_of(tx: Tx, decision: str) -> list[Appeal]:
    """Return the appeals against a decision, oldest first, opened."""
    sql = """SELECT a.*, j.facts AS reasons, s.name AS decided_by FROM appeals a
             LEFT JOIN judgements j ON j.id = a.judgement LEFT JOIN staff s ON s.id = j.staff
             WHERE a.decision = %(d)s ORDER BY a.created_at"""
    return [_appeal(tx, row) for row in tx.rows(sql, d=decision)]


def appeals_by(tx: Tx, report: str) -> list[Appeal]:
    """Return the appeals of who sent a report, oldest first, opened."""
    sql = """SELECT a.*, j.facts AS reasons, s.name AS decided_by FROM appeals a
             LEFT JOIN judgements j ON j.id = a.judgement LEFT JOIN staff s ON s.id = j.staff
             WHERE a.report = %(r)s ORDER BY a.created_at"""
    return [_appeal(tx, row) for row in tx.rows(sql, r=report)]


def appeal(tx: Tx, appeal_id: str) -> Appeal:
    """Return an appeal, opened, or raise `Problem` (404)."""
    sql = """SELECT a.*, j.facts AS reasons, s.name AS decided_by FROM appeals a
             LEFT JOIN judgements j ON j.id = a.judgement LEFT JOIN staff s ON s.id = j.staff
             WHERE a.id = %(id)s"""
    rows = tx.rows(sql, id=appeal_id)
    if not rows:
        raise Problem("appeal.unknown", "There is no such appeal.", status=404)
    return _appeal(tx, rows[0])


def _appeal(tx: Tx, row: dict[str, Any]) -> Appeal:
    plain = None if row["body"] is None else tx.keys.open(row["subject"], row["body"])
    return Appeal(row["id"], row["decision"], row["state"], row["created_at"], row["due_at"],
                  row["decided_at"], None if plain is None else plain.decode(), row["reasons"],
                  row["decided_by"], row["report"], row["independent"])  # fmt: skip


def notices_of(tx: Tx, decision: str) -> list[Sent]:
    """Return the notices of a decision, oldest first, opened."""
    sql = "SELECT * FROM notices WHERE decision = %(d)s ORDER BY created_at, id"
    return [_sent(tx, row) for row in tx.rows(sql, d=decision)]


def _sent(tx: Tx, row: dict[str, Any]) -> Sent:
    plain = None if row["body"] is None else tx.keys.open(row["subject"], row["body"])
    opened = None if plain is None else msgspec.json.decode(plain, type=Notice)
    return msgspec.convert({**row, "notice": opened}, Sent)


def ledger_of(tx: Tx, decision: str) -> list[Entry]:
    """Return the ledger entries of a decision, in their order."""
    sql = """SELECT id, at, kind, actor, idx FROM ledger_entries WHERE ids ->> 'decision' = %(d)s
             ORDER BY idx NULLS LAST, at, id LIMIT 200"""
    return tx.all(sql, Entry, d=decision)


def first_judge(tx: Tx, decision: str) -> str | None:
    """Return the name of the member of staff who decided, or None when a rule did."""
    sql = """SELECT s.name FROM decisions d JOIN judgements j ON j.id = d.judgement
             JOIN staff s ON s.id = j.staff WHERE d.id = %(d)s"""
    found = tx.value(sql, d=decision)
    return None if found is None else str(found)


def troubles(tx: Tx) -> Troubles:
    """Count the deliveries that need a hand."""
    sql = """SELECT (SELECT count(*) FROM acts WHERE state = 'failed') AS acts_failed,
               (SELECT count(*) FROM acts WHERE state = 'intended' AND next_at IS NOT NULL
                  AND intended_at < %(slow)s AND (attempts > 0 OR next_at < %(slow)s)) AS acts_slow,
               (SELECT count(*) FROM notices WHERE email_state = 'failed') AS notices_failed,
               (SELECT count(*) FROM approvals WHERE state = 'waiting')
                 + (SELECT count(*) FROM strikes WHERE state = 'waits') AS second"""
    found = tx.one(sql, Troubles, slow=tx.now - SLOW)
    assert found is not None
    return found


def deliveries(tx: Tx, state: str, limit: int = 100) -> list[Delivery]:
    """Return acts in `state` (`failed` or `intended`), with whether the platform knows the verb."""
    sql = """SELECT a.id, a.decision, p.name AS platform, a.verb, a.state, a.attempts, a.next_at,
               coalesce(a.ended_at, a.intended_at) AS since, a.last_error, p.verbs ? a.verb AS able
             FROM acts a JOIN platforms p ON p.id = a.platform WHERE a.state = %(s)s
             ORDER BY a.next_at DESC LIMIT %(limit)s"""
    return tx.all(sql, Delivery, s=state, limit=limit)


def silent(tx: Tx, limit: int = 100) -> list[Delivery]:
    """Return acts that their platform accepted a day ago and never reported done, oldest first.

    What was to be done to somebody who was erased is not among them: nobody could look it up.
    """
    sql = """SELECT a.id, a.decision, p.name AS platform, a.verb, a.state, a.attempts,
               NULL AS next_at, a.accepted_at AS since, a.last_error
             FROM acts a JOIN platforms p ON p.id = a.platform
             WHERE a.state = 'accepted' AND a.accepted_at < %(silent)s AND a.target <> '{}'
             ORDER BY a.accepted_at, a.id LIMIT %(limit)s"""
    return tx.all(sql, Delivery, silent=tx.now - SILENT, limit=limit)


def letters(tx: Tx, state: str, limit: int = 100) -> list[Delivery]:
    """Return e-mails in `state` (`failed` or `intended`); the address stays sealed."""
    sql = """SELECT n.id, n.decision, p.name AS platform, n.kind AS verb, n.email_state AS state,
               n.email_attempts AS attempts, n.email_next_at AS next_at, n.created_at AS since,
               n.last_error
             FROM notices n JOIN decisions d ON d.id = n.decision
             JOIN platforms p ON p.id = d.platform WHERE n.email_state = %(s)s
             ORDER BY n.created_at DESC LIMIT %(limit)s"""
    return tx.all(sql, Delivery, s=state, limit=limit)
