"""Help for people to whom it happened: a removal in 48 hours, a watch, an answer to threats.

What they ask for becomes reports, so that there is one line and one place where work begins. The
clock that runs for them is visible to staff and escalates by itself; a hash that they made in their
own browser waits in a bank of which a match only ever asks a person; and where somebody may be in
danger now, staff is called. They can stay unnamed, come back by a secret link, and withdraw.
"""

from openhaven.survivors.actions import (
    ask_removal,
    forget_person,
    lift_freeze,
    tell_threat,
    withdraw,
)
from openhaven.survivors.alerts import call_staff, send_alerts
from openhaven.survivors.copies import forget_hashes, unlearn_overturned
from openhaven.survivors.jobs import keep_watches, tend
from openhaven.survivors.model import CLOCK, Removal, Threat
from openhaven.survivors.store import Status, clocks, status
from openhaven.survivors.unnamed import name_them
from openhaven.survivors.watch import ask_watch
from openhaven.survivors.watch.model import Watch

__all__ = [
    "CLOCK",
    "Removal",
    "Status",
    "Threat",
    "Watch",
    "ask_removal",
    "ask_watch",
    "call_staff",
    "clocks",
    "forget_hashes",
    "forget_person",
    "keep_watches",
    "lift_freeze",
    "name_them",
    "send_alerts",
    "status",
    "tell_threat",
    "tend",
    "unlearn_overturned",
    "withdraw",
]
