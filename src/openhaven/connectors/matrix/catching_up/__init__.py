"""Reading again what a homeserver may not have sent us.

Synapse notes an event as sent to an application service when it has put it into its memory (seen
with 1.163); what waits there when it ends is never sent. So after every restart of a homeserver we
owe it a reading: of each room, what was said since shortly before the last time that nothing can
have been missing. What is new to us goes into the same inbox, and so through the same rules.

That a reading is owed is stored before anything else, room by room, so that no crash of ours
forgets it; done twice it changes nothing, since events are known by their ids.
"""

from openhaven.connectors.matrix.catching_up.actions import owe, trust
from openhaven.connectors.matrix.catching_up.jobs import CatchUp
from openhaven.connectors.matrix.catching_up.model import LONGEST_BACK, Standing
from openhaven.connectors.matrix.catching_up.store import standing

__all__ = ["LONGEST_BACK", "CatchUp", "Standing", "owe", "standing", "trust"]
