"""Catalogues of translated sentences: `.po` files, read with Babel and looked up with gettext.

A language is a folder `<language>/openhaven.po` whose message ids are the English sentences. The
folders that ship with the package come first; an operator's own folder adds languages, and words
of its own for languages that ship.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from openhaven.core.problems import Problem

# Babel is loaded where it is needed: the client in a platform's process speaks without it.
SOURCE = "en"
FILE = "openhaven.po"
_SHOWN = "⟦{}⟧"
SHIPPED = Path(__file__).resolve().parent.parent / "locales"


class _Untranslated(NullTranslations):
    """Answers with the English sentence; between brackets where the lack of it shall be seen."""

    def __init__(self, *, shown: bool) -> None:
        super().__init__()
        self._frame = _SHOWN if shown else "{}"

    def gettext(self, message: str) -> str:
        return self._frame.replace("{}", message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._frame.replace("{}", msgid1 if n == 1 else msgid2)


class _WhenAsked(NullTranslations):
    """A language that ships: its file is read when the first sentence is asked of it.

    To read them all takes as long as everything else at a start, and most processes speak one.
    """

    def __init__(self, path: Path, code: str) -> None:
        super().__init__()
        self._path, self._code = path, code
        self._otherwise = NullTranslations()

    def add_fallback(self, fallback: NullTranslations) -> None:
        self._otherwise = fallback

    @cached_property
    def _said(self) -> NullTranslations:
        found = _read(self._path, self._code)
        found.add_fallback(self._otherwise)
        return found

    def gettext(self, message: str) -> str:
        return self._said.gettext(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._said.ngettext(msgid1, msgid2, n)


class Catalogues:
    """The sentences of every language that there is a file for; never changes once it is made."""

    def __init__(self, folders: Iterable[Path], *, show_missing: bool = False) -> None:
        """Read every `<language>/openhaven.po` of the folders; a later one wins over an earlier.

        `show_missing` puts a sentence that is not translated yet between ⟦ and ⟧. Raises `Problem`
        for a file that cannot be read or whose name is no language (BCP 47, as in `pt-BR`); those
        that ship are read later, and it is our tests that say whether they can be.
        """
        plain = _Untranslated(shown=False)
        lacking = _Untranslated(shown=show_missing)
        read: dict[str, NullTranslations] = {SOURCE: plain}
        for path in (one for folder in folders for one in sorted(folder.glob(f"*/{FILE}"))):
            ours = path.is_relative_to(SHIPPED)
            code = path.parent.name if ours else _code(path)
            found: NullTranslations = _WhenAsked(path, code) if ours else _read(path, code)
            found.add_fallback(read.get(code, lacking))
            read[code] = found
        self._read: Mapping[str, NullTranslations] = read
        self._codes = {code.lower(): code for code in read}

    def languages(self) -> tuple[str, ...]:
        """Return the languages that there are, as BCP 47 codes, sorted; English is always there."""
        return tuple(sorted(self._read))

    def find(self, wanted: str) -> str | None:
        """Return the language that answers a wish: `de-AT` is answered by `de`; None if none is."""
        code = wanted.strip().replace("_", "-").lower()
        while code:
            if code in self._codes:
                return self._codes[code]
            code = code.rpartition("-")[0]
        return None

    def ours(self, language: str, text: str) -> str:
        """Return `text` in a language, or as it is when no catalogue of that language has it."""
        code = self.find(language) or SOURCE
        said = self._read[code].gettext(text) if text else ""
        return text if said == _SHOWN.replace("{}", text) else said

    def of(self, language: str) -> NullTranslations:
        """Return the sentences of a language, or the English ones."""
        return self._read[self.find(language) or SOURCE]


def _code(path: Path) -> str:
    from babel.core import Locale, UnknownLocaleError

    code = path.parent.name.replace("_", "-")
    try:
        Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise Problem(
            "words.language",
            f"“{path.parent.name}” is no language that is known.",
            str(path),
            next_step="Name the folder as in de or pt-BR.",
        ) from error
    return code


def _read(path: Path, code: str) -> GNUTranslations:
    """Read one file; what is marked as doubtful (`fuzzy`) is left out, as gettext does it."""
    try:
        state = path.stat()
        compiled = _compiled(path, code, (state.st_mtime_ns, state.st_size, state.st_ino))
        return GNUTranslations(BytesIO(compiled))
    except (OSError, ValueError) as error:
        raise Problem(
            "words.unreadable",
            f"The translations in {path} cannot be read.",
            str(error),
            next_step="Mend the file; `msgfmt --check` names the line.",
        ) from error


@lru_cache(maxsize=128)
def _compiled(path: Path, code: str, state: tuple[int, ...]) -> bytes:
    """Return a file as gettext reads it; a file in the same `state` is compiled only once."""
    del state
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import PoFileError, read_po

    compiled = BytesIO()
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=code.replace("-", "_"), abort_invalid=True)
    except PoFileError as error:
        raise ValueError(str(error)) from error
    write_mo(compiled, catalogue)
    return compiled.getvalue()
