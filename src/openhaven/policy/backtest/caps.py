"""Rules that may act by themselves only so often: as it was then, or counted again when changed."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime

from openhaven.policy.backtest.stored import Past
from openhaven.policy.model import Rule, Verdict
from openhaven.policy.pack import Pack
from openhaven.policy.standing.model import ALONE


class Caps:
    """Holds rules back as the line did; the cap of a rule that is new or changed is counted here.

    A rule that had fallen back stays so, since only its owner lifts that.
    """

    def __init__(self, pack: Pack, then: Callable[[str], Pack | None]) -> None:
        self._then = then
        self._rules = {rule.id: rule for rule in pack.rules}
        self._same: dict[str, frozenset[str]] = {}
        self._used: Counter[tuple[date, str]] = Counter()

    def spent(self) -> list[tuple[date, str, int]]:
        """Return what is used up so far, for `resume`."""
        return [(*key, n) for key, n in self._used.items()]

    def resume(self, spent: list[tuple[date, str, int]]) -> None:
        """Go on with what was used up before."""
        self._used = Counter({(day, rule): n for day, rule, n in spent})

    def judge(self, past: Past, evaluate: Callable[[Mapping[str, str]], Verdict]) -> Verdict:
        """Return the verdict of `evaluate` with the rules held back that would have been."""
        same = self._unchanged(past.was.pack)
        reined = {
            rule: why for rule, why in past.kept.reined.items() if why == "fallen" or rule in same
        }
        verdict = evaluate(reined)
        # About a report a person always decides.
        at = None if past.row.kind == "report.create" else past.row.done_at
        while at is not None and (over := self._over(verdict, at, same)):
            reined[over] = "capped"
            verdict = evaluate(reined)
        return verdict

    def _over(self, verdict: Verdict, at: datetime, same: frozenset[str]) -> str:
        """Return the rule that would act and has done so too often today, or nothing."""
        if verdict.outcome not in ALONE:
            return ""
        rule = self._rules[verdict.reasons[0].rule]
        if rule.daily_cap is None or rule.id in same:
            return ""
        self._used[at.date(), rule.id] += 1
        return rule.id if self._used[at.date(), rule.id] > rule.daily_cap else ""

    def _unchanged(self, fingerprint: str) -> frozenset[str]:
        if fingerprint not in self._same:
            then = self._then(fingerprint)
            old: dict[str, Rule] = {} if then is None else {rule.id: rule for rule in then.rules}
            self._same[fingerprint] = frozenset(
                name for name, rule in self._rules.items() if old.get(name) == rule
            )
        return self._same[fingerprint]
