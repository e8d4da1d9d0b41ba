"""Which rules are asked about which event, and how: by generated code or by the CEL library."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from openhaven.policy.compile import Answer, Program, answering, kinds_of, plain
from openhaven.policy.conditions import Condition
from openhaven.policy.model import Rule
from openhaven.policy.spoken import FROM_ELSEWHERE, Spoken
from openhaven.policy.vocabulary import BEHAVIOUR, Vocabulary

NEEDS = frozenset({"terms", "links", "banks"})
_OWED = ("terms.", "links.", "banks.", BEHAVIOUR)


class Compiled(msgspec.Struct, frozen=True):
    """A rule with its condition ready to answer; `always` is what it says if that is always so."""

    rule: Rule
    condition: Condition
    always: tuple[Spoken, Spoken] | None

    @property
    def owed(self) -> bool:
        """Whether a signal that failed can leave this rule in doubt."""
        return any(name.startswith(_OWED) for name in self.condition.names)

    @property
    def needs(self) -> frozenset[str]:
        """Which of terms, links and banks it reads; all of them where it asks what failed."""
        heads = {name.partition(".")[0] for name in self.condition.names}
        return frozenset(NEEDS if "signals" in heads else heads & NEEDS)


class Plan(NamedTuple):
    """The rules for one kind of event: those in generated functions, those for the library."""

    rules: tuple[Compiled, ...] = ()
    programs: tuple[Program, ...] = ()
    library: tuple[Compiled, ...] = ()
    owed: tuple[Compiled, ...] = ()


class Plans:
    """The plan for each kind of event; another one for when no signal found anything.

    Most rules are then false whatever the event says, and are not asked at all. Every rule is in
    one function only: those of the same kinds of events that are or are not asked then.
    """

    def __init__(self, rules: Iterable[Compiled], vocabulary: Vocabulary) -> None:
        self.outside: dict[str, str] = {}
        """The rules that run in the CEL library, by id, with what keeps each there."""
        self.kinds = kinds_of(vocabulary.types)
        self._careful: dict[str, Answer | None] = {}
        self._early: dict[str, tuple[frozenset[str], frozenset[str], Program | None]] = {}
        blank = vocabulary.env.Activation(vocabulary.blank)
        groups: dict[tuple[frozenset[str], bool], list[Compiled]] = {}
        for one in rules:
            # Asked with what signals answer then and with nothing of the event: if that is enough
            # for a plain false, the event cannot change it.
            signals = not one.condition.names.isdisjoint(vocabulary.blank)
            quiet = signals and one.condition.answer(blank) is False
            groups.setdefault((frozenset(one.rule.on), quiet), []).append(one)
        made = {key: self._made(group) for key, group in groups.items()}
        self._prompted = _by_kind(made)
        self._unprompted = _by_kind({key: plan for key, plan in made.items() if not key[1]})

    def of(self, kind: str, prompted: bool) -> Plan:
        """Return the plan for events of a kind; `prompted` when a signal found something."""
        return (self._prompted if prompted else self._unprompted).get(kind, _NOTHING)

    def careful(self, one: Compiled) -> Answer | None:
        """Return the function of one rule for values of which some are missing; made when needed.

        None when only the library can answer.
        """
        if one.rule.id not in self._careful:
            self._careful[one.rule.id] = answering(one.condition.tree, self.kinds)
        return self._careful[one.rule.id]

    def needs(self, kind: str, values: Callable[[], Mapping[str, Any]]) -> frozenset[str]:
        """Return which of terms, links and banks can matter, by what the event itself says.

        `values` gives that; it is asked only where it can make a difference.
        """
        if kind not in self._early:
            self._early[kind] = self._foreseen(kind)
        sure, all_of_them, early = self._early[kind]
        if early is None:
            return sure
        said = values()
        if not plain(said):
            return all_of_them
        needed: list[frozenset[str]] = [sure, *(needs for needs, _ in early.outside)]
        # A rule that already holds needs them too: what they find stands in its reasons.
        early.run(said, needed.append, needed.append)
        return _union(needed)

    def _foreseen(self, kind: str) -> tuple[frozenset[str], frozenset[str], Program | None]:
        """Return what events of a kind always need, may need, and what tells the difference."""
        owed = [one for one in self.of(kind, prompted=True).rules if one.needs]
        all_of_them = _union(one.needs for one in owed)
        # Rules that read nothing of the event itself: nothing that it says can rule them out.
        bare = [one for one in owed if all(_elsewhere(name) for name in one.condition.names)]
        sure = _union(one.needs for one in bare)
        if sure == all_of_them:
            return sure, all_of_them, None
        conditions = ((one.needs, one.condition.tree) for one in owed if not one.needs <= sure)
        return sure, all_of_them, Program(conditions, self.kinds, FROM_ELSEWHERE)

    def _made(self, group: list[Compiled]) -> Plan:
        program = Program(((one, one.condition.tree) for one in group), self.kinds)
        library = tuple(one for one, _ in program.outside)
        self.outside.update({one.rule.id: reason for one, reason in program.outside})
        programs = (program,) if len(library) < len(group) else ()
        return Plan(tuple(group), programs, library, tuple(one for one in group if one.owed))


_NOTHING = Plan()


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset(chain.from_iterable(sets))


def _elsewhere(name: str) -> bool:
    """Say whether a name's value does not come from the event itself."""
    return name.startswith(FROM_ELSEWHERE)


def _by_kind(made: Mapping[tuple[frozenset[str], bool], Plan]) -> dict[str, Plan]:
    found: dict[str, list[Plan]] = {}
    for (on, _), plan in made.items():
        for kind in on:
            found.setdefault(kind, []).append(plan)
    return {kind: _joined(plans) for kind, plans in found.items()}


def _joined(plans: list[Plan]) -> Plan:
    return Plan(*(tuple(chain.from_iterable(parts)) for parts in zip(*plans, strict=True)))
