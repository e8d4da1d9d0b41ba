"""Verbs of recall: reopen the decisions that rest on a withdrawn entry, settle what people say."""

from datetime import timedelta

from openhaven import decisions
from openhaven.core import HARMS
from openhaven.ledger import append
from openhaven.review import Given, close_case
from openhaven.review.reopening import reopen_task
from openhaven.storage import Tx

# So long after a withdrawal what rests on the entry is looked for: an event that was being judged
# when it was withdrawn has been decided by then.
AFTERMATH = timedelta(seconds=60)


def reopen(tx: Tx, limit: int = 200) -> int:
    """Ask a person about decisions that rest on entries withdrawn of late; return how many.

    Each decision is put before a person once for an entry, and is in the ledger. Entries are
    looked at for a minute after their withdrawal, for what was being judged in that moment. What
    was decided about somebody who was erased speaks of nobody, and is left.
    """
    sql = """SELECT DISTINCT d.id, r.entry FROM bank_recalls r
             JOIN bank_entries e ON e.id = r.entry AND e.withdrawn_at IS NOT NULL
             JOIN bank_matches m ON m.entry = r.entry
             LEFT JOIN judgements j ON j.task = m.task AND j.state <> 'withdrawn'
             JOIN decisions d ON (d.id = m.decision OR d.judgement = j.id)
               AND d.state = 'in_force' AND d.outcome <> 'allow'
               AND (d.item IS NOT NULL OR d.account IS NOT NULL)
             WHERE NOT EXISTS (SELECT 1 FROM bank_reopened o
                               WHERE o.entry = r.entry AND o.decision = d.id)
             ORDER BY d.id LIMIT %(limit)s"""
    found = tx.rows(sql, limit=limit)
    for row in found:
        _reopen(tx, int(row["entry"]), str(row["id"]))
    if len(found) < limit:
        tx.run("DELETE FROM bank_recalls WHERE at < %(t)s", t=tx.now - AFTERMATH)
    return len(found)


def _reopen(tx: Tx, entry: int, decision: str) -> None:
    sql = """SELECT platform, item, account, harm, event, case_id FROM decisions
             WHERE id = %(d)s FOR UPDATE"""
    made = tx.rows(sql, d=decision)[0]
    task = reopen_task(
        tx, decision, platform=made["platform"], item=made["item"], account=made["account"],
        harm=made["harm"], severity=min(HARMS[made["harm"]].severity, 3), event=made["event"],
        case=made["case_id"],
    )  # fmt: skip
    sql = """INSERT INTO bank_reopened (entry, decision, task, at)
             VALUES (%(e)s, %(d)s, %(t)s, %(now)s) ON CONFLICT DO NOTHING"""
    tx.run(sql, e=entry, d=decision, t=task, now=tx.now)
    append(tx, "decision.reopened", {"decision": decision, "task": task, "entry": str(entry)})


def looked_again(tx: Tx, given: Given, voice: decisions.Voice) -> bool:
    """Settle what a judgement says of the decisions that its task had reopened.

    One with the same outcome stands; any other one is taken back, with what it did. Returns whether
    the judgement asks for no decision of its own, since all of them stand.
    """
    sql = """SELECT DISTINCT o.decision, d.outcome FROM bank_reopened o
             JOIN decisions d ON d.id = o.decision AND d.state = 'in_force'
             WHERE o.task = %(t)s ORDER BY o.decision"""
    found = tx.rows(sql, t=given.task)
    for row in found:
        if _same(row["outcome"], given.outcome):
            append(tx, "decision.confirmed", {"decision": row["decision"], "judgement": given.id})
        else:
            decisions.take_back(tx, str(row["decision"]), given, voice)
    stands = bool(found) and all(_same(row["outcome"], given.outcome) for row in found)
    if not stands or given.reports:
        return False
    close_case(tx, given.case_id)
    return True


def _same(made: str, given: str) -> bool:
    """Say whether a person's outcome confirms a decision: what was blocked, they call removed."""
    return given == ("remove" if made == "block" else made)
