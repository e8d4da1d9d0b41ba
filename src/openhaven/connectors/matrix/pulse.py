"""Notices that a homeserver was restarted, which no API of it tells.

Synapse resends what it could not deliver only once something new happens on it (seen with 1.163).
After a restart on a quiet evening, the last message before it would wait until somebody speaks.
So a connection is kept open: when it breaks, the homeserver was restarted, and we make it send.
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
        """Say whether the connection broke since the last time, or is there for the first time.

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
            self._known = True
            return True

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _beat(self) -> None:
        self._line.request("GET", self._path)
        self._line.getresponse().read(1_000_000)
