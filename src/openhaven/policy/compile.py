"""Generated code: many conditions become one Python function that visits only what can hold.

What many rules ask first (a cheap comparison that cannot fail) is asked once for all of them, and
where it is false none of them is visited. A value that several rules need is worked out when the
first one needs it and then kept; all the words that rules look for in one text are sought in one
pass over it. The text of the function comes from `emit.py` and so from the checked trees alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from cel_expr_python import cel

from openhaven.policy.emit import Emitter, OutsideError
from openhaven.policy.parts import Code, Parts
from openhaven.policy.tree import Node
from openhaven.policy.values import LARGEST, SMALLEST
from openhaven.policy.vocabulary import COUNTERS, TOLD

LONGEST_LIST = 50
_TYPES = {
    cel.Type.STRING.name(): "text",
    cel.Type.INT.name(): "int",
    cel.Type.BOOL.name(): "bool",
    cel.Type.DOUBLE.name(): "double",
    cel.Type.List(cel.Type.STRING).name(): "texts",
    cel.Type.Map(cel.Type.STRING, cel.Type.DYN).name(): "map",
}
Answer = Callable[[Mapping[str, Any]], Any]
Say = Callable[[Any], None]


class Program:
    """The function of many rules: `run(values, say, doubt)` says the tags of those that hold.

    `doubt` is told the tags of those whose answer is an error. `outside` has the tags of the
    conditions that only the CEL library can answer, with the reason; `source` is for readers.
    Reading a name that begins with one of `missing` is an error, as where a value is missing.
    """

    def __init__(
        self,
        conditions: Iterable[tuple[Any, Node]],
        kinds: Mapping[str, str],
        missing: tuple[str, ...] = (),
    ) -> None:
        self.outside: list[tuple[Any, str]] = []
        parts = Parts()
        reader = _Reader(parts, missing)
        emitter = Emitter(parts, kinds, reader.read)
        visits = []
        for place, (tag, tree) in enumerate(conditions):
            try:
                first, rest = emitter.condition(tree)
            except OutsideError as outside:
                self.outside.append((tag, str(outside)))
                continue
            name = parts.constant(tag, ("tag", place))
            visits.append(_Visit(tuple(dict.fromkeys(one.text for one in first)), rest, name))
        body = _block(visits, parts, "    ")
        self.source = "\n".join(["def run(v, say, doubt):", *_head(parts, reader), *body, ""])
        self.run: Callable[[Mapping[str, Any], Say, Say], None] = _made(self.source, parts, "run")


class _Visit(NamedTuple):
    """A rule in a function: what must be true first, all the rest, and the name of its tag."""

    first: tuple[str, ...]
    rest: Code
    tag: str


class _Reader:
    """Reads declared names: truth values where they are needed, all others once at the start."""

    def __init__(self, parts: Parts, missing: tuple[str, ...]) -> None:
        self.parts = parts
        self.missing = missing
        self.names: dict[str, str] = {}

    def read(self, name: str, kind: str) -> Code:
        if name.startswith(self.missing):
            return Code(self.parts.error, kind, sure=False, cost=0)
        key = self.parts.constant(name)
        if name.startswith((COUNTERS, *TOLD)):
            return Code(f"(v[{key}] if {key} in v else {self.parts.error})", kind, sure=False)
        if kind == "bool":
            return Code(f"v[{key}]", kind, sure=True)
        return Code(self.names.setdefault(key, f"n{len(self.names)}"), kind, sure=True, cost=0)


def answering(tree: Node, kinds: Mapping[str, str]) -> Answer | None:
    """Return the function of one condition, for values of which any may be missing.

    It answers True, False or `ERROR`; None when only the CEL library can answer.
    """
    parts = Parts()

    def read(name: str, kind: str) -> Code:
        key = parts.constant(name)
        return Code(f"(v[{key}] if {key} in v else {parts.error})", kind, sure=False)

    try:
        first, rest = Emitter(parts, kinds, read).condition(tree)
    except OutsideError:
        return None
    text = " and ".join([*(one.text for one in first), rest.text])
    line = f"    return {parts.finish(text)}"
    source = "\n".join(["def answer(v):", *_head(parts, None), line, ""])
    answer: Answer = _made(source, parts, "answer")
    return answer


def kinds_of(types: Mapping[str, cel.Type]) -> dict[str, str]:
    """Return what `emit.py` calls the types of the declared names, as far as it knows them."""
    return {name: _TYPES[one.name()] for name, one in types.items() if one.name() in _TYPES}


def plain(values: Mapping[str, Any]) -> bool:
    """Say whether generated code may judge these values; the rest is for the CEL library.

    Beyond are texts that are not Unicode or have the character 0 (where the library stops reading),
    whole numbers of more than 64 bits, anything in a map but text, numbers, truth values and
    nothing, and lists so long that the library's budget of steps could matter: no loop runs inside
    another, so that this bounds the steps of a rule.
    """
    texts: list[str] = []
    for value in values.values():
        kind = type(value)
        if kind is str:
            texts.append(value)
        elif kind is list:
            if len(value) > LONGEST_LIST:
                return False
            texts += value
        elif kind is dict and value and not _plain_map(value, texts):
            return False
    joined = "".join(texts)
    return "\0" not in joined and (joined.isascii() or _is_unicode(joined))


def _plain_map(value: dict[str, Any], texts: list[str]) -> bool:
    if len(value) > LONGEST_LIST:
        return False
    texts += value
    for one in value.values():
        kind = type(one)
        if kind is str:
            texts.append(one)
        elif kind is int:
            if not SMALLEST <= one <= LARGEST:
                return False
        elif kind is not float and kind is not bool and one is not None:
            return False
    return True


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _block(visits: list[_Visit], parts: Parts, indent: str) -> list[str]:
    """Return the lines that visit these rules: each under what it shares with most others."""
    counts = Counter(one for visit in visits for one in visit.first)
    groups: dict[str, list[_Visit]] = {}
    lines: list[str] = []
    for visit in visits:
        best = max(visit.first, key=counts.__getitem__, default="")
        if counts[best] > 1:
            kept = tuple(one for one in visit.first if one != best)
            groups.setdefault(best, []).append(visit._replace(first=kept))
        else:
            lines += _visited(visit, parts, indent)
    for best, inside in groups.items():
        lines.append(f"{indent}if {parts.finish(best)}:")
        lines += _block(inside, parts, indent + " ")
    return lines


def _visited(visit: _Visit, parts: Parts, indent: str) -> list[str]:
    said = " and ".join([*visit.first, visit.rest.text])
    if visit.rest.sure:
        return [f"{indent}if {parts.finish(said)}: say({visit.tag})"]
    return [
        f"{indent}r = {parts.finish(said)}",
        f"{indent}if r is True: say({visit.tag})",
        f"{indent}elif r is not False: doubt({visit.tag})",
    ]


def _head(parts: Parts, reader: _Reader | None) -> list[str]:
    names = reader.names.items() if reader else ()
    lines = ["    pass", *(f"    {name} = v[{key}]" for key, name in names)]
    if kept := parts.memory():
        lines.append(f"    {' = '.join(kept)} = {parts.unset}")
    return lines


def _made(source: str, parts: Parts, name: str) -> Any:
    namespace = parts.close()
    # The text has no character of a rule (`emit.py`), and its namespace has no builtins.
    exec(compile(source, "<rules>", "exec"), namespace)  # noqa: S102
    return namespace[name]
