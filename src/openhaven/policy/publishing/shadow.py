"""What became of a rule that only looks on: how often, on what, and whether people agree."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from openhaven.core import Problem
from openhaven.policy.marked import Marked, UnreadableError, read_yaml
from openhaven.policy.places import Source, did_you_mean
from openhaven.policy.publishing import actions, store
from openhaven.policy.publishing.model import Draft
from openhaven.policy.shares import wilson
from openhaven.storage import Tx

SAMPLE = 20
_PACKS = 20


class Day(msgspec.Struct, frozen=True):
    """One day (UTC) of a rule: how often it would have spoken, and how often it could not tell."""

    day: date
    shadow: int
    unknown: int


class Match(msgspec.Struct, frozen=True):
    """An event that a shadow rule matched and whose content is still there."""

    platform: str
    event: str


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a shadow rule as it stands now, over every pack that held the same rule.

    `judged` counts the matched events on which a person has said something, `agreed` those where
    something was done and not overturned. `precision` is their share with its 95 % interval
    (`low`, `high`; Wilson), None when nobody has judged any yet.
    """

    rule: str
    days: tuple[Day, ...]
    matches: int
    sample: tuple[Match, ...]
    judged: int
    agreed: int
    precision: float | None
    low: float | None
    high: float | None


def shadow_rules(tx: Tx) -> list[str]:
    """Return the rules of the pack in force that only look on, by id."""
    return sorted(
        str(rule["id"])
        for _, _, rule in _rules(store.files_of_pack(tx, store.standing(tx).pack))
        if rule.get("mode") == "shadow"
    )


def shadow_record(tx: Tx, rule: str) -> Record:
    """Return the record of a shadow rule of the pack in force.

    Raises `Problem`: 404 when there is no such rule, 409 when it is live already.
    """
    now = store.standing(tx)
    mine = _shadow(store.files_of_pack(tx, now.pack), rule)[2]
    packs = [now.pack, *_same(tx, rule, mine, now.pack)]
    judged = tx.rows(_JUDGED, rule=rule, packs=packs)
    agreed = sum(bool(row["agreed"]) for row in judged)
    share = wilson(agreed, len(judged))
    sql = "SELECT count(*) FROM shadow_matches WHERE rule = %(rule)s AND pack = ANY(%(packs)s)"
    return Record(
        rule=rule,
        days=tuple(tx.all(_DAYS, Day, rule=rule, packs=packs)),
        matches=int(tx.value(sql, rule=rule, packs=packs)),
        sample=tuple(tx.all(_SAMPLE, Match, rule=rule, packs=packs, limit=SAMPLE)),
        judged=len(judged),
        agreed=agreed,
        precision=share.share,
        low=share.low,
        high=share.high,
    )


def promote(tx: Tx, rule: str) -> Draft:
    """Begin a draft in which a shadow rule of the pack in force is live, and nothing else differs.

    It is proposed and approved like any other. Raises `Problem` as `shadow_record` does.
    """
    files = store.files_of_pack(tx, store.standing(tx).pack)
    marked, path, _ = _shadow(files, rule)
    first, last = marked.spans[f"{path}.mode"]
    text = marked.source.text
    files[marked.source.file] = text[:first] + "live" + text[last:]
    return actions.start_draft(tx, f"Make the rule {rule} live", files)


def _shadow(files: Mapping[str, str], rule: str) -> tuple[Marked, str, dict[str, Any]]:
    found = {str(one["id"]): (marked, path, one) for marked, path, one in _rules(files)}
    if rule not in found:
        raise Problem("rule.unknown", f"The pack in force has no rule “{rule[:80]}”.",
                      did_you_mean(rule, found).strip(), status=404)  # fmt: skip
    if found[rule][2].get("mode") != "shadow":
        raise Problem("rule.live", f"The rule “{rule}” is live already.", status=409)
    return found[rule]


def _rules(files: Mapping[str, str]) -> list[tuple[Marked, str, dict[str, Any]]]:
    """Return every rule as it is written, with its file and its path there."""
    found: list[tuple[Marked, str, dict[str, Any]]] = []
    for name, text in sorted(files.items()):
        if name.rpartition("/")[2] != "rules.yaml":
            continue
        try:
            marked = read_yaml(Source(name, text))
        except UnreadableError:  # Only a pack of another version of the program; it has no record.
            continue
        rules = marked.data if isinstance(marked.data, list) else []
        found += [(marked, f"$[{at}]", one) for at, one in enumerate(rules)
                  if isinstance(one, dict) and "id" in one]  # fmt: skip
    return found


def _same(tx: Tx, rule: str, mine: dict[str, Any], now: str) -> list[str]:
    """Return the other packs that held this very rule, of the latest that noted anything of it."""
    sql = f"""SELECT pack FROM ({_COUNTS}) AS c WHERE pack <> %(now)s AND shadow > 0
              GROUP BY pack ORDER BY max(day) DESC LIMIT %(limit)s"""  # noqa: S608 (a constant)
    packs = [str(row["pack"]) for row in tx.rows(sql, rule=rule, now=now, limit=_PACKS)]
    return [
        pack for pack in packs
        if any(one == mine for _, _, one in _rules(store.files_of_pack(tx, pack)))
    ]  # fmt: skip


# What is new stands in rule_counts for a moment.
_COUNTS = """SELECT day, pack, shadow, unknown FROM rule_days WHERE rule = %(rule)s
             UNION ALL
             SELECT day, pack, shadow, unknown FROM rule_counts WHERE rule = %(rule)s"""
_DAYS = f"""SELECT day, sum(shadow)::bigint AS shadow, sum(unknown)::bigint AS unknown
            FROM ({_COUNTS}) AS c WHERE pack = ANY(%(packs)s)
            GROUP BY day ORDER BY day DESC LIMIT 90"""  # noqa: S608 (a constant)
_SAMPLE = """SELECT p.name AS platform, e.id AS event
             FROM shadow_matches m JOIN events e ON e.seq = m.event
             JOIN platforms p ON p.id = e.platform
             WHERE m.rule = %(rule)s AND m.pack = ANY(%(packs)s) AND e.body IS NOT NULL
             ORDER BY m.event DESC LIMIT %(limit)s"""
_JUDGED = """SELECT DISTINCT ON (m.event)
                    j.outcome <> 'allow' AND coalesce(d.state, '') <> 'overturned' AS agreed
             FROM judgements j JOIN tasks t ON t.id = j.task AND t.kind = 'review'
               AND j.state <> 'withdrawn'
             JOIN cases c ON c.id = t.case_id
             JOIN events e ON e.seq = t.event OR (e.platform = c.platform AND e.item = c.item)
             JOIN shadow_matches m ON m.event = e.seq
             LEFT JOIN decisions d ON d.judgement = j.id
             WHERE m.rule = %(rule)s AND m.pack = ANY(%(packs)s)
             ORDER BY m.event, j.at DESC"""
