"""Named queries: filings, by case and by state."""

import msgspec

from openhaven.authorities.model import ALARMS, Alarm, Filing
from openhaven.core import Problem
from openhaven.storage import Tx

_COLUMNS = """f.id, f.case_id, f.authority, f.number, f.state, f.version, f.created_at,
  f.created_by, f.filed_at, f.filed_by, f.next_at, f.tries, f.failing_since, f.trouble, f.reference,
  f.finished_at, f.test"""


def filing(tx: Tx, filing_id: str) -> Filing:
    """Return a filing; raises `Problem` 404."""
    sql = f"SELECT {_COLUMNS} FROM filings f WHERE f.id = %(id)s"  # noqa: S608 (a constant)
    found = tx.one(sql, Filing, id=filing_id)
    if found is None:
        raise Problem("filing.unknown", "There is no such filing.", status=404,
                      next_step="Look in the list of filings.")  # fmt: skip
    return found


def filing_of(tx: Tx, case: str, authority: str, number: int = 0) -> Filing | None:
    """Return the living filing of a case to an authority; None when there is none."""
    sql = f"""SELECT {_COLUMNS} FROM filings f WHERE f.case_id = %(c)s AND f.authority = %(a)s
                AND f.number = %(n)s AND f.state <> 'withdrawn'"""  # noqa: S608
    return tx.one(sql, Filing, c=case, a=authority, n=number)


def filings(
    tx: Tx, *, case: str | None = None, state: str | None = None, limit: int = 200
) -> list[Filing]:
    """Return filings: those that need somebody first, then the newest."""
    sql = f"""SELECT {_COLUMNS} FROM filings f
              WHERE (%(case)s::text IS NULL OR f.case_id = %(case)s)
                AND (%(state)s::text IS NULL OR f.state = %(state)s)
              ORDER BY array_position(ARRAY['failed', 'filed', 'draft'], f.state) NULLS LAST,
                f.created_at DESC, f.id LIMIT %(limit)s"""  # noqa: S608
    return tx.all(sql, Filing, case=case, state=state, limit=limit)


_ALARMS = """
  SELECT CASE WHEN due_at <= %(now)s THEN 'overdue' ELSE 'due' END AS kind, id AS about, case_id,
    authority, due_at AS at FROM duties WHERE state = 'open' AND covered_by IS NULL
    AND %(now)s > due_at - least(interval '6 hours', (due_at - opened_at) / 2)
  UNION ALL SELECT 'failed', id, case_id, authority, coalesce(failing_since, created_at)
    FROM filings WHERE state = 'failed'
  UNION ALL SELECT 'stuck', id, case_id, authority, failing_since
    FROM filings WHERE state = 'filed' AND failing_since IS NOT NULL
  UNION ALL SELECT 'unanswered', id, case_id, authority, filed_at
    FROM filings WHERE state = 'filed' AND authority <> 'ncmec' AND next_at IS NULL
    AND filed_at < %(now)s - interval '1 day'
  UNION ALL SELECT 'expiring', f.id, f.case_id, f.authority, a.opened_at + interval '24 hours'
    FROM filing_attempts a JOIN filings f ON f.id = a.filing
    WHERE a.state IN ('open', 'finishing') AND a.opened_at < %(now)s - interval '20 hours'
  UNION ALL SELECT 'hold', h.ground, h.case_id, '', max(h.until) FROM holds h
    WHERE h.ended_at IS NULL GROUP BY h.ground, h.case_id
    HAVING max(h.until) < %(now)s + interval '30 days' AND max(h.until) > %(now)s"""


def alarms(tx: Tx, limit: int = 200) -> list[Alarm]:
    """Return everything that is due, failed or about to expire, the worst first."""
    sql = f"""SELECT * FROM ({_ALARMS}) AS found
              ORDER BY array_position(%(order)s::text[], kind), at, about, case_id
              LIMIT %(limit)s"""  # noqa: S608 (constants)
    return tx.all(sql, Alarm, now=tx.now, order=list(ALARMS), limit=limit)


class Counted(msgspec.Struct, frozen=True):
    """How many reports, or duties, there are of something."""

    key: str
    n: int


# What is counted for everybody: only what arrived, and nothing of a server for tests.
_COUNTS = {
    "authority": """SELECT CASE WHEN authority LIKE 'hotline-%%' THEN 'hotline' ELSE authority END
      AS key FROM filings WHERE state = 'finished' AND number = 0 AND NOT test""",
    "priority": """SELECT coalesce(priority::text, 'none') AS key FROM filings
      WHERE state = 'finished' AND number = 0 AND NOT test""",
    "after": """SELECT CASE WHEN state = 'finished' THEN 'supplemented' ELSE 'withdrawn' END AS key
      FROM filings WHERE NOT test AND (state = 'finished' AND number > 0
        OR state = 'withdrawn' AND filed_at IS NOT NULL)""",
    "no_report": """SELECT coalesce(no_report_ground, 'other') AS key FROM duties
      WHERE state = 'no_report'""",
}


def counted(tx: Tx, what: str) -> dict[str, int]:
    """Return counts by `authority`, `priority`, what came `after`, or grounds for `no_report`."""
    sql = f"SELECT key, count(*) AS n FROM ({_COUNTS[what]}) AS one GROUP BY key"  # noqa: S608
    return {one.key: one.n for one in tx.all(sql, Counted)}


def median_hours(tx: Tx, least: int) -> float | None:
    """Return the median of the hours from a duty to its report; None for fewer than `least`."""
    sql = """SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY
               greatest(extract(epoch FROM closed_at - opened_at), 0))
             FROM duties WHERE state = 'reported' HAVING count(*) >= %(least)s"""
    seconds = tx.value(sql, least=least)
    return None if seconds is None else float(seconds) / 3600
