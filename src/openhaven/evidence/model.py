"""Values of the evidence room: items, custody, viewings, holds and their legal grounds."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from openhaven.core import Problem

Kind = Literal["media", "event", "report", "snapshot", "filing", "derived", "other"]
Rendering = Literal["veiled", "grey", "colour", "original"]

TOOL = "openhaven evidence/1"
# The installation itself, among the officers to whom keys are wrapped.
VAULT = "vault"
# What nobody ever held is kept this long, so that a hold can still be placed.
GRACE = timedelta(days=7)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed copy: what it is, where from, and what its bytes hash to."""

    id: str
    case_id: str
    kind: str
    sha256: bytes
    md5: bytes
    bytes: int
    media_type: str
    method: str
    tool: str
    blob: str
    sealed_bytes: int
    received_at: datetime
    received_by: str
    media: str | None = None
    parent: str | None = None
    destroyed_at: datetime | None = None
    removed_at: datetime | None = None
    # Of a case in the lane for suspected child sexual exploitation.
    exploitation: bool = False
    # Sealed in the database; empty once the item was destroyed.
    name: str = ""
    source: str = ""

    @property
    def size(self) -> int:
        """The number of bytes, unsealed."""
        return self.bytes


class Check(msgspec.Struct, frozen=True):
    """What comparing the store with the items has found.

    `lost` has items whose sealed file is gone, `strays` counts files that belong to no item.
    """

    at: datetime
    items: int
    lost: tuple[str, ...]
    strays: int


class Custody(msgspec.Struct, frozen=True):
    """One touch of an item, with the ledger entry that proves it."""

    id: str
    item: str
    kind: str
    purpose: str
    actor: str
    at: datetime
    rendering: str | None
    whole: bool | None
    exif: bool | None
    reference: str
    entry: str | None = None


class Look(msgspec.Struct, frozen=True):
    """One time that somebody was shown an item."""

    staff: str
    at: datetime
    rendering: str
    whole: bool
    exif: bool


class Viewing(msgspec.Struct, frozen=True):
    """Who was shown one item; the only source of any statement that it was viewed."""

    item: str
    looks: tuple[Look, ...] = ()

    @property
    def viewed(self) -> bool:
        """Whether a person was shown the whole of it, neither blurred nor in part."""
        return any(look.whole and look.rendering != "veiled" for look in self.looks)

    @property
    def exif_viewed(self) -> bool:
        """Whether a person was shown its camera data (EXIF)."""
        return any(look.exif for look in self.looks)


class Ground(msgspec.Struct, frozen=True):
    """A legal ground to keep something: for how long, and by how much it may be renewed once.

    `statutory` is one that nobody here may end before its time.
    """

    code: str
    words: str
    years: int = 0
    days: int = 0
    renew_days: int = 0
    statutory: bool = False
    law: str = ""

    def until(self, start: datetime) -> datetime:
        """Return the end of a hold that is placed at `start`."""
        return _years_on(start, self.years) + timedelta(days=self.days)


def _years_on(start: datetime, years: int) -> datetime:
    try:
        return start.replace(year=start.year + years)
    except ValueError:  # 29 February: the law's year ends the day after.
        return start.replace(year=start.year + years, month=3, day=1)


GROUNDS: Mapping[str, Ground] = {
    ground.code: ground
    for ground in (
        Ground("lane", "Suspected child sexual exploitation, until the duties to report are closed",
               years=1, renew_days=365),
        Ground("us.2258a", "Content of a CyberTipline report", years=1, statutory=True,
               law="18 U.S.C. 2258A(h)"),
        Ground("uk.nca.content", "Content and data of a report to the NCA", years=1, statutory=True,
               law="Online Safety Act 2023, s. 66; SI 2026/268"),
        Ground("uk.nca.reference", "Reference of a report to the NCA", years=5, statutory=True,
               law="Online Safety Act 2023, s. 66; SI 2026/268"),
        Ground("us.2703f", "Preservation letter (US)", days=90, renew_days=90,
               law="18 U.S.C. 2703(f)"),
        Ground("eu.epoc-pr", "European Preservation Order", days=60, renew_days=30,
               law="Regulation (EU) 2023/1543, Article 11"),
        Ground("operator", "The operator's own reason", years=1),
    )
}  # fmt: skip


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A duty to keep the items of a case, or one of them, until a day."""

    id: str
    case_id: str
    item: str | None
    ground: str
    reference: str
    placed_by: str
    placed_at: datetime
    until: datetime
    renewed_at: datetime | None
    ended_at: datetime | None
    why_ended: str | None

    @property
    def words(self) -> str:
        """The ground in plain words."""
        return GROUNDS[self.ground].words if self.ground in GROUNDS else self.ground

    def stands(self, now: datetime) -> bool:
        """Say whether it still keeps things."""
        return self.ended_at is None and self.until > now


def ground(code: str) -> Ground:
    """Return the ground of this code; raises `Problem` for an unknown one."""
    if code not in GROUNDS:
        raise Problem("hold.ground", f"There is no ground “{code}” for a hold.",
                      next_step="Use one of: " + ", ".join(GROUNDS))  # fmt: skip
    return GROUNDS[code]
