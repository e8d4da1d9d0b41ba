"""The guarded door, in front of everything: what any request must be, and what any answer is.

Whatever goes wrong behind it becomes an RFC 9457 problem, or a page for a browser; the process
lives on. Logs hold ids and the table's paths, never bodies or what stands in a URL.
"""

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog
from jinja2 import TemplateError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openhaven.core import Actor, Problem, new_id, utcnow
from openhaven.core.words import mark
from openhaven.web import security
from openhaven.web.body import ClientGoneError
from openhaven.web.call import HTML, PROBLEM, Answer, Call, Refusal
from openhaven.web.endpoint import give
from openhaven.web.metrics import Metrics
from openhaven.web.pages import render
from openhaven.web.urls import parse_query, percent_decoded, readable

if TYPE_CHECKING:
    from openhaven.line import Haven

_LOG = structlog.get_logger("openhaven.web")
_UNRESERVED = re.compile(r"%(2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")
# No browser has what these ask for (a key, a token), so they answer to any name of this machine.
_MACHINES = ("/v1/", "/_matrix/", "/healthz", "/readyz")
_SLOW = 1.0
_NOBODY = Actor("person", "anybody")


class Door:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, haven: "Haven", metrics: Metrics) -> None:
        self._app = app
        self._haven = haven
        self._metrics = metrics
        self._hosts = security.Hosts(haven.settings)
        self._headers = security.headers(haven.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is well-formed; answer everything else here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        out = _Out(send, self._headers)
        try:
            self._admit(scope)
            await self._app(scope, receive, out.send)
        except Problem as problem:
            await self._refuse(scope, out, problem)
        except ClientGoneError:
            out.status = out.status or 499
        except Exception as error:
            await self._refuse(scope, out, _unexpected(scope, error))
        finally:
            self._note(scope, out.status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count the request; log it when it failed, was slow, or was somebody's deed."""
        route, method = scope.get("openhaven.route", ""), scope["method"]
        self._metrics.count(method, route, status, seconds)
        deed = method == "POST" and not route.startswith(_MACHINES)
        if deed or status >= 400 or seconds > _SLOW:
            call: Call | None = scope.get("openhaven.call")
            who = str(call.actor) if call else None
            _LOG.info("request", method=method, route=route, status=status, who=who,
                      ms=round(seconds * 1000, 1))  # fmt: skip

    def _admit(self, scope: Scope) -> None:
        """Check what every request has; raises `Problem`. Leaves the path percent-encoded."""
        headers = _headers(scope)
        scope["openhaven.headers"] = headers
        scope["openhaven.client"] = self._client(scope, headers)
        if not scope["path"].startswith(_MACHINES):
            self._hosts.check(headers.get("host", ""))
        raw = scope.get("raw_path") or scope["path"].encode()
        percent_decoded(raw, "path")
        if not raw.isascii():
            raise Problem("path.unreadable", "The path of this request is not percent-encoded.")
        scope["path"] = _UNRESERVED.sub(_plain, raw.decode("ascii"))
        if b"%" in scope["query_string"]:
            percent_decoded(scope["query_string"], "query")

    def _client(self, scope: Scope, headers: Mapping[str, str]) -> str:
        """Return the client's address; a proxy's word counts only when there should be one."""
        if self._haven.settings.behind_proxy:
            return headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or "unknown"
        peer = scope.get("client")
        return str(peer[0]) if peer else "unknown"

    async def _refuse(self, scope: Scope, out: "_Out", problem: Problem) -> None:
        if problem.status >= 500:
            _LOG.warning("request.failed", route=scope.get("openhaven.route"), code=problem.code)
        if out.status:
            # The answer has begun: all that is left is to break it off.
            return
        answer = self._answer(scope, problem)
        await give(answer, out.send, with_body=scope["method"] != "HEAD")

    def _answer(self, scope: Scope, problem: Problem) -> Answer:
        """Return the problem as a page for a browser, else as JSON."""
        if not _is_browser(scope):
            return as_problem(problem)
        call: Call = scope.get("openhaven.call") or Call(
            haven=self._haven, method="GET", url_path=scope["path"], actor=_NOBODY, now=utcnow(),
            headers=scope.get("openhaven.headers", {}), query=_query(scope),
        )  # fmt: skip
        try:
            text = render(call, "web/problem.html", {"problem": problem})
        except TemplateError as error:
            return as_problem(_unexpected(scope, error))
        headers = {**_headers_of(problem), "content-language": call.language}
        return Answer(problem.status, text, HTML, headers)


def _query(scope: Scope) -> Mapping[str, str]:
    """Return the parameters of a request that nobody has read yet; none when it cannot be read."""
    try:
        return parse_query(scope["query_string"])
    except Problem:
        return {}


class _Out:
    """Sends on, with the headers that every answer carries, and remembers the status."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)


def as_problem(problem: Problem) -> Answer:
    """Return the problem as `application/problem+json` (RFC 9457)."""
    from openhaven.web.call import as_json

    plain = as_json(problem.body(), problem.status)
    return Answer(problem.status, plain.body, PROBLEM, _headers_of(problem))


def _headers_of(problem: Problem) -> Mapping[str, str]:
    if isinstance(problem, Refusal):
        return problem.headers
    return {"retry-after": "2"} if problem.status == 503 else {}


def _unexpected(scope: Scope, error: Exception) -> Problem:
    """Record an error that nobody foresaw under an id, and return what a person may know of it.

    The text of the error may hold what somebody sent, so that only its kind and place are logged.
    """
    error_id = new_id("err")
    _LOG.error(
        "request.error",
        error=error_id,
        route=scope.get("openhaven.route"),
        kind=type(error).__name__,
        at=_place(error),
    )
    return Problem(
        "server.error", mark("Something went wrong here."), mark("It is recorded as {error}."),
        status=500, values={"error": error_id},
        next_step=mark("Try again; if it happens again, tell the operator this number."),
    )  # fmt: skip


def _place(error: Exception) -> list[str]:
    """Return where an error came from: files and lines, outermost first, without values."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('site-packages/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-12:]


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers by lower-case name, the first of each; cookies joined (RFC 9113)."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = readable(value, "header") if value.isascii() else value.decode("latin-1")
        if key == "cookie" and key in found:
            found[key] += "; " + text
        elif key == "x-forwarded-for" and key in found:
            found[key] += ", " + text
        else:
            found.setdefault(key, text)
    return found


def _plain(found: re.Match[str]) -> str:
    return chr(int(found.group(1), 16))


def _is_browser(scope: Scope) -> bool:
    """Say whether a page is the better answer: by the Accept header, and never under /v1."""
    if scope["path"].startswith("/v1/"):
        return False
    accept = {name.decode("latin-1"): value for name, value in scope["headers"]}.get(
        "accept", b""
    ).decode("latin-1")
    return _weight(accept, "text/html") > max(
        _weight(accept, "application/json"), _weight(accept, PROBLEM)
    )


def _weight(accept: str, kind: str) -> float:
    """Return the weight that an Accept header gives to exactly this type, 0 when it does not."""
    for part in accept.split(","):
        name, _, parameters = part.strip().partition(";")
        if name.strip().lower() == kind:
            value = parameters.partition("q=")[2].partition(";")[0].strip()
            try:
                return float(value) if value else 1.0
            except ValueError:
                return 1.0
    return 0.0
