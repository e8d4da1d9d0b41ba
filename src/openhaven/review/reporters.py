"""What is known of somebody who reports: whether it is a child, and how often they were right."""

import msgspec

from openhaven.storage import Tx


class Reporter(msgspec.Struct, frozen=True):
    """A reporter: under 18 or not, and how often something was, or was not, done before."""

    child: bool
    right: int
    wrong: int


def said_before(tx: Tx, platform: str, account: str) -> Reporter:
    """Return what is known of the reports that this account sent lately (at most 100)."""
    sql = """SELECT EXISTS (SELECT 1 FROM accounts a WHERE a.platform = %(p)s AND a.id = %(a)s
                            AND a.age_band IN ('under-13', '13-15', '16-17')) AS child,
               count(*) FILTER (WHERE d.outcome <> 'allow' AND d.state <> 'overturned') AS right,
               count(*) FILTER (WHERE d.outcome = 'allow' OR d.state = 'overturned') AS wrong
             FROM (SELECT r.case_id FROM events e JOIN reports r ON r.event = e.seq
                   WHERE e.platform = %(p)s AND e.account = %(a)s AND e.kind = 'report.create'
                     AND r.state = 'decided' ORDER BY e.seq DESC LIMIT 100) AS said
             CROSS JOIN LATERAL (SELECT d.outcome, d.state FROM decisions d
                   WHERE d.case_id = said.case_id AND d.decided_by NOT LIKE 'held:%%'
                   ORDER BY d.decided_at DESC LIMIT 1) AS d"""
    found = tx.one(sql, Reporter, p=platform, a=account)
    return found or Reporter(child=False, right=0, wrong=0)
