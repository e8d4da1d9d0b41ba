"""Reading how well people agree, and how often what was decided did not stand."""

from datetime import datetime, timedelta

import msgspec

from openhaven.review.quality.model import Pair, Rate
from openhaven.storage import Tx

PERIOD = timedelta(days=90)


class Golden(msgspec.Struct, frozen=True):
    """An answer that is agreed to be right, and how often others gave the same one."""

    id: str
    task: str
    outcome: str
    clause: str
    set_by: str
    given: int
    same: int


class Own(msgspec.Struct, frozen=True):
    """How what somebody decided fared: appealed, overturned, looked at again with the same end."""

    decisions: int
    appealed: int
    overturned: int
    looked: int
    same: int


_SINCE = "q.opened_at > %(since)s AND s.state <> 'withdrawn'"


def pairs(tx: Tx) -> list[Pair]:
    """Return the pairs of first and second judgements of the last 90 days."""
    sql = f"""SELECT t.queue, f.clause, f.outcome AS first, s.outcome AS second
              FROM quality_checks q JOIN tasks t ON t.id = q.task
              JOIN judgements f ON f.id = q.judgement JOIN judgements s ON s.task = q.task
              WHERE {_SINCE} ORDER BY q.opened_at DESC LIMIT 10000"""  # noqa: S608 (a constant)
    return tx.all(sql, Pair, since=tx.now - PERIOD)


def goldens(tx: Tx) -> list[Golden]:
    """Return the answers that are agreed to be right, with how others answered."""
    sql = """SELECT g.id, g.task, g.outcome, g.clause, w.name AS set_by, count(s.id) AS given,
               count(s.id) FILTER (WHERE s.outcome = g.outcome) AS same
             FROM golden_answers g JOIN staff w ON w.id = g.set_by
             LEFT JOIN quality_checks q ON q.golden = g.id
             LEFT JOIN judgements s ON s.task = q.task AND s.state <> 'withdrawn'
             WHERE g.retired_at IS NULL GROUP BY g.id, w.name ORDER BY g.at DESC LIMIT 200"""
    return tx.all(sql, Golden)


def golden_of(tx: Tx, task: str) -> str | None:
    """Return the golden answer that rests on a task, if there is one."""
    sql = "SELECT id FROM golden_answers WHERE task = %(t)s AND retired_at IS NULL"
    found = tx.value(sql, t=task)
    return None if found is None else str(found)


_RATES = """
  WITH made AS (
    SELECT d.id, d.event, d.language, j.staff, d.state = 'overturned' AS overturned,
      EXISTS (SELECT 1 FROM appeals a WHERE a.decision = d.id) AS appealed
    FROM decisions d LEFT JOIN judgements j ON j.id = d.judgement
    WHERE d.decided_at > %(since)s AND d.decided_by NOT LIKE 'held:%%' AND d.outcome <> 'allow'),
  spoken AS (
    SELECT DISTINCT m.id, r ->> 'rule' AS rule, f ->> 'signal' AS signal
    FROM made m JOIN events e ON e.seq = m.event
    CROSS JOIN LATERAL jsonb_array_elements(coalesce(e.verdict -> 'reasons', '[]')) AS r
    LEFT JOIN LATERAL jsonb_array_elements(coalesce(r -> 'findings', '[]')) AS f ON true),
  named AS (
    SELECT DISTINCT id, 'rule' AS kind, rule AS name FROM spoken
    UNION SELECT DISTINCT id, 'detector', signal FROM spoken
    UNION SELECT m.id, 'reviewer', s.name FROM made m JOIN staff s ON s.id = m.staff
    UNION SELECT id, 'language', language FROM made)
  SELECT n.kind, n.name, count(*) AS decisions, count(*) FILTER (WHERE m.appealed) AS appealed,
    count(*) FILTER (WHERE m.overturned) AS overturned
  FROM named n JOIN made m ON m.id = n.id WHERE n.name IS NOT NULL
  GROUP BY n.kind, n.name ORDER BY n.kind, n.name LIMIT 1000"""


def rates(tx: Tx) -> list[Rate]:
    """Return how often decisions of the last 90 days fell, by rule, detector, reviewer, language.

    In the order of names, so that nobody stands first or last.
    """
    return tx.all(_RATES, Rate, since=tx.now - PERIOD)


def own(tx: Tx, staff: str) -> Own:
    """Return how what `staff` decided in the last 90 days fared; which tasks, it does not say."""
    sql = """WITH mine AS (
               SELECT d.id, d.state FROM judgements j JOIN decisions d ON d.judgement = j.id
               WHERE j.staff = %(s)s AND j.at > %(since)s AND d.outcome <> 'allow'),
             looked AS (
               SELECT f.outcome = s.outcome AS same FROM judgements f
               JOIN quality_checks q ON q.judgement = f.id
               JOIN judgements s ON s.task = q.task AND s.state <> 'withdrawn'
               WHERE f.staff = %(s)s AND f.at > %(since)s)
             SELECT (SELECT count(*) FROM mine) AS decisions,
               (SELECT count(*) FROM mine m WHERE EXISTS (
                  SELECT 1 FROM appeals a WHERE a.decision = m.id)) AS appealed,
               (SELECT count(*) FROM mine WHERE state = 'overturned') AS overturned,
               (SELECT count(*) FROM looked) AS looked,
               (SELECT count(*) FROM looked WHERE same) AS same"""
    found = tx.one(sql, Own, s=staff, since=tx.now - PERIOD)
    assert found is not None
    return found


def hidden_from(tx: Tx, task: str) -> datetime | None:
    """Return since when what was decided is kept from who looks a second time, None otherwise."""
    sql = """SELECT min(j.at) FROM quality_checks q JOIN tasks t ON t.id = q.task
             JOIN tasks o ON o.case_id = t.case_id AND o.id <> t.id
             JOIN judgements j ON j.task = o.id WHERE q.task = %(t)s"""
    found = tx.value(sql, t=task)
    return found if isinstance(found, datetime) else None
