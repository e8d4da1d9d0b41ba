"""What holds for an account, told in full: each value, why it is so, who may change it. Pure."""

from datetime import date

import msgspec

from openhaven.core import AgeBand
from openhaven.protections.ages import Age, resolve
from openhaven.protections.checking import Check
from openhaven.protections.defaults import Cell
from openhaven.protections.model import SCALES, Choices, Profile, Role, Source
from openhaven.protections.sides import effective

_UNSET = Choices()


class AgeShown(msgspec.Struct, frozen=True):
    """What the account's age is taken to be, and what that rests on."""

    band: AgeBand
    source: Source | None
    confidence: float


class Shown(msgspec.Struct, frozen=True):
    """One protection: its value, the values that it could have, why, and who may change it.

    `reason` is a code and `text` the sentence for it. `before_opening` is what the person reads
    before anything more open than the default is chosen; empty where nothing can be opened.
    """

    feature: str
    value: str
    values: tuple[str, ...]
    reason: str
    text: str
    may_change: tuple[Role, ...]
    clause: str
    confidence: str
    before_opening: str


class Protected(msgspec.Struct, frozen=True):
    """What holds for one account; at `appeal_url` the person can say that the age is wrong."""

    age: AgeShown
    carers: int
    settings: tuple[Shown, ...]
    version: str
    data: str
    appeal_url: str | None = None


def settings_of(check: Check, profile: Profile, language: str, today: date) -> Protected:
    """Return what holds for an account on `today`, in a language, rights included."""
    defaults = check.defaults
    age = resolve(defaults, profile.evidence, today)
    cells = defaults.cells(age.band, profile.country)
    shown = [_shown(check, name, cell, profile, age, language) for name, cell in cells.items()]
    rights = [_right(check, name, why, age, language) for name, why in defaults.rights.items()]
    return Protected(AgeShown(age.band, age.source, age.confidence), profile.carers,
                     (*shown, *rights), defaults.version, defaults.fingerprint)  # fmt: skip


def _shown(check: Check, name: str, cell: Cell, profile: Profile, age: Age, language: str) -> Shown:
    choices = profile.choices.get(name, _UNSET)
    level = effective(cell, choices, age)
    scale = SCALES[cell.scale]
    reason = _reason(cell, choices, age, level)
    opens = not cell.fixed and cell.ceiling > cell.default and age.band != "18-plus"
    before = check.words.reason(language, "before_opening", young=age.minor) if opens else ""
    text = check.words.reason(language, reason, young=age.minor)
    values = (scale[level],) if cell.fixed else scale[: cell.ceiling + 1]
    return Shown(name, scale[level], values, reason, text, _may(cell, age), cell.clause,
                 cell.confidence, before)  # fmt: skip


def _right(check: Check, name: str, why: tuple[str, ...], age: Age, language: str) -> Shown:
    text = check.words.reason(language, "right", young=age.minor)
    return Shown(name, "on", ("on",), "right", text, (), ", ".join(why), "read", "")


def _may(cell: Cell, age: Age) -> tuple[Role, ...]:
    """Say who may change it; where only one value is left, nobody."""
    if cell.fixed or cell.ceiling == 0:
        return ()
    return ("child", "operator") if age.band == "18-plus" else ("child", "carer", "operator")


def _reason(cell: Cell, choices: Choices, age: Age, level: int) -> str:
    if cell.fixed or cell.ceiling == 0:
        return "floor"
    carer = choices.carer if age.band != "18-plus" else None
    own = effective(cell, Choices(choices.child, choices.explained), age)
    for who, limit in (("carer", carer), ("operator", choices.operator)):
        if limit == level and level < own:
            return who
    if level != cell.default:
        return "chosen"
    return "unknown_age" if age.band == "unknown" else "default"
