"""Re-registration: who was ended for good on listed grounds and comes back meets a person.

Identifiers are turned into keyed tokens at the door and are stored nowhere. Tokens are kept only of
accounts that were ended for good, under keys for each platform, family and quarter; each ends by
itself, and with the decision that it rests on, in the same transaction. A newcomer who meets tokens
of two families, one of them strong, is asked for more for a while or is looked at by a person;
nobody is refused, whatever a platform or a rule may want: rules cannot read it.
"""

from openhaven.exchange.returning.actions import clear, forget, hand_over, intend, note, settle
from openhaven.exchange.returning.jobs import keep_returning
from openhaven.exchange.returning.model import KINDS_OF_EVENTS, Answered, Setting, setting
from openhaven.exchange.returning.store import Met, met

__all__ = [
    "KINDS_OF_EVENTS",
    "Answered",
    "Met",
    "Setting",
    "clear",
    "forget",
    "hand_over",
    "intend",
    "keep_returning",
    "met",
    "note",
    "setting",
    "settle",
]
