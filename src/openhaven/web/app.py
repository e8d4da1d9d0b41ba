"""The application: the table behind the door, and the server that runs it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from types import FrameType
from typing import TYPE_CHECKING

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.routing import Route as StarletteRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.web import openapi
from openhaven.web.call import Answer, Call
from openhaven.web.door import Door
from openhaven.web.endpoint import Desk, Endpoint
from openhaven.web.metrics import Metrics
from openhaven.web.pages import warm
from openhaven.web.routes import ROUTES
from openhaven.web.table import PUBLIC, Route
from openhaven.web.wire import Wire

if TYPE_CHECKING:
    from openhaven.line import Haven

_LOG = structlog.get_logger("openhaven.web")
_STOP_WITHIN = 8
_DAY = "public, max-age=86400"


def build_app(haven: "Haven", routes: Sequence[Route] = ROUTES) -> Starlette:
    """Return the ASGI application that answers for `haven`, with the given table of URLs."""
    desk, metrics = Desk(haven), Metrics()
    table = (*routes, *_own(routes, metrics))

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        app.state.loop = asyncio.get_running_loop()
        yield
        desk.hub.close()
        desk.close()

    places = _places(table, desk)
    app = Starlette(
        routes=[
            *places,
            Mount("/static", _static()),
            StarletteRoute("/{rest:path}", _Missing()),
        ],
        middleware=[
            Middleware(Door, haven=haven, metrics=metrics),
            Middleware(_Straight, places=places),
        ],
        exception_handlers={HTTPException: _refused},
        lifespan=life,
    )
    app.router.redirect_slashes = False
    app.state.haven, app.state.desk = haven, desk
    return app


def serve(haven: "Haven") -> None:
    """Answer requests until SIGTERM or SIGINT; then finish what has begun and return.

    Raises `Problem` when the port is taken or may not be used.
    """
    settings = haven.settings
    app = build_app(haven)
    listener = listen(settings.host, settings.port)
    # Whoever comes meanwhile waits at the door that is open already.
    warm(settings.home / "compiled", "web", "review", "survivors", "decisions")
    _LOG.info("serving", url=settings.url, host=settings.host, port=settings.port)
    with listener:
        server_for(app).run(sockets=[listener])


def server_for(app: Starlette) -> "Server":
    """Return the server that runs `app`, not yet started."""
    config = uvicorn.Config(
        app, http=Wire, ws="none", lifespan="on", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, timeout_keep_alive=30,
        timeout_graceful_shutdown=_STOP_WITHIN, backlog=2_048,
    )  # fmt: skip
    return Server(config, app)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, or raise `Problem` saying why not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2_048)
    except OSError as error:
        listener.close()
        raise Problem("port.taken", f"Openhaven cannot listen on {host}, port {port}.",
                      error.strerror or "", status=503,
                      next_step="Stop what uses the port, or set OPENHAVEN_PORT.",
                      ) from error  # fmt: skip
    listener.setblocking(False)
    return listener


class Server(uvicorn.Server):
    """Ends the live pages first when told to stop: they would otherwise hold the server back."""

    def __init__(self, config: uvicorn.Config, app: Starlette) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; the second time at once. The signal is not raised again afterwards."""
        del sig, frame
        self.force_exit = self.should_exit
        self.stop()

    def stop(self) -> None:
        """Begin to stop, from any thread."""
        loop: asyncio.AbstractEventLoop | None = getattr(self._app.state, "loop", None)
        if loop is not None:
            loop.call_soon_threadsafe(self._app.state.desk.hub.close)
        self.should_exit = True


def _places(table: Sequence[Route], desk: Desk) -> list[StarletteRoute]:
    by_path: dict[str, list[Route]] = {}
    for route in table:
        by_path.setdefault(route.path, []).append(route)
    return [StarletteRoute(path, Endpoint(group, desk)) for path, group in by_path.items()]


def _own(routes: Sequence[Route], metrics: Metrics) -> tuple[Route, ...]:
    """Return the routes that describe and measure the application itself."""
    text = openapi.document(routes)

    def described(call: Call) -> Answer:
        del call
        return Answer(200, text, "application/json", {"cache-control": _DAY})

    return (
        Route(method="GET", path="/openapi.json", handler=described, gate=PUBLIC,
              summary="This description of the API", answer="application/json"),
        Route(method="GET", path="/metrics", handler=metrics.show, gate=PUBLIC,
              summary="Measures for Prometheus", answer="text/plain"),
    )  # fmt: skip


class _Straight:
    """Leads straight to an address without variables: the table is not searched for it."""

    def __init__(self, app: ASGIApp, places: Sequence[StarletteRoute]) -> None:
        self._app = app
        self._known = {place.path: place.endpoint for place in places if "{" not in place.path}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at this address, or pass on."""
        await self._known.get(scope.get("path", ""), self._app)(scope, receive, send)


class _Static(StaticFiles):
    """Our own style sheet, script and pictures."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        scope["openhaven.route"] = "/static"
        response = await super().get_response(path, scope)
        response.headers.setdefault("cache-control", "public, max-age=300")
        return response


def _static() -> StaticFiles:
    return _Static(directory=str(resources.files("openhaven.web") / "static"), check_dir=False)


class _Missing:
    """Answers every path that is not in the table."""

    async def __call__(self, *_: object) -> None:
        """Raise the problem (404)."""
        raise _not_here()


def _refused(request: Request, error: Exception) -> Response:
    """Turn what Starlette refuses (a missing static file) into a problem for the door."""
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers: Mapping[str, str] = getattr(error, "headers", None) or {}
    if status == 404:
        raise _not_here() from error
    allow = headers.get("allow", "GET, HEAD")
    raise Problem("method.wrong", "This address does not take that method.", f"Allowed: {allow}",
                  status=status) from error  # fmt: skip


def _not_here() -> Problem:
    return Problem("address.unknown", mark("There is nothing at this address."), status=404,
                   next_step=mark("Was it copied whole? The API's stand in /openapi.json."),
                   )  # fmt: skip
