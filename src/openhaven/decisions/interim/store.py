"""Reading what a task is about, for who hides it for a while."""

import msgspec

from openhaven.storage import Tx


class About(msgspec.Struct, frozen=True):
    """What a task that somebody holds is about."""

    case_id: str
    platform: str
    item: str | None
    account: str | None
    harm: str
    event: int | None
    reports: int


def held_by(tx: Tx, task: str, staff: str) -> About | None:
    """Return what a review task is about while this member of staff holds it, else None."""
    sql = """SELECT t.case_id, c.platform, c.item, c.account, c.harm, t.event, t.reports
             FROM tasks t JOIN cases c ON c.id = t.case_id
             WHERE t.id = %(t)s AND t.kind = 'review' AND t.state = 'claimed'
               AND t.claimed_by = %(s)s AND t.lease_until >= %(now)s"""
    return tx.one(sql, About, t=task, s=staff, now=tx.now)
