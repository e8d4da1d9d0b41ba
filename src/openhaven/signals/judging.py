"""What a match of a bank is called, by its bank's mode and opinion and by what is known besides."""

from openhaven.signals.banks import Match
from openhaven.signals.media import Detail
from openhaven.signals.model import Opinion


def judged(match: Match, harmless: Match | None, *, same: bool) -> tuple[Opinion, Detail]:
    """Return the opinion of a finding, and what its detail says of that.

    `harmless` is an entry of a negative bank that is as near or nearer; it clears the match, unless
    both are the `same` as what was looked at: then a person looks.
    """
    if match.mode == "shadow":
        return "noted", {"noted": "shadow"}
    if harmless is None:
        return "positive" if match.opinion == "positive" else "investigate", {}
    if same:
        return "investigate", {"disputed": 1, "disputed_by": harmless.entry}
    return "noted", {"noted": "cleared", "cleared_by": harmless.entry}
