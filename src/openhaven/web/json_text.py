"""The guarded door for JSON: what is wrong is said with its place, and nothing crashes a decoder.

Checked before decoding: UTF-8, NUL (raw or as `\\u0000`), depth, absurd numbers. The checks run in
linear time over the whole body and recurse nowhere. Of a name that stands twice in one object the
last counts, as RFC 8259 allows.
"""

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import numpy as np

from openhaven.core import Problem

T = TypeVar("T")
MAX_DEPTH = 64
_LARGE = 200_000
_MAX_INTEGER = 2**63 - 1
# A string, or the rest of the text when its end is missing: so the pattern never looks back.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")
# Anything that looks like a number of 16 characters or more, or with an exponent of 3 digits.
_BIG = re.compile(
    rb"-?[0-9][0-9.]{15,}+(?:[eE][+-]?[0-9]*+)?|-?[0-9][0-9.]{0,14}+[eE][+-]?[0-9]{3,}+"
)
# The decoder names a missing or unknown field, but gives only the path of the object around it.
_NAMED = re.compile(r"(?:unknown|required) field `([^`]*)`")
_NOT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_STEP = np.zeros(256, np.int32)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1


def decode(body: bytes, kind: type[T]) -> T:
    """Return the JSON text `body` as `kind`.

    Raises `Problem` (400) when it is no readable JSON (`body.unreadable`) or not what was asked for
    (`body.wrong`), then with the path of the fault, such as `$.item.text`, in the detail.
    """
    check(body)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise not_as_asked(error) from error
    except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError) as error:
        raise _unreadable(_place(error)) from error


def decode_each(body: bytes, fits: Callable[[int], None]) -> list[bytes]:
    """Return the members of the JSON list `body` as JSON texts, for `decode` one by one.

    So one bad member does not speak against the others. `fits` is given their number and raises
    what the caller says of a wrong one. For a large body it is asked before the members are even
    made, since a list of millions of zeros would take hundreds of times its size in memory. Raises
    `Problem` (400) when the body is no list that can be taken apart.
    """
    if not body:
        raise _unreadable("The body is empty.")
    _check_bytes(body)
    if len(body) > _LARGE:
        fits(_members(body))
    try:
        members = [bytes(raw) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except msgspec.ValidationError as error:
        raise not_as_asked(error) from error
    except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError) as error:
        raise _unreadable(_place(error)) from error
    fits(len(members))
    return members


def convert(value: Any, kind: type[T]) -> T:
    """Return a decoded JSON value as `kind`; raises `Problem` (400) with the path of the fault."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise not_as_asked(error) from error


def check(body: bytes) -> None:
    """Raise `Problem` (400) when `body` could hurt a decoder or cannot be stored as text."""
    if not body:
        raise _unreadable("The body is empty.")
    _check_bytes(body)
    if b"\\u0000" in body and (found := _NUL.search(body)):
        raise _unreadable(f"It holds an escaped NUL character (byte {found.start()}).")
    skeleton = _STRING.sub(b"", body)
    _check_depth(skeleton)
    _check_numbers(skeleton)


def not_as_asked(error: msgspec.ValidationError) -> Problem:
    """Return the problem for a body that decoded but has the wrong shape."""
    return Problem("body.wrong", "The body is not what this address takes.", _fault(str(error)),
                   next_step="Mend the field at the path named and send it again; "
                   "/openapi.json describes every body.")  # fmt: skip


def _fault(said: str) -> str:
    """Return the decoder's sentence with the whole path of the fault, the field's name included."""
    what, _, place = said.partition(" - at ")
    path = place.strip("`") or "$"
    named = _NAMED.search(what)
    return f"{what} - at `{path}{'.' + named.group(1) if named else ''}`"


def _check_bytes(body: bytes) -> None:
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _unreadable(f"It is not UTF-8 (byte {error.start}).") from error
    if b"\0" in body:
        raise _unreadable(f"It holds a NUL character (byte {body.index(0)}).")


def _check_depth(skeleton: bytes) -> None:
    brackets = skeleton.translate(None, _NOT_BRACKETS)
    if len(brackets) <= MAX_DEPTH:
        return
    depth = np.cumsum(_STEP[np.frombuffer(brackets, np.uint8)])
    if depth.max() > MAX_DEPTH:
        raise _unreadable(f"It is nested more than {MAX_DEPTH} deep.")


def _members(body: bytes) -> int:
    """Return how many members a list has, if it is one: the commas that stand directly in it."""
    marks = np.frombuffer(_STRING.sub(b"", body), np.uint8)
    depth = np.cumsum(_STEP[marks], dtype=np.int32)
    return int(np.count_nonzero((marks == ord(",")) & (depth == 1))) + 1


def _check_numbers(skeleton: bytes) -> None:
    for found in _BIG.finditer(skeleton):
        if not _sane(found.group()):
            raise _unreadable("It holds a number that is too large or too long to be stored.")


def _sane(number: bytes) -> bool:
    try:
        if number.lstrip(b"-").isdigit():
            return len(number) <= 20 and abs(int(number)) <= _MAX_INTEGER
        return len(number) <= 100 and math.isfinite(float(number))
    except ValueError:
        # No number at all: the decoder says what is wrong, and where.
        return True


def _place(error: Exception) -> str:
    if isinstance(error, msgspec.DecodeError):
        return f"{error}."
    return "A text in it is broken." if isinstance(error, ValueError) else "It is nested too deep."


def _unreadable(detail: str) -> Problem:
    return Problem("body.unreadable", "The body is no JSON that can be read.", detail,
                   next_step="Send one JSON value (RFC 8259) in UTF-8.")  # fmt: skip
