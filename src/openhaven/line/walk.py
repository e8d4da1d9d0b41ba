"""The whole way, on one screen: from what a platform tells us to what shall happen.

`walk` takes events that were received: signals measure them, the policy judges them, and each is
either done, put before a person, or decided. `conclude` takes what a person said. Both end in
`settle`, which stores the decision and everything that shall follow from it as *intended*, with its
ledger entries, in the same transaction. Workers then carry out each act and store how it went.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from openhaven import decisions, exchange, history, intake, ledger, policy, review, signals
from openhaven.decisions import Decision, Draft
from openhaven.intake import Claimed
from openhaven.line import answered, drafts, known, lane, returning
from openhaven.line.haven import Haven
from openhaven.line.holding import hold_back
from openhaven.line.judging import judge
from openhaven.line.who import noted, recognise
from openhaven.policy import Pack, Verdict
from openhaven.signals.banks import matches
from openhaven.storage import Tx


def walk(
    haven: Haven, tx: Tx, batch: Sequence[Claimed], *, tally: bool = True,
    together_s: float | None = None,
) -> list[Verdict]:  # fmt: skip
    """Measure and judge claimed events, hand each over, and store the verdicts.

    The number of statements depends on the events that have a consequence, not on the batch.
    `tally=False` leaves counting passed events to the worker; `together_s` is `signals.measure`'s.
    """
    now = haven.packs.now
    pack = now.pack
    media = intake.media_of(tx, batch)
    lane.follow(tx, batch)
    seen = recognise(haven, tx, batch)
    findings = signals.measure(
        [claimed.event for claimed in batch],
        media,
        now.signals,
        together_s=together_s,
        content=[claimed.content for claimed in batch],
        needed=[pack.needs(claimed.event) for claimed in seen],
    )
    past = noted(batch, seen, history.count(tx, seen, pack.counters))
    said = judge(tx, pack, seen, findings, past)
    verdicts = [
        hand_over(haven, tx, claimed, verdict, pack, media)
        for claimed, verdict in zip(batch, said, strict=True)
    ]
    verdicts = returning.greet(haven, tx, batch, verdicts)
    intake.record(tx, drafts.verdict_rows(batch, verdicts), tallied=tally)
    matches.record(tx, known.seen(batch, findings, verdicts))
    answered.remember(tx, batch, verdicts)
    policy.tally(tx, batch, verdicts)
    policy.keep(tx, batch, findings, past, verdicts)
    if tally and batch:
        ledger.append(tx, "events.judged", drafts.tally(verdicts, pack.fingerprint))
    return verdicts


def hand_over(
    haven: Haven, tx: Tx, claimed: Claimed, verdict: Verdict, pack: Pack, media: drafts.Media
) -> Verdict:
    """Let an event pass, ask a person, or decide; return the verdict with the task or decision."""
    verdict = decisions.softened(verdict, pack.clauses)
    match drafts.outcome_of(claimed, verdict):
        case "allow":
            return verdict
        case "review":
            task = review.open_task(tx, **drafts.question(tx, claimed, verdict))
            asked = replace(verdict, outcome="review", task=task)
            return hold_back(haven, tx, claimed, asked, pack, media)
        case _:
            lane.ask(tx, claimed, verdict)
            draft = drafts.from_verdict(tx, claimed, verdict, pack, media)
            return replace(verdict, decision=settle(haven, tx, draft).id)


def conclude(haven: Haven, tx: Tx, given: review.Given) -> None:
    """Turn what a reviewer said into a decision, or into the end of an appeal."""
    # Labels before cases, as `walk` takes them: so the two never wait for each other.
    if given.outcome in ("allow", "upheld") and given.event is not None:
        intake.remove_labels(tx, given.event)
    match given.outcome:
        case "upheld":
            decisions.overturn(tx, given, haven.voice)
        case "rejected":
            decisions.reject(tx, given, haven.voice)
        case _:
            clause = policy.clause_as_it_stood(tx, given.pack, given.clause)
            draft = drafts.from_judgement(tx, given, clause, haven.packs.current)
            if decisions.waits(tx, given, draft, clause, haven.voice):
                return
            decisions.stop_holding_back(tx, given)
            if not exchange.looked_again(tx, given, haven.voice):
                settle(haven, tx, draft)
            if given.outcome == "allow":
                decisions.take_back_rules(tx, given, haven.voice)
    review.settled(tx, given, haven.settings.double_review)


def settle(haven: Haven, tx: Tx, draft: Draft) -> Decision:
    """Store a decision, its acts, notices and kept copies as intended, with the ledger entries."""
    made = decisions.decide(tx, draft, haven.voice)
    exchange.returning.intend(tx, made)
    return made
