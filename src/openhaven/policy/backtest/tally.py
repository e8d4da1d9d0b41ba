"""Counts what two sides say of events, one event after another."""

import hashlib
from collections import Counter
from datetime import date

from openhaven.intake.model import Event
from openhaven.policy.backtest.figures import (
    Agreement,
    Cell,
    Figures,
    Load,
    Pair,
    RuleFigures,
    agreement,
    hidden,
)
from openhaven.policy.backtest.model import EXAMPLES, Change, Example, Human
from openhaven.policy.backtest.progress import Counted
from openhaven.policy.backtest.stored import Past, Side
from openhaven.policy.model import Rule
from openhaven.policy.pack import Pack

_DAYS_OPEN = 2


class Tally:
    """The figures and examples of a back-test while it runs; `human` is what people judged."""

    def __init__(self, human: Human) -> None:
        self.figures = Figures()
        self._human = human
        self._examples: dict[tuple[str, Change], list[tuple[int, Example]]] = {}
        self._judged: dict[str, Counter[tuple[bool, bool]]] = {"now": Counter(), "draft": Counter()}
        self._kinds: Counter[str] = Counter()
        self._matters: dict[date, set[tuple[str, str, int]]] = {}
        self._groups: dict[str, dict[str, Cell]] = {"age_band": {}, "language": {}, "country": {}}

    def counted(self) -> Counted:
        """Return the state, for `resume`."""
        return Counted(
            figures=self.figures,
            examples=[(rule, change, found) for (rule, change), found in self._examples.items()],
            judged={
                name: [(*key, n) for key, n in counts.items()]
                for name, counts in self._judged.items()
            },
            kinds=dict(self._kinds),
            matters=[(day, *one) for day, seen in self._matters.items() for one in seen],
            groups=self._groups,
        )

    def resume(self, state: Counted) -> None:
        """Go on from a state that `counted` gave."""
        self.figures = state.figures
        self._examples = {(rule, change): found for rule, change, found in state.examples}
        for name, counts in state.judged.items():
            self._judged[name] = Counter({(one, other): n for one, other, n in counts})
        self._kinds = Counter(state.kinds)
        for day, name, queue, mark in state.matters:
            self._matters.setdefault(day, set()).add((name, queue, mark))
        self._groups = state.groups

    def skip(self, past: Past, reason: str) -> None:
        """Count an event that cannot be evaluated."""
        figures = self.figures
        figures.events += 1
        figures.skipped[reason] = figures.skipped.get(reason, 0) + 1
        outcome = past.row.outcome or "none"
        figures.skipped_outcomes[outcome] = figures.skipped_outcomes.get(outcome, 0) + 1

    def take(self, past: Past, now: Side, draft: Side) -> None:
        """Count an event of which both sides say something."""
        self.figures.events += 1
        self.figures.evaluated += 1
        self._kinds[past.row.kind] += 1
        day = past.row.received_at.date()
        self._outcomes(day, now, draft)
        for side, name in ((now, "now"), (draft, "draft")):
            self._clauses(side, name)
            self._load(past, day, side, name)
        self._rules(past, now, draft)
        self._compare(past, now, draft)
        if past.event is not None:
            self._group(past.event, now, draft)

    def close(self, pack: Pack, minutes: dict[str, float]) -> Figures:
        """Return the figures; `minutes` is the median that people need for a task, by queue."""
        figures = self.figures
        figures.notes += [note for rule in pack.rules if (note := self._silent(rule))]
        if figures.events and not figures.evaluated:
            figures.notes.append("None of these events can be evaluated any more.")
        for queue, load in figures.load.items():
            load.minutes = minutes.get(queue)
        figures.agreement = {name: self._agreed(name) for name in self._judged}
        figures.groups = {name: hidden(cells) for name, cells in self._groups.items()}
        return figures

    def examples(self) -> list[Example]:
        """Return the examples, by rule and change: a fixed draw among all, not the first ones."""
        drawn = [
            one
            for found in self._examples.values()
            for _, one in sorted(found, key=_drawn)[:EXAMPLES]
        ]
        return list(dict.fromkeys(drawn))

    def _silent(self, rule: Rule) -> str:
        """Return a note on a rule that could never be answered."""
        asked = sum(self._kinds[kind] for kind in rule.on)
        found = self.figures.rules.get(rule.id)
        if not asked or found is None or found.unknown < asked:
            return ""
        return f"The rule “{rule.id}” could not be answered for any of {asked} events."

    def _agreed(self, name: str) -> Agreement:
        return agreement(self._judged[name])

    def _outcomes(self, day: date, now: Side, draft: Side) -> None:
        today = self.figures.days.setdefault(day.isoformat(), {})
        for table in (self.figures.outcomes, today):
            table.setdefault(now.outcome, Pair()).now += 1
            table.setdefault(draft.outcome, Pair()).draft += 1

    def _clauses(self, side: Side, name: str) -> None:
        for clause in {said.clause for said in side.reasons}:
            pair = self.figures.clauses.setdefault(clause, Pair())
            setattr(pair, name, getattr(pair, name) + 1)

    def _rules(self, past: Past, now: Side, draft: Side) -> None:
        was, would = now.rules, draft.rules
        for rule in was | would:
            one = self._rule(rule)
            one.now += rule in was
            one.draft += rule in would
            one.newly += rule not in was
            one.gone += rule not in would
        for rule in draft.shadow:
            self._rule(rule).shadow += 1
        for rule in draft.unknown:
            self._rule(rule).unknown += 1
        if was != would or now.outcome != draft.outcome:
            self._keep(past, now, draft, was ^ would)

    def _rule(self, rule: str) -> RuleFigures:
        return self.figures.rules.setdefault(rule, RuleFigures())

    def _compare(self, past: Past, now: Side, draft: Side) -> None:
        if now.outcome != draft.outcome:
            change = _change(now, draft)
            self.figures.changes[change] = self.figures.changes.get(change, 0) + 1
        human = self._human.of(past.row.seq, past.was.task)
        # A report always reaches a person, so that its outcome says nothing about the rules.
        if human is not None and past.row.kind != "report.create":
            self._judged["now"][now.outcome != "allow", human] += 1
            self._judged["draft"][draft.outcome != "allow", human] += 1

    def _keep(self, past: Past, now: Side, draft: Side, rules: frozenset[str]) -> None:
        seq, change = past.row.seq, _change(now, draft)
        spoke = tuple(sorted(rules)) or tuple(sorted(draft.rules))
        example = Example(seq, change, spoke, now.outcome, draft.outcome)
        for rule in spoke or ("",):
            found = self._examples.setdefault((rule, change), [])
            found.append((_lot(seq), example))
            if len(found) > 2 * EXAMPLES:
                found.sort(key=_drawn)
                del found[EXAMPLES:]

    def _load(self, past: Past, day: date, side: Side, name: str) -> None:
        """Count a task, once a day for each matter: what is open already is only joined."""
        if side.outcome != "review":
            return
        for old in sorted(self._matters)[:-_DAYS_OPEN]:
            del self._matters[old]
        matter = (name, side.queue, _mark(_matter(past)))
        seen = self._matters.setdefault(day, set())
        if matter in seen:
            return
        seen.add(matter)
        load = self.figures.load.setdefault(side.queue, Load())
        setattr(load, name, getattr(load, name) + 1)

    def _group(self, event: Event, now: Side, draft: Side) -> None:
        language = event.item.language if event.item else None
        values = {
            "age_band": event.account.age_band,
            "language": (language or "unknown").partition("-")[0].lower(),
            "country": event.account.country or "unknown",
        }
        for name, value in values.items():
            cell = self._groups[name].setdefault(value, Cell())
            cell.events = (cell.events or 0) + 1
            cell.now = (cell.now or 0) + (now.outcome != "allow")
            cell.draft = (cell.draft or 0) + (draft.outcome != "allow")


def _change(now: Side, draft: Side) -> Change:
    if now.outcome == draft.outcome or "allow" not in (now.outcome, draft.outcome):
        return "other"
    return "newly" if now.outcome == "allow" else "no longer"


def _matter(past: Past) -> tuple[str, str]:
    """Return what a task about the event would be about: an item, else an account."""
    event = past.event
    if event is None:
        return past.row.platform, past.row.account
    target = event.target if event.kind == "report.create" else None
    item = target.item if target else event.item
    account = (target.account if target else None) or event.account
    return past.row.platform, f"item:{item.id}" if item else f"account:{account.id}"


def _mark(matter: tuple[str, str]) -> int:
    """Return a number for a matter, the same in every process."""
    text = "\0".join(matter).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


def _lot(seq: int) -> int:
    """Return a number that spreads events, the same whenever it is asked (Knuth, TAOCP 6.4)."""
    return seq * 0x9E3779B97F4A7C15 % (1 << 64)


def _drawn(found: tuple[int, Example]) -> int:
    return found[0]
