"""Which signals there are: the built-in ones and those of installed packages, by the same door.

A package offers a signal as an entry point of the group `openhaven.signals` that names a function
from `Tools` to a `Signal`. `openhaven.signals.example` is a whole one.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points

import msgspec

from openhaven.core import Problem
from openhaven.signals.addresses import LinkSignal
from openhaven.signals.banks import Banks
from openhaven.signals.films import FilmSignal
from openhaven.signals.hashes import hashers
from openhaven.signals.hidden_links import LinkHashSignal, Resolver
from openhaven.signals.likenesses import LikenessSignal
from openhaven.signals.links import LinkLists
from openhaven.signals.media import MediaSignal
from openhaven.signals.model import Signal
from openhaven.signals.plugged import PluginHashSignal
from openhaven.signals.terms import TermSignal
from openhaven.signals.text import TermList, Terms

GROUP = "openhaven.signals"
RESOLVERS = "openhaven.resolvers"


class Tools(msgspec.Struct, frozen=True):
    """What a signal may work with: the banks, and the lists of the policy pack, by name."""

    banks: Banks
    terms: Mapping[str, Sequence[str]] = {}
    links: Mapping[str, Sequence[str]] = {}


Factory = Callable[[Tools], Signal]

BUILT_IN: tuple[Factory, ...] = (
    lambda tools: MediaSignal(tools.banks),
    lambda tools: FilmSignal(tools.banks),
    lambda tools: PluginHashSignal(tools.banks),
    lambda tools: LikenessSignal(tools.banks),
    lambda tools: LinkHashSignal(tools.banks, resolvers()),
    lambda tools: TermSignal(
        Terms(TermList(name, tuple(terms)) for name, terms in tools.terms.items())
    ),
    lambda tools: LinkSignal(LinkLists(tools.links), tools.banks),
)


def load(tools: Tools) -> tuple[Signal, ...]:
    """Return all signals, the built-in ones first.

    Raises `Problem` when a package's signal cannot be made or takes a name that is taken: a
    detector that is silently missing would be worse than no start.
    """
    try:
        hashers.installed()
    except hashers.HasherError as error:
        raise _broken(hashers.GROUP, str(error)) from error
    made = [factory(tools) for factory in BUILT_IN]
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            signal = point.load()(tools)
        except Exception as error:
            raise _broken(point.value, type(error).__name__) from error
        if not isinstance(signal, Signal):
            raise _broken(point.value, "what it gives has no name, version or measure")
        if signal.name in {other.name for other in made}:
            raise _broken(point.value, f"there is a signal “{signal.name}” already")
        made.append(signal)
    return tuple(made)


def resolvers() -> tuple[Resolver, ...]:
    """Return what can tell the whole hashes of links, from installed packages.

    A package offers one as an entry point of the group `openhaven.resolvers` that names a function
    without arguments. Raises `Problem` when one cannot be made.
    """
    made = []
    for point in sorted(entry_points(group=RESOLVERS), key=lambda point: point.name):
        try:
            resolver = point.load()()
        except Exception as error:
            raise _broken(point.value, type(error).__name__) from error
        if not isinstance(resolver, Resolver):
            raise _broken(point.value, "what it gives has no name or resolve")
        made.append(resolver)
    return tuple(made)


def _broken(point: str, why: str) -> Problem:
    return Problem(
        "signals.plugin",
        f"The signal “{point}” cannot be used.",
        why,
        status=500,
        next_step="Repair the package that brings it, or uninstall it.",
    )
