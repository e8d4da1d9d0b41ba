"""Notices that a homeserver was restarted, which no API of it tells.

Synapse resends what it could not deliver only once something new happens on it (seen with 1.163).
After a restart on a quiet evening, the last message before it would wait until somebody speaks.
And what it had only in its memory is never sent. So a connection is kept open: when it breaks, the
homeserver was restarted; we make it send, and read in its records what is missing.
"""

import http.client
import threading
from urllib.parse import urlsplit


class Pulse:
    """One connection to one homeserver, used every few seconds so that it stays open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._line = kind(parts.hostname or "", parts.port, timeout=10)
        self._path = parts.path + "/_matrix/client/versions"
        self._lock = threading.Lock()
        self._known = False

    def broke(self) -> bool:
        """Say whether the connection broke since `mended` was called, or is there anew.

        Raises OSError or `http.client.HTTPException` when the homeserver is away.
        """
        with self._lock:
            if self._known:
                try:
                    self._beat()
                    return False
                except (OSError, http.client.HTTPException):
                    self._known = False
                    self._line.close()
            try:
                self._beat()
            except (OSError, http.client.HTTPException):
                self._line.close()
                raise
            return True

    def mended(self) -> None:
        """Note that what follows from the break was stored: the next one counts again."""
        with self._lock:
            self._known = True

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _beat(self) -> None:
        self._line.request("GET", self._path)
        reply = self._line.getresponse()
        reply.read(1_000_000)
        if reply.status >= 500:
            # What stands before the homeserver answers; the homeserver itself is away.
            raise http.client.HTTPException(f"The homeserver answered {reply.status}.")
