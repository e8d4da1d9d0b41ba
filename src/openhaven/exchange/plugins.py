"""Which kinds of sources there are: the built-in ones and those of installed packages."""

from collections.abc import Mapping
from importlib.metadata import entry_points

from openhaven.connectors import Http
from openhaven.core import Problem
from openhaven.exchange import files, ncmec, peer, stopncii, threatexchange
from openhaven.exchange.model import Exchange, Factory, Source

GROUP = "openhaven.exchanges"

BUILT_IN: Mapping[str, Factory] = {
    "file": files.open_source,
    "ncmec": ncmec.open_source,
    "stopncii": stopncii.open_source,
    "threatexchange": threatexchange.open_source,
    "openhaven": peer.open_source,
}


def kinds() -> tuple[str, ...]:
    """Return the names of all kinds, the built-in ones first."""
    found = sorted(point.name for point in entry_points(group=GROUP) if point.name not in BUILT_IN)
    return (*BUILT_IN, *found)


def open_exchange(source: Source, credentials: Mapping[str, str], http: Http) -> Exchange:
    """Return what reads a source. Raises `Problem` when its kind is not installed or is wrong."""
    factory = BUILT_IN.get(source.kind) or _installed(source.kind)
    return factory(source, credentials, http)


def _installed(kind: str) -> Factory:
    for point in entry_points(group=GROUP):
        if point.name == kind:
            factory: Factory = point.load()
            return factory
    raise Problem("source.kind", f"There is no kind of source “{kind}” here.", status=404,
                  next_step="Use one of: " + ", ".join(kinds()))  # fmt: skip
