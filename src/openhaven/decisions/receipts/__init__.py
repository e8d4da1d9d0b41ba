"""Receipts: what was recorded about a decision, in words, with the proof that it was.

The ledger entry of a decision is bound to the words that the person may see. A receipt carries the
entry, the words and the proof; whoever has it needs neither us nor a network to check it.
"""

from openhaven.decisions.receipts.actions import keep
from openhaven.decisions.receipts.model import recorded
from openhaven.decisions.receipts.store import receipt_of

__all__ = ["keep", "receipt_of", "recorded"]
