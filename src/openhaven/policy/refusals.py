"""Turns the refusals of typed reading (msgspec) into sentences at their places."""

import re
from typing import get_args

import msgspec

from openhaven.core import EventKind, Outcome
from openhaven.policy.marked import Marked
from openhaven.policy.model import Fallback, Label, Then, Unknown
from openhaven.policy.places import PackError, did_you_mean, named

_AT = re.compile(r"(?s)(.*?)(?: - at `\$(.*)`)?")
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`")
_PLAIN = re.compile("[a-z0-9-]")
_TYPES = re.compile(r"Expected `(.*)`, got `(.*)`")
_CHOICES: dict[str, tuple[str, ...]] = {
    "on": get_args(EventKind),
    "kind": get_args(EventKind),
    "outcome": get_args(Outcome),
    "mode": ("live", "shadow"),
    "unknown": get_args(Unknown),
}
_SHAPES: dict[str, type] = {"then": Then, "label": Label, "fallback": Fallback}
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a block of keys",
    "null": "nothing",
}


def explained(error: msgspec.ValidationError, marked: Marked, root: str, shape: type) -> PackError:
    """Return the refusal of the value at the path `root`, which should have been a `shape`."""
    match = _AT.fullmatch(str(error))
    what, path = (match[1], root + (match[2] or "")) if match else (str(error), root)
    if field := _FIELD.fullmatch(what):
        inner = _SHAPES.get(path.rpartition(".")[2], shape)
        return _wrong_field(field[1], field[2], path, marked, inner)
    if types := _TYPES.fullmatch(what):
        message = f"Here stands {_in_words(types[2])}; it should be {_in_words(types[1])}."
        return marked.source.error(marked.place(path), message)
    if "matching regex" in what:
        what = _odd_name(str(marked.raw.get(path, "")))
        return marked.source.error(marked.place(path), what)
    name = re.sub(r"\[\d+\]", "", path).rpartition(".")[2]
    said = marked.raw.get(path, "")
    if name in _CHOICES and said:
        return marked.source.error(marked.place(path), _no_choice(name, said))
    return marked.source.error(marked.place(path), what + ".")


def _odd_name(said: str) -> str:
    """Say what is wrong with a name: which letter is not plain, or that it begins oddly."""
    strange = next((letter for letter in said if not _PLAIN.fullmatch(letter)), "")
    which = f" Here stands {named(strange)}." if strange else ""
    return f"A name is of the letters a to z, digits and hyphens, and has at most 63.{which}"


def _wrong_field(kind: str, field: str, path: str, marked: Marked, shape: type) -> PackError:
    if kind == "missing required":
        return marked.source.error(marked.place(path), f"Here “{field}” is missing.")
    place = marked.keys.get(f"{path}.{field}", marked.place(path))
    near = did_you_mean(field, getattr(shape, "__struct_fields__", ()))
    return marked.source.error(place, f"There is no “{field}” here.{near}")


def _no_choice(name: str, said: str) -> str:
    if name == "outcome" and said == "suspend":
        return "No rule takes an account away. Use “review”: a person decides about accounts."
    listed = f" It is one of: {', '.join(_CHOICES[name])}."
    return f"“{name}” is never “{said}”.{did_you_mean(said, _CHOICES[name]) or listed}"


def _in_words(types: str) -> str:
    return " or ".join(_WORDS.get(one, one) for one in types.split(" | "))
