"""The closed lists of words that the API, the database and the pages share."""

from typing import Literal, get_args

AgeBand = Literal["under-13", "13-15", "16-17", "18-plus", "unknown"]
Visibility = Literal["public", "group", "private"]
Outcome = Literal["allow", "review", "restrict", "remove", "block"]
Ground = Literal["terms", "law"]
EventKind = Literal[
    "account.create",
    "account.update",
    "session.start",
    "post.create",
    "post.edit",
    "comment.create",
    "message.send",
    "media.upload",
    "contact.request",
    "contact.accept",
    "contact.block",
    "report.create",
    "item.delete",
    "stream.start",
]
Verb = Literal[
    "notify",
    "warn",
    "remove",
    "restore",
    "restrict",
    "unrestrict",
    "block",
    "unblock",
    "suspend",
    "unsuspend",
]

EVENT_KINDS: tuple[str, ...] = get_args(EventKind)
OUTCOMES: tuple[str, ...] = get_args(Outcome)

# What undoes what. A verb that is missing here says something and so cannot be taken back.
REVERSING: dict[str, str] = {
    "remove": "restore",
    "restrict": "unrestrict",
    "block": "unblock",
    "suspend": "unsuspend",
}
