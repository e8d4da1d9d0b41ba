"""The one way out: HTTP with time-outs, size limits, no redirects, and no way into the inside.

An address that an operator configured may be anywhere, loopback included: two programs on one
machine are the normal case. What is refused always: other schemes, addresses with credentials,
redirects (they could lead inside), link-local addresses (cloud metadata), multicast.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from openhaven.core import Problem

_LIMIT = 100_000_000
_CHUNK = 262_144
# So many seconds may pass without a byte, if a call does not say otherwise. Whoever answers byte by
# byte is cut off, well within the minute that an act may take: so many seconds for the head, and
# for the body as many and one more for each megabyte that may come.
_READ_S = 15.0
_HEAD_S = 20.0
_BODY_S = 20.0
_SLOWLY = "The answer came too slowly."


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
            num_pools=20, maxsize=8, retries=False, timeout=urllib3.Timeout(connect=5, read=_READ_S)
        )
        self._pool.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = 1_000_000,
        patience_s: float = _READ_S,
    ) -> Reply:
        """Send a request and return the answer, of at most `limit` bytes of body.

        A body in pieces goes out as they come, with the `content-length` that `headers` name. The
        answer may begin after `patience_s` seconds at the latest.

        Raises `UnreachableError` when there is no whole answer, `Problem` for a refused address.
        """
        check_address(url)
        try:
            response = self._pool.request(
                method, url, body=body, headers=dict(headers or {}), redirect=False,
                preload_content=False, timeout=urllib3.Timeout(connect=5, read=patience_s),
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(_why(error)) from error
        try:
            data = _body(response, min(limit, _LIMIT))
            names = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, data, names)
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(_why(error)) from error
        finally:
            response.release_conn()

    def read(self, url: str, headers: Mapping[str, str], limit: int) -> bytes:
        """Return the body of a good answer (200); raises `Problem` (502) with the reason else."""
        try:
            reply = self.send("GET", url, headers=headers, limit=limit)
        except UnreachableError as error:
            raise _no_answer(str(error)) from error
        if reply.status != 200:
            raise _no_answer(f"It answered HTTP {reply.status}.")
        return reply.body


def _no_answer(detail: str) -> Problem:
    return Problem("address.silent", "No good answer came from there.", detail, status=502,
                   next_step="Try again later; it may be away.")  # fmt: skip


def _body(response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    """Read the body, decoded; raises `UnreachableError` when it is too long or comes too slowly."""
    found, end = bytearray(), time.monotonic() + _BODY_S + limit / 1_000_000
    while chunk := response.read1(_CHUNK, decode_content=True):
        found += chunk
        if len(found) > limit:
            raise TooLongError(f"The answer is longer than {limit} bytes.")
        if time.monotonic() > end:
            raise UnreachableError(_SLOWLY)
    return bytes(found)


class _RefusedError(urllib3.exceptions.HTTPError):
    """The name now leads to an address that no platform has."""


class _SlowError(urllib3.exceptions.HTTPError):
    """The head of the answer came too slowly."""


def _safe(line: socket.socket) -> socket.socket:
    """Return the fresh connection, or close it before anything is sent."""
    if _is_inside(line.getpeername()[0]):
        line.close()
        raise _RefusedError
    return line


@contextmanager
def _cut_off(line: socket.socket | None, patience_s: object) -> Iterator[None]:
    """End the connection when the block takes too long, however the other side keeps it busy.

    Where the first byte may come later than elsewhere, so may the last one of the head.
    """
    late = threading.Event()

    def cut() -> None:
        late.set()
        with suppress(OSError):
            if line is not None:
                line.shutdown(socket.SHUT_RDWR)

    more_s = patience_s - _READ_S if isinstance(patience_s, int | float) else 0
    timer = threading.Timer(_HEAD_S + max(0, more_s), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException) as error:
        if late.is_set():
            raise _SlowError from error
        raise
    finally:
        timer.cancel()
    # A head that was cut off can look like a whole one.
    if late.is_set():
        raise _SlowError


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _safe(super()._new_conn())

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        with _cut_off(self.sock, self.timeout):
            return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _safe(super()._new_conn())

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        with _cut_off(self.sock, self.timeout):
            return super().getresponse()


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _why(error: Exception) -> str:
    if isinstance(error, _RefusedError):
        return "The address is not one of a platform."
    if isinstance(error, _SlowError):
        return _SLOWLY
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "There was no answer in time."
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "Nobody answers at that address."
    return f"The connection failed ({type(error).__name__})."


def check_address(url: str) -> None:
    """Refuse an address that no platform can have; raises `Problem`, or `UnreachableError`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
    except ValueError as error:
        raise _no_address() from error
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise _no_address()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError("The host name is not known.") from error
    if any(_is_inside(str(address[0])) for *_, address in found):
        raise Problem(
            "address.refused",
            "This address is not one of a platform.",
            "It is link-local, multicast or unspecified.",
        )


def _no_address() -> Problem:
    return Problem(
        "address.refused",
        "This is no web address that can be called.",
        next_step="Use http:// or https:// with a host name, without a password.",
    )


def _is_inside(address: str) -> bool:
    """Say whether an address is link-local, multicast or unspecified, in whatever dress."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour or _translated(ip)
        if hidden is not None and _is_inside(str(hidden)):
            return True
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified


def _translated(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address within one of a translator (NAT64, RFC 6052), if it is one."""
    if ip not in ipaddress.ip_network("64:ff9b::/96"):
        return None
    return ipaddress.IPv4Address(ip.packed[12:])
