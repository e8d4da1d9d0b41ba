"""A member of staff and their session; how long links and sessions live."""

from datetime import datetime, timedelta
from typing import get_args

import msgspec

from openhaven.core import Actor, Problem, Role

LINK_LIFE = timedelta(minutes=15)
IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(hours=24)
# A session's last use is noted this often, so that a page view rarely needs a write.
TOUCH_EVERY = timedelta(minutes=1)
ROLES: tuple[str, ...] = get_args(Role)


class Member(msgspec.Struct, frozen=True):
    """A person who works here. The id may stand in the ledger, the name may not."""

    id: str
    name: str
    roles: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None = None

    @property
    def actor(self) -> Actor:
        """The member as one who acts."""
        return Actor("staff", self.id, self.roles)


class Session(msgspec.Struct, frozen=True):
    """A signed-in browser: whose it is, and the digest that names it in the database."""

    digest: bytes
    member: Member
    seen_at: datetime
    expires_at: datetime


def check_roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    """Return the roles in order and without repeats; raises `Problem` for an unknown one."""
    for role in roles:
        if role not in ROLES:
            raise Problem("role.unknown", f"There is no role “{role}”.",
                          next_step="Use one or more of: " + ", ".join(ROLES))  # fmt: skip
    return tuple(sorted(set(roles)))


def check_name(name: str) -> str:
    """Return the name without space around it; raises `Problem` when nobody could type it."""
    tidy = name.strip()
    if not 1 <= len(tidy) <= 80 or not tidy.isprintable():
        raise Problem("staff.name", "A name has 1 to 80 printable characters.")
    return tidy
