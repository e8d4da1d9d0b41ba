"""The verb of receipts: keep the words that a decision's ledger entry is bound to."""

import msgspec

from openhaven import ledger
from openhaven.decisions.model import Decision
from openhaven.storage import Tx


def keep(tx: Tx, made: Decision, words: ledger.Words) -> None:
    """Store the words and their salt, sealed for the person; the entry itself is the caller's."""
    subject = made.subject or made.id
    tx.run(
        """INSERT INTO decision_words (decision, subject, body)
           VALUES (%(d)s, %(subject)s, %(body)s)""",
        d=made.id,
        subject=subject,
        body=tx.keys.seal(subject, msgspec.json.encode(words)),
    )
