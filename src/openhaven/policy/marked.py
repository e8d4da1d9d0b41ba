"""YAML as we accept it: plain data in which every value still knows its place in the file.

A small part of YAML 1.2: mappings with text keys, lists, text, whole and decimal numbers, `true`,
`false` and `null`. Anchors, aliases and tags are refused, since they make a short file grow without
bound; so are keys given twice and nesting deeper than 20.
"""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from openhaven.policy.places import START, PackError, Place, Source

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 20
_INT = re.compile(r"[-+]?[0-9]{1,15}")
_FLOAT = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{1,15}")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


class UnreadableError(Exception):
    """A text that cannot be read at all; holds the one `PackError` that says why."""

    def __init__(self, error: PackError) -> None:
        super().__init__(str(error))
        self.error = error


class Marked:
    """Plain data with the places of its values and keys, by path such as `$[2].then.outcome`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.data: Any = None
        self.values: dict[str, Place] = {}
        self.keys: dict[str, Place] = {}
        self.spans: dict[str, tuple[int, int]] = {}
        self.raw: dict[str, str] = {}

    def place(self, path: str) -> Place:
        """Return the place of the value at `path`, or of the nearest value around it."""
        while path and path not in self.values:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.values.get(path, START)

    def inside(self, path: str, offset: int) -> Place:
        """Return the place of character `offset` of the text at `path`.

        YAML may fold lines and cut indents, but keeps the order of all other characters; so the
        n-th one that is no space in the value is the n-th one in the file.
        """
        first, last = self.spans[path]
        wanted = sum(not letter.isspace() for letter in self.raw[path][:offset])
        for at in range(first, last):
            if not self.source.text[at].isspace():
                if wanted == 0:
                    return self.source.place(at)
                wanted -= 1
        return self.source.place(max(first, last - 1))


def read_yaml(source: Source) -> Marked:
    """Return the data of a YAML file. Raises `UnreadableError` when it is not as told above."""
    marked = Marked(source)
    try:
        # Events come one by one, so that a monster is refused before it has been read.
        marked.data = _Reader(marked, yaml.parse(source.text, Loader=_LOADER)).document()
    except yaml.YAMLError as error:
        raise UnreadableError(_syntax(source, error)) from error
    return marked


def _syntax(source: Source, error: yaml.YAMLError) -> PackError:
    mark = getattr(error, "problem_mark", None)
    place = Place(mark.line + 1, mark.column + 1) if mark is not None else START
    what = getattr(error, "problem", None) or "the text is no YAML"
    return source.error(place, f"YAML cannot be read here: {what}.")


class _Reader:
    """Turns the events of the YAML parser into marked data."""

    def __init__(self, marked: Marked, events: Iterator[Any]) -> None:
        self.marked = marked
        self.events = events

    def document(self) -> Any:
        self.skip(yaml.StreamStartEvent)
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        value = self.value(next(self.events), "$", 0)
        self.skip(yaml.DocumentEndEvent)
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self.refuse(event, "A file holds one document; “---” starts a second one.")
        return value

    def skip(self, kind: type[Any]) -> None:
        event = next(self.events)
        assert isinstance(event, kind)  # the parser promises this order

    def value(self, event: Any, path: str, depth: int) -> Any:
        self.plain_only(event, depth)
        self.marked.values[path] = _place(event)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self.items(path, depth))
        return self.mapping(path, depth)

    def plain_only(self, event: Any, depth: int) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self.refuse(event, "Anchors (&) and aliases (*) are not used in packs.")
        if getattr(event, "tag", None):
            self.refuse(event, "Tags (!) are not used in packs.")
        if depth > _DEEPEST:
            self.refuse(event, f"This is nested deeper than {_DEEPEST}.")

    def scalar(self, event: Any, path: str) -> Any:
        source = self.marked.source
        first = source.offset(_place(event))
        last = source.offset(Place(event.end_mark.line + 1, event.end_mark.column + 1))
        if event.style in ("|", ">"):
            first = source.text.find("\n", first, last) + 1 or last
        elif event.style in ('"', "'"):
            first, last = first + 1, last - 1
        self.marked.spans[path] = (first, last)
        self.marked.raw[path] = event.value
        return event.value if event.style else _typed(event.value)

    def items(self, path: str, depth: int) -> Iterator[Any]:
        number = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.value(event, f"{path}[{number}]", depth + 1)
            number += 1

    def mapping(self, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            self.plain_only(event, depth)
            if not isinstance(event, yaml.ScalarEvent):
                self.refuse(event, "A key is one word.")
            if event.value in found:
                self.refuse(event, f"The key “{event.value}” stands here twice.")
            self.marked.keys[f"{path}.{event.value}"] = _place(event)
            found[event.value] = self.value(next(self.events), f"{path}.{event.value}", depth + 1)
        return found

    def refuse(self, event: Any, message: str) -> NoReturn:
        raise UnreadableError(self.marked.source.error(_place(event), message))


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _typed(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
