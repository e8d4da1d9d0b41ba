"""What brings a case into the lane, and a case of it."""

from datetime import datetime
from typing import Literal

import msgspec

from openhaven.core import HARMS as ALL_HARMS

# Harms that are suspected child sexual exploitation by themselves.
HARMS = ("csam.known", "csam.ai_generated")
# A label of this name, given by a rule, says the same.
LABEL = "suspected-child-exploitation"
Why = Literal["bank", "rule", "reviewer", "report"]
WHY: dict[str, str] = {
    "bank": "It matches an entry of a bank.",
    "rule": "A rule suspects it.",
    "reviewer": "A reviewer suspects it.",
    "report": "Somebody reported it. Nothing is hidden until one of us suspects the same.",
}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case in the lane, without content."""

    id: str
    platform: str
    platform_name: str
    item: str | None
    account: str | None
    harm: str
    state: str
    opened_at: datetime
    lane_at: datetime
    lane_why: str
    quarantined_at: datetime | None
    sealed_at: datetime | None
    task: str | None = None
    task_state: str | None = None
    country: str | None = None

    @property
    def title(self) -> str:
        """The harm in plain words."""
        return ALL_HARMS[self.harm].words if self.harm in ALL_HARMS else self.harm

    @property
    def why(self) -> str:
        """What brought it here, as a sentence."""
        return WHY[self.lane_why]
