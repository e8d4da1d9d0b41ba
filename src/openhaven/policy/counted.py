"""What counters can be kept for: accounts, pairs, devices, links, texts, and words of the context.

Each name of `counters.yaml` is read from an event as things with a kind: so the sender of one event
and the target of another are the same account.
"""

from collections.abc import Callable, Iterator
from itertools import islice, product

from openhaven.history import Key, Notes, Part
from openhaven.history.likeness import likenesses
from openhaven.intake.model import Account, Event, Item
from openhaven.signals.links import canonical, links_in
from openhaven.signals.text.fold import Folds

PAIR = ("account.id", "target.account.id")
CONTEXT = "context."
_LINKS = 20
_KEYS = 40
_MOST = 2**53


class _Letters(dict[int, str]):
    """Characters to the letters that a reader takes them for, filled as they are met."""

    def __init__(self) -> None:
        super().__init__()
        self._folds = Folds()

    def __missing__(self, char: int) -> str:
        found = self[char] = "".join(one for one in self._folds[chr(char)] if one.isalpha())
        return found


_LETTERS = _Letters()


def _account(one: Account | None) -> tuple[Part, ...]:
    return (("account", one.id),) if one else ()


def _item(one: Item | None) -> tuple[Part, ...]:
    return (("item", one.id),) if one else ()


def _target(event: Event) -> Account | None:
    return event.target.account if event.target else None


def _found(event: Event, notes: Notes) -> list[str]:
    """Return the addresses in an event in canonical form, each once, 20 at most."""
    if "links" not in notes:
        item = event.item
        named = (form for link in (item.links if item else ()) if (form := canonical(link)))
        inside = links_in(item.text) if item and item.text else ()
        notes["links"] = list(islice(dict.fromkeys([*named, *inside]), _LINKS))
    links: list[str] = notes["links"]
    return links


def _links(event: Event, notes: Notes) -> tuple[Part, ...]:
    return tuple(("link", link) for link in _found(event, notes))


def _hosts(event: Event, notes: Notes) -> tuple[Part, ...]:
    links = _found(event, notes)
    if not links:
        return ()
    hosts = (link.partition("/")[0].partition("?")[0] for link in links)
    return tuple(("host", host) for host in dict.fromkeys(hosts))


def _texts(event: Event, notes: Notes) -> tuple[Part, ...]:
    """Return the keys of a text as a reader takes it: capitals, accents and digits do not count."""
    if "texts" not in notes:
        text = (event.item.text if event.item else None) or ""
        notes["texts"] = likenesses(text[:4_000].translate(_LETTERS))
    return tuple(("text", one) for one in notes["texts"])


NAMES: dict[str, Callable[[Event, Notes], tuple[Part, ...]]] = {
    "account.id": lambda event, _: _account(event.account),
    "target.account.id": lambda event, _: _account(_target(event)),
    "device.id": lambda event, _: (("device", event.device.id),) if event.device else (),
    "conversation.id": lambda event, _: (
        (("conversation", event.conversation.id),) if event.conversation else ()
    ),
    "item.id": lambda event, _: _item(event.item),
    "target.item.id": lambda event, _: _item(event.target.item if event.target else None),
    "link": _links,
    "link.host": _hosts,
    "text": _texts,
}
"""The names that a counter may be kept by and tell apart, beside `pair` and `context.<name>`."""


def parts_named(name: str) -> Callable[[Event, Notes], tuple[Part, ...]]:
    """Return what reads the things that a `distinct` tells apart, by name, from an event.

    A text has several keys, so that those nearly the same meet in one of them; here it is one
    thing, by its first key. Two texts that are nearly the same may then count as two.
    """
    if name == "text":
        return lambda event, notes: _texts(event, notes)[:1]
    return _reader(name)


def _reader(name: str) -> Callable[[Event, Notes], tuple[Part, ...]]:
    """Return what reads a name, one of `NAMES` or `context.<name>`, from an event."""
    if not name.startswith(CONTEXT):
        return NAMES[name]
    field = name.removeprefix(CONTEXT)

    def read(event: Event, notes: Notes) -> tuple[Part, ...]:
        del notes
        value = event.context.get(field)
        return () if value is None else ((name, str(value)),)

    return read


def keys_by(names: tuple[str, ...]) -> Callable[[Event, Notes], tuple[Key, ...]]:
    """Return what reads the keys of a counter kept by these names; 40 of them at most."""
    readers = [_reader(name) for name in names]
    if len(readers) == 1:
        one = readers[0]
        return lambda event, notes: tuple([(part,) for part in one(event, notes)[:_KEYS]])

    def read(event: Event, notes: Notes) -> tuple[Key, ...]:
        found: Iterator[Key] = product(*(reader(event, notes) for reader in readers))
        return tuple(islice(found, _KEYS))

    return read


def number_named(name: str) -> Callable[[Event, Notes], tuple[float, ...]]:
    """Return what reads the number `context.<name>`; nothing where there is none."""
    field = name.removeprefix(CONTEXT)

    def read(event: Event, notes: Notes) -> tuple[float, ...]:
        del notes
        value = event.context.get(field)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return (_bounded(value),)
        return ()

    return read


def _bounded(value: float) -> float:
    # Beyond this a sum would no longer be exact, or no number at all. A whole number of hundreds of
    # digits fits no float, and so is bounded before it becomes one.
    return float(max(-_MOST, min(_MOST, value)))
