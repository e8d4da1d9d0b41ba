"""Who may work on what: read anew from the database, since a role may be withdrawn at any time."""

from collections.abc import Sequence

from openhaven.core import Permission, permits
from openhaven.core.permissions import GRANTS
from openhaven.storage import Tx

NEEDED: dict[str, Permission] = {
    "review": "task.work", "check": "task.work", "appeal": "appeal.work"
}  # fmt: skip
LEVELS: dict[str, Permission] = {"senior": "task.senior", "specialist": "task.specialist"}


def roles_of(tx: Tx, staff: str) -> tuple[str, ...]:
    """Return the roles that a member of staff has at this moment; none for who left."""
    sql = "SELECT roles FROM staff WHERE id = %(s)s AND disabled_at IS NULL"
    return tuple(tx.value(sql, s=staff) or ())


def may_work(tx: Tx, staff: str, kind: str, *, lane: bool = False) -> bool:
    """Say whether `staff` may work on tasks of this kind (review, check, appeal).

    Tasks in the lane for suspected child sexual exploitation are specialists' alone, of any kind.
    """
    return permits(roles_of(tx, staff), "lane.work" if lane else NEEDED[kind])


def sees_lane(tx: Tx, staff: str) -> bool:
    """Say whether `staff` sees cases of suspected child sexual exploitation."""
    return permits(roles_of(tx, staff), "lane.work")


def may_work_on(tx: Tx, staff: str, level: str) -> bool:
    """Say whether `staff` may work on tasks of this level ('', senior, specialist)."""
    return level in levels(tx, staff)


def levels(tx: Tx, staff: str) -> list[str]:
    """Return the levels that `staff` may work on.

    A level that nobody here has the role for is open to all: work never waits for nobody.
    """
    sql = """SELECT coalesce(array_agg(DISTINCT role), '{}') AS here,
               coalesce(array_agg(DISTINCT role) FILTER (WHERE id = %(s)s), '{}') AS own
             FROM staff, unnest(roles) AS role WHERE disabled_at IS NULL"""
    row = tx.rows(sql, s=staff)[0]
    return ["", *(level for level, needed in LEVELS.items()
                  if permits(row["own"], needed) or not permits(row["here"], needed))]  # fmt: skip


def anybody(tx: Tx, needed: Permission, but: Sequence[str] = ()) -> bool:
    """Say whether somebody works here who has this permission, besides the ids in `but`."""
    sql = """SELECT 1 FROM staff WHERE disabled_at IS NULL AND roles && %(roles)s
             AND NOT id = ANY(%(but)s) LIMIT 1"""
    roles = [role for role, may in GRANTS.items() if needed in may]
    return tx.value(sql, roles=roles, but=list(but)) is not None
