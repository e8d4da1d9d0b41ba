"""How much of what is hard to see somebody may be asked to see, and how long a pause is.

The numbers are ours. They follow what the "Employee Resilience Guidebook for Handling Child Sexual
Exploitation Images" (Technology Coalition, 2015) advises: limit how much and how long, veil by
default, let people choose, and make the pause a matter of course and not a favour.
"""

from datetime import timedelta

import msgspec

# Exposures (a picture seen clearly, or a task judged) of one harm class, by its severity, and of
# all together, within the time of a shift. Then there is a pause, and counting begins anew.
BUDGET = {1: 120, 2: 80, 3: 40, 4: 20}
ALL = 200
SHIFT = timedelta(hours=8)
PAUSE = timedelta(minutes=15)
LONGEST = timedelta(hours=4)


class Pause(msgspec.Struct, frozen=True):
    """A pause of somebody: from one harm class, or (empty) from everything."""

    harm: str
    why: str
    minutes: int


class Avoided(msgspec.Struct, frozen=True):
    """What somebody is not to be given now: harms they pause from and harms they opted out of."""

    paused: tuple[str, ...] = ()
    opted_out: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether they pause from everything."""
        return "" in self.paused


class Day(msgspec.Struct, frozen=True):
    """What somebody did in the time of a shift; only they themselves see it."""

    judged: int
    seen: int
    mine: int
