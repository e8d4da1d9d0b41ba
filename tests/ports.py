"""Ports for processes that are told where to listen."""

import os
import socket
from itertools import count

# Below the ports that the system hands out by itself: what somebody else opens in the time between
# the question and the answer takes none of these. Each process of a test run begins elsewhere.
_FIRST, _MANY = 18_000, 12_000
_asked = count(os.getpid() * 61)


def free_ports(number: int = 1) -> list[int]:
    """Return this many neighbouring ports of loopback that are free; none is given twice."""
    while True:
        first = _FIRST + next(_asked) % _MANY
        found = [first, *(_FIRST + next(_asked) % _MANY for _ in range(number - 1))]
        if found == list(range(first, first + number)) and all(map(_is_free, found)):
            return found


def free_port() -> int:
    """Return a port of loopback that is free."""
    return free_ports()[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server does: connections that have ended are not in its way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
