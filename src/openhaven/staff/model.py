"""A member of staff and their session; how long links and sessions live."""

import re
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from openhaven.core import Actor, Problem, Role
from openhaven.core.permissions import taken

LINK_LIFE = timedelta(minutes=15)
IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(hours=24)
# A session's last use is noted this often, so that a page view rarely needs a write.
TOUCH_EVERY = timedelta(minutes=1)
# Whoever proved who they are within this time need not do it again for the gravest acts.
FRESH = timedelta(minutes=10)
ROLES: tuple[str, ...] = get_args(Role)
Method = Literal["link", "passkey", "oidc", "password"]
METHODS: dict[str, str] = {
    "link": "a sign-in link",
    "passkey": "a passkey",
    "oidc": "another service",
    "password": "a password and a code",
}


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
    """A signed-in browser: whose it is, and the digest that names it in the database.

    `proven_at` is when its owner last proved who they are, by `method`. `taken` are permissions
    that they took in need, each with the id of that. `links_only` says that they have no way of
    signing in but links, and `to_review` how many permissions taken in need nobody has looked at.
    `linked_by` is who made a link for them in the last week, once they had worked here.
    """

    digest: bytes
    member: Member
    seen_at: datetime
    expires_at: datetime
    id: str
    method: str
    proven_at: datetime
    taken: dict[str, str] = {}
    links_only: bool = False
    to_review: int = 0
    linked_by: str | None = None

    @property
    def actor(self) -> Actor:
        """The member as one who acts, with what they took in need."""
        return Actor("staff", self.member.id, (*self.member.roles, *map(taken, self.taken)))

    def fresh(self, now: datetime) -> bool:
        """Say whether its owner proved who they are a short while ago."""
        return now - self.proven_at < FRESH


class Seen(msgspec.Struct, frozen=True):
    """A living session as its owner sees it in a list."""

    id: str
    method: str
    device: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


_BROWSERS = (("Firefox", "Firefox/"), ("Edge", "Edg"), ("Opera", "OPR/"), ("Chrome", "Chrome/"),
             ("Safari", "Safari/"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone or iPad", "iPhone|iPad"), ("Windows", "Windows"),
            ("macOS", "Mac OS X"), ("Linux", "Linux|X11"))  # fmt: skip


def device_of(user_agent: str) -> str:
    """Return what somebody calls the device of this `User-Agent`, such as “Firefox on Linux”."""

    def first(known: tuple[tuple[str, str], ...]) -> str:
        return next((name for name, mark in known if re.search(mark, user_agent)), "")

    browser, system = first(_BROWSERS), first(_SYSTEMS)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "an unknown device"


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
