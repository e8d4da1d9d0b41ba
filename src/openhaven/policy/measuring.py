"""Asks the real signals, with a pack's own lists, about the pack's examples."""

from collections.abc import Callable

from openhaven import signals
from openhaven.intake.model import Event, MediaFacts
from openhaven.policy.pack import Pack
from openhaven.signals.model import Finding

_PATIENCE_S = 10.0


def measure_with(pack: Pack) -> Callable[[Event], list[Finding]]:
    """Return what asks the signals about one event, with empty banks and faultless pictures."""
    asked = signals.load(signals.Tools(signals.Banks(), pack.term_lists, pack.link_lists))

    def measure(event: Event) -> list[Finding]:
        media = {ref.id: _picture(ref.id) for ref in (event.item.media if event.item else ())}
        return signals.measure([event], media, asked, deadline_s=_PATIENCE_S)[0]

    return measure


def _picture(name: str) -> MediaFacts:
    return MediaFacts(id=name, sha256=bytes(32), md5=bytes(16), type="image/png")
