"""What was decided before on nearly the same text or picture, found without storing any text.

Looked at are the latest decisions of people on the same harm. Texts are compared by sketches
(`signals.text`), which are kept in memory only; pictures by their PDQ hashes.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from openhaven import intake
from openhaven.signals.text import near
from openhaven.storage import Tx

# Decisions looked at; texts opened for one page at most, so that no page waits for them.
LATEST, OPENED = 200, 25
SHOWN = 5
# Bits of 256: three quarters of a text in common; the usual distance of PDQ.
TEXT_BITS = PICTURE_BITS = 31
_REMEMBERED = 20_000


class Alike(msgspec.Struct, frozen=True):
    """An earlier decision on nearly the same: `why` is text or picture, `same` if exactly so."""

    decision: str
    outcome: str
    why: str
    same: bool
    overturned: bool
    decided_at: datetime


class _Sketches:
    """Sketches by number of event, of the texts that were opened lately."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, bytes | None] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, tx: Tx, events: Iterable[int]) -> dict[int, bytes]:
        """Return the sketches of these events; at most `OPENED` texts are opened for it."""
        wanted = list(events)
        with self._lock:
            missing = [seq for seq in wanted if seq not in self._known][:OPENED]
        for seq in missing:
            made = _sketch_of(tx, seq)
            with self._lock:
                self._known[seq] = made
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        with self._lock:
            found = {seq: self._known.get(seq) for seq in wanted}
        return {seq: one for seq, one in found.items() if one is not None}


def _sketch_of(tx: Tx, seq: int) -> bytes | None:
    _, event = intake.open_event(tx, seq)
    return near.sketch(event.item.text or "") if event and event.item else None


_SKETCHES = _Sketches()


def alike(
    tx: Tx, case: str, harm: str, text: str, pictures: Iterable[str], *, lane: bool = False
) -> list[Alike]:
    """Return the latest decisions of people on nearly the same text or pictures (media ids).

    Those on suspected child sexual exploitation are among them with `lane` only.
    """
    rows = _latest(tx, case, harm, lane=lane)
    found = _same_pictures(tx, rows, list(pictures)) | _same_texts(tx, rows, text)
    return [_alike(row, *found[row["id"]]) for row in rows if row["id"] in found][:SHOWN]


def _latest(tx: Tx, case: str, harm: str, *, lane: bool) -> list[dict[str, Any]]:
    sql = """SELECT d.id, d.outcome, d.event, d.state, d.decided_at FROM decisions d
             JOIN cases c ON c.id = d.case_id AND (%(lane)s OR c.lane_at IS NULL)
             JOIN events e ON e.seq = d.event AND e.body IS NOT NULL
             WHERE d.harm = %(h)s AND d.judgement IS NOT NULL AND d.case_id <> %(c)s
             ORDER BY d.decided_at DESC LIMIT %(n)s"""
    return tx.rows(sql, h=harm, c=case, n=LATEST, lane=lane)


def _same_texts(tx: Tx, rows: list[dict[str, Any]], text: str) -> dict[str, tuple[str, bool]]:
    own = near.sketch(text)
    if own is None:
        return {}
    known = _SKETCHES.of(tx, [row["event"] for row in rows])
    gaps = {row["id"]: _bits(own, known[row["event"]]) for row in rows if row["event"] in known}
    return {key: ("text", gap == 0) for key, gap in gaps.items() if gap <= TEXT_BITS}


def _same_pictures(
    tx: Tx, rows: list[dict[str, Any]], pictures: list[str]
) -> dict[str, tuple[str, bool]]:
    if not pictures or not rows:
        return {}
    sql = """SELECT event, id, sha256, pdq FROM media
             WHERE id = ANY(%(ids)s) OR event = ANY(%(events)s)"""
    media = tx.rows(sql, ids=pictures, events=[row["event"] for row in rows])
    own = [one for one in media if one["id"] in pictures]
    found: dict[str, tuple[str, bool]] = {}
    for row in rows:
        pairs = [(one, other) for other in media if other["event"] == row["event"] for one in own]
        if any(one["sha256"] == other["sha256"] for one, other in pairs):
            found[row["id"]] = ("picture", True)
        elif any(_near(one["pdq"], other["pdq"]) for one, other in pairs):
            found[row["id"]] = ("picture", False)
    return found


def _near(one: bytes | None, other: bytes | None) -> bool:
    return one is not None and other is not None and _bits(one, other) <= PICTURE_BITS


def _bits(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def _alike(row: dict[str, Any], why: str, same: bool) -> Alike:
    return Alike(row["id"], row["outcome"], why, same, row["state"] == "overturned",
                 row["decided_at"])  # fmt: skip
