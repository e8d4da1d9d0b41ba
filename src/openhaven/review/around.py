"""Reading what is around a task: linked cases, and how similar cases ended."""

from datetime import datetime

import msgspec

from openhaven.storage import Tx


class Linked(msgspec.Struct, frozen=True):
    """Another case that belongs to the same account or carries the same picture."""

    task: str
    harm: str
    why: str
    state: str
    opened_at: datetime


class Similar(msgspec.Struct, frozen=True):
    """How cases of the same harm and clause ended lately."""

    outcome: str
    n: int
    overturned: int
    latest: str


def linked(
    tx: Tx, case: str, platform: str, account: str | None, limit: int = 10, *, lane: bool = False
) -> list[Linked]:
    """Return the latest other tasks on the same account, or on the same picture, newest first.

    Those in the lane for suspected child sexual exploitation are among them with `lane` only.
    """
    sql = """WITH mine AS (
               SELECT b.entry FROM bank_matches b JOIN tasks t ON t.event = b.event
               WHERE t.case_id = %(c)s AND b.entry IS NOT NULL LIMIT 100),
             found AS (
               (SELECT t.id, 'account' AS why FROM cases c
                JOIN tasks t ON t.case_id = c.id AND t.kind = 'review'
                WHERE c.platform = %(p)s AND c.account = %(a)s AND c.id <> %(c)s
                  AND (%(lane)s OR c.lane_at IS NULL)
                ORDER BY c.opened_at DESC LIMIT %(n)s)
               UNION ALL
               (SELECT t.id, 'picture' FROM bank_matches b
                JOIN tasks t ON t.event = b.event AND t.kind = 'review'
                JOIN cases c ON c.id = t.case_id AND (%(lane)s OR c.lane_at IS NULL)
                WHERE b.entry IN (SELECT entry FROM mine) AND t.case_id <> %(c)s
                ORDER BY b.id DESC LIMIT %(n)s))
             SELECT t.id AS task, c.harm, min(f.why) AS why, t.state, t.opened_at
             FROM found f JOIN tasks t ON t.id = f.id JOIN cases c ON c.id = t.case_id
             GROUP BY t.id, c.harm, t.state, t.opened_at ORDER BY t.opened_at DESC LIMIT %(n)s"""
    return tx.all(sql, Linked, c=case, p=platform, a=account, n=limit, lane=lane)


def similar(tx: Tx, task: str, harm: str) -> list[Similar]:
    """Return how the latest 200 decisions of people on the same harm ended, the most common first.

    Where a rule spoke, only those on which the same rule had spoken are counted.
    """
    sql = """WITH asked AS (
               SELECT e.verdict #>> '{reasons,0,rule}' AS rule FROM tasks t
               LEFT JOIN events e ON e.seq = t.event WHERE t.id = %(t)s),
             past AS (
               SELECT d.id, d.outcome, d.state, d.decided_at FROM decisions d
               JOIN judgements j ON j.id = d.judgement LEFT JOIN events e ON e.seq = d.event
               WHERE d.harm = %(h)s
                 AND d.case_id <> (SELECT case_id FROM tasks WHERE id = %(t)s)
                 AND ((SELECT rule FROM asked) IS NULL
                      OR e.verdict #>> '{reasons,0,rule}' = (SELECT rule FROM asked))
               ORDER BY d.decided_at DESC LIMIT 200)
             SELECT outcome, count(*) AS n, count(*) FILTER (WHERE state = 'overturned')
                 AS overturned, (array_agg(id ORDER BY decided_at DESC))[1] AS latest
             FROM past GROUP BY outcome ORDER BY n DESC, outcome"""
    return tx.all(sql, Similar, t=task, h=harm)
