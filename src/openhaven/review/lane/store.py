"""Reading the lane: whether something belongs to it, and its cases."""

from collections.abc import Collection, Iterable

import msgspec

from openhaven.core import Problem
from openhaven.core.permissions import GRANTS
from openhaven.review.lane.model import HARMS, Case, Why
from openhaven.storage import Tx

# What a specialist has found to be harmless is closed to nobody when it comes up anew.
NOT_CLEARED = """NOT EXISTS (SELECT 1 FROM decisions d WHERE d.case_id = l.case_id
  AND d.outcome = 'allow' AND d.state = 'in_force' AND d.judgement IS NOT NULL)"""
# Which case something belongs to, by the prefix of its id.
_CASES_OF = {
    "cas": "SELECT %(id)s::text AS c",
    "tsk": "SELECT case_id AS c FROM tasks WHERE id = %(id)s",
    "jdg": "SELECT t.case_id AS c FROM judgements j JOIN tasks t ON t.id = j.task "
    "WHERE j.id = %(id)s",
    "med": f"SELECT l.case_id AS c FROM lane_media l WHERE l.media = %(id)s AND {NOT_CLEARED}",  # noqa: S608
    "dec": "SELECT case_id AS c FROM decisions WHERE id = %(id)s",
    "act": "SELECT d.case_id AS c FROM acts a JOIN decisions d ON d.id = a.decision "
    "WHERE a.id = %(id)s",
    "ntc": "SELECT d.case_id AS c FROM notices n JOIN decisions d ON d.id = n.decision "
    "WHERE n.id = %(id)s",
    "apl": "SELECT d.case_id AS c FROM appeals a JOIN decisions d ON d.id = a.decision "
    "WHERE a.id = %(id)s",
    "rep": "SELECT case_id AS c FROM reports WHERE id = %(id)s",
    "rpf": "SELECT r.case_id AS c FROM report_files f JOIN reports r ON r.id = f.report "
    "WHERE f.id = %(id)s",
    "cpl": "SELECT d.case_id AS c FROM copy_lists l JOIN decisions d ON d.id = l.decision "
    "WHERE l.id = %(id)s",
    "nex": "SELECT d.case_id AS c FROM notice_exceptions n JOIN decisions d ON d.id = n.decision "
    "WHERE n.id = %(id)s",
    # What a second person is asked about what was judged or decided; duties and evidence of the
    # lane are asked of other roles on purpose.
    "apr": "SELECT t.case_id AS c FROM approvals a JOIN judgements j ON j.id = a.matter "
    "JOIN tasks t ON t.id = j.task WHERE a.id = %(id)s "
    "UNION ALL SELECT d.case_id FROM approvals a JOIN copy_lists l ON l.id = a.matter "
    "JOIN decisions d ON d.id = l.decision WHERE a.id = %(id)s "
    "UNION ALL SELECT d.case_id FROM approvals a JOIN notice_exceptions n ON n.id = a.matter "
    "JOIN decisions d ON d.id = n.decision WHERE a.id = %(id)s "
    "UNION ALL SELECT d.case_id FROM approvals a JOIN decisions d ON d.id = a.matter "
    "WHERE a.id = %(id)s",
    "evi": "SELECT case_id AS c FROM evidence_items WHERE id = %(id)s",
}


def case_of(tx: Tx, thing: str) -> str | None:
    """Return the lane's case that something belongs to, by its id; None when to none."""
    find = _CASES_OF.get(thing.partition("_")[0])
    if find is None:
        return None
    sql = f"""SELECT k.id FROM cases k JOIN ({find}) AS f ON f.c = k.id
              WHERE k.lane_at IS NOT NULL LIMIT 1"""  # noqa: S608 (constants)
    found = tx.value(sql, id=thing)
    return None if found is None else str(found)


def is_closed(tx: Tx, things: Iterable[str]) -> bool:
    """Say whether one of these ids (of any kind) belongs to a case in the lane."""
    return any(case_of(tx, thing) is not None for thing in things)


def event_closed(tx: Tx, event: int, subject: str = "") -> bool:
    """Say whether an event, or the media that `subject` names, belongs to a case in the lane."""
    sql = """SELECT 1 FROM tasks t JOIN cases c ON c.id = t.case_id
             WHERE t.event = %(e)s AND c.lane_at IS NOT NULL LIMIT 1"""
    return is_closed(tx, [subject.removeprefix("media:")]) or tx.value(sql, e=event) is not None


def closed() -> Problem:
    """Return what who is no specialist is told at a case in the lane."""
    return Problem(
        "lane.closed", "Specialists for child safety alone see this.",
        "It may be the sexual exploitation of a child.", status=403,
        next_step="Go back to the queue. If this stays with you, talk to somebody: "
        "/console/me says who is there for you.",
    )  # fmt: skip


def in_lane(tx: Tx, case_id: str) -> bool:
    """Say whether a case is in the lane."""
    sql = "SELECT 1 FROM cases WHERE id = %(c)s AND lane_at IS NOT NULL"
    return tx.value(sql, c=case_id) is not None


def known_why(tx: Tx, case_id: str, event: int | None) -> Why | None:
    """Return why a case belongs into the lane since an earlier one does, None when none does.

    That is an earlier case on the same item, or on media of the same bytes as the event carries.
    """
    sql = f"""SELECT o.lane_why FROM cases c JOIN cases o ON o.platform = c.platform
                AND o.item = c.item AND o.lane_at IS NOT NULL AND o.id <> c.id,
                LATERAL (SELECT o.id AS case_id) AS l
              WHERE c.id = %(c)s AND {NOT_CLEARED}
              UNION ALL
              SELECT o.lane_why FROM media m JOIN media s ON s.sha256 = m.sha256
                JOIN lane_media l ON l.media = s.id JOIN cases o ON o.id = l.case_id
              WHERE m.event = %(e)s AND {NOT_CLEARED}
              ORDER BY 1 LIMIT 1"""  # noqa: S608 (a constant)
    found: Why | None = tx.value(sql, c=case_id, e=event)
    return found


_CASE = """SELECT c.id, c.platform, p.name AS platform_name, c.item, c.account, c.harm, c.state,
             c.opened_at, c.lane_at, c.lane_why, c.quarantined_at, c.sealed_at, t.id AS task,
             t.state AS task_state, a.country
           FROM cases c JOIN platforms p ON p.id = c.platform
           LEFT JOIN accounts a ON a.platform = c.platform AND a.id = c.account
           LEFT JOIN LATERAL (SELECT id, state FROM tasks t WHERE t.case_id = c.id
             ORDER BY t.state IN ('open', 'claimed') DESC, t.opened_at DESC LIMIT 1) AS t ON true
           WHERE c.lane_at IS NOT NULL """


def cases(tx: Tx, limit: int = 200) -> list[Case]:
    """Return the lane's cases: those that are open first, the oldest of them at the top."""
    sql = _CASE + "ORDER BY c.state, CASE c.state WHEN 'open' THEN c.lane_at END, c.lane_at DESC "
    return tx.all(sql + "LIMIT %(limit)s", Case, limit=limit)


def case(tx: Tx, case_id: str) -> Case:
    """Return a case of the lane, or raise `Problem` (404)."""
    found = tx.one(_CASE + "AND c.id = %(c)s", Case, c=case_id)
    if found is None:
        raise Problem("lane.unknown", "There is no such case in the lane.", status=404,
                      next_step="Go back to the list of cases.")  # fmt: skip
    return found


def to_quarantine(tx: Tx, besides: Collection[str] = ()) -> str | None:
    """Lock and return a case that one of us suspects and that is not hidden yet, if any."""
    sql = """SELECT id FROM cases WHERE lane_at IS NOT NULL AND lane_why <> 'report'
               AND quarantined_at IS NULL AND NOT id = ANY(%(besides)s)
             ORDER BY lane_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"""
    found = tx.value(sql, besides=list(besides))
    return None if found is None else str(found)


def to_seal(tx: Tx, besides: Collection[str] = ()) -> str | None:
    """Lock and return a hidden case of which no sealed copy was made yet, if any."""
    sql = """SELECT id FROM cases WHERE quarantined_at IS NOT NULL AND sealed_at IS NULL
               AND NOT id = ANY(%(besides)s)
             ORDER BY quarantined_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"""
    found = tx.value(sql, besides=list(besides))
    return None if found is None else str(found)


# As text in the statement, so that the database sees that an index of its own answers it.
_LEFT = f"""SELECT c.id, bool_and(e.kind = 'report.create') AS reported
  FROM cases c LEFT JOIN tasks t ON t.case_id = c.id LEFT JOIN events e ON e.seq = t.event
  WHERE c.lane_at IS NULL AND c.harm IN ({", ".join(f"'{harm}'" for harm in HARMS)})
    AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.case_id = c.id AND d.outcome = 'allow'
                    AND d.state = 'in_force' AND d.judgement IS NOT NULL)
  GROUP BY c.id ORDER BY c.id LIMIT %(limit)s"""  # noqa: S608 (constants)


def left_outside(tx: Tx, limit: int) -> dict[str, Why]:
    """Return cases that belong into the lane and are not in it, with why; as of an upgrade.

    What a person has found harmless since stays outside; what was only reported is not hidden.
    """
    rows = tx.rows(_LEFT, limit=limit)
    return {str(row["id"]): "report" if row["reported"] else "rule" for row in rows}


class LaneMedia(msgspec.Struct, frozen=True):
    """A piece of media of a lane case, as the platform uploaded it."""

    id: str
    type: str
    sha256: bytes
    bytes: int
    kept: bool


def media_of(tx: Tx, case_id: str) -> list[LaneMedia]:
    """Return the media that a lane case is about."""
    sql = """SELECT m.id, m.type, m.sha256, m.bytes, m.deleted_at IS NULL AS kept
             FROM lane_media l JOIN media m ON m.id = l.media WHERE l.case_id = %(c)s
             ORDER BY m.id"""
    return tx.all(sql, LaneMedia, c=case_id)


def events_of(tx: Tx, case_id: str) -> list[int]:
    """Return the numbers of the events that a case is about, oldest first."""
    sql = """SELECT DISTINCT e.seq FROM cases c JOIN events e ON e.platform = c.platform
               AND e.item = c.item AND e.kind NOT IN ('report.create', 'item.delete')
             WHERE c.id = %(c)s
             UNION SELECT event FROM tasks WHERE case_id = %(c)s AND event IS NOT NULL
             ORDER BY 1"""
    return [int(row["seq"]) for row in tx.rows(sql, c=case_id)]


def nobody_there(tx: Tx) -> int:
    """Return how many tasks of the lane wait although nobody here may see them; else 0."""
    roles = [role for role, may in GRANTS.items() if "lane.work" in may]
    sql = """SELECT count(*) FROM tasks t JOIN cases c ON c.id = t.case_id
             WHERE t.state IN ('open', 'claimed') AND c.lane_at IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM staff s WHERE s.disabled_at IS NULL
                               AND s.roles && %(roles)s)"""
    return int(tx.value(sql, roles=roles))
