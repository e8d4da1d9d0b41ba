"""Verbs of appeals: appeal, uphold, reject; and the end of a decision whose time has come."""

import msgspec

from openhaven import ledger, review
from openhaven.core import HARMS, Problem, new_id
from openhaven.core.words import mark
from openhaven.decisions import exceptions, penalties, strikes, words
from openhaven.decisions.actions import (
    Voice,
    intend,
    reader_of,
    tell,
    tell_reporter,
    verbs_of,
)
from openhaven.decisions.appeals.store import Reported
from openhaven.decisions.model import APPEAL_CLOCK, RESTRICTIONS, Decision, reversing
from openhaven.decisions.store import Notice, acts_of, decision
from openhaven.review.reopening import decide_anew, let_same_look_again
from openhaven.staff import approvals
from openhaven.storage import Tx


def appeal(tx: Tx, made: Decision, text: str, report: Reported | None = None) -> str:
    """Store an appeal against a decision and ask another person; return the appeal's id.

    It is of the person acted against, or of who sent `report` and finds that nothing was done.
    What has ended by itself can still be contested: it stays on the person's record. Raises
    `Problem` 409 when there was an appeal already, the decision was overturned, or (for who
    reported) something was done; and 410 when the window of at least six months has passed.
    """
    tx.run("SELECT 1 FROM decisions WHERE id = %(d)s FOR UPDATE", d=made.id)
    made = decision(tx, made.id)
    text = text.strip()
    if not 1 <= len(text) <= 10_000:
        raise Problem("appeal.text",
                      mark("Tell us in a few words why you think the decision is wrong."),
                      next_step=mark("Write up to 10,000 characters."))  # fmt: skip
    _require_open(tx, made, report)
    appeal_id = new_id("apl")
    subject = report.subject if report else made.subject or made.id
    tx.run(
        """INSERT INTO appeals (id, decision, subject, body, created_at, due_at, report)
           VALUES (%(id)s, %(d)s, %(subject)s, %(body)s, %(now)s, %(due)s, %(report)s)""",
        id=appeal_id,
        d=made.id,
        subject=subject,
        body=tx.keys.seal(subject, text.encode()),
        now=tx.now,
        due=tx.now + APPEAL_CLOCK,
        report=report.id if report else None,
    )
    ids = {"appeal": appeal_id, "decision": made.id}
    ledger.append(tx, "appeal.received", ids, row=("appeals", appeal_id))
    severity = HARMS[made.harm].severity
    review.open_appeal_task(tx, made.case_id, appeal_id, made.event, min(severity, 3))
    return appeal_id


def _require_open(tx: Tx, made: Decision, report: Reported | None) -> None:
    """Raise `Problem` when this decision cannot be appealed against by this side, or any more."""
    if made.state == "overturned":
        raise Problem("appeal.moot", mark("This decision does not hold any more."), status=409,
                      next_step=mark("There is nothing left to appeal."))  # fmt: skip
    if made.account is None and made.item is None:
        raise Problem("appeal.erased", mark("What this decision was about has been erased."),
                      status=410,
                      next_step=mark("You can still turn to a court."))  # fmt: skip
    if tx.now > made.appeal_until:
        raise Problem("appeal.late", mark("The time for an appeal has passed."), status=410,
                      next_step=mark("You can still turn to a court."))  # fmt: skip
    if report is not None and made.outcome != "allow":
        raise Problem("appeal.done", mark("Something was done about your report."), status=409,
                      next_step=mark("If it goes on, please report it again."))  # fmt: skip
    sql = """SELECT 1 FROM appeals WHERE decision = %(d)s
             AND report IS NOT DISTINCT FROM %(report)s::text"""
    if tx.value(sql, d=made.id, report=report.id if report else None):
        raise Problem("appeal.twice", mark("There is already an appeal against this decision."),
                      status=409,
                      next_step=mark("You will hear from us; this page shows how far it is."),
                      )  # fmt: skip


def overturn(tx: Tx, given: review.Given, voice: Voice) -> None:
    """Uphold an appeal: one transaction ends the decision and intends everything that undoes it.

    Where it was about nothing having been done, somebody else decides the matter anew.
    """
    # The case before its tasks, as whoever opens one on it takes them. Others may refer to it.
    tx.run("SELECT 1 FROM cases WHERE id = %(c)s FOR NO KEY UPDATE", c=given.case_id)
    made, one = _end_appeal(tx, given, "upheld")
    undo(tx, made, given.id)
    _take_back_copies(tx, made, given, voice)
    if one.report is None:
        _tell_end(tx, made, given, voice, one, upheld=True)
        return
    tx.wake("console")
    for other in (one, *_others(tx, made, given)):
        assert other.report is not None  # only who reported appeals against nothing being done
        decide_anew(tx, made.case_id, other.report, given.staff)
        _answer(tx, made, other.report, given, voice, other, upheld=True)


def _others(tx: Tx, made: Decision, given: review.Given) -> list["_Ended"]:
    """End what others who reported the same appealed, unless somebody has judged it already."""
    sql = """SELECT id, decision, subject, report, true AS independent FROM appeals
             WHERE decision = %(d)s AND state = 'open' AND report IS NOT NULL
             ORDER BY id FOR UPDATE SKIP LOCKED"""
    ended = [other for other in tx.all(sql, _Ended, d=made.id)
             if review.cancel_appeal_task(tx, other.id)]  # fmt: skip
    for other in ended:
        _close_appeal(tx, other.id, made.id, given.id, "upheld")
    return ended


def _take_back_copies(tx: Tx, made: Decision, given: review.Given, voice: Voice) -> None:
    """Take back what was decided on copies, since the first decision was wrong."""
    sql = "SELECT id FROM decisions WHERE copy_of = %(d)s AND state <> 'overturned' ORDER BY id"
    for row in tx.rows(sql, d=made.id):
        take_back(tx, str(row["id"]), given, voice)


def undo(tx: Tx, made: Decision, judgement: str) -> bool:
    """End a decision and what followed from it, with its copies; say whether it still held."""
    ended = tx.run(
        """UPDATE decisions SET state = 'overturned', overturned_by = %(j)s, overturned_at = %(now)s
           WHERE id = %(d)s AND state <> 'overturned'""",
        j=judgement,
        now=tx.now,
        d=made.id,
    )
    if not ended:
        return False
    ledger.append(tx, "decision.overturned", {"decision": made.id, "judgement": judgement})
    strikes.lift(tx, made.id)
    _reverse_acts(tx, made)
    _release_all(tx, made)
    return True


def take_back(tx: Tx, decision_id: str, given: review.Given, voice: Voice) -> None:
    """End a decision that a person found wrong without an appeal, and undo what it did.

    An appeal that still waits for a look is answered by this: it was right. One that somebody has
    judged already ends as that person said, and so does the decision.
    """
    waiting = tx.value("""SELECT id FROM appeals WHERE decision = %(d)s AND state = 'open'
                            AND report IS NULL""", d=decision_id)  # fmt: skip
    if waiting is not None and not review.cancel_appeal_task(tx, str(waiting)):
        return
    made = decision(tx, decision_id)
    if not undo(tx, made, given.id):
        return
    _take_back_copies(tx, made, given, voice)
    if waiting is None:
        _say(
            tx,
            made,
            "taken_back",
            words.taken_back(voice.service, made, given.facts, reader_of(tx, made, voice)),
        )
        return
    _close_appeal(tx, str(waiting), made.id, given.id, "upheld")
    told = words.appeal_outcome(
        voice.service, made, given.facts, reader_of(tx, made, voice), upheld=True
    )
    _say(tx, made, "appeal_upheld", told)


def take_back_rules(tx: Tx, given: review.Given, voice: Voice) -> None:
    """Take back what rules alone decided on the item that a person has just found in order.

    That may stand in an earlier case on the same item. What a person decided, or confirmed on
    appeal, is left as it is, and so is what a rule did since the person looked.
    """
    sql = """SELECT d.id FROM decisions d
             WHERE d.platform = %(p)s AND d.item = %(item)s AND d.state = 'in_force'
               AND d.decided_by LIKE 'rule:%%' AND d.outcome = ANY(%(kinds)s)
               AND d.decided_at <= %(seen)s
               AND NOT EXISTS (SELECT 1 FROM appeals a
                               WHERE a.decision = d.id AND a.state = 'rejected')
               AND NOT EXISTS (SELECT 1 FROM decisions o
                 WHERE o.platform = d.platform AND o.item = d.item AND o.state = 'in_force'
                   AND o.decided_by LIKE 'staff:%%' AND o.outcome = ANY(%(kinds)s))
             ORDER BY d.id FOR UPDATE OF d"""
    if given.item is None:
        return
    values = {"p": given.platform, "item": given.item, "seen": given.at}
    for row in tx.rows(sql, kinds=sorted(RESTRICTIONS), **values):
        take_back(tx, str(row["id"]), given, voice)


def reject(tx: Tx, given: review.Given, voice: Voice) -> None:
    """Reject an appeal: the decision stays, and the person is told why."""
    made, one = _end_appeal(tx, given, "rejected")
    if one.report is None:
        _tell_end(tx, made, given, voice, one, upheld=False)
    else:
        _answer(tx, made, one.report, given, voice, one, upheld=False)


class _Ended(msgspec.Struct, frozen=True):
    """An appeal that has just ended: who made it, and whether somebody independent heard it."""

    id: str
    decision: str
    subject: str
    report: str | None
    independent: bool


def _tell_end(
    tx: Tx, made: Decision, given: review.Given, voice: Voice, one: _Ended, *, upheld: bool
) -> None:
    to = reader_of(tx, made, voice)
    told = words.appeal_outcome(voice.service, made, given.facts, to, upheld=upheld,
                                independent=one.independent, bodies=voice.bodies)  # fmt: skip
    _say(tx, made, "appeal_upheld" if upheld else "appeal_rejected", told)


def _answer(
    tx: Tx, made: Decision, report: str, given: review.Given, voice: Voice, one: _Ended, *,
    upheld: bool,
) -> None:  # fmt: skip
    """Tell who reported how their appeal ended."""
    tell_reporter(tx, made, report, voice, lambda to: words.reporter_appeal(
        voice.service, made, given.facts, to, upheld=upheld, independent=one.independent,
        bodies=voice.bodies), "appeal_upheld" if upheld else "appeal_rejected")  # fmt: skip


def _end_appeal(tx: Tx, given: review.Given, state: str) -> tuple[Decision, _Ended]:
    sql = """SELECT a.id, a.decision, a.subject, a.report, t.same_since IS NULL AS independent
             FROM appeals a JOIN tasks t ON t.appeal = a.id
             WHERE a.id = %(a)s AND a.state = 'open' FOR UPDATE OF a"""
    one = tx.one(sql, _Ended, a=given.appeal)
    if one is None:
        raise Problem("appeal.ended", "This appeal has ended already.", status=409)
    _close_appeal(tx, one.id, one.decision, given.id, state, independent=one.independent)
    return decision(tx, one.decision), one


def _close_appeal(
    tx: Tx, appeal_id: str, decision_id: str, judgement: str, state: str, *,
    independent: bool = True,
) -> None:  # fmt: skip
    tx.run(
        """UPDATE appeals SET state = %(state)s, judgement = %(j)s, decided_at = %(now)s,
             independent = %(independent)s WHERE id = %(a)s""",
        independent=independent,
        state=state,
        j=judgement,
        now=tx.now,
        a=appeal_id,
    )
    ledger.append(tx, f"appeal.{state}", {"appeal": appeal_id, "decision": decision_id})


def _say(tx: Tx, made: Decision, kind: str, notice: Notice) -> None:
    if made.account is None:
        return
    tell(tx, made, kind, notice)
    intend(tx, made, "notify", {"account": made.account}, verbs_of(tx, made.platform))
    tx.wake("acts")
    tx.wake("console")


def _reverse_acts(tx: Tx, made: Decision) -> None:
    """Cancel what certainly has not left yet; intend the reverse of what may have.

    Acts of somebody who was erased name nobody any more, so that there is nothing left to reverse.
    """
    verbs = verbs_of(tx, made.platform)
    tx.run(
        """UPDATE acts SET state = 'cancelled', ended_at = %(now)s
           WHERE decision = %(d)s AND state IN ('intended', 'failed') AND attempts = 0
             AND verb <> 'notify' AND reverses IS NULL""",
        d=made.id,
        now=tx.now,
    )
    acts = acts_of(tx, made.id)
    undone = {act.reverses for act in acts}
    for act in acts:
        back = reversing(act.verb)
        if back is None or act.state == "cancelled" or act.id in undone or not act.target:
            continue
        intend(tx, made, back, act.target, verbs, reverses=act.id, after=act.id)
    # What failed is not to be tried any more: nobody needs to look after it.
    tx.run(
        """UPDATE acts SET state = 'cancelled' WHERE decision = %(d)s AND state = 'failed'
             AND verb <> 'notify' AND reverses IS NULL""",
        d=made.id,
    )


def cancel_expired(tx: Tx) -> int:
    """End decisions whose time has come, and intend the acts that undo them; return how many.

    What waited too long for a second person goes back to the queue.
    """
    sql = """UPDATE decisions SET state = 'expired' WHERE id IN (
               SELECT id FROM decisions WHERE state = 'in_force' AND until <= %(now)s
               ORDER BY until LIMIT 100 FOR UPDATE SKIP LOCKED)
             RETURNING *"""
    ended = tx.all(sql, Decision, now=tx.now)
    for made in ended:
        ledger.append(tx, "decision.expired", {"decision": made.id})
        _reverse_acts(tx, made)
        _release_all(tx, made)
    if ended:
        tx.wake("acts")
    approvals.lapse(tx)
    penalties.follow(tx)
    exceptions.follow(tx)
    let_same_look_again(tx)
    return len(ended)


# Holding back --------------------------------------------------------------------------------


def stop_holding_back(tx: Tx, given: review.Given) -> None:
    """End what holds something of a case back, since a person has looked at it.

    What may be seen is let go. Otherwise what the person decided takes its place: were it first
    let go and then taken away, it would be seen in between.
    """
    sql = """UPDATE decisions SET state = 'expired'
             WHERE case_id = %(case)s AND state = 'in_force' AND decided_by LIKE 'held:%%'
             RETURNING *"""
    for held in tx.all(sql, Decision, case=given.case_id):
        ledger.append(tx, "decision.let_go", {"decision": held.id})
        if given.outcome in ("allow", "warn"):
            _reverse_acts(tx, held)
            tx.wake("acts")


def _release_all(tx: Tx, made: Decision) -> None:
    """Let go of what was held back on the same case and this decision then kept back."""
    if made.held:
        return
    sql = """SELECT * FROM decisions
             WHERE case_id = %(case)s AND state = 'expired' AND decided_by LIKE 'held:%%'"""
    for held in tx.all(sql, Decision, case=made.case_id):
        _reverse_acts(tx, held)
