"""One `rules.yaml` of a pack: its rules, each checked against what the whole pack says."""

from typing import Any

import msgspec

from openhaven.core import HARMS
from openhaven.policy.conditions import Condition, compile_condition
from openhaven.policy.marked import Marked, UnreadableError, read_yaml
from openhaven.policy.model import FROM_BANK, FROM_REPORT, Clause, Rule
from openhaven.policy.places import PackError, Source, did_you_mean
from openhaven.policy.refusals import explained
from openhaven.policy.sense import Placed, alone
from openhaven.policy.vocabulary import Vocabulary

_RULES_LIMIT = 5_000
_TOPICS = frozenset(topic for one in HARMS.values() for topic in one.help)


class Said(msgspec.Struct):
    """What the files of a pack say together: clauses, queues, and the file of each rule seen."""

    clauses: dict[str, Clause]
    queues: frozenset[str]
    seen: dict[str, str] = {}


class RulesFile:
    """Reads one rules.yaml against what the whole pack says."""

    def __init__(self, source: Source, said: Said, errors: list[PackError]) -> None:
        self.marked = Marked(source)
        self.errors = errors
        self.clauses = said.clauses
        self.queues = said.queues
        self.seen = said.seen
        self.data = self.parsed()

    def parsed(self) -> list[Any]:
        """Return the rules as they stand in the file, not yet checked."""
        try:
            self.marked = read_yaml(self.marked.source)
        except UnreadableError as mistake:
            self.errors.append(mistake.error)
            return []
        data = self.marked.data
        if not isinstance(data, list) or not 0 < len(data) <= _RULES_LIMIT:
            self.tell("$", f"This file is a list of 1 to {_RULES_LIMIT:,} rules, each after a “-”.")
            return []
        return data

    def labels(self) -> set[str]:
        """Return the labels that these rules give."""
        found = set()
        for one in self.data:
            then = one.get("then") if isinstance(one, dict) else None
            label = then.get("label") if isinstance(then, dict) else None
            name = label.get("name") if isinstance(label, dict) else None
            if isinstance(name, str):
                found.add(name)
        return found

    def read(self, vocabulary: Vocabulary) -> list[Placed]:
        """Return the rules that are sound; the mistakes of the others go to the errors."""
        self.vocabulary = vocabulary
        return [found for at, one in enumerate(self.data) if (found := self.rule(f"$[{at}]", one))]

    def rule(self, path: str, data: Any) -> Placed | None:
        if isinstance(data, dict) and f"{path}.when" in self.marked.raw:
            data["when"] = self.marked.raw[f"{path}.when"]
        try:
            rule = msgspec.convert(data, Rule)
        except msgspec.ValidationError as error:
            self.errors.append(explained(error, self.marked, path, Rule))
            return None
        before = len(self.errors)
        self.check(path, rule)
        condition = self.condition(path, rule)
        if condition is None or len(self.errors) > before:
            return None
        place = self.marked.source.error(self.marked.place(f"{path}.when"), "")
        return Placed(rule, condition, place)

    def check(self, path: str, rule: Rule) -> None:
        if rule.id in self.seen:
            where = self.seen[rule.id]
            place = "above" if where == self.marked.source.file else f"in {where}"
            self.tell(f"{path}.id", f"There is another rule “{rule.id}” {place}.")
        self.seen.setdefault(rule.id, self.marked.source.file)
        if rule.clause not in self.clauses:
            near = did_you_mean(rule.clause, self.clauses)
            self.tell(f"{path}.clause", f"policy.md has no clause “{rule.clause}”.{near}")
        self.check_then(path, rule)

    def check_then(self, path: str, rule: Rule) -> None:
        harm = rule.then.harm
        known = (*HARMS, FROM_BANK, FROM_REPORT)
        if harm not in known:
            near = did_you_mean(harm, known)
            self.tell(f"{path}.then.harm", f"There is no harm “{harm}”.{near}")
        if harm == FROM_REPORT and set(rule.on) != {"report.create"}:
            self.tell(f"{path}.then.harm", "Only a rule on report.create alone can take that harm.")
        if rule.then.queue not in self.queues:
            near = did_you_mean(rule.then.queue, self.queues)
            more = near or " List a queue of your own under `queues` in pack.toml."
            self.tell(f"{path}.then.queue", f"There is no queue “{rule.then.queue}”.{more}")
        self.check_days(path, rule)
        self.check_limits(path, rule)
        for at, topic in enumerate(rule.then.help or ()):
            if topic not in _TOPICS:
                what = f"There is no help topic “{topic}”.{did_you_mean(topic, _TOPICS)}"
                self.tell(f"{path}.then.help[{at}]", what)

    def check_days(self, path: str, rule: Rule) -> None:
        outcome, days = rule.then.outcome, rule.then.days
        if rule.then.measure and outcome != "restrict":
            self.tell(f"{path}.then.measure", "Only what restricts says how: `outcome: restrict`.")
        if outcome == "restrict" and days is None:
            what = "A rule restricts for a number of `days`; only a person does so without an end."
            self.tell(f"{path}.then", what)
        if outcome in ("allow", "review") and days is not None:
            self.tell(f"{path}.then.days", f"“{outcome}” takes nothing away, so it has no days.")

        if outcome == "allow" and rule.then.clock_hours is not None:
            what = "Nobody looks at what is allowed, so no clock runs for it."
            self.tell(f"{path}.then.clock_hours", what)

    def check_limits(self, path: str, rule: Rule) -> None:
        if rule.daily_cap is not None and rule.then.outcome in ("allow", "review"):
            what = f"“{rule.then.outcome}” decides nothing, so there is nothing to cap."
            self.tell(f"{path}.daily_cap", what)
        if rule.then.label is not None and "report.create" in rule.on:
            what = "What one person reports is no ground for a label; a person looks at it first."
            self.tell(f"{path}.then.label", what)

    def condition(self, path: str, rule: Rule) -> Condition | None:
        where = f"{path}.when"
        made = compile_condition(rule.when, self.vocabulary)
        if isinstance(made, list):
            for fault in made:
                place = self.marked.inside(where, fault.offset)
                self.errors.append(self.marked.source.error(place, fault.message))
            return None
        if rule.mode == "live" and (sign := alone(made, self.vocabulary)):
            what = (
                f"“{sign}” is one sign of behaviour, and alone it says too little about a person: "
                "join it with another one, or let the rule look on in shadow mode."
            )
            self.tell(where, what)
        if "banks.investigate" in made.names and rule.then.outcome != "review":
            what = "A bank to investigate asks for a look, no more: the outcome must be “review”."
            self.tell(f"{path}.then.outcome", what)
        if rule.then.harm == FROM_BANK and not made.names & {"banks.positive", "banks.harms"}:
            what = "Only a rule on banks.positive or banks.harms can take that harm."
            self.tell(f"{path}.then.harm", what)
        return made

    def tell(self, path: str, message: str) -> None:
        self.errors.append(self.marked.source.error(self.marked.place(path), message))
