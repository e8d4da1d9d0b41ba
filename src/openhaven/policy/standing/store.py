"""Reading how the rules stand."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from openhaven.policy.model import Fallback
from openhaven.policy.standing.model import Standing
from openhaven.storage import Tx


class _Summed(msgspec.Struct):
    rule: str
    matched: int
    acted: int
    shadow: int
    unknown: int
    capped: int
    reviewed: int


class _Made(msgspec.Struct):
    rule: str
    decided: int
    overturned: int


class Fallen(msgspec.Struct, frozen=True):
    """A rule that fell back, since when, and the appeals that led to it."""

    rule: str
    since: datetime
    appeals: int
    overturned: int


def fallen(tx: Tx) -> dict[str, Fallen]:
    """Return the rules that only ask a person now, by id."""
    sql = "SELECT rule, since, appeals, overturned FROM rule_fallbacks WHERE lifted_at IS NULL"
    return {one.rule: one for one in tx.all(sql, Fallen)}


def standing(tx: Tx, rules: Iterable[str], days: int = 7) -> list[Standing]:
    """Return the numbers of these rules, and of all others that spoke, over the last `days`.

    The day is that of UTC; today is one of them. In the order given, then by id.
    """
    spoke = {row.rule: row for row in _summed(tx, days)}
    made = {row.rule: row for row in _made(tx, days)}
    back = fallen(tx)
    order = list(dict.fromkeys([*rules, *sorted(spoke), *sorted(made), *sorted(back)]))
    return [_standing(rule, spoke.get(rule), made.get(rule), back.get(rule)) for rule in order]


def _standing(
    rule: str, spoke: _Summed | None, made: _Made | None, back: Fallen | None
) -> Standing:
    numbers: dict[str, int] = {}
    if spoke is not None:
        numbers |= msgspec.structs.asdict(spoke)
    if made is not None:
        numbers |= {"decided": made.decided, "overturned": made.overturned}
    fell = {}
    if back is not None:
        fell = {"fallen": back.since, "appeals": back.appeals, "upheld": back.overturned}
    return Standing(**{**numbers, **fell, "rule": rule})  # type: ignore[arg-type]


def _summed(tx: Tx, days: int) -> list[_Summed]:
    """Return the counts of each rule; those that are not yet summed up are among them."""
    sql = """SELECT rule, sum(matched)::bigint AS matched, sum(acted)::bigint AS acted,
               sum(shadow)::bigint AS shadow, sum(unknown)::bigint AS unknown,
               sum(capped)::bigint AS capped, sum(reviewed)::bigint AS reviewed
             FROM (SELECT * FROM rule_days UNION ALL SELECT * FROM rule_counts) AS all_days
             WHERE day > %(first)s GROUP BY rule"""
    return tx.all(sql, _Summed, first=tx.now.date() - timedelta(days=days))


def _made(tx: Tx, days: int) -> list[_Made]:
    sql = """SELECT substr(decided_by, 6) AS rule, count(*) AS decided,
               count(*) FILTER (WHERE state = 'overturned') AS overturned
             FROM decisions WHERE decided_by LIKE 'rule:%%' AND decided_at >= %(since)s
             GROUP BY decided_by"""
    first = tx.now.date() - timedelta(days=days - 1)
    return tx.all(sql, _Made, since=datetime.combine(first, datetime.min.time(), tx.now.tzinfo))


class Appealed(msgspec.Struct, frozen=True):
    """How the appeals against decisions of one rule ended."""

    rule: str
    decided: int
    overturned: int


def appealed(tx: Tx, bound: Fallback) -> list[Appealed]:
    """Return the rules with enough ended appeals within the bound's days, and how those ended.

    Appeals that ended before a fallback was lifted are not held against the rule again.
    """
    sql = """SELECT substr(d.decided_by, 6) AS rule, count(*) AS decided,
               count(*) FILTER (WHERE a.state = 'upheld') AS overturned
             FROM appeals a JOIN decisions d ON d.id = a.decision
             WHERE a.decided_at >= %(since)s AND d.decided_by LIKE 'rule:%%'
               AND a.state IN ('upheld', 'rejected')
               AND a.decided_at > coalesce((SELECT max(f.lifted_at) FROM rule_fallbacks f
                                            WHERE f.rule = substr(d.decided_by, 6)), '-infinity')
             GROUP BY d.decided_by HAVING count(*) >= %(least)s ORDER BY d.decided_by"""
    since = tx.now - timedelta(days=bound.days)
    return tx.all(sql, Appealed, since=since, least=bound.at_least)
