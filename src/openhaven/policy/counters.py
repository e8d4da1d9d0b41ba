"""Reads `counters.yaml`: what a pack counts, checked, with every mistake at its place."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, get_args

import msgspec

from openhaven.core import EventKind
from openhaven.history import Counter, Notes, Window
from openhaven.history.model import LETTERS, Kind
from openhaven.intake.model import Event
from openhaven.policy.compile import answering, kinds_of, plain
from openhaven.policy.conditions import Condition, compile_condition
from openhaven.policy.counted import CONTEXT, NAMES, PAIR, keys_by, number_named, parts_named
from openhaven.policy.facts import event_values
from openhaven.policy.marked import Marked, UnreadableError, read_yaml
from openhaven.policy.model import Rule
from openhaven.policy.places import PackError, Source, did_you_mean
from openhaven.policy.refusals import explained
from openhaven.policy.vocabulary import BEHAVIOUR, COUNTERS, RESERVED, event_vocabulary
from openhaven.signals import behaviour

COUNTERS_LIMIT = 200
KINDS: tuple[Kind, ...] = get_args(Kind)
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_FIELD = re.compile(r"context\.[A-Za-z_][A-Za-z0-9_]{0,62}")
_LONGEST = 366 * 86_400
_WINDOWS = 4
_REMEMBERED = ("90d",)
_Words = str | tuple[str, ...]


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One counter as it stands in the file: one of six kinds, and what it looks at."""

    count: str | None = None
    sum: str | None = None
    distinct: str | None = None
    rate: str | None = None
    first_seen: str | None = msgspec.field(name="first-seen", default=None)
    time_since: str | None = msgspec.field(name="time-since", default=None)
    by: _Words
    on: Annotated[tuple[EventKind, ...], msgspec.Meta(min_length=1)]
    where: str | None = None
    within: _Words = msgspec.field(name="in", default=_REMEMBERED)


def read_counters(source: Source, errors: list[PackError], seen: dict[str, str]) -> list[Counter]:
    """Return the counters that are sound; the mistakes of the others go to `errors`.

    `seen` has the file of each counter that was read before and gets those of this file.
    """
    try:
        marked = read_yaml(source)
    except UnreadableError as mistake:
        errors.append(mistake.error)
        return []
    data = marked.data
    if not isinstance(data, dict) or not 0 < len(data) <= COUNTERS_LIMIT:
        what = f"This file has 1 to {COUNTERS_LIMIT} counters, each as `its_name:` and a block."
        errors.append(source.error(marked.place("$"), what))
        return []
    readers = [_Reader(marked, errors, name, seen) for name in data]
    return [found for one in readers if (found := one.read(data[one.name]))]


def read_all_counters(
    texts: Mapping[str, str], order: Iterable[str], errors: list[PackError]
) -> list[Counter]:
    """Return the counters of a pack and of those that it includes, of which each has its folder."""
    seen: dict[str, str] = {}
    names = [name for at in order if (name := f"{at}counters.yaml") in texts]
    return [one for name in names for one in read_counters(Source(name, texts[name]), errors, seen)]


def asked_by(
    counters: Iterable[Counter], rules: Iterable[tuple[Rule, Condition]]
) -> tuple[Counter, ...]:
    """Return the counters with the kinds of events whose rules read them."""
    found: dict[str, frozenset[str]] = {}
    for rule, condition in rules:
        for name in condition.names:
            if name.startswith(COUNTERS):
                head = name.split(".")[1]
                found[head] = found.get(head, frozenset()).union(rule.on)
    return tuple(
        msgspec.structs.replace(one, asked=found.get(one.name, frozenset())) for one in counters
    )


def behaviour_asked(rules: Iterable[tuple[Rule, Condition]]) -> tuple[Counter, ...]:
    """Return what is counted for signs of behaviour, if a rule reads any; else nothing."""
    kinds = {
        kind
        for rule, condition in rules
        if any(name.startswith(BEHAVIOUR) for name in condition.names)
        for kind in rule.on
    }
    if not kinds:
        return ()
    asked = ((one, one.asked & kinds) for one in behaviour.COUNTERS)
    return tuple(msgspec.structs.replace(one, asked=of) for one, of in asked)


class _Reader:
    """Reads one counter."""

    def __init__(
        self, marked: Marked, errors: list[PackError], name: str, seen: dict[str, str]
    ) -> None:
        self.marked = marked
        self.errors = errors
        self.name = name
        self.path = f"$.{name}"
        self.seen = seen

    def read(self, data: Any) -> Counter | None:
        """Return the counter, or None when there was a mistake."""
        before = len(self.errors)
        self.check_name()
        if isinstance(data, dict) and f"{self.path}.where" in self.marked.raw:
            data["where"] = self.marked.raw[f"{self.path}.where"]
        try:
            declared = msgspec.convert(data, Declared)
        except msgspec.ValidationError as error:
            self.errors.append(explained(error, self.marked, self.path, Declared))
            return None
        found = self.counter(declared)
        return found if len(self.errors) == before else None

    def check_name(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in RESERVED:
            self.tell("", f"“{self.name[:80]}” is no name: small letters, digits, underscores.")
        if other := self.seen.get(self.name):
            self.tell("", f"There is another counter “{self.name}” in {other}.")
        self.seen[self.name] = self.marked.source.file

    def counter(self, declared: Declared) -> Counter | None:
        given = {kind: said for kind in KINDS if (said := getattr(declared, _attribute(kind)))}
        if len(given) != 1:
            self.tell("", f"A counter says one of: {', '.join(KINDS)}.")
            return None
        ((kind, said),) = given.items()
        windows = self.windows(declared.within, kind)
        value, unit = self.value(kind, said)
        by = self.by(declared.by)
        where = self.where(declared.where)
        if not windows or not by:
            return None
        return Counter(
            name=self.name,
            kind=kind,
            by=by,
            on=frozenset(declared.on),
            windows=windows,
            keys=keys_by(by),
            value=value,
            where=where,
            unit=unit,
            declared=_canonical(declared, kind, said, by, windows),
        )

    def value(self, kind: str, said: str) -> tuple[Callable[..., tuple[Any, ...]] | None, int]:
        """Return what reads the value of an event, and the unit of the answer in seconds."""
        match kind:
            case "count":
                if said != "events":
                    self.tell(f".{kind}", "It counts “events”; to count different things, write "
                                          "`distinct: target.account.id`.")  # fmt: skip
            case "distinct":
                if self.known(f".{kind}", said):
                    return parts_named(said), 1
            case "sum":
                if _FIELD.fullmatch(said):
                    return number_named(said), 1
                self.tell(f".{kind}", "A sum adds up a number of the context: `context.amount`.")
            case "rate":
                return None, self.span(f".{kind}", said)
            case _:
                if said not in _UNITS:
                    near = did_you_mean(said, _UNITS)
                    self.tell(f".{kind}", f"It answers in {', '.join(_UNITS)}.{near}")
                return None, _UNITS.get(said, 1)
        return None, 1

    def by(self, said: _Words) -> tuple[str, ...]:
        names = PAIR if said == "pair" else (said,) if isinstance(said, str) else said
        if not 0 < len(names) <= 3 or len(set(names)) < len(names):
            self.tell(".by", "A counter is kept by one, two or three different things.")
        listed = not isinstance(said, str)
        known = [self.known(f".by[{at}]" if listed else ".by", one) for at, one in enumerate(names)]
        return names if all(known) else ()

    def known(self, path: str, name: str) -> bool:
        if name in NAMES or _FIELD.fullmatch(name):
            return True
        listed = f" It is one of: {', '.join([*NAMES, 'pair', f'{CONTEXT}<name>'])}."
        near = did_you_mean(name, [*NAMES, "pair"]) or listed
        self.tell(path, f"Counters know no “{name[:80]}”.{near}")
        return False

    def windows(self, said: _Words, kind: str) -> tuple[Window, ...]:
        names = (said,) if isinstance(said, str) else said
        once = kind in ("first-seen", "time-since")
        if f"{self.path}.in" not in self.marked.values and not once:
            self.tell("", "Here “in” is missing: over which time it counts, as in `in: [1h, 7d]`.")
        if not 0 < len(names) <= (1 if once else _WINDOWS) or len(set(names)) < len(names):
            most = "one time: for how long it remembers" if once else "1 to 4 different times"
            self.tell(".in", f"“in” has {most}.")
        listed = not isinstance(said, str)
        spans = [self.span(f".in[{at}]" if listed else ".in", one) for at, one in enumerate(names)]
        found = [Window(f"in_{one}", span) for one, span in zip(names, spans, strict=True) if span]
        return tuple(sorted(found, key=lambda one: one.seconds))

    def span(self, path: str, said: str) -> int:
        """Return the seconds of a span such as `1h`; 0 when it is none."""
        match = _SPAN.fullmatch(said)
        seconds = int(match[1]) * LETTERS[match[2]] if match else 0
        if 0 < seconds <= _LONGEST:
            return seconds
        what = "A time is a number with m (minutes), h (hours) or d (days), 366d at most: `1h`."
        self.tell(path, what)
        return 0

    def where(self, said: str | None) -> Callable[[Event, Notes], bool] | None:
        if said is None:
            return None
        vocabulary = event_vocabulary()
        made = compile_condition(said, vocabulary)
        if isinstance(made, Condition):
            return _meant(made)
        for fault in made:
            place = self.marked.inside(f"{self.path}.where", fault.offset)
            self.errors.append(self.marked.source.error(place, fault.message))
        return None

    def tell(self, path: str, message: str) -> None:
        at = self.path + path
        key = self.marked.keys.get(at)
        place = key if key and not path else self.marked.place(at)
        self.errors.append(self.marked.source.error(place, message))


def _attribute(kind: str) -> str:
    return kind.replace("-", "_")


def _canonical(
    declared: Declared, kind: str, said: str, by: tuple[str, ...], windows: tuple[Window, ...]
) -> str:
    """Return the declaration in one form: what differs here counts something else."""
    fields: Mapping[str, Any] = {
        kind: said,
        "by": by,
        "on": sorted(set(declared.on)),
        "where": declared.where,
        "in": [window.name for window in windows],
    }
    return msgspec.json.encode(fields).decode()


def _meant(condition: Condition) -> Callable[[Event, Notes], bool]:
    """Return what says whether an event is meant; one that lacks what is asked for is not."""
    vocabulary = event_vocabulary()
    answer = answering(condition.tree, kinds_of(vocabulary.types))

    def meant(event: Event, notes: Notes) -> bool:
        if "values" not in notes:
            values = event_values(event)
            notes["values"], notes["plain"] = values, plain(values)
        if answer is not None and notes["plain"]:
            return answer(notes["values"]) is True
        activation = vocabulary.env.Activation(notes["values"])
        return condition.answer(activation) is True

    return meant
