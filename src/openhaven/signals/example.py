"""An example of a signal from a package of one's own: it notices texts that shout.

Offer it in that package's `pyproject.toml`:

    [project.entry-points."openhaven.signals"]
    shouting = "openhaven.signals.example:shouting"
"""

from openhaven.intake.model import Event
from openhaven.signals.model import Finding, Media, Signal
from openhaven.signals.plugins import Tools

LETTERS = 20
SHARE = 0.8


class Shouting:
    """Finds texts of 20 letters and more that are nearly all capitals."""

    name = "shouting"
    version = "1"

    def measure(self, event: Event, media: Media) -> list[Finding]:
        """Return one finding about the text, or none; its confidence is the share of capitals."""
        del media
        text = event.item.text if event.item and event.item.text else ""
        letters = [char for char in text if char.isalpha()]
        share = sum(char.isupper() for char in letters) / max(len(letters), 1)
        if len(letters) < LETTERS or share < SHARE:
            return []
        return [
            Finding(
                signal=self.name,
                version=self.version,
                subject="text",
                value="shouting",
                harm="other",
                opinion="investigate",
                confidence=share,
            )
        ]


def shouting(tools: Tools) -> Signal:
    """Make the signal; `tools` has the banks and lists that others may need."""
    del tools
    return Shouting()
