"""The picture of a network: SVG in columns, the same for the same network. Pure.

From left to right stand the account of the case, what ties it to others, the others, and what ties
some of them further. Each box has a place of its own, so that no words lie on others; the data is
in the table beside it.
"""

from collections.abc import Sequence
from html import escape

import msgspec

from openhaven.authorities.network.model import CASE, Bond, Person, View

MOST = 60
"""So many boxes a person can still read; the strongest are drawn."""
_WIDE, _HIGH, _GAP, _BETWEEN, _EDGE = 208, 46, 14, 64, 8
_LETTERS = 24
# For the picture as a file of its own; on a page the sheet says how it looks.
_STYLE = """<style>
.net-box{fill:#fff;stroke:#857c6f}.net-case{fill:#e9f1ef;stroke:#1d5b57;stroke-width:2}
.net-child{stroke-width:3;stroke-dasharray:5 3}.net-tie{fill:#faf8f4;stroke:#ded7ca}
.net-line{fill:none;stroke:#857c6f;stroke-width:1.5}
text{font:13px sans-serif;fill:#26221d}.net-small{font-size:11.5px}
</style>"""


class Box(msgspec.Struct, kw_only=True):
    """A box of the picture: in which column, what it says, and with which boxes it is joined."""

    key: str
    column: int
    words: str
    small: str = ""
    look: str = "net-box"
    joined: list[str] = []
    y: float = 0.0


def draw(view: View, *, alone: bool = False) -> str:
    """Return the picture of a network as SVG; `alone` makes it a file that looks right by itself.

    Both its name and its description are for who does not see it.
    """
    boxes = _placed(_boxes(view))
    width, height = _size(boxes)
    title, told = "The network of the case", _told(view, boxes)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" class="net" role="img" '
            f'aria-labelledby="net-title net-told" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}">')  # fmt: skip
    parts = [head, f'<title id="net-title">{title}</title><desc id="net-told">{told}</desc>']
    parts += [_STYLE] if alone else []
    parts += [_line(one, other) for one in boxes for other in boxes if other.key in one.joined]
    parts += [_drawn(one) for one in boxes]
    return "".join([*parts, "</svg>"])


def drawn(view: View) -> int:
    """Return how many accounts of a view its picture shows."""
    return sum(1 for one in _boxes(view) if not one.column % 2)


def _told(view: View, boxes: Sequence[Box]) -> str:
    others = sum(1 for one in view.people if one.number != CASE)
    shown = sum(1 for one in boxes if not one.column % 2) - 1
    left = "" if shown == others else f" The {shown} with the strongest ties are drawn."
    return f"{others} accounts are tied to that of the case.{left} The table says the same."


# Which boxes there are ---------------------------------------------------------------------------


def _boxes(view: View) -> list[Box]:
    """Return the boxes of the strongest ties, as many as may be drawn."""
    made = dict[str, Box]()
    known = {one.number: one for one in view.people}
    for person in view.people:
        new = {one.key: one for one in _of(person, view, known, made)}
        if made.keys() | new.keys() == made.keys() or len(made.keys() | new.keys()) <= MOST:
            made |= {key: box for key, box in new.items() if key not in made}
    for bond in view.bonds:
        tie = made.get(_tie_key(bond))
        ends = [f"a{bond.origin}", f"a{bond.other}"]
        if tie is not None and all(end in made for end in ends):
            tie.joined = sorted({*tie.joined, *ends})
    return [one for one in made.values() if one.column % 2 == 0 or one.joined]


def _of(person: Person, view: View, known: dict[int, Person], made: dict[str, Box]) -> list[Box]:
    """Return the box of a person and those of what ties them to somebody who is drawn."""
    found = [_account(person)]
    for bond in view.of(person.number):
        other = bond.other if bond.origin == person.number else bond.origin
        if f"a{other}" in made:
            found.append(_tie(bond, known[bond.origin].step))
    return found


def _account(person: Person) -> Box:
    small = [person.label] if person.name and person.number != CASE else []
    small += ["child, protected"] if person.child else []
    small += ["no longer there"] if person.gone else []
    look = "net-box" + (" net-case" if person.number == CASE else "")
    words = person.name if person.name and person.number != CASE else person.label
    return Box(key=f"a{person.number}", column=2 * person.step, words=words,
               small=", ".join(small) or (person.name if person.number == CASE else ""),
               look=look + (" net-child" if person.child else ""))  # fmt: skip


def _tie_key(bond: Bond) -> str:
    if bond.place:
        return f"t{bond.origin}-{bond.kind}-{bond.place}"
    return f"t{bond.origin}-{bond.kind}-to-{bond.other}"


def _tie(bond: Bond, step: int) -> Box:
    words, _, rest = bond.words.partition(":") if not bond.place else bond.words.partition(" (")
    return Box(key=_tie_key(bond), column=2 * step + 1, words=words,
               small=rest.strip().rstrip(")").capitalize() if bond.place else rest.strip(),
               look="net-tie")  # fmt: skip


# Where they stand --------------------------------------------------------------------------------


def _placed(boxes: list[Box]) -> list[Box]:
    """Give each box its place: near to what it is joined with, never over another one."""
    columns = [[one for one in boxes if one.column == at] for at in range(5)]
    tallest = max((len(column) for column in columns), default=1)
    height = tallest * (_HIGH + _GAP)
    near = {one.key: set(one.joined) for one in boxes}
    for one in boxes:
        for other in one.joined:
            near[other].add(one.key)
    for _ in range(6):
        for column in columns:
            _spread(column, height)
        at = {one.key: one.y for one in boxes}
        for column in columns:
            column.sort(key=lambda one: (_middle(one, near, at), one.key))
    for column in columns:
        _spread(column, height)
    return boxes


def _middle(one: Box, near: dict[str, set[str]], at: dict[str, float]) -> float:
    places = [at[key] for key in near[one.key]]
    return sum(places) / len(places) if places else one.y


def _spread(column: list[Box], height: float) -> None:
    for place, one in enumerate(column):
        one.y = (place + 0.5) * height / len(column) - _HIGH / 2 + _EDGE


def _size(boxes: Sequence[Box]) -> tuple[int, int]:
    columns = max((one.column for one in boxes), default=0) + 1
    width = columns * _WIDE + (columns - 1) * _BETWEEN + 2 * _EDGE
    return width, round(max((one.y for one in boxes), default=0) + _HIGH + _EDGE)


def _x(column: int) -> int:
    return _EDGE + column * (_WIDE + _BETWEEN)


# How they look -----------------------------------------------------------------------------------


def _drawn(box: Box) -> str:
    x, y = _x(box.column), round(box.y, 1)
    middle = y + (_HIGH / 2 - 4 if box.small else _HIGH / 2 + 4.5)
    words = [f'<text x="{x + 12}" y="{round(middle, 1)}">{_short(box.words, _LETTERS)}</text>']
    if box.small:
        words.append(f'<text class="net-small" x="{x + 12}" y="{round(y + _HIGH / 2 + 13, 1)}">'
                     f"{_short(box.small, _LETTERS + 3)}</text>")  # fmt: skip
    round_ = 22 if box.look == "net-tie" else 6
    return (f'<rect class="{box.look}" x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" '
            f'rx="{round_}"/>' + "".join(words))  # fmt: skip


def _short(words: str, letters: int) -> str:
    """Return words that fit into a box; the table has them whole."""
    return escape(words if len(words) <= letters else words[: letters - 1] + "…")


def _line(one: Box, other: Box) -> str:
    """Return a line between two boxes, from the right edge of the left one to the left edge."""
    left, right = (one, other) if one.column < other.column else (other, one)
    x1, x2 = _x(left.column) + _WIDE, _x(right.column)
    y1, y2 = round(left.y + _HIGH / 2, 1), round(right.y + _HIGH / 2, 1)
    bend = round((x2 - x1) / 2, 1)
    return (f'<path class="net-line" d="M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} '
            f'{x2} {y2}"/>')  # fmt: skip
