"""Verbs of telling later: withhold, ask for longer, and put into effect what was agreed."""

from datetime import timedelta

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.decisions.withholding.store import withheld
from openhaven.staff import approvals
from openhaven.storage import Tx

KIND = "withhold-longer"
WITHHELD = timedelta(days=7)
# In all, whoever agrees.
LONGEST = timedelta(days=365)


def withhold(tx: Tx, decision: str) -> None:
    """Let the notice of a decision that was just made wait for seven days, and say why to nobody.

    To be called before the decision's entries are appended, since what they seal is changed.
    """
    until = tx.now + WITHHELD
    tx.run("""UPDATE acts SET next_at = %(u)s WHERE decision = %(d)s AND verb IN ('notify', 'warn')
                AND state = 'intended' AND attempts = 0""", u=until, d=decision)  # fmt: skip
    # What is taken away is hidden, not destroyed: an authority may ask for it.
    tx.run("""UPDATE acts SET target = target || '{"preserve": "yes"}' WHERE decision = %(d)s
                AND verb IN ('remove', 'restrict', 'block', 'suspend')""", d=decision)  # fmt: skip
    tx.run("""UPDATE notices SET email_next_at = %(u)s WHERE decision = %(d)s
                AND audience = 'account' AND email_state = 'intended'""",
           u=until, d=decision)  # fmt: skip
    ledger.append(tx, "notice.withheld", {"decision": decision})


def ask_longer(tx: Tx, case: str, days: int, reason: str) -> None:
    """Ask a second person to withhold the notices of a case until `days` from now.

    Where nobody else works here it holds at once. Raises `Problem`: 400 for more than a year after
    the case came into the lane, 409 when nothing is withheld any more or it was asked already.
    """
    found = withheld(tx, case)
    if found.until is None:
        raise Problem("notice.told", "The person was told already, or there is nothing to tell.",
                      status=409, next_step="Go back to the case.")  # fmt: skip
    if found.asked is not None:
        raise Problem("notice.asked", "A second person has been asked already.", status=409,
                      next_step="See it under /console/second.")  # fmt: skip
    latest = tx.value("SELECT lane_at FROM cases WHERE id = %(c)s", c=case) + LONGEST
    until = tx.now + timedelta(days=days)
    if not found.until < until <= latest:
        raise Problem("notice.until", "That is not longer than now, or longer than a year in all.",
                      next_step=f"Choose a day until {latest:%d %B %Y}.")  # fmt: skip
    wanted = new_id("wth")
    sql = "INSERT INTO lane_withholdings (id, case_id, until) VALUES (%(id)s, %(c)s, %(u)s)"
    tx.run(sql, id=wanted, c=case, u=until)
    approvals.ask(tx, KIND, wanted, reason)
    settle_longer(tx)


def settle_longer(tx: Tx) -> int:
    """Put into effect what a second person agreed to, and end what was refused; return how many."""
    sql = """SELECT id, case_id, until FROM lane_withholdings WHERE ended_at IS NULL
             ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED"""
    settled = 0
    for row in tx.rows(sql):
        said = approvals.state_of(tx, KIND, str(row["id"]))
        if said == "waiting":
            continue
        if said in ("approved", "alone"):
            _longer(tx, str(row["case_id"]), row["until"])
        tx.run("UPDATE lane_withholdings SET ended_at = %(now)s WHERE id = %(id)s",
               now=tx.now, id=row["id"])  # fmt: skip
        settled += 1
    return settled


def _longer(tx: Tx, case: str, until: object) -> None:
    sql = """UPDATE acts a SET next_at = %(u)s FROM decisions d WHERE d.id = a.decision
             AND d.case_id = %(c)s AND a.verb IN ('notify', 'warn') AND a.state = 'intended'
             AND a.attempts = 0 AND a.next_at < %(u)s"""
    tx.run(sql, u=until, c=case)
    sql = """UPDATE notices n SET email_next_at = %(u)s FROM decisions d WHERE d.id = n.decision
             AND d.case_id = %(c)s AND n.audience = 'account' AND n.email_state = 'intended'
             AND n.email_next_at < %(u)s"""
    tx.run(sql, u=until, c=case)
    ledger.append(tx, "notice.withheld_longer", {"case": case})


def tell_now(tx: Tx, case: str) -> None:
    """Let the notices of a case go out now: a specialist has found nothing that asks to wait."""
    sql = """UPDATE acts a SET next_at = %(now)s FROM decisions d WHERE d.id = a.decision
             AND d.case_id = %(c)s AND a.verb IN ('notify', 'warn') AND a.state = 'intended'
             AND a.attempts = 0 AND a.next_at > %(now)s"""
    tx.run(sql, now=tx.now, c=case)
    sql = """UPDATE notices n SET email_next_at = %(now)s FROM decisions d WHERE d.id = n.decision
             AND d.case_id = %(c)s AND n.audience = 'account' AND n.email_state = 'intended'
             AND n.email_next_at > %(now)s"""
    tx.run(sql, now=tx.now, c=case)
    tx.wake("acts")
    tx.wake("notices")
