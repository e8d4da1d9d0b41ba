"""What Plaza says after something painful, in the language of whoever reads it.

Why something of theirs is not shown, how to appeal, what became of a report, where help is: these
pages, and what stands around every page, speak six languages. The rest of Plaza, which tells how a
platform works with Openhaven, is in English.
"""

import json
from collections.abc import Callable
from pathlib import Path

from plaza.model import Account

_TONGUES: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "tongues.json").read_text("utf-8")
)


def tongue(who: Account | None) -> str:
    """Return the language (ISO 639-1) in which somebody is spoken to: theirs, or else English."""
    return who.language if who is not None and who.language in _TONGUES else "en"


def speaker(language: str) -> Callable[..., str]:
    """Return what says a sentence (English, with places `{name}`) in a language.

    One that is not translated is said in English.
    """
    known = _TONGUES.get(language, {})

    def say(text: str, /, **values: object) -> str:
        words = known.get(text, text)
        return words.format(**values) if values else words

    return say


def tongues() -> dict[str, dict[str, str]]:
    """Return each language with its sentences, by the English ones."""
    return _TONGUES
