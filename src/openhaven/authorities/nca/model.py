"""A sheet: what a report says, field by field, with the source of each; and its priority."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Priority = Literal[1, 2, 3]
# SI 2026/268, as accounts of it tell (not read in full).
PRIORITIES: dict[int, str] = {
    1: "1: a threat to a child's life, or of serious harm – at once",
    2: "2: other serious cases – as soon as reasonably practicable",
    3: "3: everything else – without undue delay",
}


class Row(msgspec.Struct, frozen=True):
    """One field: its name, what is stated, and where that is from."""

    field: str
    value: str
    source: str


class Section(msgspec.Struct, frozen=True):
    """A part of the register, with the fields that something is known of."""

    title: str
    rows: tuple[Row, ...]


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What is handed in. `unknown` names fields of the register of which nothing is known here."""

    priority: Priority = 2
    sections: tuple[Section, ...] = ()
    unknown: tuple[str, ...] = ()
    entered: Mapping[str, Any] = {}
