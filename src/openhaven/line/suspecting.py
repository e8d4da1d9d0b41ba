"""What of an event says that it may be the sexual exploitation of a child. Pure."""

from openhaven.intake import Claimed
from openhaven.policy import Verdict
from openhaven.review import lane


def suspicion(claimed: Claimed, verdict: Verdict) -> lane.Why | None:
    """Return what suspects an event to be child sexual exploitation: a bank, a rule, or nothing.

    A report is no suspicion of ours; it is in the lane by its category, and nothing is hidden for
    it alone.
    """
    if claimed.event.kind == "report.create":
        return None
    if any(one.label.name == lane.LABEL for one in verdict.labels):
        return "rule"
    if verdict.outcome == "allow" or verdict.harm not in lane.HARMS or not verdict.reasons:
        return None
    found = {one.signal for one in verdict.reasons[0].findings if not one.unknown}
    return "bank" if found & {"media", "links"} else "rule"
