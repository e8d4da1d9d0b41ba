"""The checked tree of a CEL condition, as plain nodes.

The CEL library gives the tree only in its serialised form, the protocol buffer
`cel.expr.CheckedExpr` (cel-spec, `proto/cel/expr/checked.proto` and `syntax.proto`). This module
reads the few fields we need from the wire format, so that a pack can know which names a condition
uses and which words it compares them with.
"""

import struct
from collections.abc import Iterator

import msgspec

_FIXED64 = 1


class Node(msgspec.Struct, frozen=True):
    """One node: `kind` is const, ident, select, call, list, map or loop.

    `value` is the constant, the name, the field or the function; `offset` the place in the
    condition, in characters from 0.
    """

    kind: str
    value: str | int | float | bool | None
    parts: tuple["Node", ...]
    offset: int


def read_tree(serialized: bytes) -> Node:
    """Return the tree of a condition from `Expression.serialize()`. The library
    bounds how deep it can be."""
    checked = _fields(_one(serialized, 2))
    offsets = _offsets(_raw(checked.get(5, [b""])[0]))
    return _node(_raw(checked[4][0]), offsets)


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it."""
    yield node
    for part in node.parts:
        yield from walk(part)


def names(node: Node) -> frozenset[str]:
    """Return every name that the tree reads."""
    return frozenset(str(found.value) for found in walk(node) if found.kind == "ident")


def _node(data: bytes, offsets: dict[int, int]) -> Node:
    fields = _fields(data)
    offset = offsets.get(_number(fields.pop(2, [0])[0]), 0)
    field = next((key for key in fields if 3 <= key <= 9), 0)
    body = fields[field][0] if field else b""
    inner = _fields(_raw(body))
    match field:
        case 3:
            return Node("const", _constant(inner), (), offset)
        case 4:
            return Node("ident", _text(inner, 1), (), offset)
        case 5:
            return Node("select", _text(inner, 2), _nodes(inner, (1,), offsets), offset)
        case 6:
            return Node("call", _text(inner, 2), _nodes(inner, (1, 3), offsets), offset)
        case 7:
            return Node("list", None, _nodes(inner, (1,), offsets), offset)
        case 8:
            entries = b"".join(_raw(entry) for entry in inner.get(2, []))
            return Node("map", None, _nodes(_fields(entries), (3, 4), offsets), offset)
        case _:
            return Node("loop", None, _nodes(inner, (2, 4, 5, 6, 7), offsets), offset)


def _nodes(
    fields: dict[int, list[bytes | int]], wanted: tuple[int, ...], offsets: dict[int, int]
) -> tuple[Node, ...]:
    return tuple(_node(_raw(found), offsets) for key in wanted for found in fields.get(key, []))


def _constant(fields: dict[int, list[bytes | int]]) -> str | int | float | bool | None:
    for key, (value, *_) in fields.items():
        match key, value:
            case 2, int():
                return bool(value)
            case 3 | 4, int():
                return value
            case 5, bytes():
                return float(struct.unpack("<d", value)[0])
            case 6, bytes():
                return value.decode()
            case 7, bytes():
                return value.decode(errors="replace")
    return None


def _offsets(info: bytes) -> dict[int, int]:
    """Return node id → offset, from the map `positions` of the source information."""
    entries = (_fields(_raw(entry)) for entry in _fields(info).get(4, []))
    return {_number(e.get(1, [0])[0]): _number(e.get(2, [0])[0]) for e in entries}


def _text(fields: dict[int, list[bytes | int]], key: int) -> str:
    return _raw(fields.get(key, [b""])[0]).decode()


def _one(data: bytes, key: int) -> bytes:
    return _raw(_fields(data)[key][0])


def _raw(value: bytes | int) -> bytes:
    return value if isinstance(value, bytes) else b""


def _number(value: bytes | int) -> int:
    return value if isinstance(value, int) else 0


def _fields(data: bytes | int) -> dict[int, list[bytes | int]]:
    """Return the fields of a protocol buffer message by number, in their order."""
    data, at = _raw(data), 0
    found: dict[int, list[bytes | int]] = {}
    while at < len(data):
        tag, at = _varint(data, at)
        value: bytes | int
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
            case 2:
                size, at = _varint(data, at)
                value, at = data[at : at + size], at + size
            case width:
                size = 8 if width == _FIXED64 else 4
                value, at = data[at : at + size], at + size
        found.setdefault(tag >> 3, []).append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number, shift, at = number | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return number, at
