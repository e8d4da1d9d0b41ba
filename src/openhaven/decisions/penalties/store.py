"""Reading the ladder, and what a second person is asked about."""

from openhaven.core import HARMS
from openhaven.decisions.penalties.model import Asked, Step
from openhaven.decisions.strikes import counting
from openhaven.storage import Tx


def step_for(tx: Tx, platform: str, account: str, harm: str) -> Step:
    """Return what may be done to an account now for this harm; a severe one goes beyond steps."""
    strikes = counting(tx, platform, account)
    if harm in HARMS and HARMS[harm].severity == 4:
        return Step(strikes, None)
    sql = """SELECT longest_days FROM penalty_ladder WHERE strikes <= %(n)s
             ORDER BY strikes DESC LIMIT 1"""
    return Step(strikes, tx.value(sql, n=strikes))


def asked(tx: Tx, judgement: str) -> Asked | None:
    """Return what a judgement would end for good; None when the matter has ended meanwhile."""
    sql = """SELECT j.id AS judgement, j.task, p.name AS platform, c.account, c.harm, j.clause,
               j.pack, j.facts
             FROM judgements j JOIN tasks t ON t.id = j.task JOIN cases c ON c.id = t.case_id
             JOIN platforms p ON p.id = c.platform WHERE j.id = %(j)s AND j.state = 'waits'"""
    return tx.one(sql, Asked, j=judgement)


def answered(tx: Tx, limit: int = 100) -> list[tuple[str, bool]]:
    """Lock judgements that waited and were answered; return each, and whether it may go on."""
    sql = """SELECT j.id, a.state IN ('approved', 'alone') AS agreed
             FROM judgements j JOIN approvals a ON a.matter = j.id AND a.kind = 'termination'
             WHERE j.state = 'waits' AND a.state <> 'waiting'
             ORDER BY j.at LIMIT %(limit)s FOR UPDATE OF j SKIP LOCKED"""
    return [(str(row["id"]), bool(row["agreed"])) for row in tx.rows(sql, limit=limit)]
