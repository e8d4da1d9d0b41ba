"""Services that translate, spoken to by adapters: one is built in, packages bring more.

An adapter is a function `translate(Asked) -> text`, in the entry-point group
`openhaven.translators`. It asks through `Asked.send`, which has limits and a time-out, and raises
`Problem` with a sentence for staff when it has no answer.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points

import msgspec

from openhaven.core import Problem
from openhaven.review.translating.model import Asked

GROUP = "openhaven.translators"
Adapter = Callable[[Asked], str]


class _Request(msgspec.Struct):
    text: str
    source: str
    target: str


class _Reply(msgspec.Struct):
    text: str


def ask_json(asked: Asked) -> str:
    """Send `{"text", "source", "target"}` and read `{"text"}`; the key is sent as a bearer token.

    `source` is empty where the language is not known. Raises `Problem` (502) for any other answer.
    """
    headers = {"content-type": "application/json", "accept": "application/json"}
    if asked.key:
        headers["authorization"] = f"Bearer {asked.key}"
    body = msgspec.json.encode(_Request(asked.text, asked.source, asked.target))
    raw = asked.send(asked.url, headers, body)
    try:
        return msgspec.json.decode(raw, type=_Reply).text
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("translation.answer", "The service for translations sent something else.",
                      status=502) from error  # fmt: skip


BUILT_IN: Mapping[str, Adapter] = {"json": ask_json}


def kinds() -> tuple[str, ...]:
    """Return the names of all adapters, the built-in ones first."""
    more = sorted(one.name for one in entry_points(group=GROUP) if one.name not in BUILT_IN)
    return (*BUILT_IN, *more)


def adapter(name: str) -> Adapter:
    """Return the adapter of this name; raises `Problem` when there is none."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    for point in entry_points(group=GROUP):
        if point.name == name:
            found: Adapter = point.load()
            return found
    raise Problem("translation.adapter", f"There is no adapter “{name}” for translations.",
                  status=502, next_step="Use one of: " + ", ".join(kinds()))  # fmt: skip
