"""What a reviewer may choose for themselves. Pure."""

import re

import msgspec

from openhaven.core import Problem

MOST = 20
STRICTER = ("only_grey", "only_small", "no_pictures", "cover_text")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class Choices(msgspec.Struct, frozen=True):
    """How somebody works: the languages they read (none: all), and what they do not want to see.

    `only_grey`: pictures never in colour. `only_small`: never wider than 320 pixels.
    `no_pictures`: not even blurred. `cover_text`: a text is shown when it is asked for.
    """

    languages: tuple[str, ...] = ()
    only_grey: bool = False
    only_small: bool = False
    no_pictures: bool = False
    cover_text: bool = False


def read_languages(text: str) -> tuple[str, ...]:
    """Return language codes (`en`, `pt`) from words with commas or spaces between them.

    Raises `Problem` for anything else. Regions (`pt-BR`) count as their language.
    """
    found = [one.partition("-")[0].lower() for one in re.split(r"[\s,;]+", text.strip()) if one]
    if len(found) > MOST or not all(_LANGUAGE.fullmatch(one) for one in found):
        raise Problem("choices.languages", "These are no languages.",
                      next_step="Write their codes, such as: en, pt, ar")  # fmt: skip
    return tuple(dict.fromkeys(found))
