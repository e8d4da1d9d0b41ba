"""The answer where something is not known: the protective one. Pure.

Who is not known is a child that lets nobody near where it is reached or shown something, and a
stranger of unknown age where it approaches somebody. What a question says of such an account's age
does not count: it is the word of one's own, and there may be better evidence that we cannot see.
"""

from datetime import date, datetime

import msgspec

from openhaven.protections.checking import Check
from openhaven.protections.model import (
    SCALES,
    STRANGER,
    Answer,
    Choices,
    Evidence,
    Profile,
    Question,
)

_CONNECTIONS = SCALES["audience"].index("connections")
_MARK = "not known here; "


def answer(check: Check, question: Question, known: dict[str, Profile], now: datetime) -> Answer:
    """Answer a question from the profiles that there are; raises `Problem` as a check does."""
    sender, recipient = question.sender, question.recipient
    sender_known = sender is None or sender.id in known
    recipient_known = recipient is None or recipient.id in known
    ours = known.get(sender.id, STRANGER) if sender else STRANGER
    theirs = known.get(recipient.id, STRANGER) if recipient else STRANGER
    if sender_known and recipient_known:
        return check.answer(question, ours, theirs, now)
    child = guarded(check, now.date())
    theirs = theirs if recipient_known else child
    if sender_known:
        found = check.answer(question, ours, theirs, now)
    else:
        found = check.answer(_unsaid(question), STRANGER, theirs, now, own=child)
    return msgspec.structs.replace(found, clause=_MARK + found.clause)


def guarded(check: Check, today: date) -> Profile:
    """Return the profile of a young child with everything closed, but for its connections."""
    cells = check.defaults.cells("under-13", None)
    shut = {
        feature: Choices(operator=_CONNECTIONS if cell.scale == "audience" else 0)
        for feature, cell in cells.items()
    }
    return Profile(evidence=(Evidence("proof", "under-13", today),), choices=shut)


def _unsaid(question: Question) -> Question:
    """Return the question without what it says of the sender's age."""
    assert question.sender is not None
    sender = msgspec.structs.replace(question.sender, age_band="unknown")
    return msgspec.structs.replace(question, sender=sender)
