"""Asks all signals about a batch of events, and gets an answer from each, come what may."""

import math
import threading
import time
from collections.abc import Sequence
from functools import partial

import msgspec
import structlog

from openhaven.intake.model import Event, Item
from openhaven.signals import helpers
from openhaven.signals.model import Finding, Media, Signal, unknown

log = structlog.get_logger(__name__)

FAILED = "the signal failed"
LATE = "the signal took too long"
NONSENSE = "the signal gave an answer that is none"
STUCK = "the signal is stuck"
NO_TIME = "there was no time left to ask the signal"
MOST_LATE = 3
KINDS = frozenset({"terms", "links", "banks"})

Answers = list[list[Finding]]
PATIENCE_S = 1.0

_late: dict[str, list[helpers.Errand]] = {}
_late_lock = threading.Lock()


def measure(
    events: Sequence[Event],
    media: Media,
    signals: Sequence[Signal],
    deadline_s: float | None = None,
    content: Sequence[bool] | None = None,
    needed: Sequence[frozenset[str]] | None = None,
    together_s: float | None = None,
) -> Answers:
    """Return the findings of all signals, one list for each event, in the order of the events.

    Each signal has `deadline_s` seconds for the whole batch; by default one second, and a fiftieth
    more for each event. After one that is late the others have half as long, so that however many
    hang cost twice `deadline_s` at most. One that raises, answers nonsense or is late gives the
    finding *unknown* for the events it owes; this function never raises for it.

    With `together_s` this returns within about that many seconds, however many signals are slow:
    each has half of them at most, and one that is left without any is *unknown* as well.

    `content` says for each event whether there is a legal ground to look at its content (all of
    them by default). Without one, and in encrypted conversations, signals get the event without
    text, links and media; only the text that a person sent along with a report stays.

    `needed` says for each event which kinds of findings can matter (`terms`, `links`, `banks`; all
    of them by default). A signal that gives no such finding is not asked about that event.
    """
    allowed = [True] * len(events) if content is None else content
    shown = [visible(event, may) for event, may in zip(events, allowed, strict=True)]
    answers: Answers = [[] for _ in events]
    patience = PATIENCE_S + len(events) / 50 if deadline_s is None else deadline_s
    end = math.inf
    if together_s is not None:
        patience, end = min(patience, together_s / 2), time.monotonic() + together_s
    left = list(signals)
    if needed is not None:
        left = [signal for signal in left if any(_wanted(signal, kinds) for kinds in needed)]
    while left and time.monotonic() < end:
        done = _run(shown, media, left, patience, end, answers, needed)
        left = left[done:]
        patience /= 2
    for signal in left:
        _add(answers, _owed(signal, shown, needed, NO_TIME))
    return answers


def visible(event: Event, content: bool) -> Event:
    """Return the event as signals may see it: without content where there is no ground for it."""
    if content and not (event.conversation and event.conversation.encrypted):
        return event
    target = event.target
    if target is not None:
        target = msgspec.structs.replace(target, item=_bare(target.item, keep_text=False))
    item = _bare(event.item, keep_text=event.kind == "report.create")
    return msgspec.structs.replace(event, item=item, target=target)


def _bare(item: Item | None, *, keep_text: bool) -> Item | None:
    if item is None:
        return None
    text = item.text if keep_text else None
    return msgspec.structs.replace(item, text=text, links=(), media=())


def _run(
    events: Sequence[Event],
    media: Media,
    signals: Sequence[Signal],
    deadline_s: float,
    end: float,
    answers: Answers,
    needed: Sequence[frozenset[str]] | None,
) -> int:
    """Ask these signals one after another until one is late; return how many are dealt with.

    At the moment `end` of the clock the one being asked is late, however long it has had. The work
    is done in a thread, which a signal that hangs keeps for itself.
    """
    found: list[Answers] = [[] for _ in signals]
    steps = [
        partial(_ask, signal, _asked(signal, events, needed), media, into)
        for signal, into in zip(signals, found, strict=True)
    ]
    errand = helpers.Errand(steps)
    helpers.start(errand)
    late = errand.wait(deadline_s, end)
    dealt = len(signals) if late is None else late + 1
    if late is not None:
        with _late_lock:
            _late.setdefault(signals[late].name, []).append(errand)
        log.error("signals.late", signal=signals[late].name, events=len(events))
    for signal, mine in zip(signals[:dealt], found, strict=False):
        # A late signal's thread may still add to its list, so the list is read once.
        told = mine[:]
        _add(answers, told + _owed(signal, events, needed, LATE)[len(told) :])
    return dealt


def _owed(
    signal: Signal,
    events: Sequence[Event],
    needed: Sequence[frozenset[str]] | None,
    why: str,
) -> Answers:
    """Return the finding *unknown* for each event that the signal was to be asked about."""
    asked = _asked(signal, events, needed)
    return [[] if event is None else [unknown(signal, "event", why)] for event in asked]


def _add(answers: Answers, told: Answers) -> None:
    for answer, findings in zip(answers, told, strict=True):
        answer += findings


def _wanted(signal: Signal, kinds: frozenset[str]) -> bool:
    """Say whether the signal gives findings of these kinds; one that does not say gives all."""
    return not kinds.isdisjoint(getattr(signal, "gives", KINDS))


def _asked(
    signal: Signal, events: Sequence[Event], needed: Sequence[frozenset[str]] | None
) -> Sequence[Event | None]:
    """Return the events that the signal is asked about, and None for each of the others."""
    if needed is None:
        return events
    pairs = zip(events, needed, strict=True)
    return [event if _wanted(signal, kinds) else None for event, kinds in pairs]


def _ask(
    signal: Signal,
    events: Sequence[Event | None],
    media: Media,
    into: Answers,
    errand: helpers.Errand,
) -> None:
    """Put the signal's findings about each event into `into`, one after another."""
    if _stuck(signal):
        into += [[] if event is None else [unknown(signal, "event", STUCK)] for event in events]
        return
    for event in events:
        if errand.given_up:
            return
        into.append([] if event is None else _answer(signal, event, media))


def _stuck(signal: Signal) -> bool:
    """Say whether so many threads hang in this signal that no further one shall be lost to it."""
    if signal.name not in _late:
        return False
    with _late_lock:
        alive = [errand for errand in _late[signal.name] if not errand.ended]
        _late[signal.name] = alive
        return len(alive) >= MOST_LATE


def _answer(signal: Signal, event: Event, media: Media) -> list[Finding]:
    try:
        findings = signal.measure(event, media)
    except Exception as error:
        # Whatever a detector throws, the line goes on; that it could not tell is the finding.
        log.error("signals.failed", signal=signal.name, about=event.id, error=type(error).__name__)
        return [unknown(signal, "event", FAILED)]
    if isinstance(findings, list) and all(_sane(signal, one) for one in findings):
        return findings
    log.error("signals.nonsense", signal=signal.name, about=event.id)
    return [unknown(signal, "event", NONSENSE)]


def _sane(signal: Signal, finding: object) -> bool:
    """Say whether this is a finding, made by this signal, of the types that are declared."""
    if not isinstance(finding, Finding) or finding.signal != signal.name:
        return False
    try:
        msgspec.convert(msgspec.structs.asdict(finding), Finding)
    except msgspec.ValidationError:
        return False
    return 0 <= finding.confidence <= 1
