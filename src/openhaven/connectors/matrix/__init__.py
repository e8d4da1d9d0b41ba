"""The door to Matrix: a Synapse homeserver, of which we are an application service.

What happens in its rooms is pushed to us (`api.py`), stored, and answered; nothing is worked on in
the request. A job hands it to the line in order (`jobs.py`, `incoming.py`), another fetches the
reports that people make in their clients. What was decided is carried out over the homeserver's own
APIs (`acts.py`), and people are told in a room of their own (`notices.py`). Encrypted rooms stay
closed: of them we learn who spoke when, and what a reporter shows us.
"""

from openhaven.connectors.matrix.connector import Matrix
from openhaven.connectors.matrix.model import VERBS

__all__ = ["VERBS", "Matrix"]
