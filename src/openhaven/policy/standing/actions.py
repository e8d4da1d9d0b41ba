"""Verbs on how the rules stand: count, keep within limits, fall back, lift, forget."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import msgspec

from openhaven import ledger
from openhaven.core import Problem, new_id, permits
from openhaven.intake import Claimed
from openhaven.policy.model import Verdict
from openhaven.policy.pack import Pack
from openhaven.policy.standing import messages
from openhaven.policy.standing.model import ALONE, NUMBERS, counted
from openhaven.policy.standing.store import appealed, fallen
from openhaven.storage import Tx

Again = Callable[[int, Mapping[str, str]], Verdict]
_DAYS_KEPT = timedelta(days=400)


# Counting -------------------------------------------------------------------------------------


def tally(tx: Tx, batch: Sequence[Claimed], verdicts: Sequence[Verdict]) -> None:
    """Count what each rule did in a batch, and note what shadow rules would have matched.

    One statement each, and none where no rule spoke. Counts are only added here, so that nobody
    waits for a row that many need; `sum_up` puts them together.
    """
    found = counted(verdicts)
    if found:
        columns = {name: [count[name] for count in found.values()] for name in NUMBERS}
        tx.run(
            """INSERT INTO rule_counts (day, rule, pack, matched, acted, shadow, unknown, capped,
                 reviewed)
               SELECT %(day)s, n.* FROM unnest(%(rules)b::text[], %(packs)b::text[],
                 %(matched)b::bigint[], %(acted)b::bigint[], %(shadow)b::bigint[],
                 %(unknown)b::bigint[], %(capped)b::bigint[], %(reviewed)b::bigint[]) AS n""",
            day=tx.now.date(),
            rules=[rule for rule, _ in found],
            packs=[pack for _, pack in found],
            **columns,
        )
    _note_shadows(tx, batch, verdicts)


def _note_shadows(tx: Tx, batch: Sequence[Claimed], verdicts: Sequence[Verdict]) -> None:
    matches = [
        (reason.rule, verdict.pack, claimed.seq)
        for claimed, verdict in zip(batch, verdicts, strict=True)
        for reason in verdict.shadow
        if reason.matched
    ]
    if not matches:
        return
    tx.run(
        """INSERT INTO shadow_matches (rule, pack, event, at)
           SELECT n.*, %(now)s FROM unnest(%(rules)b::text[], %(packs)b::text[],
             %(events)b::bigint[]) AS n
           ON CONFLICT DO NOTHING""",
        now=tx.now,
        rules=[one[0] for one in matches],
        packs=[one[1] for one in matches],
        events=[one[2] for one in matches],
    )


def sum_up(tx: Tx) -> int:
    """Add the latest counts to those of their days; return how many rows were put together."""
    if not tx.lock("rule_days"):
        return 0
    sql = """WITH fresh AS (DELETE FROM rule_counts RETURNING *),
               summed AS (
                 SELECT day, rule, pack, sum(matched) AS matched, sum(acted) AS acted,
                   sum(shadow) AS shadow, sum(unknown) AS unknown, sum(capped) AS capped,
                   sum(reviewed) AS reviewed, count(*) AS n
                 FROM fresh GROUP BY day, rule, pack),
               stored AS (
                 INSERT INTO rule_days AS d (day, rule, pack, matched, acted, shadow, unknown,
                   capped, reviewed)
                 SELECT day, rule, pack, matched, acted, shadow, unknown, capped, reviewed
                 FROM summed
                 ON CONFLICT (day, rule, pack) DO UPDATE SET
                   matched = d.matched + excluded.matched, acted = d.acted + excluded.acted,
                   shadow = d.shadow + excluded.shadow, unknown = d.unknown + excluded.unknown,
                   capped = d.capped + excluded.capped, reviewed = d.reviewed + excluded.reviewed)
             SELECT coalesce(sum(n), 0)::bigint FROM summed"""
    return int(tx.value(sql))


def forget_counts(tx: Tx, events_days: int) -> None:
    """Forget shadow matches with their events, and counts and caps of long ago."""
    tx.run("DELETE FROM shadow_matches WHERE at < %(b)s", b=tx.now - timedelta(days=events_days))
    before = tx.now.date() - _DAYS_KEPT
    tx.run("DELETE FROM rule_days WHERE day < %(b)s", b=before)
    tx.run("DELETE FROM rule_caps WHERE day < %(b)s", b=tx.now.date() - timedelta(days=7))


# Limits ---------------------------------------------------------------------------------------


def rein_in(
    tx: Tx, pack: Pack, batch: Sequence[Claimed], verdicts: Sequence[Verdict], again: Again
) -> list[Verdict]:
    """Return the verdicts of a batch with no rule acting alone that may only ask a person now.

    Those are rules that have fallen back, and rules that have used up their daily cap; `again`
    judges an event (by its place) with some rules reined in. Nothing is asked of the database
    unless a rule would act by itself.
    """
    found = list(verdicts)
    in_order = sorted(range(len(batch)), key=lambda at: batch[at].seq)
    alone = [at for at in in_order if _acts_alone(batch[at], found[at])]
    if not alone:
        return found
    reins: dict[int, dict[str, str]] = {at: dict.fromkeys(fallen(tx), "fallen") for at in alone}
    for at in alone:
        if not reins[at].keys().isdisjoint(reason.rule for reason in found[at].reasons):
            found[at] = again(at, reins[at])
    caps = {rule.id: rule.daily_cap for rule in pack.rules if rule.daily_cap is not None}
    while caps and alone:
        alone = [at for at in alone if found[at].outcome in ALONE and _first(found[at]) in caps]
        over = _beyond_cap(tx, caps, [(_first(found[at]), at) for at in alone])
        for at in over:
            reins[at][_first(found[at])] = "capped"
            found[at] = again(at, reins[at])
        alone = over
    return found


def _acts_alone(claimed: Claimed, verdict: Verdict) -> bool:
    """Say whether a rule decides; about a report a person always does."""
    return verdict.outcome in ALONE and claimed.event.kind != "report.create"


def _first(verdict: Verdict) -> str:
    return verdict.reasons[0].rule


class _Asked(msgspec.Struct):
    rule: str
    asked: int


def _beyond_cap(tx: Tx, caps: Mapping[str, int], wanted: Sequence[tuple[str, int]]) -> list[int]:
    """Count what rules want to do today; return the places of the events that are too many.

    Exact across processes: the row of a rule stays locked until the transaction ends. All take the
    rows in one order; a rule whose cap is used up is only read.
    """
    if not wanted:
        return []
    counts = Counter(rule for rule, _ in wanted)
    rules = sorted(counts)
    sql = """INSERT INTO rule_caps AS c (day, rule, asked)
             SELECT %(day)s, n.rule, n.asked
             FROM unnest(%(rules)b::text[], %(asked)b::bigint[], %(caps)b::bigint[])
               AS n (rule, asked, cap)
             WHERE NOT EXISTS (SELECT 1 FROM rule_caps u WHERE u.day = %(day)s
                                 AND u.rule = n.rule AND u.asked >= n.cap)
             ORDER BY n.rule
             ON CONFLICT (day, rule) DO UPDATE SET asked = c.asked + excluded.asked
             RETURNING rule, asked"""
    day: date = tx.now.date()
    columns = {"asked": [counts[one] for one in rules], "caps": [caps[one] for one in rules]}
    rows = tx.all(sql, _Asked, day=day, rules=rules, **columns)
    free = {one.rule: caps[one.rule] - (one.asked - counts[one.rule]) for one in rows}
    beyond = []
    for rule, at in wanted:
        free[rule] = free.get(rule, 0) - 1
        if free[rule] < 0:
            beyond.append(at)
    return beyond


# Falling back ---------------------------------------------------------------------------------


def fall_back(tx: Tx, pack: Pack) -> list[str]:
    """Let rules ask a person from now on whose decisions are overturned too often; return them.

    Each rule of `pack` has its own bound, or that of the pack. Their owners will be told.
    """
    standing = fallen(tx)
    fell: list[str] = []
    by_bound = {pack.fallback_of(rule) for rule in pack.rules}
    for bound in sorted(by_bound, key=repr):
        rules = {rule.id for rule in pack.rules if pack.fallback_of(rule) == bound}
        for one in appealed(tx, bound):
            too_often = one.overturned > bound.overturned * one.decided
            if one.rule in rules - standing.keys() and too_often:
                _fall(tx, pack, one.rule, one.decided, one.overturned)
                fell.append(one.rule)
    return fell


def _fall(tx: Tx, pack: Pack, rule: str, appeals: int, overturned: int) -> None:
    fallback = new_id("fbk")
    added = tx.run(
        """INSERT INTO rule_fallbacks (id, rule, pack, since, appeals, overturned)
           VALUES (%(id)s, %(rule)s, %(pack)s, %(now)s, %(appeals)s, %(overturned)s)
           ON CONFLICT DO NOTHING""",
        id=fallback,
        rule=rule,
        pack=pack.fingerprint,
        now=tx.now,
        appeals=appeals,
        overturned=overturned,
    )
    if added:
        ids = {"fallback": fallback, "rule": rule, "pack": pack.fingerprint}
        numbers = {"appeals": str(appeals), "overturned": str(overturned)}
        row = ("rule_fallbacks", fallback)
        ledger.append(tx, "rule.fell_back", ids | numbers, row=row)
        messages.intend(tx, fallback, pack.contact_of(rule))
        tx.wake("rule_messages")
        tx.wake("console")


def lift(tx: Tx, rule: str, reason: str) -> None:
    """Let a rule act by itself again; appeals that ended before count against it no more.

    Raises `Problem` 403 for staff who may not publish rules, 404 when it has not fallen back, and
    400 without a reason of up to 1,000 characters.
    """
    if tx.actor.kind == "staff" and not permits(tx.actor.roles, "policy.publish"):
        raise Problem("policy.forbidden", "You may not let a rule act again.",
                      "It needs the permission policy.publish.", status=403,
                      next_step="Ask somebody with the role “policy”.")  # fmt: skip
    reason = reason.strip()
    if not 1 <= len(reason) <= 1_000:
        raise Problem("fallback.reason", "Say in a few words why the rule may act again.",
                      next_step="Write up to 1,000 characters.")  # fmt: skip
    sql = """UPDATE rule_fallbacks SET lifted_at = %(now)s, lifted_by = %(me)s, reason = %(reason)s
             WHERE rule = %(rule)s AND lifted_at IS NULL RETURNING id"""
    actor = f"{tx.actor.kind}:{tx.actor.id}"
    fallback = tx.value(sql, now=tx.now, me=actor, reason=reason, rule=rule)
    if fallback is None:
        raise Problem("fallback.none", f"The rule “{rule[:80]}” has not fallen back.", status=404,
                      next_step="See `openhaven pack stats` for those that have.")  # fmt: skip
    ledger.append(tx, "rule.lifted", {"fallback": str(fallback), "rule": rule})
    tx.wake("console")
