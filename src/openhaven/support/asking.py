"""The one question that every painful moment asks: who can help here?"""

from collections.abc import Sequence

from openhaven.core import AgeBand
from openhaven.storage import Tx
from openhaven.support import store
from openhaven.support.directory import Directory
from openhaven.support.model import Service


def find(
    where: Tx | Directory,
    country: str | None = "",
    topics: Sequence[str] = (),
    age_band: AgeBand = "unknown",
    language: str = "",
) -> tuple[Service, ...]:
    """Return who helps, the best first; never empty, the international directories stand last.

    `where` is a snapshot (`Support.now`, which costs microseconds), or a transaction to read one
    in. `country` is an ISO 3166 code, empty when it is not known.
    """
    held = store.directory(where) if isinstance(where, Tx) else where
    return held.find(country or "", topics, age_band, language)
