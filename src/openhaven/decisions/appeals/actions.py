"""Verbs of appeals: appeal, uphold, reject; and the end of a decision whose time has come."""

from openhaven import ledger, review
from openhaven.core import HARMS, Problem, new_id
from openhaven.core.words import mark
from openhaven.decisions import exceptions, penalties, strikes, words
from openhaven.decisions.actions import Voice, intend, reader_of, tell, verbs_of
from openhaven.decisions.model import APPEAL_CLOCK, RESTRICTIONS, Decision, reversing
from openhaven.decisions.store import Notice, acts_of, decision
from openhaven.staff import approvals
from openhaven.storage import Tx


def appeal(tx: Tx, made: Decision, text: str) -> str:
    """Store an appeal against a decision and ask another person; return the appeal's id.

    What has ended by itself can still be contested: it stays on the person's record. Raises
    `Problem` 409 when there was an appeal already or the decision was overturned, and 410 when the
    window of at least six months has passed.
    """
    tx.run("SELECT 1 FROM decisions WHERE id = %(d)s FOR UPDATE", d=made.id)
    made = decision(tx, made.id)
    text = text.strip()
    if not 1 <= len(text) <= 10_000:
        raise Problem("appeal.text",
                      mark("Tell us in a few words why you think the decision is wrong."),
                      next_step=mark("Write up to 10,000 characters."))  # fmt: skip
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
    if tx.value("SELECT 1 FROM appeals WHERE decision = %(d)s", d=made.id):
        raise Problem(
            "appeal.twice",
            mark("There is already an appeal against this decision."),
            status=409,
            next_step=mark("You will hear from us; this page shows how far it is."),
        )
    appeal_id = new_id("apl")
    subject = made.subject or made.id
    tx.run(
        """INSERT INTO appeals (id, decision, subject, body, created_at, due_at)
           VALUES (%(id)s, %(d)s, %(subject)s, %(body)s, %(now)s, %(due)s)""",
        id=appeal_id,
        d=made.id,
        subject=subject,
        body=tx.keys.seal(subject, text.encode()),
        now=tx.now,
        due=tx.now + APPEAL_CLOCK,
    )
    ids = {"appeal": appeal_id, "decision": made.id}
    ledger.append(tx, "appeal.received", ids, row=("appeals", appeal_id))
    severity = HARMS[made.harm].severity
    review.open_appeal_task(tx, made.case_id, appeal_id, made.event, min(severity, 3))
    return appeal_id


def overturn(tx: Tx, given: review.Given, voice: Voice) -> None:
    """Uphold an appeal: one transaction ends the decision and intends everything that undoes it."""
    made = _end_appeal(tx, given, "upheld")
    tx.run(
        """UPDATE decisions SET state = 'overturned', overturned_by = %(j)s, overturned_at = %(now)s
           WHERE id = %(d)s AND state <> 'overturned'""",
        j=given.id,
        now=tx.now,
        d=made.id,
    )
    ledger.append(tx, "decision.overturned", {"decision": made.id, "judgement": given.id})
    strikes.lift(tx, made.id)
    _reverse_acts(tx, made)
    _release_all(tx, made)
    _say(
        tx,
        made,
        "appeal_upheld",
        words.appeal_outcome(
            voice.service, made, given.facts, reader_of(tx, made, voice), upheld=True
        ),
    )


def take_back(tx: Tx, decision_id: str, given: review.Given, voice: Voice) -> None:
    """End a decision that a person found wrong without an appeal, and undo what it did.

    An appeal that still waits for a look is answered by this: it was right. One that somebody has
    judged already ends as that person said, and so does the decision.
    """
    waiting = tx.value("SELECT id FROM appeals WHERE decision = %(d)s AND state = 'open'",
                       d=decision_id)  # fmt: skip
    if waiting is not None and not review.cancel_appeal_task(tx, str(waiting)):
        return
    ended = tx.run(
        """UPDATE decisions SET state = 'overturned', overturned_by = %(j)s, overturned_at = %(now)s
           WHERE id = %(d)s AND state <> 'overturned'""",
        j=given.id,
        now=tx.now,
        d=decision_id,
    )
    if not ended:
        return
    made = decision(tx, decision_id)
    ledger.append(tx, "decision.overturned", {"decision": made.id, "judgement": given.id})
    strikes.lift(tx, made.id)
    _reverse_acts(tx, made)
    _release_all(tx, made)
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
    made = _end_appeal(tx, given, "rejected")
    _say(
        tx,
        made,
        "appeal_rejected",
        words.appeal_outcome(
            voice.service, made, given.facts, reader_of(tx, made, voice), upheld=False
        ),
    )


def _end_appeal(tx: Tx, given: review.Given, state: str) -> Decision:
    sql = "SELECT decision FROM appeals WHERE id = %(a)s AND state = 'open' FOR UPDATE"
    decision_id = tx.value(sql, a=given.appeal)
    if decision_id is None:
        raise Problem("appeal.ended", "This appeal has ended already.", status=409)
    _close_appeal(tx, str(given.appeal), str(decision_id), given.id, state)
    return decision(tx, str(decision_id))


def _close_appeal(tx: Tx, appeal_id: str, decision_id: str, judgement: str, state: str) -> None:
    tx.run(
        """UPDATE appeals SET state = %(state)s, judgement = %(j)s, decided_at = %(now)s
           WHERE id = %(a)s""",
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
