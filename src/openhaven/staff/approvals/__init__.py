"""Two people: what somebody wants to do, and a second person who agrees or says why not.

What needs two people is data (`KINDS`). Nobody agrees with themselves, whoever answers has the role
for it, what nobody answers lapses, and what was answered stays so: the database holds all of it.
Where the operator says that nobody else is here (`staffing`), and it is so, nobody is asked, and
what was done counts as *alone*: it is marked as not independent wherever it is shown.
"""

from openhaven.staff.approvals.actions import answer, ask, forget, lapse
from openhaven.staff.approvals.model import KINDS, Approval, Kind
from openhaven.staff.approvals.store import approval, approved, independent, state_of, waiting

__all__ = [
    "KINDS",
    "Approval",
    "Kind",
    "answer",
    "approval",
    "approved",
    "ask",
    "forget",
    "independent",
    "lapse",
    "state_of",
    "waiting",
]
