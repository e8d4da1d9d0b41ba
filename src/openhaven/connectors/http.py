"""The one way out: HTTP with time-outs, size limits, no redirects, and no way into the inside.

An address that an operator configured may be anywhere, loopback included: two programs on one
machine are the normal case. What is refused always: other schemes, addresses with credentials,
redirects (they could lead inside), link-local addresses (cloud metadata), multicast.
"""

import ipaddress
import socket
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import urllib3

from openhaven.core import Problem

_LIMIT = 100_000_000


class Reply(NamedTuple):
    """Status, body and headers (names in lower case) of an answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class UnreachableError(Exception):
    """No answer came; the sentence says why, for staff."""


class TooLongError(UnreachableError):
    """The answer is longer than what was asked for."""


class Http:
    """A pool of connections; safe to use from several threads."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(
            num_pools=20, maxsize=8, retries=False, timeout=urllib3.Timeout(connect=5, read=15)
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = 1_000_000,
    ) -> Reply:
        """Send a request and return the answer, of at most `limit` bytes of body.

        Raises `UnreachableError` when there is no whole answer, `Problem` for a refused address.
        """
        check_address(url)
        try:
            response = self._pool.request(
                method, url, body=body, headers=dict(headers or {}), redirect=False,
                preload_content=False,
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(_why(error)) from error
        try:
            data = response.read(min(limit, _LIMIT) + 1, decode_content=True)
            if len(data) > limit:
                raise TooLongError(f"The answer is longer than {limit} bytes.")
            names = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, data, names)
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(_why(error)) from error
        finally:
            response.release_conn()


def _why(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "There was no answer in time."
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "Nobody answers at that address."
    return f"The connection failed ({type(error).__name__})."


def check_address(url: str) -> None:
    """Refuse an address that no platform can have; raises `Problem`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise Problem(
            "address.refused",
            "This is no web address that can be called.",
            next_step="Use http:// or https:// with a host name, without a password.",
        )
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnreachableError("The host name is not known.") from error
    for *_, address in found:
        ip = ipaddress.ip_address(address[0])
        if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
            raise Problem("address.refused", "This address is not one of a platform.",
                          "It is link-local, multicast or unspecified.")  # fmt: skip
