"""The verb of conduct: note how somebody reports, and warn them before anything else."""

import msgspec

from openhaven import ledger
from openhaven.intake.conduct.model import MORE, SPAN, WARNED, Conduct, slower, without_ground
from openhaven.storage import Tx


class _Said(msgspec.Struct):
    right: int
    wrong: int
    wrong_since: int


def note(tx: Tx, platform: str, reporter: bytes, harm: str) -> Conduct:
    """Return how a new report of this reporter is dealt with, and warn them where it is time.

    `reporter` is the digest by which they are known again. `warned` is said to them with this
    report, which is not slower yet; `slow` follows when they went on after a warning.
    """
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))"
    tx.run(lock, n=f"openhaven.reporter:{platform}:{reporter.hex()}")
    sql = """SELECT warned_at FROM reporter_warnings WHERE platform = %(p)s AND reporter = %(r)s
             AND until > %(now)s"""
    warned = tx.value(sql, p=platform, r=reporter, now=tx.now)
    said = tx.one(_SAID, _Said, p=platform, r=reporter, since=tx.now - SPAN, warned=warned)
    if said is None or not without_ground(said.right, said.wrong):
        return ""
    if warned is not None:
        return "slow" if said.wrong_since >= MORE and slower(harm) else ""
    tx.run(
        """INSERT INTO reporter_warnings (platform, reporter, warned_at, until)
           VALUES (%(p)s, %(r)s, %(now)s, %(until)s)
           ON CONFLICT (platform, reporter) DO UPDATE SET warned_at = excluded.warned_at,
             until = excluded.until""",
        p=platform,
        r=reporter,
        now=tx.now,
        until=tx.now + WARNED,
    )
    ledger.append(tx, "reporter.warned", {"platform": platform})
    return "warned"


_SAID = """SELECT count(*) FILTER (WHERE d.outcome <> 'allow' AND d.state <> 'overturned') AS right,
             count(*) FILTER (WHERE d.outcome = 'allow' OR d.state = 'overturned') AS wrong,
             count(*) FILTER (WHERE (d.outcome = 'allow' OR d.state = 'overturned')
               AND r.created_at > %(warned)s::timestamptz) AS wrong_since
           FROM reports r CROSS JOIN LATERAL (
             SELECT d.outcome, d.state FROM decisions d WHERE d.case_id = r.case_id
               AND d.decided_by NOT LIKE 'held:%%' ORDER BY d.decided_at DESC LIMIT 1) d
           WHERE r.platform = %(p)s AND r.reporter = %(r)s AND r.state = 'decided'
             AND r.created_at > %(since)s"""
