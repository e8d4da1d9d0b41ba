"""Reading until when the notices of a case are withheld."""

from datetime import datetime

import msgspec

from openhaven.storage import Tx


class Withheld(msgspec.Struct, frozen=True):
    """Of one case: until when its notices wait, whether longer was asked for and until when."""

    case_id: str
    until: datetime | None
    asked_until: datetime | None
    asked: str | None


def withheld(tx: Tx, case: str) -> Withheld:
    """Return until when what a case's decisions have to say to the person is withheld."""
    sql = """SELECT %(c)s AS case_id,
               (SELECT max(a.next_at) FROM acts a JOIN decisions d ON d.id = a.decision
                WHERE d.case_id = %(c)s AND a.verb = 'notify' AND a.state = 'intended'
                  AND a.attempts = 0 AND a.next_at > %(now)s) AS until,
               w.until AS asked_until, w.id AS asked
             FROM (SELECT 1) AS one LEFT JOIN lane_withholdings w
               ON w.case_id = %(c)s AND w.ended_at IS NULL"""
    found = tx.one(sql, Withheld, c=case, now=tx.now)
    assert found is not None
    return found
