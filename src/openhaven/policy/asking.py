"""Asks the rules about one event, and makes reasons of their answers."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from cel_expr_python import cel

from openhaven.policy.compile import plain
from openhaven.policy.facts import Facts, not_answered
from openhaven.policy.plans import Compiled, Plan, Plans
from openhaven.policy.spoken import Spoken, matched, unanswered
from openhaven.policy.values import ERROR


class Asking:
    """Asks the rules about one event; works out each set of values once."""

    def __init__(self, facts: Facts, env: cel.Env, plans: Plans) -> None:
        self.facts = facts
        self.env = env
        self.plans = plans
        self.generated = plain(facts.values)

    def ask(self, plan: Plan) -> list[Spoken]:
        """Return what the rules of the plan say; those that surely do not match say nothing."""
        held: list[Compiled] = []
        open_: list[Compiled] = []
        if self.generated:
            for program in plan.programs:
                program.run(self.facts.values, held.append, open_.append)
        for one in plan.library if self.generated else plan.rules:
            answer = one.condition.answer(self.known)
            if answer is not False:
                (held if answer else open_).append(one)
        if self.facts.doubtful:
            return self.doubted(plan, held, open_)
        return [*map(self.matched, held), *map(self.unanswered, open_)]

    def doubted(self, plan: Plan, held: list[Compiled], open_: list[Compiled]) -> list[Spoken]:
        """Return what the rules say when a signal failed: those that it owes are asked again."""
        owed = {
            one.rule.id: one
            for one in plan.owed
            if not self.facts.doubtful.isdisjoint(one.condition.names)
        }
        spoken = [self.matched(one) for one in held if one.rule.id not in owed]
        spoken += [self.unanswered(one) for one in open_ if one.rule.id not in owed]
        for one in owed.values():
            answer = self.in_doubt(one)
            if answer is not False:
                spoken.append(self.matched(one) if answer else self.unanswered(one))
        return spoken

    def matched(self, one: Compiled) -> Spoken:
        """Return what a rule says that holds: the findings behind the names it reads."""
        if one.always is not None:
            return one.always[0]
        findings = self.facts.behind(one.condition.names)
        return matched(one.rule, findings, self.facts.harm(one.rule.then.harm))

    def unanswered(self, one: Compiled) -> Spoken:
        """Return what a rule says that cannot be answered: what is unknown."""
        if one.always is not None:
            return one.always[1]
        findings = self.facts.missing(one.condition.names) or (not_answered(),)
        return unanswered(one.rule, findings, self.facts.harm(one.rule.then.harm))

    def in_doubt(self, one: Compiled) -> bool | None:
        """Answer although a signal failed: true or false where its answer cannot change that.

        First without the doubtful values: an answer then does not depend on them. Then with the
        part that is known: where that part, and not its absence, makes the condition true, it is.
        """
        answer = self.answer(one, self.without)
        if answer is not None:
            return answer
        if not self.answer(one, self.facts.values):
            return None
        return True if self.answer(one, self.empty) is False else None

    def answer(self, one: Compiled, values: Mapping[str, Any]) -> bool | None:
        """Return the answer for some values of which any may be missing; None for an error."""
        careful = self.plans.careful(one) if self.generated else None
        if careful is None:
            return one.condition.answer(self.env.Activation(values))
        answer: bool | None = None if (found := careful(values)) is ERROR else found
        return answer

    @cached_property
    def known(self) -> cel.Activation:
        """The facts, for the CEL library."""
        return self.env.Activation(self.facts.values)

    @cached_property
    def without(self) -> dict[str, Any]:
        """The values that no signal leaves in doubt."""
        doubtful = self.facts.doubtful
        return {name: value for name, value in self.facts.values.items() if name not in doubtful}

    @cached_property
    def empty(self) -> dict[str, Any]:
        """The values as if what is in doubt were known to be nothing."""
        facts = self.facts
        return {**facts.values, **{name: facts.empty(name) for name in facts.doubtful}}
