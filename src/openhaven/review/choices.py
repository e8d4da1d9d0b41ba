"""What a reviewer may choose: each outcome, what it will do, and whether it can be undone."""

from collections.abc import Mapping

import msgspec

from openhaven.core.words import REVERSING
from openhaven.review.model import REVIEW_OUTCOMES

_LABELS = {
    "allow": "No action",
    "warn": "Warn",
    "restrict": "Restrict",
    "remove": "Remove",
    "suspend": "Suspend the account",
}
_DOES = {
    "allow": "It stays, and who reported it is told. What a rule alone did to it is undone.",
    "warn": "The person gets a warning with your reasons.",
    "restrict": "The platform limits who can see it, or what it can do.",
    "remove": "The platform takes it down. The person gets your reasons and can appeal.",
    "suspend": "The account is locked, after the person was told. They can appeal. For how long at "
    "most depends on its strikes; for good takes a second person.",
}


class Choice(msgspec.Struct, frozen=True):
    """One outcome: its key on the keyboard, its words, and why it may not be chosen now."""

    key: int
    code: str
    label: str
    does: str
    undo: str
    closed: str = ""


# Of a cry for help that names nobody.
_UNNAMED = Choice(1, "allow", "Nobody can be named", "Who wrote this is told that it was read.", "")


def choices(verbs: Mapping[str, bool], *, account_known: bool, named: bool = True) -> list[Choice]:
    """Return the outcomes of a review.

    `verbs` says what the platform can carry out and whether it can undo it, `named` whether there
    is anybody or anything on the platform that this could be done to.
    """
    if not named:
        return [_UNNAMED]
    return [_choice(key, code, verbs, account_known) for key, code in enumerate(REVIEW_OUTCOMES, 1)]


def _choice(key: int, code: str, verbs: Mapping[str, bool], account_known: bool) -> Choice:
    closed = ""
    if code != "allow" and code not in verbs:
        closed = "This platform cannot carry this out."
    elif code in ("warn", "suspend") and not account_known:
        closed = "It is not known whose this is."
    return Choice(key, code, _LABELS[code], _DOES[code], _undo(code, verbs), closed)


def _undo(code: str, verbs: Mapping[str, bool]) -> str:
    if code == "allow":
        return ""
    if code not in REVERSING:
        return "What was said cannot be unsaid."
    if verbs.get(code):
        return "Can be undone."
    return "Cannot be undone on this platform: a sealed copy is kept while it can be appealed."
