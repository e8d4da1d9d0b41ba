"""Verbs of decisions: decide, deliver acts, appeal, overturn. Each in the caller's transaction."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from openhaven import ledger, review
from openhaven.core import HARMS, Problem, new_id
from openhaven.decisions import words
from openhaven.decisions.model import (
    APPEAL_CLOCK,
    APPEAL_WINDOW,
    NOTICE_HEAD_START,
    Act,
    Decision,
    Draft,
    backoff,
    reversing,
    target_of,
    verb_for,
)
from openhaven.decisions.store import Notice, acts_of, appeal_token, decision
from openhaven.storage import Tx


class Voice(msgspec.Struct, frozen=True):
    """How the service speaks to people: its name and the address of its pages."""

    service: str
    url: str


# Deciding -------------------------------------------------------------------------------------


def decide(tx: Tx, draft: Draft, voice: Voice) -> Decision:
    """Store a decision with its ledger entry, its acts as intended, its notices and kept copies."""
    made = _insert(tx, draft)
    verbs = _verbs_of(tx, draft.platform)
    verb = verb_for(made.outcome)
    irreversible = verb is not None and reversing(verb) is not None and not verbs.get(verb, True)
    if made.account is not None and made.outcome != "allow":
        url = f"{voice.url}/appeal/{appeal_token(tx, made.id)}"
        _notice(tx, made, "decision", words.notice(voice.service, made, url, irreversible=irreversible))  # fmt: skip
    _intend_all(tx, made, verb, verbs)
    _keep_copies(tx, made)
    _answer_reporters(tx, made, voice)
    review.close_case(tx, made.case_id)
    tx.wake("acts")
    tx.wake("console")
    return made


def _insert(tx: Tx, draft: Draft) -> Decision:
    columns = msgspec.structs.asdict(draft) | {
        "id": new_id("dec"),
        "permanent": draft.until is None,
        "decided_at": tx.now,
        "appeal_until": tx.now + APPEAL_WINDOW,
    }
    names = ", ".join(columns)
    values = ", ".join(f"%({name})s" for name in columns)
    sql = f"INSERT INTO decisions ({names}) VALUES ({values}) RETURNING *"  # noqa: S608 (own field names)
    made = tx.one(sql, Decision, **columns)
    assert made is not None
    ledger.append(
        tx, "decision.made", {"decision": made.id, "pack": made.pack}, row=("decisions", made.id)
    )
    return made


def _verbs_of(tx: Tx, platform: str) -> dict[str, bool]:
    verbs: dict[str, bool] = tx.value("SELECT verbs FROM platforms WHERE id = %(p)s", p=platform)
    return verbs


def _intend_all(tx: Tx, made: Decision, verb: str | None, verbs: dict[str, bool]) -> None:
    """Intend the act of the outcome and the word to the person, which goes before a lock-out."""
    notify = None
    if made.account is not None and verb is not None:
        notify = _intend(tx, made, "notify", {"account": made.account}, verbs)
    if verb is not None:
        after = notify if verb == "suspend" else None
        target = target_of(made.outcome, made.item, made.account)
        _intend(tx, made, verb, target, verbs, until=made.until, after=after)


def _intend(
    tx: Tx,
    made: Decision,
    verb: str,
    target: dict[str, str],
    verbs: dict[str, bool],
    *,
    until: datetime | None = None,
    after: str | None = None,
    reverses: str | None = None,
) -> str:
    act = new_id("act")
    able = verb in verbs
    tx.run(
        """INSERT INTO acts (id, decision, platform, verb, target, until, reverses, reversible, after,
             state, next_at, intended_at, ended_at, last_error)
           VALUES (%(id)s, %(decision)s, %(platform)s, %(verb)s, %(target)s, %(until)s, %(reverses)s,
             %(reversible)s, %(after)s, %(state)s, %(now)s, %(now)s, %(ended)s, %(error)s)""",
        id=act,
        decision=made.id,
        platform=made.platform,
        verb=verb,
        target=Jsonb(target),
        until=until,
        reverses=reverses,
        reversible=verbs.get(verb, False),
        after=after,
        state="intended" if able else "failed",
        now=tx.now,
        ended=None if able else tx.now,
        error=None if able else "This platform cannot carry out this kind of act.",
    )
    ids = {"act": act, "decision": made.id} | ({"reverses": reverses} if reverses else {})
    ledger.append(tx, f"act.intended.{verb}", ids, row=("acts", act))
    return act


def _keep_copies(tx: Tx, made: Decision) -> None:
    """Keep what was removed, sealed, for as long as it can be contested."""
    if made.outcome not in ("remove", "block", "restrict") or made.item is None:
        return
    keep_until = made.appeal_until + timedelta(days=30)
    tx.run(
        """INSERT INTO kept_copies (decision, media, event, keep_until)
           SELECT %(d)s, coalesce(m.id, ''), e.seq, %(until)s FROM events e
           LEFT JOIN media m ON m.event = e.seq
           WHERE e.platform = %(p)s AND e.item = %(item)s ON CONFLICT DO NOTHING""",
        d=made.id,
        until=keep_until,
        p=made.platform,
        item=made.item,
    )


# Telling people -------------------------------------------------------------------------------


def _notice(tx: Tx, made: Decision, kind: str, notice: Notice) -> None:
    sql = "SELECT contact FROM accounts WHERE platform = %(p)s AND id = %(a)s"
    has_contact = tx.value(sql, p=made.platform, a=made.account) is not None
    _store_notice(tx, made, "account", kind, notice, made.subject or made.id, email=has_contact)


def _store_notice(
    tx: Tx,
    made: Decision,
    audience: str,
    kind: str,
    notice: Notice,
    subject: str,
    *,
    email: bool,
    report: str | None = None,
) -> None:
    notice_id = new_id("ntc")
    tx.run(
        """INSERT INTO notices (id, decision, audience, report, kind, subject, body, language,
             created_at, email_state, email_next_at)
           VALUES (%(id)s, %(d)s, %(audience)s, %(report)s, %(kind)s, %(subject)s, %(body)s, 'en',
             %(now)s, %(state)s, %(next)s)""",
        id=notice_id,
        d=made.id,
        audience=audience,
        report=report,
        kind=kind,
        subject=subject,
        body=tx.keys.seal(subject, msgspec.json.encode(notice)),
        now=tx.now,
        state="intended" if email else "none",
        next=tx.now if email else None,
    )
    ids = {"notice": notice_id, "decision": made.id}
    ledger.append(tx, f"notice.{kind}", ids, row=("notices", notice_id))
    tx.wake("notices")


class _Reporter(msgspec.Struct):
    id: str
    subject: str
    body: bytes | None


def _answer_reporters(tx: Tx, made: Decision, voice: Voice) -> None:
    """Tell everybody who reported this matter what became of it."""
    sql = """UPDATE reports SET state = 'decided', decided_at = %(now)s
             WHERE case_id = %(case)s AND state IN ('received', 'in_review')
             RETURNING id, subject, body"""
    for reporter in tx.all(sql, _Reporter, case=made.case_id, now=tx.now):
        plain = None if reporter.body is None else tx.keys.open(reporter.subject, reporter.body)
        contact = "" if plain is None else msgspec.json.decode(plain).get("contact") or ""
        notice = words.reporter_outcome(voice.service, made)
        _store_notice(tx, made, "reporter", "outcome", notice, reporter.subject,
                      email="@" in contact, report=reporter.id)  # fmt: skip


# Appeals --------------------------------------------------------------------------------------


def appeal(tx: Tx, made: Decision, text: str) -> str:
    """Store an appeal against a decision and ask another person; return the appeal's id.

    Raises `Problem` 409 when one is open or the decision does not hold any more, and 410 when the
    window of at least six months has passed.
    """
    tx.run("SELECT 1 FROM decisions WHERE id = %(d)s FOR UPDATE", d=made.id)
    made = decision(tx, made.id)
    text = text.strip()
    if not 1 <= len(text) <= 10_000:
        raise Problem("appeal.text", "Tell us in a few words why you think the decision is wrong.",
                      next_step="Write up to 10,000 characters.")  # fmt: skip
    if made.state != "in_force":
        raise Problem("appeal.moot", "This decision does not hold any more.", status=409,
                      next_step="There is nothing left to appeal.")  # fmt: skip
    if tx.now > made.appeal_until:
        raise Problem("appeal.late", "The time for an appeal has passed.", status=410,
                      next_step="You can still turn to a court.")  # fmt: skip
    if tx.value("SELECT 1 FROM appeals WHERE decision = %(d)s", d=made.id):
        raise Problem("appeal.twice", "There is already an appeal against this decision.", status=409,
                      next_step="You will hear from us; this page shows how far it is.")  # fmt: skip
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
           WHERE id = %(d)s AND state = 'in_force'""",
        j=given.id,
        now=tx.now,
        d=made.id,
    )
    ledger.append(tx, "decision.overturned", {"decision": made.id, "judgement": given.id})
    _reverse_acts(tx, made)
    _say(tx, made, "appeal_upheld", words.appeal_outcome(voice.service, made, given.facts, upheld=True))  # fmt: skip


def reject(tx: Tx, given: review.Given, voice: Voice) -> None:
    """Reject an appeal: the decision stays, and the person is told why."""
    made = _end_appeal(tx, given, "rejected")
    _say(tx, made, "appeal_rejected", words.appeal_outcome(voice.service, made, given.facts, upheld=False))  # fmt: skip


def _end_appeal(tx: Tx, given: review.Given, state: str) -> Decision:
    sql = """UPDATE appeals SET state = %(state)s, judgement = %(j)s, decided_at = %(now)s
             WHERE id = %(a)s AND state = 'open' RETURNING decision"""
    decision_id = tx.value(sql, state=state, j=given.id, now=tx.now, a=given.appeal)
    if decision_id is None:
        raise Problem("appeal.ended", "This appeal has ended already.", status=409)
    ids = {"appeal": str(given.appeal), "decision": str(decision_id)}
    ledger.append(tx, f"appeal.{state}", ids)
    return decision(tx, str(decision_id))


def _say(tx: Tx, made: Decision, kind: str, notice: Notice) -> None:
    if made.account is None:
        return
    _notice(tx, made, kind, notice)
    _intend(tx, made, "notify", {"account": made.account}, _verbs_of(tx, made.platform))
    tx.wake("acts")
    tx.wake("console")


def _reverse_acts(tx: Tx, made: Decision) -> None:
    """Cancel what certainly has not left yet; intend the reverse of what may have."""
    verbs = _verbs_of(tx, made.platform)
    tx.run(
        """UPDATE acts SET state = 'cancelled', ended_at = %(now)s
           WHERE decision = %(d)s AND state = 'intended' AND attempts = 0 AND verb <> 'notify'""",
        d=made.id,
        now=tx.now,
    )
    acts = acts_of(tx, made.id)
    undone = {act.reverses for act in acts}
    for act in acts:
        back = reversing(act.verb)
        if back is None or act.state == "cancelled" or act.id in undone:
            continue
        _intend(tx, made, back, act.target, verbs, reverses=act.id, after=act.id)


def cancel_expired(tx: Tx) -> int:
    """End decisions whose time has come, and intend the acts that undo them; return how many."""
    sql = """UPDATE decisions SET state = 'expired' WHERE id IN (
               SELECT id FROM decisions WHERE state = 'in_force' AND until <= %(now)s
               ORDER BY until LIMIT 100 FOR UPDATE SKIP LOCKED)
             RETURNING *"""
    ended = tx.all(sql, Decision, now=tx.now)
    for made in ended:
        ledger.append(tx, "decision.expired", {"decision": made.id})
        _reverse_acts(tx, made)
    if ended:
        tx.wake("acts")
    return len(ended)


# Delivery -------------------------------------------------------------------------------------


def claim_acts(tx: Tx, limit: int, lease: timedelta) -> list[Act]:
    """Take intended acts that are due, for the length of `lease`, and count the attempt.

    The attempt is stored before anything is sent. An act waits for the one it must come after, but
    a notice that does not arrive holds up a lock-out for ten minutes at the most.
    """
    sql = """UPDATE acts SET attempts = attempts + 1, lease_until = %(until)s WHERE id IN (
               SELECT a.id FROM acts a LEFT JOIN acts b ON b.id = a.after
               WHERE a.state = 'intended' AND a.next_at <= %(now)s
                 AND (a.lease_until IS NULL OR a.lease_until < %(now)s)
                 AND (b.id IS NULL OR b.state <> 'intended'
                      OR (b.verb = 'notify' AND a.intended_at < %(late)s))
               ORDER BY a.next_at LIMIT %(limit)s FOR UPDATE OF a SKIP LOCKED)
             RETURNING id, decision, platform, verb, target, until, reverses, reversible, state,
               attempts, next_at, last_error, intended_at, accepted_at, ended_at"""
    late = tx.now - NOTICE_HEAD_START
    return tx.all(sql, Act, now=tx.now, until=tx.now + lease, late=late, limit=limit)


def finish_act(tx: Tx, act: Act, result: str, error: str | None) -> None:
    """Store how a delivery went: `accepted`, `done`, `retry` or `failed`, with the error in words."""
    state, next_at = result, None
    if result == "retry":
        wait = backoff(act.attempts)
        state = "failed" if wait is None else "intended"
        next_at = None if wait is None else tx.now + wait
    changed = tx.run(
        """UPDATE acts SET state = %(state)s, lease_until = NULL, last_error = %(error)s,
             next_at = coalesce(%(next)s, next_at),
             accepted_at = CASE WHEN %(state)s IN ('accepted', 'done')
                                THEN coalesce(accepted_at, %(now)s) ELSE accepted_at END,
             ended_at = CASE WHEN %(state)s IN ('done', 'failed') THEN %(now)s ELSE NULL END
           WHERE id = %(id)s AND state = 'intended'""",
        state=state,
        error=error,
        next=next_at,
        now=tx.now,
        id=act.id,
    )
    if changed and state != "intended":
        ledger.append(tx, f"act.{state}", {"act": act.id, "decision": act.decision})
        tx.wake("acts")
        tx.wake("console")


def report_outcome(tx: Tx, act: Act, state: str, reason: str | None) -> None:
    """Store what the platform says became of an act that it had accepted: `done` or `failed`."""
    sql = """UPDATE acts SET state = %(state)s, ended_at = %(now)s, last_error = %(reason)s,
               lease_until = NULL, accepted_at = coalesce(accepted_at, %(now)s)
             WHERE id = %(id)s AND state IN ('intended', 'accepted', 'failed')"""
    if tx.run(sql, state=state, now=tx.now, reason=reason, id=act.id):
        ledger.append(tx, f"act.{state}", {"act": act.id, "decision": act.decision})
        tx.wake("acts")
        tx.wake("console")


def replay_act(tx: Tx, act_id: str) -> None:
    """Try a failed act again from the start, under its own id."""
    sql = """UPDATE acts SET state = 'intended', attempts = 0, next_at = %(now)s, ended_at = NULL,
               lease_until = NULL
             WHERE id = %(id)s AND state = 'failed'
               AND (SELECT verbs FROM platforms p WHERE p.id = acts.platform) ? verb
             RETURNING decision"""
    made = tx.value(sql, now=tx.now, id=act_id)
    if made is None:
        raise Problem("act.replay", "This act has not failed, or its platform cannot carry it out.",
                      status=409)  # fmt: skip
    ledger.append(tx, "act.replayed", {"act": act_id, "decision": str(made)})
    tx.wake("acts")


# E-mail ---------------------------------------------------------------------------------------


class Letter(msgspec.Struct, frozen=True):
    """A notice that is to leave by e-mail; the address is opened only to send it."""

    id: str
    audience: str
    subject: str
    body: bytes | None
    platform: str
    account: str | None
    report: str | None
    email_attempts: int


def claim_letters(tx: Tx, limit: int, lease: timedelta) -> list[Letter]:
    """Take notices that are due by e-mail, and count the attempt before anything is sent."""
    sql = """UPDATE notices n SET email_attempts = email_attempts + 1, email_next_at = %(until)s
             FROM decisions d WHERE d.id = n.decision AND n.id IN (
               SELECT id FROM notices WHERE email_state = 'intended' AND email_next_at <= %(now)s
               ORDER BY email_next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
             RETURNING n.id, n.audience, n.subject, n.body, d.platform, d.account, n.report,
               n.email_attempts"""
    return tx.all(sql, Letter, now=tx.now, until=tx.now + lease, limit=limit)


def finish_letter(tx: Tx, letter: Letter, error: str | None) -> None:
    """Store how the e-mail went; after hours of failing it is set aside where staff sees it."""
    wait = backoff(letter.email_attempts)
    values: dict[str, Any] = {"id": letter.id, "now": tx.now, "error": error}
    if error is None:
        sql = """UPDATE notices SET email_state = 'sent', email_sent_at = %(now)s,
                   last_error = %(error)s WHERE id = %(id)s"""
    elif wait is None:
        sql = "UPDATE notices SET email_state = 'failed', last_error = %(error)s WHERE id = %(id)s"
    else:
        sql = "UPDATE notices SET email_next_at = %(next)s, last_error = %(error)s WHERE id = %(id)s"
        values["next"] = tx.now + wait
    tx.run(sql, **values)
    if error is None:
        ledger.append(tx, "notice.sent", {"notice": letter.id})


def replay_letter(tx: Tx, notice_id: str) -> None:
    """Try an e-mail that failed again from the start; raises `Problem` (409) when it has not."""
    sql = """UPDATE notices SET email_state = 'intended', email_attempts = 0, email_next_at = %(now)s
             WHERE id = %(id)s AND email_state = 'failed' RETURNING decision"""
    made = tx.value(sql, now=tx.now, id=notice_id)
    if made is None:
        raise Problem("notice.replay", "This e-mail has not failed.", status=409)
    ledger.append(tx, "notice.replayed", {"notice": notice_id, "decision": str(made)})
    tx.wake("notices")
