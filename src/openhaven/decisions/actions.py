"""Verbs of decisions: decide, and intend what follows. Each in the caller's transaction."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec
from psycopg.types.json import Jsonb

from openhaven import intake, ledger, review
from openhaven.core import new_id
from openhaven.decisions import exceptions, penalties, receipts, strikes, withholding, words
from openhaven.decisions.model import (
    APPEAL_WINDOW,
    Decision,
    Draft,
    lacking,
    reversing,
    target_of,
    verb_for,
)
from openhaven.decisions.store import Notice, appeal_token
from openhaven.policy import Clause
from openhaven.review.terms import Later, Terms
from openhaven.storage import Tx
from openhaven.support import Guide

# What is said to somebody, given how they read.
Say = Callable[[words.Reader], Notice]


class Voice(msgspec.Struct, frozen=True):
    """How the service speaks to people: its name, the address of its pages, its clauses in force.

    `language` is what people read of whom it is not known; `guide` knows who helps; `bodies` are
    those outside who settle disputes.
    """

    service: str
    url: str
    clauses: Mapping[str, Clause] = {}
    language: str = "en"
    guide: Guide = Guide()
    bodies: tuple[str, ...] = ()


# Deciding -------------------------------------------------------------------------------------


def decide(tx: Tx, draft: Draft, voice: Voice) -> Decision:
    """Store a decision with its ledger entry, its acts as intended, its notices and kept copies."""
    made = _insert(tx, penalties.fit(tx, draft))
    spoken = ledger.salted(receipts.recorded(voice.service, made))
    receipts.keep(tx, made, spoken)
    ids = {"decision": made.id, "pack": made.pack, ledger.WORDS: spoken.tag}
    known = intake.account_of(tx, made.platform, made.account) if made.account else None
    entries = [ledger.New("decision.made", ids, ("decisions", made.id)), *strikes.give(tx, made)]
    verbs = verbs_of(tx, draft.platform)
    verb = verb_for(made.outcome)
    can = can_of(tx, draft.platform)
    irreversible = verb is not None and reversing(verb) is not None and not verbs.get(verb, True)
    if made.account is not None and made.outcome != "allow":
        url = f"{voice.url}/appeal/{appeal_token(tx, made.id)}"
        to = _reader(known, voice)
        told = words.notice(voice.service, made, url, to, irreversible=irreversible)
        entries.append(_told(tx, made, "decision", told))
    entries += _intend_all(tx, made, verb, verbs, can)
    _keep_copies(tx, made)
    if review.lane.in_lane(tx, made.case_id):
        withholding.withhold(tx, made.id)
        if made.judgement and made.outcome != "allow" and made.harm in review.lane.HARMS:
            review.lane.enter(tx, made.case_id, "reviewer")
        if made.judgement and made.outcome == "allow":
            withholding.tell_now(tx, made.case_id)
    elif (later := _later_of(tx, made)) is not None:
        exceptions.begin(tx, made.id, later, made.decided_by.partition(":")[2])
    if not made.held:
        entries += _answer_reporters(tx, made, voice)
    ledger.append_many(tx, entries)
    review.close_case(tx, made.case_id)
    tx.wake("acts")
    tx.wake("console")
    return made


def _later_of(tx: Tx, made: Decision) -> Later | None:
    """Return what the judgement said about telling the person later."""
    if made.judgement is None or made.account is None or made.outcome == "allow":
        return None
    terms = tx.value("SELECT terms FROM judgements WHERE id = %(j)s", j=made.judgement)
    return msgspec.convert(terms or {}, Terms).later


def reader_of(tx: Tx, made: Decision, voice: Voice) -> words.Reader:
    """Return how the person that a decision is about reads: in which language, and how old."""
    return _reader(intake.account_of(tx, made.platform, made.account or ""), voice)


def _reader(known: intake.AccountRow | None, voice: Voice) -> words.Reader:
    young = known is not None and known.age_band in ("under-13", "13-15", "16-17")
    language = known.language if known else None
    guide = voice.guide.at(known.country, known.age_band) if known else voice.guide
    return words.reader(language or voice.language, voice.clauses, young=young, guide=guide)


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
    return made


def verbs_of(tx: Tx, platform: str) -> dict[str, bool]:
    """Return what the platform can carry out, and whether it can undo it."""
    verbs: dict[str, bool] = tx.value("SELECT verbs FROM platforms WHERE id = %(p)s", p=platform)
    return verbs


def can_of(tx: Tx, platform: str) -> set[str]:
    """Return what the platform can do besides its verbs: measures, and `country`."""
    return set(tx.value("SELECT can FROM platforms WHERE id = %(p)s", p=platform) or ())


def _intend_all(
    tx: Tx, made: Decision, verb: str | None, verbs: dict[str, bool], can: set[str]
) -> list[ledger.New]:
    """Intend the act of the outcome and the word to the person, which goes before a lock-out."""
    if verb is None:
        return []
    notify = None
    if made.account is not None:
        notify = _intended(tx, made, "notify", {"account": made.account}, verbs)
    after = notify.row[1] if notify and notify.row and verb == "suspend" else None
    target = target_of(made.outcome, made.item, made.account)
    able = verb in verbs and not lacking(made, can)
    act = _intended(tx, made, verb, target, verbs if able else {}, until=made.until, after=after,
                    at=made.starts_at)  # fmt: skip
    return [notify, act] if notify else [act]


def intend(
    tx: Tx,
    made: Decision,
    verb: str,
    target: dict[str, str],
    verbs: dict[str, bool],
    *,
    after: str | None = None,
    reverses: str | None = None,
) -> None:
    """Store an act as intended, with its ledger entry."""
    entry = _intended(tx, made, verb, target, verbs, after=after, reverses=reverses)
    ledger.append_many(tx, [entry])


def _intended(
    tx: Tx,
    made: Decision,
    verb: str,
    target: dict[str, str],
    verbs: dict[str, bool],
    *,
    until: datetime | None = None,
    after: str | None = None,
    reverses: str | None = None,
    at: datetime | None = None,
) -> ledger.New:
    """Store an act as intended; return the entry that is still to be appended."""
    act = new_id("act")
    able = verb in verbs
    tx.run(
        """INSERT INTO acts (id, decision, platform, verb, target, until, reverses, reversible,
             after, state, next_at, intended_at, ended_at, last_error, measure, scope)
           VALUES (%(id)s, %(decision)s, %(platform)s, %(verb)s, %(target)s, %(until)s,
             %(reverses)s, %(reversible)s, %(after)s, %(state)s, %(next)s, %(now)s, %(ended)s,
             %(error)s, %(measure)s, %(scope)s)""",
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
        next=at or tx.now,
        measure="" if verb == "notify" else made.measure,
        scope=["*"] if verb == "notify" else made.scope,
        ended=None if able else tx.now,
        error=None if able else "This platform cannot carry out this kind of act.",
    )
    ids = {"act": act, "decision": made.id} | ({"reverses": reverses} if reverses else {})
    return ledger.New(f"act.intended.{verb}", ids, ("acts", act))


def _keep_copies(tx: Tx, made: Decision) -> None:
    """Keep every version of what was acted on, sealed, for as long as it can be contested."""
    if made.outcome == "allow":
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
    if made.event is None:
        return
    # What was decided on may have no item, or carry pictures that another item carried first.
    _, event = intake.open_event(tx, made.event)
    media = [ref.id for ref in event.item.media] if event and event.item else []
    tx.run(
        """INSERT INTO kept_copies (decision, media, event, keep_until)
           SELECT %(d)s, m, %(e)s, %(until)s FROM unnest(%(media)s::text[]) AS m
           ON CONFLICT DO NOTHING""",
        d=made.id,
        until=keep_until,
        e=made.event,
        media=media or [""],
    )


# Telling people -------------------------------------------------------------------------------


def tell(tx: Tx, made: Decision, kind: str, notice: Notice) -> None:
    """Store a notice to the person a decision is about, with its ledger entry."""
    ledger.append_many(tx, [_told(tx, made, kind, notice)])


def _told(tx: Tx, made: Decision, kind: str, notice: Notice) -> ledger.New:
    """Store a notice to the person; return the entry that is still to be appended."""
    sql = "SELECT contact FROM accounts WHERE platform = %(p)s AND id = %(a)s"
    has_contact = tx.value(sql, p=made.platform, a=made.account) is not None
    return _store_notice(
        tx, made, "account", kind, notice, made.subject or made.id, email=has_contact
    )


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
) -> ledger.New:
    notice_id = new_id("ntc")
    tx.run(
        """INSERT INTO notices (id, decision, audience, report, kind, subject, body, language,
             created_at, email_state, email_next_at)
           VALUES (%(id)s, %(d)s, %(audience)s, %(report)s, %(kind)s, %(subject)s, %(body)s,
             %(language)s, %(now)s, %(state)s, %(next)s)""",
        id=notice_id,
        d=made.id,
        audience=audience,
        report=report,
        kind=kind,
        subject=subject,
        body=tx.keys.seal(subject, msgspec.json.encode(notice)),
        language=notice.language,
        now=tx.now,
        state="intended" if email else "none",
        next=tx.now if email else None,
    )
    tx.wake("notices")
    ids = {"notice": notice_id, "decision": made.id}
    return ledger.New(f"notice.{kind}", ids, ("notices", notice_id))


class _Reporter(msgspec.Struct):
    id: str
    subject: str
    body: bytes | None


def _answer_reporters(tx: Tx, made: Decision, voice: Voice) -> list[ledger.New]:
    """Tell everybody who reported this matter what became of it; return the entries for that."""
    sql = """UPDATE reports SET state = 'decided', decided_at = %(now)s
             WHERE case_id = %(case)s AND state IN ('received', 'in_review')
             RETURNING id, subject, body"""
    return [
        _answered(tx, made, reporter, voice,
                  lambda to: words.reporter_outcome(voice.service, made, to), "outcome")
        for reporter in tx.all(sql, _Reporter, case=made.case_id, now=tx.now)
    ]  # fmt: skip


def tell_reporter(tx: Tx, made: Decision, report: str, voice: Voice, say: Say, kind: str) -> None:
    """Store a notice to who sent a report, in their language, with its ledger entry."""
    sql = "SELECT id, subject, body FROM reports WHERE id = %(r)s"
    found = tx.one(sql, _Reporter, r=report)
    if found is not None:
        ledger.append_many(tx, [_answered(tx, made, found, voice, say, kind)])


def _answered(
    tx: Tx, made: Decision, reporter: _Reporter, voice: Voice, say: Say, kind: str
) -> ledger.New:
    plain = None if reporter.body is None else tx.keys.open(reporter.subject, reporter.body)
    said = {} if plain is None else msgspec.json.decode(plain)
    contact = said.get("contact") or ""
    to = words.reader(said.get("language") or voice.language, voice.clauses, guide=voice.guide)
    return _store_notice(tx, made, "reporter", kind, say(to), reporter.subject,
                         email=intake.email_of(contact) is not None,
                         report=reporter.id)  # fmt: skip
