"""Doors to platforms: they bring in what happened there and carry out what was decided.

A connector answers one question, `carry_out(act) -> Carried`. The built-in ones are found through
the entry-point group `openhaven.connectors`, as a stranger's would be.
"""

from openhaven.connectors import mail
from openhaven.connectors.http import Http
from openhaven.connectors.model import Carried, Connector, Wiring
from openhaven.connectors.registry import carry_out, connect, jobs

__all__ = ["Carried", "Connector", "Http", "Wiring", "carry_out", "connect", "jobs", "mail"]
