"""What other rooms built on a decision goes with it, in the transaction that overturns it."""

from openhaven import review, survivors
from openhaven.exchange import sending
from openhaven.storage import Tx


def follow(tx: Tx, given: review.Given) -> None:
    """Withdraw bank entries that rest on what this judgement overturned, here and at others.

    To be called in the transaction of `conclude`. What was sent of them to other operators is
    stored as to be taken back, and leaves from there.
    """
    sql = "SELECT DISTINCT case_id FROM decisions WHERE overturned_by = %(j)s"
    cases = [str(row["case_id"]) for row in tx.rows(sql, j=given.id)]
    if not cases:
        return
    survivors.unlearn_overturned(tx, cases)
    # Also where somebody withdrew entries by hand a moment ago.
    sending.recall_withdrawn(tx)
