"""Reading the ladder, and what waits for a second person."""

from openhaven.core import HARMS, Problem
from openhaven.decisions.penalties.model import Asked, Step
from openhaven.decisions.strikes import counting
from openhaven.storage import Tx

_ASKED = """SELECT a.id, a.judgement, j.task, p.name AS platform, c.account, c.harm, j.clause,
              j.pack, j.facts, a.asked_by, s.name AS asked_name, a.asked_at, a.lapses_at
            FROM approvals a JOIN judgements j ON j.id = a.judgement
            JOIN tasks t ON t.id = j.task JOIN cases c ON c.id = t.case_id
            JOIN platforms p ON p.id = c.platform JOIN staff s ON s.id = a.asked_by
            WHERE a.state = 'waiting' AND j.state = 'waits' """


def step_for(tx: Tx, platform: str, account: str, harm: str) -> Step:
    """Return what may be done to an account now for this harm; a severe one goes beyond steps."""
    strikes = counting(tx, platform, account)
    if harm in HARMS and HARMS[harm].severity == 4:
        return Step(strikes, None)
    sql = """SELECT longest_days FROM penalty_ladder WHERE strikes <= %(n)s
             ORDER BY strikes DESC LIMIT 1"""
    return Step(strikes, tx.value(sql, n=strikes))


def waiting(tx: Tx, limit: int = 100) -> list[Asked]:
    """Return what waits for a second person, oldest first."""
    return tx.all(_ASKED + "ORDER BY a.asked_at, a.id LIMIT %(limit)s", Asked, limit=limit)


def asked(tx: Tx, approval: str) -> Asked:
    """Return a request that waits, or raise `Problem` (409) when it does no more."""
    found = tx.one(_ASKED + "AND a.id = %(id)s", Asked, id=approval)
    if found is None:
        raise Problem("approval.answered", "This does not wait for anybody any more.", status=409,
                      next_step="Go back to the list.")  # fmt: skip
    return found


def said_of(tx: Tx, judgement: str) -> str | None:
    """Return the state of the request for a second person; None when nobody was asked."""
    found = tx.value("SELECT state FROM approvals WHERE judgement = %(j)s", j=judgement)
    return None if found is None else str(found)
