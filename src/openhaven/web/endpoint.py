"""One URL: from a raw request to a `Call`, through its gate, to the handler and back.

Order: method, gate of platforms (before a body is read), kind and size of the body, then in
a thread the gate of staff, the form's token, and the handler.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.types import Message, Receive, Scope, Send

from openhaven.core import utcnow
from openhaven.core.words import mark
from openhaven.web import body, gates
from openhaven.web.call import Answer, Call, Refusal
from openhaven.web.limits import Buckets, Room
from openhaven.web.live import Hub
from openhaven.web.security import cookies
from openhaven.web.speaking import location_with_language
from openhaven.web.table import Route
from openhaven.web.urls import parse_query, percent_decoded

if TYPE_CHECKING:
    from openhaven.line import Haven

THREADS = 16
MAX_WAITING = 500
_MEMORY = 512_000_000


class Desk:
    """What all endpoints of one application share: threads, keys, limits, live pages."""

    def __init__(self, haven: "Haven") -> None:
        self.haven = haven
        self.keys = gates.Keys(haven)
        self.buckets = Buckets()
        self.room = Room(_MEMORY)
        self.hub = Hub()
        self._threads = ThreadPoolExecutor(THREADS, "web")
        self._waiting = 0

    async def run(self, work: Any, *args: Any) -> Any:
        """Run `work` in a thread; raises `Refusal` (503) when too much is waiting already."""
        if self._waiting >= MAX_WAITING:
            raise Refusal("server.busy", mark("The server is too busy."), status=503,
                          next_step=mark("Send it again in a moment."),
                          headers={"retry-after": "1"})  # fmt: skip
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the threads go; what runs is finished."""
        self._threads.shutdown(wait=True, cancel_futures=True)


class Endpoint:
    """The routes that share one path, as an ASGI application."""

    def __init__(self, routes: Sequence[Route], desk: Desk) -> None:
        self._routes = {route.method: route for route in routes}
        self._desk = desk
        self._media_limit = desk.haven.settings.media_limit
        allowed = {*self._routes, *(["HEAD"] if "GET" in self._routes else [])}
        self._allow = ", ".join(sorted(allowed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises `Problem` for the door to answer."""
        route = self._route(scope["method"])
        scope["openhaven.route"] = route.path
        call = scope["openhaven.call"] = self._call(scope)
        if route.gate.kind == "key":
            await self._let_in_platform(call)
        if route.rate:
            self._desk.buckets.take(route.rate, call.client)
        await self._serve(route, call, receive, send)

    async def _serve(self, route: Route, call: Call, receive: Receive, send: Send) -> None:
        limit = route.size(self._media_limit)
        body.check_kind(route.takes, call.headers)
        with body.Reader(limit, self._desk.room) as reader:
            call.content = await reader.read(receive, call.headers)
            # What needs no database is answered here: a thread would cost more than the answer.
            at_once = route.quick(call) if route.quick else None
            answer = at_once or await self._desk.run(_handle, route, call)
        if answer.stream is None or call.method == "HEAD":
            await give(answer, send, with_body=call.method != "HEAD")
        else:
            await pour(answer, answer.stream, receive, send)

    def _route(self, method: str) -> Route:
        route = self._routes.get("GET" if method == "HEAD" else method)
        if route is None:
            raise Refusal("method.wrong", "This address does not take that method.", status=405,
                          next_step=f"Use {self._allow}.",
                          headers={"allow": self._allow})  # fmt: skip
        return route

    def _call(self, scope: Scope) -> Call:
        headers = scope["openhaven.headers"]
        return Call(
            haven=self._desk.haven,
            method=scope["method"],
            url_path=unquote(scope["path"]),
            actor=gates.nobody(),
            now=_now(),
            path=_variables(scope.get("path_params", {})),
            query=parse_query(scope["query_string"]),
            headers=headers,
            cookies=cookies(headers.get("cookie", "")),
            client=scope["openhaven.client"],
            hub=self._desk.hub,
        )

    async def _let_in_platform(self, call: Call) -> None:
        header = call.headers.get("authorization", "")
        key = self._desk.keys.known(header) or await self._desk.run(self._desk.keys.find, header)
        gates.let_in_platform(call, key)


def _handle(route: Route, call: Call) -> Answer:
    if route.gate.kind == "signed in":
        gates.let_in_staff(call, route)
    gates.check_form(call, route)
    return _kept(call, route.handler(call))


def _kept(call: Call, answer: Answer) -> Answer:
    """Return a redirect of a page that was asked for in a language so that it stays in it."""
    where = answer.headers.get("location", "")
    if answer.status != 303 or call.staff or not call.asked_language:
        return answer
    kept = location_with_language(where, call.asked_language)
    return replace(answer, headers={**answer.headers, "location": kept})


def _now() -> datetime:
    return utcnow()


def _variables(raw: Mapping[str, str]) -> dict[str, str]:
    """Decode the variables of a path one by one, so that an id may hold a slash (`%2F`)."""
    return {name: percent_decoded(value.encode(), "path") for name, value in raw.items()}


async def give(answer: Answer, send: Send, *, with_body: bool = True) -> None:
    """Send an answer with its whole body."""
    await send(_start(answer, {"content-length": str(len(answer.body))}))
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})


async def pour(answer: Answer, stream: AsyncIterator[bytes], receive: Receive, send: Send) -> None:
    """Send a stream until it ends or the client leaves; a server does not say so by itself."""
    await send(_start(answer, {}))
    pouring = asyncio.create_task(_pour(stream, send))
    leaving = asyncio.create_task(_left(receive))
    try:
        await asyncio.wait({pouring, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pouring, leaving):
            task.cancel()
        await asyncio.gather(pouring, leaving, return_exceptions=True)
    if not pouring.cancelled() and (error := pouring.exception()):
        raise error


async def _pour(stream: AsyncIterator[bytes], send: Send) -> None:
    async for chunk in stream:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(answer: Answer, more: Mapping[str, str]) -> Message:
    """Return the start of an answer; its own headers win over the usual ones."""
    headers = {"content-type": answer.type, "cache-control": "no-store", **more, **answer.headers}
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    raw += [(b"set-cookie", value.encode("latin-1")) for value in answer.cookies]
    return {"type": "http.response.start", "status": answer.status, "headers": raw}
