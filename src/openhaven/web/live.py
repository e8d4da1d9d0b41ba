"""Live pages: server-sent events (WHATWG HTML, section 9.2) from one reader per topic.

However many people watch, a topic is read once a second and only while somebody watches.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import structlog

from openhaven.core import Problem
from openhaven.web.call import Answer, Call, Refusal

_LOG = structlog.get_logger("openhaven.web")
MAX_WATCHERS = 200
EVERY = 1.0
HEARTBEAT = 15.0
# A watcher comes back by itself, and then has to show a living session again.
LIFETIME = 300.0

Read = Callable[[], str]


def live(call: Call, topic: str, read: Read) -> Answer:
    """Answer with a stream that sends `read()` now and whenever it has changed.

    `read` is called in a thread, about once a second per `topic` (whoever watches: its text must be
    the same for all who may watch), and returns one message, such as a piece of HTML. Without
    a hub (the application is not serving) raises `Problem` (503), as it does beyond 200 watchers.
    """
    hub: Hub | None = call.hub
    if hub is None or hub.full:
        raise Refusal("live.full", "Too many people are watching.", status=503,
                      next_step="Reload the page by hand.",
                      headers={"retry-after": "30"})  # fmt: skip
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Answer(200, b"", "text/event-stream; charset=utf-8", headers, hub.watch(topic, read))


class Hub:
    """The topics that are being watched in this process."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}
        self._closing = asyncio.Event()
        self.watchers = 0

    @property
    def full(self) -> bool:
        """Whether nobody more may watch."""
        return self.watchers >= MAX_WATCHERS or self._closing.is_set()

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that somebody watches."""
        return tuple(self._topics)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closing.set()
        for topic in self._topics.values():
            topic.wake()

    async def watch(self, topic: str, read: Read) -> AsyncIterator[bytes]:
        """Yield the messages of one watcher, framed, until it is time to come back."""
        loop = asyncio.get_running_loop()
        end = loop.time() + LIFETIME
        source = self._topics.setdefault(topic, _Topic(topic, read))
        self.watchers += 1
        source.join()
        try:
            yield b"retry: 2000\n\n"
            seen = 0
            while not self._closing.is_set() and loop.time() < end:
                seen, text = await source.next(seen)
                if text is not None:
                    yield frame(text)
                elif not self._closing.is_set():
                    yield b": still here\n\n"
        finally:
            self.watchers -= 1
            if source.leave():
                self._topics.pop(topic, None)


class _Topic:
    def __init__(self, name: str, read: Read) -> None:
        self._name = name
        self._read = read
        self._watchers = 0
        self._number = 0
        self._text = ""
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self) -> None:
        """Count a watcher more; the first one starts the reading."""
        self._watchers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def leave(self) -> bool:
        """Count a watcher less; say whether nobody is left."""
        self._watchers -= 1
        if self._watchers == 0 and self._task is not None:
            self._task.cancel()
        return self._watchers == 0

    def wake(self) -> None:
        """Let everybody who waits look again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def next(self, seen: int) -> tuple[int, str | None]:
        """Wait for a message newer than number `seen`; text is None when none came in time."""
        if self._number <= seen:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), HEARTBEAT)
        return self._number, self._text if self._number > seen else None

    async def _run(self) -> None:
        while True:
            text = await asyncio.to_thread(self._text_now)
            if text is not None and (text != self._text or self._number == 0):
                self._text = text
                self._number += 1
                self.wake()
            await asyncio.sleep(EVERY)

    def _text_now(self) -> str | None:
        """Read, or record why not and let the watchers keep what they have."""
        try:
            return self._read()
        except Problem as problem:
            _LOG.warning("live.unread", topic=self._name, code=problem.code)
        except Exception as error:
            _LOG.error("live.failed", topic=self._name, error=type(error).__name__, exc_info=True)
        return None


def frame(text: str) -> bytes:
    """Return one message in the wire form of server-sent events."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "".join(f"data: {line}\n" for line in lines).encode() + b"\n"
