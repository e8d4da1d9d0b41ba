"""How a source is asked over HTTP: within limits, and with a plain sentence for each failure."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from openhaven.connectors import Http
from openhaven.connectors.http import Reply, TooLongError, UnreachableError
from openhaven.core import Problem
from openhaven.exchange.model import PAGE_BYTES, SourceError, StartAgainError, Told

T = TypeVar("T")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_WAIT = (408, 425, 429)


def base_of(url: str) -> str:
    """Return the address of a source without a slash at its end.

    Secrets and hashes travel there, so that it is https, unless it is on this machine. Raises
    `Problem` for another one.
    """
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in _LOCAL
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username:
        raise Problem("source.url", "The address of a source begins with https://.",
                      next_step="Plain http is only for this machine; no password in the address.",
                      )  # fmt: skip
    if parts.query or parts.fragment:
        raise Problem("source.url", "The address of a source has no “?” and no “#”.")
    return url.rstrip("/")


def get(http: Http, url: str, headers: Mapping[str, str], **query: Any) -> bytes:
    """Return the body of a good answer; raises `SourceError` with the reason for any other."""
    asked = {name: value for name, value in query.items() if value not in (None, "")}
    address = f"{url}?{urlencode(asked)}" if asked else url
    try:
        reply = http.send("GET", address, headers=headers, limit=PAGE_BYTES)
    except TooLongError as error:
        raise SourceError(f"The page is longer than {PAGE_BYTES // 1_000_000} MB.") from error
    except UnreachableError as error:
        raise SourceError(str(error)) from error
    except Problem as problem:
        raise SourceError(f"{problem.title} {problem.detail}".strip()) from problem
    if reply.status == 410:
        raise StartAgainError("The source asks to be read from its start.")
    if reply.status != 200:
        raise SourceError(_why(reply))
    return reply.body


def decoded(body: bytes, kind: type[T]) -> T:
    """Return JSON as `kind`; raises `SourceError` for what is none."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError("The answer is not what this kind of source should send.") from error


def put(http: Http, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Told:
    """Send a word, and say how it arrived."""
    return put_and_hear(http, method, url, headers, body)[0]


def put_and_hear(
    http: Http, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> tuple[Told, bytes]:
    """Send something; say how it arrived, with the answer (empty unless it was taken)."""
    try:
        reply = http.send(method, url, headers=headers, body=body)
    except UnreachableError as error:
        return Told("retry", str(error)), b""
    except Problem as problem:
        return Told("failed", f"{problem.title} {problem.detail}".strip()), b""
    if 200 <= reply.status < 300:
        return Told("sent"), reply.body
    final = 400 <= reply.status < 500 and reply.status not in _WAIT
    return Told("failed" if final else "retry", _why(reply)), b""


def as_json(value: Any) -> bytes:
    """Return a JSON body."""
    return json.dumps(value, separators=(",", ":")).encode()


def _why(reply: Reply) -> str:
    if reply.status in (401, 403):
        return f"It refuses our credentials (HTTP {reply.status})."
    if reply.status in (301, 302, 303, 307, 308):
        return f"It points elsewhere (HTTP {reply.status}), which is not followed."
    if reply.status == 429:
        return "It asks us to come less often (HTTP 429)."
    return f"It answered HTTP {reply.status}."
