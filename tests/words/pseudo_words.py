"""Languages made up for tests: every sentence of the template, changed by a rule."""

import re
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from openhaven.core.catalogues import FILE, SHIPPED

ROOT = Path(__file__).resolve().parents[2]
PLACE = re.compile(r"\{[a-z_]+\}")
_ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمن"


def script() -> ModuleType:
    """Return `scripts/words` as a module."""
    loader = SourceFileLoader("words_script", str(ROOT / "scripts" / "words"))
    spec = spec_from_loader("words_script", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def template() -> Catalog:
    """Return the English sentences as they were found last."""
    with (SHIPPED / "openhaven.pot").open("rb") as file:
        return read_po(file)


def catalogue(language: str) -> Catalog:
    """Return the sentences of a language that ships."""
    with (SHIPPED / language / FILE).open("rb") as file:
        return read_po(file, locale=language)


def sentences(found: Catalog) -> list[str]:
    """Return the English sentences of a catalogue; of one with a plural, both."""
    ids = [message.id for message in found if message.id]
    return [one for said in ids for one in ([said] if isinstance(said, str) else said)]


def framed(text: str) -> str:
    """Return a sentence between marks that no page has of itself."""
    return f"«{text}»"


def arabic(text: str) -> str:
    """Return a sentence in Arabic letters, a word for a word; places stay as they are."""
    parts = re.split(r"(\{[a-z_]+\})", text)
    return "".join(one if PLACE.fullmatch(one) else _in_arabic(one) for one in parts)


def _in_arabic(text: str) -> str:
    return "".join(
        _ARABIC[ord(sign.lower()) % len(_ARABIC)] if sign.isalpha() else sign for sign in text
    )


def write_language(folder: Path, language: str, rule: Callable[[str], str]) -> Path:
    """Write a whole language as one file, as a translator would; return the folder."""
    made = Catalog(locale=language.replace("-", "_"))
    for said in sentences(template()):
        made.add(said, rule(said))
    path = folder / language / FILE
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, made)
    return folder
