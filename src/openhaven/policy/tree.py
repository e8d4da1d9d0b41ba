"""The checked tree of a CEL condition, as plain nodes.

The CEL library gives the tree only in its serialised form, the protocol buffer
`cel.expr.CheckedExpr` (cel-spec, `proto/cel/expr/checked.proto` and `syntax.proto`). This module
reads the few fields we need from the wire format, so that a pack can know which names a condition
uses and which words it compares them with, and so that code can be made of it (`emit.py`).
"""

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

import msgspec

Constant = str | int | float | bool | bytes | None
Kind = Literal["const", "uint", "ident", "select", "has", "call", "list", "map", "loop"]
_FIXED64 = 1
_NEGATIVE, _WRAP = 1 << 63, 1 << 64
_Field = tuple[int, bytes | int]


class Node(msgspec.Struct, frozen=True):
    """One node. `value` is the constant, the name, the field, the function or the loop's variable.

    A constant without sign is a `uint`; `has(x.field)` is a `has`. The parts of a loop are its
    range, its first result, its condition, its step and its last result; `result` is the name of
    the result in there. `plain` is false where the tree holds more than these fields tell.
    """

    kind: Kind
    value: Constant
    parts: tuple["Node", ...]
    number: int
    result: str = ""
    plain: bool = True


class Tree:
    """The tree of one condition: its root, every node in order, and where each stands."""

    def __init__(self, root: Node, info: bytes) -> None:
        self.root = root
        self.nodes = tuple(walk(root))
        self._info = info

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that the tree reads."""
        return frozenset(str(node.value) for node in self.nodes if node.kind == "ident")

    def offset(self, node: Node) -> int:
        """Return the place of the node in the condition, in characters from 0."""
        return self._offsets.get(node.number, 0)

    @cached_property
    def _offsets(self) -> dict[int, int]:
        """Node number → offset, from the map `positions` of the source information."""
        entries = [dict(_fields(_raw(value))) for key, value in _fields(self._info) if key == 4]
        return {_int(entry.get(1, 0)): _int(entry.get(2, 0)) for entry in entries}


def read_tree(serialized: bytes) -> Tree:
    """Return the tree of a condition from `Expression.serialize()`. The library
    bounds how deep it can be."""
    checked = dict(_fields(_raw(dict(_fields(serialized))[2])))
    return Tree(_node(_raw(checked[4])), _raw(checked.get(5, b"")))


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it, each before its parts."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.parts)


def _node(data: bytes) -> Node:
    number, field, body = 0, 0, b""
    for key, value in _fields(data):
        if key == 2:
            number = _int(value)
        else:
            field, body = key, _raw(value)
    inner = _fields(body)
    match field:
        case 3:
            return _constant(number, inner)
        case 4:
            return Node("ident", _text(inner, 1), (), number)
        case 5:
            return Node("has" if _has(inner, 3) else "select", _text(inner, 2), _nodes(inner, (1,)),
                        number)  # fmt: skip
        case 6:
            return Node("call", _text(inner, 2), _nodes(inner, (1, 3)), number)
        case 7:
            return Node("list", None, _nodes(inner, (1,)), number, plain=not _has(inner, 2))
        case 8:
            entries = [pair for key, entry in inner if key == 2 for pair in _fields(_raw(entry))]
            return Node("map", None, _nodes(entries, (3, 4)), number, plain=False)
        case _:
            return Node("loop", _text(inner, 1), _nodes(inner, (2, 4, 5, 6, 7)), number,
                        _text(inner, 3), not _has(inner, 8))  # fmt: skip


def _nodes(fields: list[_Field], wanted: tuple[int, ...]) -> tuple[Node, ...]:
    return tuple(_node(_raw(found)) for want in wanted for key, found in fields if key == want)


def _constant(number: int, fields: list[_Field]) -> Node:
    value: Constant = None
    for key, found in fields:
        match key, found:
            case 2, int():
                value = bool(found)
            case 3, int():
                value = found - _WRAP if found >= _NEGATIVE else found
            case 4, int():
                return Node("uint", found, (), number)
            case 5, bytes():
                value = float(struct.unpack("<d", found)[0])
            case 6, bytes():
                value = found.decode()
            case 7, bytes():
                value = found
            case 8 | 9, _:
                return Node("const", None, (), number, plain=False)
    return Node("const", value, (), number)


def _text(fields: list[_Field], wanted: int) -> str:
    for key, value in fields:
        if key == wanted:
            return _raw(value).decode()
    return ""


def _has(fields: list[_Field], wanted: int) -> bool:
    return any(key == wanted for key, _ in fields)


def _raw(value: bytes | int) -> bytes:
    return value if isinstance(value, bytes) else b""


def _int(value: bytes | int) -> int:
    return value if isinstance(value, int) else 0


def _fields(data: bytes) -> list[_Field]:
    """Return the fields of a protocol buffer message with their numbers, in their order."""
    at, end = 0, len(data)
    found: list[_Field] = []
    while at < end:
        tag, at = (data[at], at + 1) if data[at] < 128 else _varint(data, at)
        width = tag & 7
        if width == 2:
            size, at = (data[at], at + 1) if data[at] < 128 else _varint(data, at)
            found.append((tag >> 3, data[at : at + size]))
        elif width == 0:
            value, at = (data[at], at + 1) if data[at] < 128 else _varint(data, at)
            found.append((tag >> 3, value))
            continue
        else:
            size = 8 if width == _FIXED64 else 4
            found.append((tag >> 3, data[at : at + size]))
        at += size
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number, shift, at = number | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return number, at
