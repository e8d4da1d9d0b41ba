"""Reading what somebody was exposed to, what they pause from, and what they do not take."""

from datetime import datetime, timedelta

from openhaven.core import HARMS
from openhaven.review.wellbeing.model import SHIFT, Avoided, Day, Pause
from openhaven.storage import Tx
from openhaven.storage.settings import Wellbeing


def avoided(tx: Tx, staff: str) -> Avoided:
    """Return what `staff` is not to be given at this moment."""
    sql = """SELECT harm, true AS paused FROM pauses WHERE staff = %(s)s AND until > %(now)s
             UNION SELECT harm, false FROM opt_outs WHERE staff = %(s)s"""
    rows = tx.rows(sql, s=staff, now=tx.now)
    return Avoided(tuple(row["harm"] for row in rows if row["paused"]),
                   tuple(row["harm"] for row in rows if not row["paused"]))  # fmt: skip


def pauses(tx: Tx, staff: str) -> list[Pause]:
    """Return the pauses that last at this moment, with the minutes that are left."""
    sql = """SELECT harm, max(why) AS why,
               ceil(extract(epoch FROM max(until) - %(now)s) / 60)::int AS minutes
             FROM pauses WHERE staff = %(s)s AND until > %(now)s GROUP BY harm ORDER BY harm"""
    return tx.all(sql, Pause, s=staff, now=tx.now)


def exposures(tx: Tx, staff: str, hours: int, harm: str = "") -> int:
    """Count pictures seen clearly and tasks judged since the last pause, within so many hours.

    `harm` narrows to one class; empty means all.
    """
    since = _since(tx, staff, harm, tx.now - timedelta(hours=hours))
    sql = """SELECT (SELECT count(*) FROM reveals r WHERE r.staff = %(s)s AND r.at > %(since)s
                       AND (%(h)s = '' OR r.harm = %(h)s))
                  + (SELECT count(*) FROM judgements j JOIN tasks t ON t.id = j.task
                       JOIN cases c ON c.id = t.case_id
                     WHERE j.staff = %(s)s AND j.at > %(since)s
                       AND (%(h)s = '' OR c.harm = %(h)s))"""
    return int(tx.value(sql, s=staff, h=harm, since=since))


def _since(tx: Tx, staff: str, harm: str, first: datetime) -> datetime:
    sql = """SELECT greatest(%(first)s, max(least(until, %(now)s))) FROM pauses
             WHERE staff = %(s)s AND harm IN ('', %(h)s) AND began_at > %(first)s"""
    found = tx.value(sql, s=staff, h=harm, first=first, now=tx.now)
    assert isinstance(found, datetime)
    return found


def day(tx: Tx, staff: str) -> Day:
    """Return what `staff` did within the time of a shift."""
    sql = """SELECT
               (SELECT count(*) FROM judgements WHERE staff = %(s)s AND at > %(t)s) AS judged,
               (SELECT count(*) FROM reveals WHERE staff = %(s)s AND at > %(t)s) AS seen,
               (SELECT count(*) FROM tasks WHERE state = 'claimed' AND claimed_by = %(s)s)
                 AS mine"""
    found = tx.one(sql, Day, s=staff, t=tx.now - SHIFT)
    assert found is not None
    return found


def spent(tx: Tx, staff: str, wellbeing: Wellbeing) -> dict[str, tuple[int, int]]:
    """Return, by harm class, how much `staff` was exposed to and how much comes before a pause.

    Only classes of which there was any.
    """
    sql = """SELECT DISTINCT harm FROM reveals WHERE staff = %(s)s AND at > %(since)s
             UNION SELECT c.harm FROM judgements j JOIN tasks t ON t.id = j.task
             JOIN cases c ON c.id = t.case_id WHERE j.staff = %(s)s AND j.at > %(since)s"""
    met = [str(row["harm"]) for row in tx.rows(sql, s=staff, since=tx.now - timedelta(days=1))]
    limits = {code: wellbeing.limit(code, HARMS[code].severity) for code in met if code in HARMS}
    return {code: (exposures(tx, staff, one.hours, code), one.items)
            for code, one in limits.items()}  # fmt: skip
