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
    if verdict.outcome == "allow" or not verdict.reasons:
        return None
    found = [one for reason in verdict.reasons for one in reason.findings if not one.unknown]
    # Whatever a rule calls it: what a bank says of a child is said.
    if any(one.harm in lane.HARMS and one.opinion in ("positive", "investigate")
           and one.signal in ("media", "links") for one in found):  # fmt: skip
        return "bank"
    return "rule" if verdict.harm in lane.HARMS else None
