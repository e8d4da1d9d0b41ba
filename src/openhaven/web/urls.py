"""Text that arrives percent-encoded: paths, queries and forms, decoded strictly or refused."""

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from openhaven.core import Problem

_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_MAX_FIELDS = 200


class Form(dict[str, str]):
    """The fields of a form or query. Of a name sent repeatedly it has the first value."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.pairs = tuple(pairs)
        for name, value in self.pairs:
            self.setdefault(name, value)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of `name` in the order sent, as a group of check boxes gives it."""
        return tuple(value for key, value in self.pairs if key == name)


def percent_decoded(raw: bytes, where: str) -> str:
    """Return `raw` with `%XX` resolved, as text.

    `where` names the place for the error. Raises `Problem` (400) for a broken escape, for bytes
    that are no UTF-8, and for NUL, which neither PostgreSQL nor a person can read.
    """
    if _BAD_PERCENT.search(raw):
        raise _bad(where, "A “%” is not followed by two hexadecimal digits.")
    return readable(unquote_to_bytes(raw), where)


def readable(raw: bytes, where: str) -> str:
    """Return `raw` as text, or raise `Problem` (400) when it is no UTF-8 or holds NUL."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(where, f"It is not UTF-8 (byte {error.start}).") from error
    if "\0" in text:
        raise _bad(where, f"It holds a NUL character (position {text.index(chr(0))}).")
    return text


def parse_query(raw: bytes) -> Form:
    """Return the parameters of a query string; raises `Problem` (400) for a broken one."""
    return Form(_pairs(raw, "query"))


def parse_form(raw: bytes) -> Form:
    """Return the fields of an `application/x-www-form-urlencoded` body (WHATWG URL, section 5)."""
    return Form(_pairs(raw, "form"))


def _pairs(raw: bytes, where: str) -> list[tuple[str, str]]:
    if not raw:
        return []
    if raw.count(b"&") >= _MAX_FIELDS:
        raise _bad(where, f"It has more than {_MAX_FIELDS} fields.")
    pairs = [part.replace(b"+", b" ").partition(b"=") for part in raw.split(b"&") if part]
    return [
        (percent_decoded(name, where), percent_decoded(value, where)) for name, _, value in pairs
    ]


def _bad(where: str, detail: str) -> Problem:
    return Problem(f"{where}.unreadable", f"The {where} of this request cannot be read.", detail,
                   next_step="Percent-encode UTF-8 text and send it again.")  # fmt: skip
