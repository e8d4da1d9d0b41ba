"""The client for asyncio: checks are answered in the loop, and only the network waits beside it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from openhaven.client.asking import Who, ask
from openhaven.client.calls import By, Source
from openhaven.client.model import AgeAppealed, Health, Help, Receipt, Subject, Verdict
from openhaven.client.sync import Client
from openhaven.core.words import AgeBand
from openhaven.protections.ages import Age
from openhaven.protections.model import Action, Answer, Change, Question
from openhaven.protections.settings import Protected

T = TypeVar("T")
_THREADS = 8


class AsyncClient:
    """What `Client` does, to be awaited. Make one for each process."""

    def __init__(self, url: str, key: str, **more: Any) -> None:
        """Take what `Client` takes."""
        self._client = Client(url, key, **more)
        self._threads = ThreadPoolExecutor(_THREADS, "openhaven")

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of connections and threads."""
        await self._beside(self._client.close)
        self._threads.shutdown(wait=False)

    @property
    def health(self) -> Health:
        """How it stands; for your own monitoring."""
        return self._client.health

    async def check(
        self, action: Action, sender: Who = None, recipient: Who = None, **more: Any
    ) -> Answer:
        """Answer whether this may happen; as `Client.check`."""
        return (await self.check_all([ask(action, sender, recipient, **more)]))[0]

    async def check_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer questions in their order; as `Client.check_all`."""
        found = self._client.at_once(questions)
        if found is None:
            found = await self._beside(self._client.check_all, questions)
        return found

    async def settings(self, account: str, language: str = "en") -> Protected:
        """Return what holds for an account; as `Client.settings`."""
        return await self._beside(self._client.settings, account, language)

    async def set_setting(
        self, account: str, feature: str, value: str, by: By, *, explained: bool = False,
        carer: str | None = None,
    ) -> Change:  # fmt: skip
        """Set one protection; as `Client.set_setting`."""
        return await self._beside(
            partial(self._client.set_setting, explained=explained, carer=carer),
            account, feature, value, by,
        )  # fmt: skip

    async def note_age(
        self, account: str, source: Source, band: AgeBand, *, day: date | None = None,
        expires: date | None = None, carer: str | None = None,
    ) -> Age:  # fmt: skip
        """Say what a source says of an age; as `Client.note_age`."""
        said = partial(self._client.note_age, day=day, expires=expires, carer=carer)
        return await self._beside(said, account, source, band)

    async def appeal_age(
        self, account: str, band: AgeBand, text: str, language: str = "en"
    ) -> AgeAppealed:
        """Say that an age is wrong; as `Client.appeal_age`."""
        return await self._beside(self._client.appeal_age, account, band, text, language)

    async def add_carer(self, account: str, carer: str) -> None:
        """Say that `carer` cares for an account."""
        await self._beside(self._client.add_carer, account, carer)

    async def remove_carer(self, account: str, carer: str) -> None:
        """Say that `carer` no longer does."""
        await self._beside(self._client.remove_carer, account, carer)

    async def send_event(self, event: Mapping[str, Any], *, wait: bool = False) -> Verdict:
        """Tell what happened; as `Client.send_event`."""
        return await self._beside(partial(self._client.send_event, wait=wait), event)

    async def report(
        self, subject: Subject, category: str, text: str, *, id: str | None = None,
        reporter: str | None = None, contact: str | None = None,
    ) -> Receipt:  # fmt: skip
        """Pass on what a person reported; as `Client.report`."""
        sent = partial(self._client.report, id=id, reporter=reporter, contact=contact)
        return await self._beside(sent, subject, category, text)

    async def support(self, **query: Any) -> Help:
        """Return who helps; as `Client.support`."""
        return await self._beside(partial(self._client.support, **query))

    async def _beside(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
