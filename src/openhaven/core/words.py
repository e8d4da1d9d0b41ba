"""The closed lists of words that the API, the database and the pages share; and the sentences.

Whatever is said to people (not to staff) is said through `translate`, in their language.
"""

from typing import Literal, get_args

from openhaven.core.translating import best as best
from openhaven.core.translating import day_in as day_in
from openhaven.core.translating import direction as direction
from openhaven.core.translating import hours_in as hours_in
from openhaven.core.translating import languages as languages
from openhaven.core.translating import mark as mark
from openhaven.core.translating import moment_in as moment_in
from openhaven.core.translating import number_in as number_in
from openhaven.core.translating import own_name as own_name
from openhaven.core.translating import speak as speak
from openhaven.core.translating import time_in as time_in
from openhaven.core.translating import translate as translate
from openhaven.core.translating import translate_count as translate_count
from openhaven.core.translating import translate_known as translate_known
from openhaven.core.translating import translate_problem as translate_problem

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

# How something is restricted; empty is in the platform's own way.
Measure = Literal["", "age_gate", "demote", "label", "no_interaction", "monetary", "service"]

EVENT_KINDS: tuple[str, ...] = get_args(EventKind)
OUTCOMES: tuple[str, ...] = get_args(Outcome)

# What undoes what. A verb that is missing here says something and so cannot be taken back.
REVERSING: dict[str, str] = {
    "remove": "restore",
    "restrict": "unrestrict",
    "block": "unblock",
    "suspend": "unsuspend",
}
