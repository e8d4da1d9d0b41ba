"""Hands a pack's lists to the signals, and asks the real signals about its examples."""

from collections.abc import Callable

from openhaven import signals
from openhaven.intake.model import Event, MediaFacts
from openhaven.policy.pack import Pack
from openhaven.signals.model import Finding

_PATIENCE_S = 10.0


def tools_for(pack: Pack, banks: signals.Banks) -> signals.Tools:
    """Return what signals work with when `pack` is in force: its lists, and the banks."""
    return signals.Tools(
        banks,
        tuple(signals.TermList(name, tuple(terms)) for name, terms in pack.term_lists.items()),
        {name: tuple(links) for name, links in pack.link_lists.items()},
    )


def measure_with(pack: Pack) -> Callable[[Event], list[Finding]]:
    """Return what asks the signals about one event, with empty banks and faultless pictures."""
    asked = signals.load(tools_for(pack, signals.Banks()))

    def measure(event: Event) -> list[Finding]:
        media = {ref.id: _picture(ref.id) for ref in (event.item.media if event.item else ())}
        return signals.measure([event], media, asked, deadline_s=_PATIENCE_S)[0]

    return measure


def _picture(name: str) -> MediaFacts:
    return MediaFacts(id=name, sha256=bytes(32), md5=bytes(16), type="image/png")
