"""Penalties: how long an account may be suspended at each step, and that two people end one.

The longest suspension grows with the strikes that count. Nobody loses an account for good at the
first violation that is not severe, and never by one person alone where there is a second one: who
did not judge has to agree. The database refuses anything else, whoever writes it.
"""

from openhaven.decisions.penalties.actions import asks_second, fit, follow
from openhaven.decisions.penalties.model import Asked, Step
from openhaven.decisions.penalties.store import asked, step_for

__all__ = ["Asked", "Step", "asked", "asks_second", "fit", "follow", "step_for"]
