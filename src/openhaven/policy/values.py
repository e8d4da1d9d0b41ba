"""What the operators of CEL do with values of which only the event knows the type.

The rules are those of the language definition (cel-spec, `doc/langdef.md`) and of the CEL team's
C++ library, with which the tests compare: an error is a value, and an operator that meets one
answers with one, unless the language says that it does not matter (`&&`, `||`, `?:`, loops).
Whole numbers have 64 bits and a sign; whole and decimal numbers compare by what they are worth.

Values are plain Python: `str`, `int`, `float`, `bool`, `None`, `list`, `dict` with text keys.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

SMALLEST, LARGEST = -(1 << 63), (1 << 63) - 1
# Beyond these the library compares by range, within them by the decimal number that is nearest.
_LEAST_WHOLE, _MOST_WHOLE = float(SMALLEST), float(LARGEST)
_ORDERED = (int, str, float, bool)
_KEYS = (str, int, float, bool)


class _Error:
    """The one value that stands for every error."""

    def __repr__(self) -> str:
        return "ERROR"


ERROR: Final = _Error()


def equal(one: Any, other: Any) -> Any:
    """`==`: values of different types differ, but whole and decimal numbers compare."""
    if one is ERROR or other is ERROR:
        return ERROR
    kinds = (type(one), type(other))
    if kinds == (int, float):
        one, other = _numbers(one, other)
    elif kinds == (float, int):
        other, one = _numbers(other, one)
    elif kinds[0] is not kinds[1]:
        return False
    elif kinds[0] is list:
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def differ(one: Any, other: Any) -> Any:
    """`!=`: not `==`; so that what is no number differs from itself."""
    same = equal(one, other)
    return ERROR if same is ERROR else not same


def less(one: Any, other: Any) -> Any:
    """`<`, for numbers, texts (by code points) and `false < true`."""
    pair = _pair(one, other)
    return ERROR if pair is None else pair[0] < pair[1]


def at_most(one: Any, other: Any) -> Any:
    """`<=`, as `less`."""
    pair = _pair(one, other)
    return ERROR if pair is None else pair[0] <= pair[1]


def more(one: Any, other: Any) -> Any:
    """`>`, as `less`."""
    return less(other, one)


def at_least(one: Any, other: Any) -> Any:
    """`>=`, as `less`."""
    return at_most(other, one)


def _pair(one: Any, other: Any) -> tuple[Any, Any] | None:
    """Return two values that Python orders as CEL does, or None when CEL does not order them."""
    first, second = type(one), type(other)
    if first is second:
        return (one, other) if first in _ORDERED else None
    if first is int and second is float:
        return _numbers(one, other)
    if first is float and second is int:
        return _numbers(other, one)[::-1]
    return None


def _numbers(whole: int, decimal: float) -> tuple[float, float]:
    if decimal > _MOST_WHOLE:
        return 0.0, 1.0
    if decimal < _LEAST_WHOLE:
        return 1.0, 0.0
    return float(whole), decimal


def within(one: Any, many: Any) -> Any:
    """`in`: whether a list has an equal value, or a map this key."""
    if one is ERROR or many is ERROR:
        return ERROR
    if type(many) is list:
        return any(equal(one, each) for each in many)
    if type(many) is dict:
        if type(one) not in _KEYS:
            return ERROR
        return type(one) is str and one in many
    return ERROR


def size(one: Any) -> Any:
    """`size`: characters (code points) of a text, entries of a list or map."""
    return len(one) if type(one) in (str, list, dict) else ERROR


def select(one: Any, field: str) -> Any:
    """`one.field`; a missing field is an error."""
    return one.get(field, ERROR) if type(one) is dict else ERROR


def has(one: Any, field: str) -> Any:
    """`has(one.field)`."""
    return field in one if type(one) is dict else ERROR


def index(many: Any, place: Any) -> Any:
    """`many[place]`: a list by its place from 0, a map by its key."""
    if type(many) is dict:
        return many.get(place, ERROR) if type(place) is str else ERROR
    if type(place) is float and place.is_integer() and abs(place) < LARGEST:
        place = int(place)
    if type(many) is not list or type(place) is not int or not 0 <= place < len(many):
        return ERROR
    return many[place]


def add(one: Any, other: Any) -> Any:
    """`+`, for two numbers of one type, two texts or two lists."""
    kind = _same(one, other)
    if kind is int:
        return _bounded(one + other)
    return one + other if kind in (float, str, list) else ERROR


def subtract(one: Any, other: Any) -> Any:
    """`-`, for two numbers of one type."""
    kind = _same(one, other)
    if kind is int:
        return _bounded(one - other)
    return one - other if kind is float else ERROR


def multiply(one: Any, other: Any) -> Any:
    """`*`, for two numbers of one type."""
    kind = _same(one, other)
    if kind is int:
        return _bounded(one * other)
    return one * other if kind is float else ERROR


def divide(one: Any, other: Any) -> Any:
    """`/`: whole numbers towards zero and not by zero, decimal numbers as IEEE 754 says."""
    kind = _same(one, other)
    if kind is int:
        return ERROR if other == 0 else _bounded(_towards_zero(one, other))
    if kind is not float:
        return ERROR
    if other != 0:
        return one / other
    if one == 0 or math.isnan(one):
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1.0, other)


def modulo(one: Any, other: Any) -> Any:
    """`%`, for whole numbers; has the sign of the first one."""
    if _same(one, other) is not int or other == 0:
        return ERROR
    # The smallest number by -1 overflows in the library, though the rest would be 0.
    if one == SMALLEST and other == -1:
        return ERROR
    return one - other * _towards_zero(one, other)


def negate(one: Any) -> Any:
    """`-one`, for a number."""
    if type(one) is int:
        return _bounded(-one)
    return -one if type(one) is float else ERROR


def invert(one: Any) -> Any:
    """`!one`."""
    return not one if one is True or one is False else ERROR


def truth(one: Any) -> Any:
    """Return a truth value as it is; anything else is an error."""
    return one if one is True or one is False else ERROR


def starts(one: Any, other: Any) -> Any:
    """`startsWith`."""
    return one.startswith(other) if _same(one, other) is str else ERROR


def ends(one: Any, other: Any) -> Any:
    """`endsWith`."""
    return one.endswith(other) if _same(one, other) is str else ERROR


def has_text(one: Any, other: Any) -> Any:
    """`contains`."""
    return other in one if _same(one, other) is str else ERROR


def finds(search: Callable[[str], bool], one: Any) -> Any:
    """`matches`, with a pattern that is ready to search."""
    return search(one) if type(one) is str else ERROR


def listed(*ones: Any) -> Any:
    """`[...]`: an error in it makes all of it one."""
    return ERROR if ERROR in ones else list(ones)


def entries(one: Any) -> Any:
    """Return what a loop runs over: the values of a list, the keys of a map."""
    return one if type(one) in (list, dict) else ERROR


def exists(answers: Iterable[Any]) -> Any:
    """`exists`: one true answer is enough, even among errors."""
    said: Any = False
    for one in answers:
        if one is True:
            return True
        if one is not False:
            said = ERROR
    return said


def every(answers: Iterable[Any]) -> Any:
    """`all`: one false answer is enough, even among errors."""
    said: Any = True
    for one in answers:
        if one is False:
            return False
        if one is not True:
            said = ERROR
    return said


def exactly_one(answers: Iterable[Any]) -> Any:
    """`exists_one`: an error anywhere is one."""
    found = [truth(one) for one in answers]
    return ERROR if ERROR in found else found.count(True) == 1


def collected(answers: Iterable[Any]) -> Any:
    """`map`: the list of what comes out; an error in it makes all of it one."""
    return listed(*answers)


def kept(pairs: Iterable[tuple[Any, Any]]) -> Any:
    """`filter`, and `map` with a condition: the values whose answer is true."""
    found: list[Any] = []
    for answer, value in pairs:
        if truth(answer) is ERROR or (answer and value is ERROR):
            return ERROR
        if answer:
            found.append(value)
    return found


def _same(one: Any, other: Any) -> type | None:
    return type(one) if type(one) is type(other) else None


def _bounded(number: int) -> Any:
    return number if SMALLEST <= number <= LARGEST else ERROR


def _towards_zero(one: int, other: int) -> int:
    whole = abs(one) // abs(other)
    return whole if (one < 0) == (other < 0) else -whole
