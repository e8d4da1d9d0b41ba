"""An operator's own data: what it makes stricter, and what its law lets it open. Pure.

It changes the data that ships, and never replaces it. Whatever opens something has to name the law
that says so, and is told in public; a floor is not lifted by any law.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from openhaven.core import AgeBand, Problem
from openhaven.protections import floors
from openhaven.protections.defaults import ANYWHERE, ByBand, Cell, Defaults, Opened, Table
from openhaven.protections.model import ALL_BANDS, MINORS, SCALES

FILE = "operator.toml"
_CHANGE = re.compile(r"^\s*\[\[\s*[\"']?change[\"']?\s*\]\]", re.MULTILINE)
_PLACE = re.compile(r"change\[(\d+)\]")


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of one feature, in the regions that are named, or in all.

    `law` says which law asks for it; it has to be there when anything is opened.
    """

    feature: str
    default: ByBand = {}
    ceiling: ByBand = {}
    regions: tuple[str, ...] = ()
    law: Annotated[str, msgspec.Meta(max_length=300)] = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    regions: dict[str, list[str]] = {}
    change: list[Change] = []


def applied(shipped: Defaults, text: str) -> Defaults:
    """Return the data with what an operator's file changes of it; its fingerprint stays to be set.

    Raises `Problem`, with the line of the file and the reason, for what cannot be read, names what
    is not there, opens something without a law, or would lift a floor.
    """
    file, lines = _read(text)
    table: Table = {region: {band: dict(cells) for band, cells in bands.items()}
                    for region, bands in shipped.table.items()}  # fmt: skip
    regions = shipped.regions | _regions(shipped, file, table)
    for change, line in zip(file.change, lines, strict=True):
        for fault in _put(table, change):
            raise _unsound(f"line {line}: {fault}")
    return msgspec.structs.replace(
        shipped, table=table, regions=regions, version=f"{shipped.version}, {file.version}",
        opened=tuple(_opened(shipped, table)),
    )  # fmt: skip


def _read(text: str) -> tuple[_File, list[int]]:
    """Return the file, and the line on which each change begins."""
    lines = [text.count("\n", 0, found.end()) + 1 for found in _CHANGE.finditer(text)]
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except tomllib.TOMLDecodeError as error:
        raise _unsound(str(error)) from error
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        number = int(place[1]) if place else -1
        line = f"line {lines[number]}: " if 0 <= number < len(lines) else ""
        raise _unsound(f"{line}{error}") from error
    if len(lines) != len(file.change):
        raise _unsound("Each change begins on a line of its own with [[change]].")
    return file, lines


def _regions(shipped: Defaults, file: _File, table: Table) -> dict[str, str]:
    """Add regions of one's own, which begin as what holds anywhere; return those by country."""
    found: dict[str, str] = {}
    for region, countries in file.regions.items():
        known = shipped.regions.keys() | found.keys()
        if region in table or known & set(countries) or len(set(countries)) != len(countries):
            raise _unsound(f"The region {region}, or a country of it, is there already.")
        table[region] = {band: dict(cells) for band, cells in shipped.table[ANYWHERE].items()}
        found |= dict.fromkeys(countries, region)
    return found


def _put(table: Table, change: Change) -> Iterator[str]:
    """Make one change in the table; yield what is wrong with it."""
    if change.feature not in table[ANYWHERE]["unknown"]:
        yield f"There is no feature {change.feature}."
    bands = {*change.default, *change.ceiling}
    if not bands or bands - {*ALL_BANDS, "minor"}:
        yield f"{change.feature} names a band that is not there, or none."
    if set(change.regions) - table.keys():
        yield f"{change.feature} names a region that is not there."
    for region in change.regions or tuple(table):
        for band in ALL_BANDS:
            if band in bands or (band in MINORS and "minor" in bands):
                yield from _put_one(table, change, region, band)


def _put_one(table: Table, change: Change, region: str, band: AgeBand) -> Iterator[str]:
    old, where = table[region][band][change.feature], f"for {band} in region {region}"
    default, ceiling = _said(change.default, band), _said(change.ceiling, band)
    for value in (default, ceiling):
        if value is not None and value not in SCALES[old.scale]:
            yield f"{change.feature} cannot be {value!r}."
    scale = SCALES[old.scale]
    most = old.ceiling if ceiling is None else scale.index(ceiling)
    usual = min(old.default, most) if default is None else scale.index(default)
    if usual > most:
        yield f"{change.feature} would be more open than its ceiling {where}."
    if (usual > old.default or most > old.ceiling) and not change.law.strip():
        yield f"{change.feature} would be opened {where}, and no `law` says so."
    why = (*old.why, change.law.strip() or "own")
    table[region][band][change.feature] = Cell(
        old.scale, usual, most, why, old.confidence, old.fixed
    )
    for fault in floors.lifted(table[region][band], band):
        yield f"{fault} {where}: it is a floor, which nobody lifts."


def _said(by_band: Mapping[str, str], band: AgeBand) -> str | None:
    return by_band.get(band) or (by_band.get("minor") if band in MINORS else None)


def _opened(shipped: Defaults, table: Table) -> Iterator[Opened]:
    """Yield what is more open than in the data that ships, with the law that says so."""
    for region, bands in table.items():
        before = shipped.table.get(region, shipped.table[ANYWHERE])
        for band, cells in bands.items():
            for feature, cell in cells.items():
                old = before[band][feature]
                if cell.default > old.default or cell.ceiling > old.ceiling:
                    scale = SCALES[cell.scale]
                    was, now = (old.default, cell.default)
                    if now <= was:
                        was, now = old.ceiling, cell.ceiling
                    yield Opened(feature, region, band, scale[was], scale[now], cell.why[-1])


def _unsound(detail: str) -> Problem:
    return Problem(
        "protections.unsound",
        "The operator's data of the protections is not sound.",
        f"{FILE}: {detail}",
        next_step="Mend the file; nothing starts with it as it is.",
    )
