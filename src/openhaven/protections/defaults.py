"""The data that everything rests on: read, checked, compiled into one table. Refused when unsound.

Versioned and named by its fingerprint (SHA-256 over the files as they stand). Whatever the files
say, the floors of `floors.py` stand in code: data that would lift one does not start.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from openhaven.core import AgeBand, Problem
from openhaven.protections import asking, floors
from openhaven.protections.model import ALL_BANDS, MINORS, SCALES, Scale, Source

ANYWHERE = "*"
ByBand = dict[str, str]
Hour = Annotated[int, msgspec.Meta(ge=0, le=23)]
Confidence = Literal["read", "secondary", "recalled", "own"]


class Believed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a source is believed (0 to 1), and for how many days when it does not say."""

    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)]
    days: Annotated[int, msgspec.Meta(ge=1, le=36_500)]


class Night(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The local hours of sleep: from the first up to, not including, the second."""

    start: Hour = msgspec.field(name="from")
    end: Hour = msgspec.field(name="to")

    def holds(self, hour: int) -> bool:
        """Say whether a local hour (0 to 23) is in the night."""
        if self.start > self.end:
            return hour >= self.start or hour < self.end
        return self.start <= hour < self.end


class _Override(msgspec.Struct, forbid_unknown_fields=True):
    regions: list[str]
    default: ByBand = {}
    ceiling: ByBand = {}
    why: list[str] = []


class _Feature(msgspec.Struct, forbid_unknown_fields=True):
    scale: Scale
    default: ByBand
    why: list[str]
    confidence: Confidence
    ceiling: ByBand = {}
    who: Literal["holder", "nobody"] = "holder"
    override: list[_Override] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: str
    regions: dict[str, list[str]]
    sources: dict[Source, Believed]
    ends: dict[AgeBand, int]
    clauses: dict[str, str]
    features: dict[str, _Feature]
    rights: dict[str, list[str]]
    sleep: dict[AgeBand, Night]
    offsets: dict[str, tuple[int, int]]


class Cell(msgspec.Struct, frozen=True):
    """What holds for one feature in one band and region.

    `default` and `ceiling` are places on the scale; `why` names clauses; `fixed` that nobody may
    choose.
    """

    scale: Scale
    default: int
    ceiling: int
    why: tuple[str, ...]
    confidence: Confidence
    fixed: bool

    @property
    def clause(self) -> str:
        """The clauses in one line."""
        return ", ".join(self.why)


class Opened(msgspec.Struct, frozen=True):
    """What an operator's own data opened, from what to what, and the law that says so."""

    feature: str
    region: str
    band: AgeBand
    before: str
    after: str
    law: str


Table = dict[str, dict[AgeBand, dict[str, Cell]]]


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """The data, compiled: `table[region][band][feature]`.

    `opened` is what is more open than in the data that ships.
    """

    version: str
    fingerprint: str
    regions: dict[str, str]
    sources: dict[Source, Believed]
    ends: dict[AgeBand, int]
    clauses: dict[str, str]
    table: Table
    rights: dict[str, tuple[str, ...]]
    sleep: dict[AgeBand, Night]
    offsets: dict[str, tuple[int, int]]
    opened: tuple[Opened, ...] = ()

    def cells(self, band: AgeBand, country: str | None) -> Mapping[str, Cell]:
        """Return what holds for a band in a country, by feature."""
        return self.table[self.regions.get(country or "", ANYWHERE)][band]


def load(folder: Path | None = None) -> tuple[Defaults, dict[str, str]]:
    """Read the data that ships with the program, and what an operator's own folder changes of it.

    Returns it compiled, with its files (`defaults.toml`, the English words, and `operator.toml` of
    the folder). Raises `Problem` when it cannot be read, contradicts itself, or would lift a floor.
    """
    files = _texts(resources.files("openhaven.protections") / "data")
    shipped = compiled(files)
    if folder is None:
        return shipped, files
    from openhaven.protections import own

    theirs = _texts(folder)
    if set(theirs) != {own.FILE}:
        raise _unsound(f"{folder} holds one file, {own.FILE}.")
    files |= theirs
    made = own.applied(shipped, theirs[own.FILE])
    return msgspec.structs.replace(made, fingerprint=fingerprint(files)), files


def _texts(where: Path | Traversable) -> dict[str, str]:
    try:
        return {
            file.name: file.read_text("utf-8")
            for file in where.iterdir()
            if file.name.endswith(".toml")
        }
    except (OSError, UnicodeError) as error:
        raise _unsound(f"{where} cannot be read: {type(error).__name__}.") from error


def compiled(files: Mapping[str, str]) -> Defaults:
    """Compile the files; raises `Problem` for what is unsound, with all that was found first."""
    try:
        file = msgspec.convert(tomllib.loads(files.get("defaults.toml", "")), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _unsound(f"defaults.toml: {error}") from error
    _check_names(file)
    regions = [ANYWHERE, *file.regions]
    table = {
        region: {
            band: {name: _cell(name, one, band, region) for name, one in file.features.items()}
            for band in ALL_BANDS
        }
        for region in regions
    }
    wrong = [
        said
        for region in regions
        for band in ALL_BANDS
        for said in _faults(table[region][band], region, band)
    ]
    if wrong:
        raise _unsound(wrong[0])
    return Defaults(
        version=file.version, fingerprint=fingerprint(files), sources=file.sources, ends=file.ends,
        regions={country: region for region, of in file.regions.items() for country in of},
        clauses=file.clauses, table=table, sleep=file.sleep, offsets=file.offsets,
        rights={name: tuple(why) for name, why in file.rights.items()},
    )  # fmt: skip


def fingerprint(files: Mapping[str, str]) -> str:
    """Return SHA-256 over the names and texts of the files, as `sha256:` and 64 hex digits."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name, files[name]):
            raw = part.encode()
            digest.update(len(raw).to_bytes(8, "big") + raw)
    return f"sha256:{digest.hexdigest()}"


def _cell(name: str, one: _Feature, band: AgeBand, region: str) -> Cell:
    """Return what a feature is for a band in a region: overrides win over the general part."""
    default, ceiling, why = dict(one.default), dict(one.ceiling), one.why
    for other in one.override:
        if region in other.regions and band in {*other.default, *other.ceiling}:
            default.update(other.default)
            ceiling.update(other.ceiling)
            why = other.why or why
    scale = SCALES[one.scale]
    said = _of(default, band)
    if said is None:
        raise _unsound(f"{name} has no default for {band}.")
    return Cell(
        one.scale,
        _place(name, scale, said),
        _place(name, scale, _of(ceiling, band) or scale[-1]),
        tuple(why),
        one.confidence,
        one.who == "nobody",
    )


def _of(by_band: Mapping[str, str], band: AgeBand) -> str | None:
    return by_band.get(band) or (by_band.get("minor") if band in MINORS else None)


def _place(name: str, scale: tuple[str, ...], value: str) -> int:
    if value not in scale:
        raise _unsound(f"{name} cannot be {value!r}; its values are {', '.join(scale)}.")
    return scale.index(value)


def _faults(cells: Mapping[str, Cell], region: str, band: AgeBand) -> Iterator[str]:
    """Yield what is wrong for one band in one region."""
    where = f"for {band} in region {region}"
    for name, cell in cells.items():
        if cell.default > cell.ceiling:
            yield f"{name} is by default more open than its ceiling {where}."
    yield from (f"{said} {where}." for said in floors.lifted(cells, band))


def _check_names(file: _File) -> None:
    """Raise `Problem` for what names something that is not there, or leaves something out."""
    known, clauses = file.features, file.clauses
    bands = {*ALL_BANDS, "minor"}
    for name, one in known.items():
        parts: list[_Feature | _Override] = [one, *one.override]
        used = {band for part in parts for band in (*part.default, *part.ceiling)}
        missing = [why for part in parts for why in part.why if why not in clauses]
        far = [region for part in one.override for region in part.regions]
        if used - bands or missing or set(far) - file.regions.keys() or not one.why:
            raise _unsound(f"{name} names a band, a clause or a region that is not there.")
    if gone := asking.FEATURES - known.keys():
        raise _unsound(f"Actions ask for {', '.join(sorted(gone))}, which is no feature here.")
    if set(file.rights) != floors.RIGHTS or any(set(why) - clauses.keys()
                                                for why in file.rights.values()):  # fmt: skip
        raise _unsound("The rights that nobody takes away are not all there.")
    twice = [one for of in file.regions.values() for one in of]
    if len(twice) != len(set(twice)) or set(file.sources) != floors.SOURCES:
        raise _unsound("A country is in two regions, or a source of ages is missing.")


def _unsound(detail: str) -> Problem:
    return Problem("protections.unsound", "The data of the protections is not sound.", detail,
                   next_step="Mend the file; nothing starts with it as it is.")  # fmt: skip
