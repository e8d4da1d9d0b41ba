"""Banks: lists of hashes or links with an owner, a purpose and an opinion."""

from typing import Literal, NamedTuple, get_args

import msgspec

Kind = Literal["sha256", "md5", "pdq", "link"]
Opinion = Literal["positive", "negative", "investigate"]
Mode = Literal["live", "shadow", "off"]

KINDS: tuple[Kind, ...] = get_args(Kind)
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)
MODES: tuple[Mode, ...] = get_args(Mode)
LENGTHS: dict[str, int] = {"sha256": 32, "md5": 16, "pdq": 32}
LONGEST_LINK = 2_000
WIDEST_RADIUS = 47


class BankInfo(msgspec.Struct, frozen=True):
    """A bank as it is kept. `radius` (0 to 47 of 256 bits) counts only for `pdq`.

    `live` banks have consequences, `shadow` ones are only counted, `off` ones do not match. A
    `negative` bank says of its entries that they are harmless.
    """

    id: str
    name: str
    kind: Kind
    harm: str
    opinion: Opinion
    radius: int
    mode: Mode


class Row(NamedTuple):
    """One entry as the matcher needs it: id, bank id, value, quality (or None) and provenance."""

    id: int
    bank: str
    value: bytes
    quality: int | None
    provenance: str


class Match(msgspec.Struct, frozen=True):
    """An entry that a value matches. `distance` is 0 for exact kinds, bits of 256 for `pdq`."""

    bank: str
    entry: int
    opinion: Opinion
    distance: int
    quality: int | None
    provenance: str
    harm: str
    mode: Mode
