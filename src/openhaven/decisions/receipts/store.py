"""Reading receipts."""

import msgspec

from openhaven import ledger
from openhaven.core import Problem
from openhaven.decisions.model import Decision
from openhaven.storage import Tx


class _Sealed(msgspec.Struct):
    subject: str
    body: bytes | None


def receipt_of(tx: Tx, made: Decision) -> str:
    """Return the receipt of a decision as the text of a `.tlog-proof` file.

    It carries the words that were recorded. Without them, since the person was erased or the
    decision is older than receipts, it still proves that the entry stands in the ledger. Raises
    `Problem`: 409 while the entry waits for its place (about a second), 500 when the words kept
    here are not those that the entry is bound to.
    """
    sql = """SELECT id FROM ledger_entries
             WHERE ids ->> 'decision' = %(d)s AND kind = 'decision.made' ORDER BY id LIMIT 1"""
    entry = tx.value(sql, d=made.id)
    if entry is None:
        raise Problem("receipt.none", "The ledger has no entry of this decision.", status=500,
                      next_step="Run: openhaven ledger verify")  # fmt: skip
    return ledger.receipt(tx, str(entry), _words(tx, made.id))


def _words(tx: Tx, decision: str) -> ledger.Words | None:
    sql = "SELECT subject, body FROM decision_words WHERE decision = %(d)s"
    row = tx.one(sql, _Sealed, d=decision)
    plain = None if row is None or row.body is None else tx.keys.open(row.subject, row.body)
    return None if plain is None else msgspec.json.decode(plain, type=ledger.Words)
