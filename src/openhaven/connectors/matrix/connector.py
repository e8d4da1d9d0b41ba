"""The connector as the rest of the house sees it."""

from collections.abc import Callable, Mapping

from openhaven.connectors.matrix import acts
from openhaven.connectors.matrix.catching_up import CatchUp
from openhaven.connectors.matrix.jobs import Jobs
from openhaven.connectors.matrix.model import VERBS
from openhaven.connectors.model import Carried, Wiring
from openhaven.decisions import Act
from openhaven.intake import Platform


class Matrix:
    """Protects Matrix homeservers (Synapse) as an application service of each."""

    kind = "matrix"
    verbs: Mapping[str, bool] = VERBS

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._jobs = Jobs(wiring)
        self._catch_up = CatchUp(wiring)

    def carry_out(self, platform: Platform, act: Act) -> Carried:
        """Carry out `act` on the homeserver, once."""
        del platform
        return acts.carry_out(self._wiring, act)

    def jobs(self) -> Mapping[str, Callable[[], int]]:
        """Return the work on the inbox, the fetching of reports, and catching up."""
        return {
            "matrix": self._jobs.drain,
            "matrix.reports": self._jobs.poll,
            "matrix.catch_up": self._catch_up.step,
        }
