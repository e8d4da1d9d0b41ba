"""Accounts that are tied to that of a case, by what, and how far one may look. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

Kind = Literal["device", "address", "file", "link", "message", "contact", "comment"]
CASE = 0
"""The number of the case's own account; the others are counted from 1 in the order of finding."""
SHARED = 10
"""What more accounts than this have in common is a café or a school, and says nothing."""
LOOKED_BACK = timedelta(days=180)
KEPT = timedelta(days=30)
MOST = 200
"""So many accounts are kept of one look, those with the strongest ties."""

USED = 50
"""So many devices, addresses and links of an account are compared; with more it is no person's."""
# Whom everybody writes to is met by a crowd; beyond this many, one more says nothing.
_CROWD = 20_000

# In the order of their weight: what two people hardly share by chance comes first.
WORDS: dict[str, str] = {
    "device": "Same device",
    "address": "Same sign-up address",
    "file": "Same file posted",
    "link": "Same link posted",
    "message": "Messages",
    "contact": "Asked for contact",
    "comment": "Answered in public",
}
_WEIGHT = {kind: len(WORDS) - place for place, kind in enumerate(WORDS)}
STRONG = frozenset({"device", "address", "file"})
# Kinds of events that are aimed at somebody.
AIMED: dict[str, Kind] = {
    "message.send": "message",
    "contact.request": "contact",
    "contact.accept": "contact",
    "comment.create": "comment",
}
CHILDREN = frozenset({"under-13", "13-15", "16-17"})


class Tie(msgspec.Struct, frozen=True, kw_only=True):
    """What ties two accounts: `out` counts from `origin` to `other`, `back` the other way.

    `mark` tells one device, address, file or link from another and says nothing else of it.
    """

    origin: int
    other: int
    kind: Kind
    mark: str = ""
    out: int = 0
    back: int = 0
    last: datetime


class Wide(msgspec.Struct, frozen=True, kw_only=True):
    """Something that too many accounts have in common to say anything of one of them."""

    origin: int
    kind: Kind
    mark: str


class Known(msgspec.Struct, frozen=True):
    """An account of the network: what the platform calls it, and our own id of the person."""

    account: str
    subject: str = ""
    # An event said that it is a child's.
    child: bool = False


class Graph(msgspec.Struct, kw_only=True):
    """What was found of a network: accounts by their numbers, and what ties them."""

    accounts: dict[int, Known] = {}
    ties: list[Tie] = []
    wide: list[Wide] = []
    # How many accounts more were tied to an origin than are kept.
    more: dict[int, int] = {}
    # Digests of accounts that asked to be forgotten: others' events may still name them.
    forgotten: list[str] = []


class Seen(msgspec.Struct, kw_only=True):
    """What one kind of tie to one account comes to while a look goes on."""

    out: int = 0
    back: int = 0
    last: datetime


class Work(msgspec.Struct, kw_only=True):
    """What other events are compared with while a look goes on; forgotten with its end.

    `found` is by account, then by kind and value, such as `device:d1`.
    """

    account: str
    devices: set[str] = set()
    addresses: set[str] = set()
    links: set[str] = set()
    files: set[str] = set()
    children: set[str] = set()
    found: dict[str, dict[str, Seen]] = {}
    # Who used one of ours, as far as that matters: one more than too many is enough to know.
    users: dict[str, set[str]] = {}

    def note(
        self, account: str, kind: Kind, at: datetime, value: str = "", *, back: bool = False
    ) -> None:
        """Note that an account is tied by something, once."""
        key = f"{kind}:{value}"
        if value:
            users = self.users.setdefault(key, set())
            if len(users) <= SHARED:
                users.add(account)
            if len(users) > SHARED:
                return
        elif account not in self.found and len(self.found) >= _CROWD:
            return
        seen = self.found.setdefault(account, {}).setdefault(key, Seen(last=at))
        seen.last = max(seen.last, at)
        if back:
            seen.back += 1
        else:
            seen.out += 1

    def too_wide(self) -> set[str]:
        """Return what more than `SHARED` others have in common with this one."""
        return {key for key, users in self.users.items() if len(users) > SHARED}


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One time that somebody asked for the ties of an account."""

    id: str
    network: str
    origin: int
    second: bool
    asked_by: str
    asked_name: str = ""
    asked_at: datetime
    state: str
    place: int | None = None
    looked: int = 0
    done_at: datetime | None = None
    reason: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is shown: its number, and its name only if somebody needed that."""

    number: int
    step: int
    name: str = ""
    child: bool = False
    gone: bool = False
    decisions: int = 0

    @property
    def label(self) -> str:
        """What it is called where it is not named."""
        return "Account of the case" if self.number == CASE else f"Account {self.number}"


class Bond(msgspec.Struct, frozen=True, kw_only=True):
    """What ties two shown accounts, in words; `place` numbers devices, addresses, files, links."""

    origin: int
    other: int
    kind: Kind
    place: int = 0
    out: int = 0
    back: int = 0
    last: datetime

    @property
    def words(self) -> str:
        """What it is, with counts and without contents."""
        if self.place:
            return f"{WORDS[self.kind]} ({self.kind} {self.place})"
        sides = (
            f"{self.out} sent" if self.out else "",
            f"{self.back} received" if self.back else "",
        )
        return f"{WORDS[self.kind]}: {', '.join(one for one in sides if one)}"


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A network as far as it may be shown, the strongest ties first."""

    people: tuple[Person, ...] = ()
    bonds: tuple[Bond, ...] = ()
    wide: tuple[str, ...] = ()
    more: int = 0

    def of(self, number: int) -> tuple[Bond, ...]:
        """Return what ties one account to those before it."""
        return tuple(one for one in self.bonds if number in (one.origin, one.other))


def weight(ties: Iterable[Tie | Bond]) -> tuple[int, int]:
    """Return how much ties say together: the strongest kind, then how often."""
    counted = list(ties)
    strongest = max((_WEIGHT[one.kind] for one in counted), default=0)
    return strongest, sum(one.out + one.back for one in counted)


def steps(graph: Graph, origins: Iterable[int]) -> dict[int, int]:
    """Return the accounts that may be shown with their steps from the case's account, 0 to 2.

    `origins` are those from which somebody had reason to look. An account further away, or tied
    only to one that is not there any more, is not among them.
    """
    allowed = set(origins)
    found = {CASE: 0}
    if CASE in allowed:
        found |= {tie.other: 1 for tie in graph.ties if tie.origin == CASE and tie.other != CASE}
    first = {number for number, step in found.items() if step == 1}
    for tie in graph.ties:
        if tie.origin in first & allowed:
            found.setdefault(tie.other, 2)
    return found


def told_once(graph: Graph, origins: Iterable[int]) -> list[Tie]:
    """Return the ties from these accounts without what one step has said before the second one.

    From further on, an account is tied to that of the case again, and by the same device to others.
    """
    first = [tie for tie in graph.ties if tie.origin == CASE]
    known = {(tie.other, tie.mark) for tie in first if tie.mark}
    allowed = set(origins)
    return [
        tie for tie in graph.ties if tie.origin in allowed and (tie.origin == CASE or not (
            tie.other == CASE or {(tie.origin, tie.mark), (tie.other, tie.mark)} <= known))
    ]  # fmt: skip


def places(graph: Graph, shown: Mapping[int, int], origins: Iterable[int]) -> dict[str, int]:
    """Return a number for each device, address, file and link that may be shown, by its mark."""
    allowed, counted, found = set(origins), dict[str, int](), dict[str, int]()
    marks = {(one.origin, one.kind, one.mark) for one in graph.ties if one.mark}
    marks |= {(one.origin, one.kind, one.mark) for one in graph.wide}
    for origin, kind, mark in sorted(marks):
        if origin in allowed and origin in shown and mark not in found:
            counted[kind] = found[mark] = counted.get(kind, 0) + 1
    return found
