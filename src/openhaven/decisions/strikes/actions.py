"""Verbs of strikes: give one with a decision, answer one that waits, lift one."""

from openhaven import ledger
from openhaven.core import Problem, permits
from openhaven.decisions.model import Decision
from openhaven.decisions.strikes.model import CHILD_HARMS, gives_strike, life, severity_of
from openhaven.decisions.strikes.store import may_be_child
from openhaven.storage import Tx


def give(tx: Tx, made: Decision) -> list[ledger.New]:
    """Store the strike of a decision, where it gives one; return the entry still to be appended.
    Where the one acted against may be a child who was hurt, it waits and counts for nothing until
    a specialist answers just that: who takes a picture down need not mean to punish who is in it.
    """
    if not gives_strike(made):
        return []
    waits = made.harm in CHILD_HARMS and may_be_child(tx, made.platform, made.account or "")
    tx.run(
        """INSERT INTO strikes (decision, platform, account, severity, state, given_at, expires_at)
           VALUES (%(d)s, %(p)s, %(a)s, %(severity)s, %(state)s, %(now)s, %(end)s)""",
        d=made.id,
        p=made.platform,
        a=made.account,
        severity=severity_of(made.harm),
        state="waits" if waits else "counts",
        now=tx.now,
        end=tx.now + life(made.harm),
    )
    # The ledger is public: that a strike waits would tell that somebody may be a child.
    return [ledger.New("strike.noted", {"decision": made.id})]


def answer(tx: Tx, decision: str, *, counts: bool) -> None:
    """Let a strike that waits count, or lift it; for specialists only.

    Raises `Problem`: 403 for anybody else, 409 when nothing waits.
    """
    if not permits(tx.actor.roles, "strike.answer"):
        raise Problem("permission", "Only a specialist for child safety answers this.", status=403)
    # The decision before its strike: so does who overturns it.
    tx.run("SELECT 1 FROM decisions WHERE id = %(d)s FOR SHARE", d=decision)
    sql = """UPDATE strikes SET state = %(state)s, answered_by = %(me)s, answered_at = %(now)s
             WHERE decision = %(d)s AND state = 'waits'"""
    state = "counts" if counts else "lifted"
    if not tx.run(sql, d=decision, state=state, me=tx.actor.id, now=tx.now):
        raise Problem("strike.answered", "No strike of this decision waits.", status=409,
                      next_step="Look at the decision again.")  # fmt: skip
    # Not of which decision, nor what: see `give`. The row of the strike has both, and who it was.
    ledger.append(tx, "strike.answered", {})
    tx.wake("console")


def lift(tx: Tx, decision: str) -> None:
    """Lift the strike of a decision that holds no more, if there is one.

    The entry is the same where a specialist had let it count for nothing before.
    """
    sql = "UPDATE strikes SET state = 'lifted' WHERE decision = %(d)s"
    if tx.run(sql, d=decision):
        ledger.append(tx, "strike.lifted", {"decision": decision})
