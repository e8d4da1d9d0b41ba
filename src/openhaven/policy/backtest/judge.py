"""Asks a pack about stored events: what the line would have been told, as far as it is known."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from typing import Any, NamedTuple

from openhaven import signals
from openhaven.history import Counter, Replay
from openhaven.intake.model import Event
from openhaven.intake.told import said_of
from openhaven.policy.backtest.caps import Caps
from openhaven.policy.backtest.stored import Past
from openhaven.policy.features import again
from openhaven.policy.features.model import REPEATABLE
from openhaven.policy.model import Verdict
from openhaven.policy.pack import Pack
from openhaven.policy.vocabulary import LABELS
from openhaven.signals import Finding
from openhaven.signals.plugins import BUILT_IN, GROUP, Tools

_PATIENCE_S = 60.0
# A window reaches back its length and at most one of its 24 steps more.
_REACH = 25 / 24


class Known(NamedTuple):
    """How far back things are known: features since, and events since (None: all of them)."""

    features: datetime
    events: datetime | None


class _Way(NamedTuple):
    """How the counters of one kind of event are answered: from what was kept, or counted again."""

    kept: frozenset[str]
    replayed: frozenset[str]
    reach: timedelta


class _Seen(NamedTuple):
    past: Past
    shown: Event
    event: Event


class Judge:
    """One pack with its signals and counters, to which stored events are put in their order.

    `then` gives the pack with a fingerprint as it stood, or None where it cannot be loaded.
    """

    def __init__(
        self,
        pack: Pack,
        then: Callable[[str], Pack | None],
        known: Known,
        digest: Callable[[bytes], bytes],
        replayed: Sequence[Counter],
    ) -> None:
        self.pack = pack
        self._then = then
        self._known = known
        self._replay = Replay(replayed, digest) if replayed else None
        tools = Tools(signals.Banks(), pack.term_lists, pack.link_lists)
        made = [factory(tools) for factory in BUILT_IN]
        self._signals = [signal for signal in made if signal.name in REPEATABLE]
        self._plugins = bool(entry_points(group=GROUP))
        self._ways: dict[tuple[str, str, bool], _Way] = {}
        self.caps = Caps(pack, then)

    @property
    def counts(self) -> bool:
        """Whether it counts again what happened, so that it must see all of it."""
        return self._replay is not None

    def lead_in(self, past: Past) -> None:
        """Count an event from before the period, or one that was judged before a pause."""
        if self._replay is not None and past.event is not None:
            shown = _shown(past, past.event)
            self._replay.take(past.row.platform, shown, past.row.done_at)

    def judge(self, page: Sequence[Past]) -> list[Verdict | str]:
        """Return the verdict on each event of a page, or why there is none (a word of REASONS)."""
        open_ = [_Seen(past, _shown(past, past.event), past.event)
                 for past in page if past.event is not None]  # fmt: skip
        needed = [self.pack.needs(one.shown) for one in open_]
        found = signals.measure(
            [one.event for one in open_], {}, self._signals, _PATIENCE_S,
            [one.past.content for one in open_], needed,
        )  # fmt: skip
        said = iter([
            self._one(one.past, one.shown, answers, needs)
            for one, answers, needs in zip(open_, found, needed, strict=True)
        ])  # fmt: skip
        return [past.missing if past.event is None else next(said) for past in page]

    def _one(
        self, past: Past, shown: Event, repeated: list[Finding], needs: frozenset[str]
    ) -> Verdict | str:
        counted: Mapping[str, Any] = {}
        if self._replay is not None:
            counted = self._replay.take(past.row.platform, shown, past.row.done_at)
        complete = past.row.done_at is not None and past.row.done_at >= self._known.features
        short = (
            self._unasked(past, shown, needs, complete)
            or self._labels_short(past, complete)
            or self._told_short(past, shown, complete)
        )
        if short:
            return short
        way = self._way(past.was.pack, shown.kind, complete)
        if way.replayed and not self._reaches(past, way):
            return "history"
        values = {name: value for name, value in past.kept.counters.items() if name in way.kept}
        values |= {name: counted[name] for name in way.replayed if name in counted}
        findings = _joined(repeated, past)
        return self.caps.judge(
            past, lambda reined: self.pack.evaluate(shown, findings, values, reined)
        )

    def _unasked(self, past: Past, shown: Event, needs: frozenset[str], complete: bool) -> str:
        """Say whether something would be asked about the event that was not asked then.

        Terms and lists of links are asked again; banks and signals of packages are not.
        """
        owed = needs if self._plugins else needs & {"banks"}
        if not owed or not (self._plugins or _to_compare(shown)):
            return ""
        if not complete:
            return "features"
        if past.was.pack == self.pack.fingerprint:
            return ""
        then = self._then(past.was.pack)
        return "" if then is not None and owed <= then.needs(shown) else "not measured"

    def _labels_short(self, past: Past, complete: bool) -> str:
        if not self.pack.reads_labels:
            return ""
        if not complete:
            return "features"
        then = self._then(past.was.pack)
        return "" if then is not None and then.reads_labels else "not measured"

    def _told_short(self, past: Past, shown: Event, complete: bool) -> str:
        """Say whether a label of a platform may have stood that nobody kept.

        What the event itself says is enough for the names that it says.
        """
        unsaid = self.pack.reads_told.keys() - said_of(shown, self.pack.reads_told).keys()
        unsaid = {name for name in unsaid if _could_be_said(shown, name)}
        if not unsaid:
            return ""
        if not complete:
            return "features"
        then = self._then(past.was.pack)
        return "" if then is not None and unsaid <= then.reads_told.keys() else "not measured"

    def _reaches(self, past: Past, way: _Way) -> bool:
        events = self._known.events
        return events is None or past.row.received_at - way.reach >= events

    def _way(self, fingerprint: str, kind: str, complete: bool) -> _Way:
        key = (fingerprint, kind, complete)
        if key not in self._ways:
            then = self._then(fingerprint) if complete else None
            same = _asked(then.counters, kind) if then is not None else {}
            mine = _asked(self.pack.counters, kind)
            again = [counter for number, counter in mine.items() if number not in same]
            kept = [counter for number, counter in mine.items() if number in same]
            names = frozenset(name for counter in kept for name in counter.fields)
            fresh = frozenset(name for counter in again for name in counter.fields)
            self._ways[key] = _Way(
                names | set(LABELS) | self.pack.reads_told.keys(), fresh, reach(again)
            )
        return self._ways[key]


def reach(counters: Sequence[Counter]) -> timedelta:
    """Return how far back the longest window of these counters looks."""
    seconds = max((one.windows[-1].seconds for one in counters), default=0)
    return timedelta(seconds=seconds * _REACH)


def to_replay(pack: Pack, thens: Sequence[Pack | None], *, complete: bool) -> tuple[Counter, ...]:
    """Return the counters of `pack` whose values were not kept for every event of the period.

    `thens` are the packs that were in force in it, None for one that cannot be loaded.
    """
    if not complete or None in thens:
        return tuple(pack.counters)
    asked = [{one.id: one.asked for one in then.counters} for then in thens if then is not None]
    return tuple(
        one for one in pack.counters
        if not all(one.asked <= then.get(one.id, frozenset()) for then in asked)
    )  # fmt: skip


def _shown(past: Past, event: Event) -> Event:
    """Return a stored event as the line saw it: what may be read, and the ages as believed."""
    return again(signals.visible(event, past.content), past.kept.counters)


def _could_be_said(event: Event, name: str) -> bool:
    """Say whether the event has what a label of this name is about."""
    part = name.partition(".")[0]
    if part == "item":
        return event.item is not None
    return part == "account" or bool(event.target and event.target.account)


def _asked(counters: Sequence[Counter], kind: str) -> dict[int, Counter]:
    return {counter.id: counter for counter in counters if kind in counter.asked}


def _joined(repeated: list[Finding], past: Past) -> list[Finding]:
    """Return what was found again and what was kept; a signal that failed then stays failed."""
    kept = [one.finding() for one in past.kept.findings]
    failed = {one.signal for one in kept if one.unknown is not None and one.signal in REPEATABLE}
    return [one for one in repeated if one.signal not in failed] + kept


def _to_compare(event: Event) -> bool:
    """Say whether there is something that banks could know: media, or a link."""
    item = event.item
    return item is not None and bool(item.media or item.links or "." in (item.text or ""))
