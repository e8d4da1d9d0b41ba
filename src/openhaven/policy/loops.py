"""Tells the loops of CEL by what they expand to (cel-spec, `doc/langdef.md`, macros)."""

from typing import Any

from openhaven.policy import values
from openhaven.policy.tree import Node


def form_of(node: Node) -> tuple[Any, ...]:
    """Return which loop this is and what it asks for each value."""
    _, first, going, step, last = node.parts
    result = node.result
    match step.kind, step.value, step.parts:
        case "call", "_||_", (one, asked) if _is(one, result) and _is(last, result):
            if first.value is False and _says(going, "@not_strictly_false"):
                return values.exists, asked
        case "call", "_&&_", (one, asked) if _is(one, result) and _is(last, result):
            if first.value is True and _says(going, "@not_strictly_false"):
                return values.every, asked
        case "call", "_?_:_", (asked, then, other) if _is(other, result) and going.value is True:
            if first.value == 0 and _adds(then, result) and last.value == "_==_":
                return values.exactly_one, asked
            if first.kind == "list" and _appends(then, result) and _is(last, result):
                return values.kept, asked, then.parts[1].parts[0]
        case "call", "_+_", _ if first.kind == "list" and going.value is True:
            if _appends(step, result) and _is(last, result):
                return values.collected, step.parts[1].parts[0]
    return (None,)


def _is(node: Node, name: str) -> bool:
    return node.kind == "ident" and node.value == name


def _says(node: Node, function: str) -> bool:
    return node.kind == "call" and node.value == function


def _adds(node: Node, result: str) -> bool:
    return _says(node, "_+_") and _is(node.parts[0], result) and node.parts[1].value == 1


def _appends(node: Node, result: str) -> bool:
    return (
        _says(node, "_+_")
        and _is(node.parts[0], result)
        and node.parts[1].kind == "list"
        and len(node.parts[1].parts) == 1
    )
