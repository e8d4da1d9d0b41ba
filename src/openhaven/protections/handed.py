"""What is handed to a platform's own process, so that it can check without asking. Values.

A profile says what the platform itself told us of the account, and what was set: never an event, a
report, or whose subject it is.
"""

from typing import Annotated

import msgspec

from openhaven.core.shapes import Id
from openhaven.protections.defaults import Defaults
from openhaven.protections.model import Profile
from openhaven.protections.spoken import Sentences

MOST = 500


class Wanted(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which accounts are wanted; `data` is the fingerprint that the asker has already.

    `since` is the `cursor` of an earlier answer: what was written about since then is named.
    """

    accounts: Annotated[list[Id], msgspec.Meta(max_length=MOST)] = []
    data: str = ""
    since: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """Profiles by account, what changed, and the data where the asker has another.

    `changed` is None when that is too much to name: then nothing that was handed before counts.
    """

    profiles: dict[str, Profile]
    changed: tuple[str, ...] | None
    cursor: int
    data: str
    defaults: Defaults | None = None
    languages: dict[str, Sentences] | None = None
