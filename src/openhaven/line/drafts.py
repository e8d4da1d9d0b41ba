"""What a verdict or a judgement says, put into the form of a task or of a decision. Mostly pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from openhaven import intake, policy, review
from openhaven.core import HARMS, Harm, Outcome, Problem
from openhaven.core.words import mark
from openhaven.decisions import HELD_BY, HELD_DUE, HELD_FOR, Draft
from openhaven.decisions.kinds import content_types
from openhaven.intake import Claimed, MediaFacts
from openhaven.line.suspecting import suspicion
from openhaven.policy import Clause, Pack, Reason, Verdict
from openhaven.signals.banks.matches import found_back
from openhaven.storage import Tx

Media = Mapping[str, MediaFacts]

# What was found, in words that name neither a list nor a distance.
_FACTS = {
    "media": mark(
        "A picture or file in it is the same, or nearly the same, as one on a list that this "
        "rule uses."
    ),
    "terms": mark("Words in it are on a list that this rule uses."),
    "links": mark("A link in it leads to an address on a list that this rule uses."),
    "history": mark("What happened before it counts in this rule: how often, or with how many."),
}
_ELSE = mark("It has the features that this rule describes.")
_HELD = mark(
    "A check that our rules ask for could not be finished, so that a person has to look first."
)


_WEIGH = mark("A rule took it for incitement. Before that may be said, a person has to weigh it.")


def outcome_of(claimed: Claimed, verdict: Verdict) -> Outcome:
    """Return what counts: a report or a suspicion reaches a person, whatever a pack says."""
    outcome = policy.outcome_within(verdict)
    asked = claimed.event.kind == "report.create"
    return "review" if asked or (outcome == "allow" and suspicion(claimed, verdict)) else outcome


def matter(claimed: Claimed) -> tuple[str, str, str]:
    """Return what names the case of an event; whoever takes cases in this order never deadlocks."""
    event = claimed.event
    target = event.target if event.kind == "report.create" else None
    item = target.item if target else event.item
    account = (target.account if target else None) or event.account
    return claimed.platform, item.id if item else "", "" if item else account.id


def verdict_rows(
    batch: Sequence[Claimed], verdicts: Sequence[Verdict]
) -> list[tuple[int, str, bytes]]:
    """Return number, outcome and JSON of each verdict, as `intake.record` stores them."""
    return [
        (claimed.seq, verdict.outcome, msgspec.json.encode(verdict.public()))
        for claimed, verdict in zip(batch, verdicts, strict=True)
    ]


def tally(verdicts: Sequence[Verdict], pack: str) -> dict[str, str]:
    """Return the counts of a batch for its one ledger entry."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    return {"pack": pack} | {outcome: str(n) for outcome, n in sorted(counts.items())}


def question(tx: Tx, claimed: Claimed, verdict: Verdict) -> dict[str, Any]:
    """Return what `review.open_task` needs to put an event (or a report) before a person."""
    event = claimed.event
    is_report = event.kind == "report.create"
    item, account, seq = _reported(tx, claimed) if is_report else _sent(claimed)
    if not is_report and of_conduct(verdict):
        item = None
    # Whose an item is, is known from who sent it; until then it is only what somebody says.
    sure = not is_report or seq != claimed.seq
    harm = intake.category_of(str(event.context.get("category"))) if is_report else verdict.harm
    return {
        "platform": claimed.platform,
        "item": item,
        "account": account,
        "harm": harm,
        "severity": max(verdict.severity, HARMS[harm].severity if is_report else 1),
        "queue": verdict.queue or "reports",
        "event": seq,
        "sure": sure,
        "reported": is_report,
        "report": intake.report_of(tx, claimed.seq) if is_report else None,
        "reporter": event.account.id if is_report and event.account.id != event.id else None,
        "slow": is_report and event.context.get("slow") == "yes",
        "trusted": is_report and event.context.get("trusted") == "yes",
        "language": (event.item.language if event.item else None) or "",
        "within": HELD_DUE if verdict.hold else None,
        "clock": _clock(tx, claimed, verdict),
        "suspected": suspicion(claimed, verdict),
    }


def _clock(tx: Tx, claimed: Claimed, verdict: Verdict) -> review.Clock | None:
    """Return the legal clock that a rule set; it runs from when we were told."""
    if verdict.clock_hours is None:
        return None
    told = tx.value("SELECT received_at FROM events WHERE seq = %(e)s", e=claimed.seq)
    since = told or tx.now
    return review.Clock(since, since + timedelta(hours=verdict.clock_hours))


def of_conduct(verdict: Verdict) -> bool:
    """Say whether it rests on signs of behaviour alone: then it is about the account, not a text.

    So all that the account goes on to send joins one piece of work.
    """
    said = {finding.opinion for reason in verdict.reasons for finding in reason.findings}
    return "pattern" in said and said <= {"pattern", "noted"}


def _sent(claimed: Claimed) -> tuple[str | None, str | None, int]:
    event = claimed.event
    return event.item.id if event.item else None, event.account.id, claimed.seq


def _reported(tx: Tx, claimed: Claimed) -> tuple[str | None, str | None, int]:
    """Return item, account and event that a report is about: those of another person."""
    event = claimed.event
    target = event.target or intake.Target(item=event.item)
    account = target.account.id if target.account else None
    if target.item is None:
        return None, account or event.account.id, claimed.seq
    known = intake.latest_of_item(tx, claimed.platform, target.item.id)
    if known is None:
        return target.item.id, account, claimed.seq
    return target.item.id, known.account, known.seq


def from_verdict(tx: Tx, claimed: Claimed, verdict: Verdict, pack: Pack, media: Media) -> Draft:
    """Return the decision that a rule made about an event, wholly by automated means."""
    outcome, reason = _decidable(verdict.outcome), verdict.reasons[0]
    days = timedelta(days=verdict.days) if verdict.days else None
    return _by_rule(tx, claimed, verdict, pack.clauses[reason.clause], media, outcome=outcome,
                    why=facts_of(reason), until=tx.now + days if days else None,
                    decided_by=f"rule:{reason.rule}", measure=verdict.measure)  # fmt: skip


def from_holding_back(
    tx: Tx, claimed: Claimed, verdict: Verdict, pack: Pack, media: Media
) -> Draft:
    """Return the decision that holds an item back, for a day at most, until a person has looked."""
    unsure = [reason for reason in verdict.reasons if not reason.matched]
    held = (unsure or verdict.reasons)[0]
    return _by_rule(tx, claimed, verdict, pack.clauses[held.clause], media, outcome="restrict",
                    why=_HELD if unsure else _WEIGH, until=tx.now + HELD_FOR,
                    decided_by=f"{HELD_BY}{held.rule}")  # fmt: skip


def _by_rule(
    tx: Tx,
    claimed: Claimed,
    verdict: Verdict,
    clause: Clause,
    media: Media,
    *,
    outcome: Any,
    why: str,
    until: datetime | None,
    decided_by: str,
    measure: Any = "",
) -> Draft:
    event = claimed.event
    item = event.item.id if event.item else None
    return Draft(
        case_id=review.case_for(tx, claimed.platform, item, event.account.id, verdict.harm),
        platform=claimed.platform,
        outcome=outcome,
        harm=verdict.harm,
        clause=clause.anchor,
        clause_title=clause.title,
        clause_text=clause.text,
        ground=clause.ground,
        ground_reference=clause.reference,
        pack=verdict.pack,
        facts=why,
        source="own_initiative",
        automated_detection=True,
        automated_decision="fully",
        content_type=content_types(event, media),
        content_at=event.at,
        decided_by=decided_by,
        account=event.account.id,
        subject=claimed.subject,
        item=item,
        event=claimed.seq,
        language=event.item.language if event.item else None,
        until=until,
        measure=measure,
    )


def notes(batch: Sequence[Claimed], verdicts: Sequence[Verdict]) -> list[intake.Note]:
    """Return the labels that the rules give because of a batch, as `intake.give_labels` takes."""
    return [
        intake.Note(claimed, one.rule, verdict.pack, one.label.name, one.label.days,
                    one.label.on == "item")
        for claimed, verdict in zip(batch, verdicts, strict=True)
        for one in verdict.labels
    ]  # fmt: skip


def _decidable(outcome: str) -> Any:
    if outcome not in ("restrict", "remove", "block"):
        raise Problem("verdict.outcome", f"A rule alone may not decide “{outcome}”.", status=500)
    return outcome


def facts_of(reason: Reason) -> str:
    """Return what was found in plain words, without naming a reporter, hash, bank or distance."""
    kinds = dict.fromkeys(finding.signal for finding in reason.findings if not finding.unknown)
    sentences = [_FACTS[kind] for kind in kinds if kind in _FACTS]
    return " ".join(sentences) or _ELSE


def harm_of(given: review.Given, pack: Pack, found: Iterable[str]) -> str:
    """Return the harm that a judgement is about; `found` are those that signals saw.

    The matter's own may be no more than the word that a reporter chose. Where the rules for the
    reviewer's clause name another kind of harm, or a lesser one, that is what was decided.
    """
    rules = pack.rules if pack.fingerprint == given.pack else ()
    own = [rule.then.harm for rule in rules if rule.clause == given.clause]
    named = [harm for harm in own if harm in HARMS]
    if not named or given.harm in found or "from-report" in own:
        return given.harm
    near = any(_no_graver(given.harm, HARMS[harm]) for harm in named)
    return given.harm if near else named[0]


def _no_graver(code: str, than: Harm) -> bool:
    """Say whether a harm is of the same kind as another one, and no graver."""
    harm = HARMS.get(code)
    if harm is None:
        return False
    return harm.dsa_category == than.dsa_category and harm.severity <= than.severity


def _source(tx: Tx, given: review.Given) -> Any:
    """Return where a matter came from: a trusted flagger counts before anybody else."""
    if not given.reports:
        return "own_initiative"
    sql = "SELECT 1 FROM reports WHERE case_id = %(c)s AND flagger IS NOT NULL LIMIT 1"
    return "trusted_flagger" if tx.value(sql, c=given.case_id) else "report"


def from_judgement(tx: Tx, given: review.Given, clause: Clause, pack: Pack) -> Draft:
    """Return the decision that a reviewer's judgement makes, with the clause as it stood."""
    row, event = (None, None) if given.event is None else intake.open_event(tx, given.event)
    if row is not None and row.kind == "report.create":
        row, event = None, None
    account = given.account
    known = intake.account_of(tx, given.platform, account) if account else None
    media = intake.media_facts(
        tx, given.platform, [ref.id for ref in event.item.media] if event and event.item else []
    )
    reasons = row.verdict.get("reasons", ()) if row and row.verdict else ()
    # A signal that could not tell has detected nothing.
    found = [str(one["harm"]) for why in reasons for one in why["findings"]
             if not one.get("unknown")] + (found_back(tx, row.seq) if row else [])  # fmt: skip
    return Draft(
        case_id=given.case_id,
        platform=given.platform,
        outcome=given.outcome,  # type: ignore[arg-type]
        harm=harm_of(given, pack, found),
        clause=clause.anchor,
        clause_title=clause.title,
        clause_text=clause.text,
        ground=clause.ground,
        ground_reference=clause.reference,
        pack=given.pack,
        facts=given.facts,
        source=_source(tx, given),
        automated_detection=bool(found),
        automated_decision="not",
        content_type=content_types(event, media),
        content_at=row.at if row else given.at,
        decided_by=f"staff:{given.staff}",
        account=account,
        subject=known.subject if known else None,
        item=given.item,
        event=given.event,
        judgement=given.id,
        language=event.item.language if event and event.item else None,
        until=tx.now + timedelta(days=given.days) if given.days else None,
        measure=given.terms.measure,
        scope=list(given.terms.scope),
        starts_at=tx.now + timedelta(days=starts) if (starts := given.terms.starts_days) else None,
        six=given.terms.six,
    )
