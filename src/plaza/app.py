"""Plaza put together: its parts, its threads, and its guarded doors."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Event, Thread
from urllib.parse import quote, urlsplit

import anyio.to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from openhaven.client import Client
from plaza import care, pages, safety_pages
from plaza.actions import Plaza, Unfit
from plaza.acts import Acts, Conflict
from plaza.answers import Answers
from plaza.generator import Generator
from plaza.guards import Guard, TooLarge
from plaza.openhaven import Forged, Openhaven, Outbox, signed_act
from plaza.safety import Safety
from plaza.settings import Settings
from plaza.store import Store

_HERE = Path(__file__).parent
_LARGEST_ACT = 64_000
_LOG = logging.getLogger("plaza")


@dataclass(frozen=True)
class House:
    """The parts of a running Plaza."""

    settings: Settings
    store: Store
    haven: Openhaven
    outbox: Outbox
    safety: Safety
    plaza: Plaza
    acts: Acts
    generator: Generator


def build(settings: Settings) -> House:
    """Wire the parts; nothing runs yet."""
    store = Store(settings.home)
    haven = Openhaven(settings.openhaven_url, settings.openhaven_key)
    outbox = Outbox(store.begin, haven, Answers(store, settings.url))
    safety = Safety(store, Client(settings.openhaven_url, settings.openhaven_key, seconds=1.0))
    plaza = Plaza(store, outbox, safety, settings.url)
    acts = Acts(store, haven)
    return House(settings, store, haven, outbox, safety, plaza, acts, Generator(plaza, haven))


def application(house: House) -> Starlette:
    """Return the ASGI application; its threads live as long as it does."""
    routes = [
        Route("/openhaven/acts", _webhook(house), methods=["POST"]),
        Route("/healthz", lambda _request: JSONResponse({"status": "ok"})),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
        *(Route(path, _page(house, handler), methods=[method])
          for method, path, handler in (*pages.ROUTES, *safety_pages.ROUTES, *care.ROUTES)),
    ]  # fmt: skip
    app = Starlette(
        routes=routes,
        lifespan=_threads(house),
        exception_handlers={
            HTTPException: _wrong(house),
            pages.ChoosePersona: _wrong(house),
            Unfit: _wrong(house),
            TooLarge: _wrong(house),
            500: _wrong(house),
        },
    )
    app.add_middleware(Guard)
    return app


def _threads(house: House) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Send letters, carry out acts and generate, each in its own thread, until the end."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 12
        stop = Event()
        work = [house.outbox.run, house.acts.run]
        if house.settings.generator:
            work.append(house.generator.run)
        threads = [Thread(target=_kept_up, args=(run, stop), daemon=True) for run in work]
        for thread in threads:
            thread.start()
        yield
        stop.set()
        for thread in threads:
            await run_in_threadpool(thread.join, 3)
        await run_in_threadpool(house.safety.client.close)

    return lifespan


def _kept_up(run: Callable[[Event], None], stop: Event) -> None:
    """Run one thread's work; what breaks it is logged, and it begins again from what is stored."""
    while not stop.is_set():
        try:
            run(stop)
        except Exception:
            _LOG.exception("%s broke and begins again", run.__qualname__)
            stop.wait(2)
        else:
            return


def _webhook(house: House) -> Callable[[Request], Awaitable[Response]]:
    """Return the door for acts: believe only what is signed, keep it, and answer."""

    async def receive(request: Request) -> Response:
        body = await request.body()
        if len(body) > _LARGEST_ACT:
            return _say(413, "This is too large for an act.")
        try:
            act = signed_act(house.settings.webhook_secret, request.headers, body)
            await run_in_threadpool(house.acts.receive, act)
        except Forged:
            return _say(401, "The signature is wrong or too old.")
        except (ValueError, RecursionError):
            return _say(400, "This is signed, but it is not an act.")
        except Conflict:
            return _say(409, "The id of this act was used for another one.")
        return _say(202, "Kept. The outcome follows.")

    return receive


def _say(status: int, title: str) -> Response:
    if status < 400:
        return JSONResponse({"title": title}, status)
    return JSONResponse({"title": title, "status": status}, status,
                        media_type="application/problem+json")  # fmt: skip


def _page(house: House, handler: pages.Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if request.method == "POST":
            _same_origin(request)
        async with request.form(max_files=1, max_fields=20) as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            file = form.get("picture")
            picture = b"" if file is None or isinstance(file, str) else await file.read()
            return await run_in_threadpool(
                lambda: handler(pages.Call(house, request, fields, picture))
            )

    return answer


def _same_origin(request: Request) -> None:
    """Refuse a form that another site has sent. Every browser names the origin of a POST."""
    origin = request.headers.get("origin") or request.headers.get("referer") or ""
    if urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "This form was not sent from Plaza. Open the page again.")


def _wrong(house: House) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return the page for everything that goes wrong, in words for the person."""

    async def answer(request: Request, error: Exception) -> Response:
        status, words = 500, "Something broke on our side. Nothing that you did is lost."
        if isinstance(error, pages.ChoosePersona):
            return pages.to(f"/enter?next={quote(str(error))}")
        if isinstance(error, HTTPException):
            status, words = error.status_code, error.detail
            if words == HTTPStatus(status).phrase:
                words = "There is nothing here." if status == 404 else "That is not possible here."
        elif isinstance(error, Unfit):
            status, words = 422, str(error)
        elif isinstance(error, TooLarge):
            status, words = 413, "This is too large: a picture may have 10 MB."
        return await run_in_threadpool(
            lambda: pages.problem(pages.Call(house, request, {}, b""), status, words)
        )

    return answer
