"""The lane on the line: what is suspected is hidden at once, sealed, held, and due to be reported.

Each step is a transaction of its own whose end is stored on the case, so that a crash between two
of them repeats nothing and forgets nothing.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from openhaven import authorities, decisions, evidence, intake, policy, review
from openhaven.core import HARMS, Problem, system
from openhaven.core.words import mark
from openhaven.decisions import HELD_BY, Draft
from openhaven.decisions.kinds import content_types
from openhaven.intake import Claimed, Event
from openhaven.line import drafts
from openhaven.line.haven import Haven
from openhaven.line.suspecting import suspicion
from openhaven.policy import Clause, Pack, Verdict
from openhaven.review import lane
from openhaven.review.lane.store import events_of
from openhaven.storage import Tx

ME = system("lane")
log = structlog.get_logger("lane")
# So long before its end a hold is carried on, so that a house that stood still loses nothing.
_SOON = timedelta(days=30)
_NO_VERSION = ("report.create", "item.delete")
_WHY = mark(
    "It may be the sexual exploitation of a child. It is hidden until a specialist for child "
    "safety has looked."
)


def ask(tx: Tx, claimed: Claimed, verdict: Verdict) -> None:
    """Put what a rule decides on alone before a specialist as well, where it is suspected."""
    if suspicion(claimed, verdict) is not None:
        review.open_task(tx, **drafts.question(tx, claimed, verdict))


def follow(tx: Tx, batch: Sequence[Claimed]) -> None:
    """Have a new version of what a lane case is about sealed as well."""
    items = {(one.platform, one.event.item.id) for one in batch
             if one.event.item is not None and one.event.kind not in _NO_VERSION}  # fmt: skip
    if items:
        lane.grown(tx, sorted(items))


def tend(haven: Haven, now: datetime | None = None) -> int:
    """Hide, then seal one case that waits for it, and let what was agreed take effect.

    Returns how much was done, so that more can follow at once. A case that fails holds up no other
    one; when nothing else is left to do, its error is raised.
    """
    faults: list[Exception] = []
    if _next(haven, lane.to_quarantine, _quarantine, faults):
        return 1
    if _next(haven, lane.to_seal, _seal, faults):
        return 1
    with haven.db.begin(ME, now) as tx:
        decisions.withholding.settle_longer(tx)
        done = _let_go(tx) + lane.catch_up(tx)
        _keep_on(tx)
    if faults and not done:
        raise faults[0]
    return done


def _next(
    haven: Haven,
    find: Callable[[Tx, Collection[str]], str | None],
    step: Callable[[Haven, Tx, str], None],
    faults: list[Exception],
) -> bool:
    """Take a step with the first case that lets it be taken; say whether there was one."""
    failed: list[str] = []
    while True:
        case = None
        try:
            with haven.db.begin(ME) as tx:
                case = find(tx, failed)
                if case is not None:
                    step(haven, tx, case)
                return case is not None
        except Exception as error:  # Said aloud, and raised by the caller: it is tried again.
            if case is None or (isinstance(error, Problem) and error.code == "database.away"):
                raise
            log.error("lane.case_failed", case=case, error=type(error).__name__)
            faults.append(error)
            failed.append(case)


# Hiding ---------------------------------------------------------------------------------------


def _quarantine(haven: Haven, tx: Tx, case_id: str) -> None:
    """Hide what a case is about on the platform, hold it, and open the duties to report it."""
    case = lane.case(tx, case_id)
    if case.item is not None and not _hidden(tx, case.id):
        decisions.decide(tx, _draft(tx, case, haven.packs.current), haven.voice)
    lane.quarantined(tx, case.id)
    countries = frozenset({case.country}) if case.country else frozenset[str]()
    urgent = tx.value("SELECT max(urgency) FROM tasks WHERE case_id = %(c)s", c=case.id)
    facts = authorities.Facts(
        harm=case.harm, since=case.lane_at, countries=countries, danger=urgent == 2
    )
    authorities.due(tx, case.id, facts, haven.settings.authorities)


def _hidden(tx: Tx, case: str) -> bool:
    """Say whether a decision in force hides it already, such as that of a rule."""
    sql = """SELECT 1 FROM decisions WHERE case_id = %(c)s AND state = 'in_force'
             AND outcome IN ('remove', 'block', 'restrict') LIMIT 1"""
    return tx.value(sql, c=case) is not None


def _draft(tx: Tx, case: lane.Case, pack: Pack) -> Draft:
    verbs = decisions.verbs_of(tx, case.platform)
    seqs = events_of(tx, case.id)
    row, event = intake.open_event(tx, seqs[-1]) if seqs else (None, None)
    known = intake.account_of(tx, case.platform, case.account) if case.account else None
    clause = _clause(tx, pack, row.verdict if row else None)
    media = intake.media_facts(tx, case.platform, _media_in(event))
    # What can be given back unharmed is taken away wholly; else seeing it is limited.
    wholly = verbs.get("remove") or "restrict" not in verbs
    return Draft(
        case_id=case.id,
        platform=case.platform,
        outcome="remove" if wholly else "restrict",
        harm=case.harm,
        clause=clause.anchor,
        clause_title=clause.title,
        clause_text=clause.text,
        ground=clause.ground,
        ground_reference=clause.reference,
        pack=pack.fingerprint,
        facts=_WHY,
        source="own_initiative",
        automated_detection=case.lane_why != "reviewer",
        automated_decision="not" if case.lane_why == "reviewer" else "fully",
        content_type=content_types(event, media),
        content_at=row.at if row else case.opened_at,
        decided_by=f"{HELD_BY}lane",
        account=case.account,
        subject=known.subject if known else None,
        item=case.item,
        language=event.item.language if event and event.item else None,
    )


def _media_in(event: Event | None) -> list[str]:
    return [ref.id for ref in event.item.media] if event and event.item else []


def _clause(tx: Tx, pack: Pack, verdict: dict[str, object] | None) -> Clause:
    """Return the clause that a rule in force names for such harm, else the one that was named."""
    for rule in pack.rules:
        if rule.then.harm in lane.HARMS and rule.clause in pack.clauses:
            return pack.clauses[rule.clause]
    reasons = verdict.get("reasons") if verdict else None
    if verdict and isinstance(reasons, list) and reasons:
        return policy.clause_as_it_stood(tx, str(verdict["pack"]), str(reasons[0]["clause"]))
    same = [one for one in pack.clauses.values() if HARMS["csam.known"].words in one.title]
    return (same or list(pack.clauses.values()))[0]


def _let_go(tx: Tx) -> int:
    """End the lane's own holds on cases in which nothing is left to do; return how many.

    That is when a specialist has decided and every duty has ended, or there is none and nothing
    was found. What was reported is held by the law's own ground from then on.
    """
    sql = """SELECT h.id FROM holds h JOIN cases c ON c.id = h.case_id
             WHERE h.ground = 'lane' AND h.ended_at IS NULL AND h.until > %(now)s
               AND c.sealed_at IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = c.id
                               AND t.state IN ('open', 'claimed'))
               AND NOT EXISTS (SELECT 1 FROM duties d WHERE d.case_id = c.id AND d.state = 'open')
               AND (EXISTS (SELECT 1 FROM duties d WHERE d.case_id = c.id)
                    OR EXISTS (SELECT 1 FROM decisions d WHERE d.case_id = c.id
                               AND d.outcome = 'allow' AND d.judgement IS NOT NULL
                               AND d.state = 'in_force'))
             ORDER BY h.id LIMIT 50"""
    over = [str(row["id"]) for row in tx.rows(sql, now=tx.now)]
    for one in over:
        evidence.release_hold(tx, one)
    return len(over)


def _keep_on(tx: Tx) -> None:
    """Let the lane's hold stand for longer where something is left to do when it is about to end.

    What was suspected is not destroyed by time alone while a duty to report it is open.
    """
    sql = """SELECT h.case_id, max(h.until) AS until FROM holds h
             WHERE h.ground = 'lane' AND h.ended_at IS NULL
               AND (EXISTS (SELECT 1 FROM duties d WHERE d.case_id = h.case_id
                            AND d.state = 'open')
                    OR EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = h.case_id
                               AND t.state IN ('open', 'claimed')))
             GROUP BY h.case_id HAVING max(h.until) < %(soon)s LIMIT 50"""
    for row in tx.rows(sql, soon=tx.now + _SOON):
        until = row["until"]
        evidence.hold(
            tx, str(row["case_id"]), "lane", reference=f"carried on from {until:%Y-%m-%d}"
        )


# Sealing --------------------------------------------------------------------------------------


def _seal(haven: Haven, tx: Tx, case: str) -> None:
    """Make a sealed copy of each version of what a case is about, with the media in it."""
    sealed = evidence.items(tx, case)
    texts = {one.source for one in sealed if one.kind == "event"}
    for seq in events_of(tx, case):
        row, event = intake.open_event(tx, seq)
        source = f"event {row.id}"
        if event is not None and source not in texts:
            evidence.receive(haven.vault, tx, case, kind="event", source=source, method="event",
                             data=msgspec.json.encode(event), media_type="application/json",
                             name=f"{row.kind}.json")  # fmt: skip
    for media in lane.media_of(tx, case):
        if media.kept and evidence.copy_of(tx, case, media.id) is None:
            _seal_media(haven, tx, case, media.id, media.type)
    lane.sealed(tx, case)


def _seal_media(haven: Haven, tx: Tx, case: str, media: str, kind: str) -> None:
    sealed = haven.blobs.get(media)
    data = None if sealed is None else tx.keys.open(f"media:{media}", sealed)
    if data is not None:
        evidence.receive(haven.vault, tx, case, kind="media", source=f"upload {media}",
                         method="upload", data=data, media_type=kind, name=media,
                         media=media)  # fmt: skip
