"""Banks: lists of hashes or links with an owner, a purpose and an opinion."""

from datetime import datetime
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import msgspec

Kind = Literal["sha256", "sha1", "md5", "pdq", "link", "text", "video", "link-hash", "plugin"]
Opinion = Literal["positive", "negative", "investigate"]
Mode = Literal["live", "shadow", "off"]
AtMost = Literal["act", "review"]
Word = Literal["confirm", "false_match"]

KINDS: tuple[Kind, ...] = get_args(Kind)
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)
MODES: tuple[Mode, ...] = get_args(Mode)
AT_MOST: tuple[AtMost, ...] = get_args(AtMost)
WORDS: tuple[Word, ...] = get_args(Word)
LENGTHS: dict[str, int] = {"sha256": 32, "sha1": 20, "md5": 16, "pdq": 32, "text": 32}
LONGEST_LINK = 2_000
FRAME = 36  # bytes of a film's frame: its hash and, big-endian, its moment in ms
MOST_FRAMES = 1_024
LONGEST_PLUGIN_HASH = 160
LONGEST_PLUGIN_NAME = 29
LONGEST_SOURCE_ID = 200
MOST_TAGS = 20
LONGEST_TAG = 60
WIDEST_RADIUS = 47
LEAST_QUALITY = 50  # of a PDQ hash; below it the published advice is not to use one


class BankInfo(msgspec.Struct, frozen=True):
    """A bank as it is kept. `radius` (0 to 47 of 256 bits) counts for `pdq`, `text`, `video`.

    `live` banks have consequences, `shadow` ones are only noted, `off` ones do not match. A
    `negative` bank says of its entries that they are harmless. `at_most` is what a match may lead
    to, whatever a rule says: an act, or only a look by a person. `clause` is the anchor of the
    clause of the policy that the bank serves, or empty.
    """

    id: str
    name: str
    kind: Kind
    harm: str
    opinion: Opinion
    radius: int
    mode: Mode
    at_most: AtMost = "act"
    clause: str = ""


class NewEntry(NamedTuple):
    """An entry to be added: its value in bytes, PDQ's quality if told, and where it came from.

    `source_id` is what it is called there, `tags` are words for people, and after `expires_at` it
    does not match any more.
    """

    value: bytes
    quality: int | None = None
    provenance: str = ""
    source_id: str | None = None
    tags: tuple[str, ...] = ()
    expires_at: datetime | None = None


class Refused(NamedTuple):
    """An entry that was not added: its place in what was given, from 0, and why."""

    place: int
    reason: str


class Added(msgspec.Struct, frozen=True):
    """What became of a list of entries. `known` were in the bank already."""

    added: int
    known: int
    refused: tuple[Refused, ...]


class Row(NamedTuple):
    """One entry as the matcher needs it: id, bank id, value, quality (or None) and provenance."""

    id: int
    bank: str
    value: bytes
    quality: int | None
    provenance: str


class Match(msgspec.Struct, frozen=True):
    """An entry that a value matches. `distance` is 0 for exact kinds, bits of 256 for others.

    `extra` is, of a film, the moment of the frame that matches (ms), and of a hashed link, how many
    bytes of its hash the entry has.

    `more` counts the entries of the same bank that match as well and are not named, which are as
    far or farther.
    """

    bank: str
    entry: int
    opinion: Opinion
    distance: int
    quality: int | None
    provenance: str
    harm: str
    mode: Mode
    at_most: AtMost = "act"
    more: int = 0
    extra: int = 0


class Entry(msgspec.Struct, frozen=True):
    """An entry as people see it: everything that is known of it but the reasons of its source."""

    id: int
    bank: str
    value: bytes
    quality: int | None
    provenance: str
    source: str | None
    source_id: str | None
    tags: tuple[str, ...]
    added_by: str
    added_at: datetime
    expires_at: datetime | None
    negative: bool
    confirmed_by: str | None
    confirmed_at: datetime | None
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdrawn_reason: str | None
    living: bool


def fault_of(kind: str, value: bytes, quality: int | None) -> str:
    """Return why a value cannot be an entry of a bank of this kind; empty when it can."""
    if kind == "link":
        return "" if 0 < len(value) <= LONGEST_LINK else "a link has 1 to 2000 bytes"
    if kind == "link-hash":
        return "" if 4 <= len(value) <= 32 else "the hash of a link has 4 to 32 bytes"
    if kind == "video":
        return film_fault(value)
    if kind == "plugin":
        return plugin_fault(value)
    if len(value) != LENGTHS[kind]:
        return f"{kind} has {LENGTHS[kind]} bytes, this has {len(value)}"
    if len(set(value)) == 1:
        return "all bytes are the same; such a hash stands for an empty or broken file"
    if kind == "pdq" and quality is not None and not 0 <= quality <= 100:
        return f"quality {quality} is not between 0 and 100"
    if kind == "pdq" and quality is not None and quality < LEAST_QUALITY:
        return f"quality {quality} is under {LEAST_QUALITY}; it would match at random"
    return ""


def film_fault(value: bytes) -> str:
    """Return why bytes are no film: frames of 36 bytes in the order of time, 1,024 at most."""
    if not value or len(value) % FRAME or len(value) > FRAME * MOST_FRAMES:
        return "a film has 1 to 1024 frames of 36 bytes"
    frames = [value[at : at + FRAME] for at in range(0, len(value), FRAME)]
    moments = [int.from_bytes(frame[32:]) for frame in frames]
    if any(one >= other for one, other in pairwise(moments)):
        return "the frames of a film are not in the order of time"
    if any(len(set(frame[:32])) == 1 for frame in frames):
        return "a frame's hash stands for an empty or broken picture"
    return ""


def plugin_fault(value: bytes) -> str:
    """Return why bytes are no plugin's hash: its name, a zero byte, and 1 to 160 bytes of hash."""
    name, zero, hashed = value.partition(b"\0")
    if not zero or not 0 < len(name) <= LONGEST_PLUGIN_NAME or not name.isascii():
        return "there is no name of a plugin before the hash"
    return "" if 0 < len(hashed) <= LONGEST_PLUGIN_HASH else "a hash has 1 to 160 bytes"
