"""Says a sentence in somebody's language: the one way in which texts for people leave the house.

The message id is the English sentence with named places: `translate("de", "We removed {it}.",
it=…)`. What a place is filled with is never looked into, so a catalogue cannot reach into values.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from openhaven.core.catalogues import SHIPPED, SOURCE, Catalogues
from openhaven.core.problems import Problem

if TYPE_CHECKING:
    from babel.core import Locale

_PLACE = re.compile(r"\{([a-z_]+)\}")


class _Spoken:
    """What this process speaks: set once at its start."""

    catalogues: Catalogues | None = None
    folders: tuple[Path, ...] = (SHIPPED,)
    show_missing = False


def _now() -> Catalogues:
    if _Spoken.catalogues is None:
        _Spoken.catalogues = Catalogues(_Spoken.folders, show_missing=_Spoken.show_missing)
    return _Spoken.catalogues


def speak(own: Path | None = None, *, show_missing: bool | None = None) -> None:
    """Read the catalogues that ship, and over them those of the operator's folder `own`.

    `show_missing` is for tests: a sentence without its translation stands between ⟦ and ⟧. None
    leaves that as it is. Raises `Problem` for a file that cannot be read.
    """
    if show_missing is not None:
        _Spoken.show_missing = show_missing
    _Spoken.folders = (SHIPPED, own) if own else (SHIPPED,)
    _Spoken.catalogues = Catalogues(_Spoken.folders, show_missing=_Spoken.show_missing)


def mark(text: str) -> str:
    """Return `text` as it is: marks a constant for the catalogues that is translated later."""
    return text


def translate(language: str, text: str, /, **values: object) -> str:
    """Return the sentence `text` in `language`, its places `{name}` filled with `values`.

    A language that is not there, or a sentence that is not translated, is answered in English. A
    place without a value stays as it is. Never raises.
    """
    return fill(_now().of(language).gettext(text) if text else "", values)


def translate_known(language: str, text: str) -> str:
    """Return a sentence that was stored or raised in English, in `language` if it is one of ours.

    What a person wrote, or what is only for staff, stays as it is, and is not marked in tests.
    """
    return _now().ours(language, text)


def translate_problem(language: str, problem: Problem) -> tuple[str, str, str]:
    """Return what happened, what is special about it and what to do next, in a language.

    What was not written for the catalogues, such as a problem of staff, stays English.
    """
    title, detail, next_step = (
        fill(translate_known(language, text), problem.values) if problem.values
        else translate_known(language, text)
        for text in problem.unfilled
    )  # fmt: skip
    return title, detail, next_step


def translate_count(language: str, one: str, many: str, count: int, /, **values: object) -> str:
    """Return the sentence for `count` things, by the language's own rule; `{count}` is filled."""
    said = _now().of(language).ngettext(one, many, count)
    return fill(said, {"count": number_in(language, count), **values})


def fill(text: str, values: dict[str, object]) -> str:
    """Return `text` with its places `{name}` filled; a place without a value stays as it is."""
    return _PLACE.sub(lambda found: str(values.get(found[1], found[0])), text)


def languages() -> tuple[str, ...]:
    """Return the languages that there are catalogues for, as BCP 47 codes, sorted."""
    return _now().languages()


def best(wanted: Iterable[str], otherwise: str = SOURCE) -> str:
    """Return the first language of `wanted` (BCP 47) that there is, else `otherwise`."""
    found = (_now().find(one) for one in wanted)
    return next((one for one in found if one), None) or _now().find(otherwise) or SOURCE


def direction(language: str) -> str:
    """Return how a language is written: `ltr` or `rtl` (Unicode CLDR)."""
    return _locale(language).text_direction


def own_name(language: str) -> str:
    """Return the name of a language in itself: `Deutsch`."""
    from babel.core import Locale

    name = Locale.parse(language.replace("-", "_")).display_name or language
    return name[:1].upper() + name[1:]


def day_in(language: str, at: date) -> str:
    """Return a day in words: `5 March 2026`, `5. März 2026`, `2026年3月5日`."""
    from babel.dates import format_date

    return format_date(at, "long", locale=_locale(language))


def moment_in(language: str, at: datetime) -> str:
    """Return a moment to the minute, in UTC: `5 March 2026, 14:05 UTC`."""
    return f"{day_in(language, at)}, {time_in(language, at)} UTC"


def time_in(language: str, at: datetime) -> str:
    """Return the time of day of a moment, to the minute: `14:05`."""
    from babel.dates import format_time

    return format_time(at, "HH:mm", locale=_locale(language))


def number_in(language: str, value: int) -> str:
    """Return a whole number with the separators of a language."""
    from babel.numbers import format_decimal

    return format_decimal(value, locale=_locale(language))


def hours_in(language: str, hours: float) -> str:
    """Return a span in one unit: seconds below a minute, then minutes, hours, from 48 on days."""
    if hours * 60 < 1:
        return _span(language, max(1, round(hours * 3600)), "second")
    if hours < 1:
        return _span(language, round(hours * 60), "minute")
    if hours < 48:
        return _span(language, round(hours, 1), "hour")
    return _span(language, round(hours / 24, 1), "day")


def _span(language: str, value: float, unit: str) -> str:
    from babel.units import format_unit

    name, locale = f"duration-{unit}", _locale(language)
    said = format_unit(value, name, locale=locale)
    # Some languages have no long form: then the library answers with the name of the unit.
    return format_unit(value, name, "short", locale=locale) if name in said else said


@cache
def _locale(language: str) -> "Locale":
    """Return CLDR's data for a language that there is; days in English are written `5 March`."""
    from babel.core import Locale

    code = best([language])
    return Locale.parse("en_GB" if code == SOURCE else code.replace("-", "_"))
