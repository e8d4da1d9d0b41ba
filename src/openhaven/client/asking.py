"""How a question is put: one call, checked at once, so that a slip of the pen does not wait."""

from datetime import datetime

from openhaven.protections.model import ACTIONS, Action, Content, Party, Question, Relation

LONGEST_ID = 300
Who = str | Party | None


def ask(
    action: Action, sender: Who = None, recipient: Who = None, *, connected: bool = False,
    blocked: bool = False, at: datetime | None = None, language: str = "en",
    content: Content = "general",
) -> Question:  # fmt: skip
    """Return a question: may `sender` do this to `recipient`, or (where one is left out) may it be?

    Accounts are your own ids, or a `Party` with its language. `connected`: both wanted it;
    `blocked`: one of them blocked or muted the other. `at` has the offset of local time, for
    `notification.push`. Raises `ValueError` for an action that there is not, an id of no or more
    than 300 characters, or a moment without an offset.
    """
    if action not in ACTIONS:
        raise ValueError(f"There is no action {action!r}; there are {', '.join(ACTIONS)}.")
    if at is not None and at.utcoffset() is None:
        raise ValueError("`at` needs the offset of its local time.")
    return Question(
        action=action, sender=_party(sender), recipient=_party(recipient), at=at,
        relation=Relation(connected, blocked), language=language, content=content,
    )  # fmt: skip


def _party(who: Who) -> Party | None:
    party = Party(id=who) if isinstance(who, str) else who
    if party is not None and not 1 <= len(party.id) <= LONGEST_ID:
        raise ValueError(f"The id of an account has 1 to {LONGEST_ID} characters.")
    return party
