"""The client for threads."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, TypeVar

from openhaven.client import calls, guarded
from openhaven.client.asking import Who, ask
from openhaven.client.book import Book
from openhaven.client.calls import By, Source
from openhaven.client.keeping import Kept, as_refused
from openhaven.client.model import AgeAppealed, Health, Help, Receipt, Subject, Verdict
from openhaven.client.wire import Request, Wire, read
from openhaven.core import Problem
from openhaven.core.words import AgeBand
from openhaven.protections.ages import Age
from openhaven.protections.checking import check_time
from openhaven.protections.model import Action, Answer, Change, Profile, Question
from openhaven.protections.settings import Protected

T = TypeVar("T")


class Client:
    """One Openhaven for one platform. Make one for each process, and share it between threads."""

    def __init__(
        self, url: str, key: str, *, seconds: float = 2.0, follow: float = 2.0,
        fresh: float = 60.0, lifetime: float = 900.0, most: int = 100_000,
    ) -> None:  # fmt: skip
        """Reach Openhaven at `url` with an API key.

        `seconds` is how long an answer may take. Accounts are remembered, at most `most` of them:
        every `follow` seconds the client asks what changed, reads an account anew after `fresh`
        seconds of use, and goes by what it knows for `lifetime` seconds when nobody answers.
        """
        self._wire = Wire(url, key, seconds)
        self._kept = Kept(self._wire, Book(most, fresh, lifetime), follow)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections, and of the thread that follows what changes."""
        self._kept.close()
        self._wire.close()

    @property
    def health(self) -> Health:
        """How it stands; for your own monitoring."""
        at = self._wire.answered
        ago = None if at is None else time.monotonic() - at
        reachable = at is not None and not self._wire.why
        return Health(reachable, self._wire.why, ago, len(self._kept.book), self._kept.data)

    # Ask --------------------------------------------------------------------------------------

    def check(
        self, action: Action, sender: Who = None, recipient: Who = None, **more: Any
    ) -> Answer:
        """Answer whether this may happen; takes what `ask` takes. Never fails for a lost line.

        Raises `Refused` (and `ValueError`) for a question that cannot be meant.
        """
        return self.check_all([ask(action, sender, recipient, **more)])[0]

    def check_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer questions in their order."""
        return answers(self._kept, questions, self._kept.profiles(named(questions)))

    def at_once(self, questions: Sequence[Question]) -> list[Answer] | None:
        """Answer from what is known in this process; None when something has to be read first."""
        known = self._kept.at_hand(named(questions))
        return None if known is None else answers(self._kept, questions, known)

    # Say and set ------------------------------------------------------------------------------

    def settings(self, account: str, language: str = "en") -> Protected:
        """Return what holds for an account, to be shown to who holds it."""
        return self._ask(calls.settings(account, language), Protected)

    def set_setting(
        self, account: str, feature: str, value: str, by: By, *, explained: bool = False,
        carer: str | None = None,
    ) -> Change:  # fmt: skip
        """Set one protection. `explained`: the person read `before_opening`, and wanted it."""
        sent = calls.set_setting(account, feature, value, by, carer, explained=explained)
        return self._ask(sent, Change)

    def note_age(
        self, account: str, source: Source, band: AgeBand, *, day: date | None = None,
        expires: date | None = None, carer: str | None = None,
    ) -> Age:  # fmt: skip
        """Say what a source says of an account's age; returns what it is taken to be now."""
        return self._ask(calls.note_age(account, source, band, day, expires, carer), Age)

    def appeal_age(
        self, account: str, band: AgeBand, text: str, language: str = "en"
    ) -> AgeAppealed:
        """Say, in the person's own words, that the age is wrong; a reviewer looks at it."""
        return self._ask(calls.appeal_age(account, band, text, language), AgeAppealed)

    def add_carer(self, account: str, carer: str) -> None:
        """Say that `carer` cares for an account."""
        self._send(calls.carer(account, carer, cares=True))

    def remove_carer(self, account: str, carer: str) -> None:
        """Say that `carer` no longer does."""
        self._send(calls.carer(account, carer, cares=False))

    # Tell -------------------------------------------------------------------------------------

    def send_event(self, event: Mapping[str, Any], *, wait: bool = False) -> Verdict:
        """Tell what happened (docs/integrate.md); with `wait` the answer is the verdict.

        Without an answer keep the event, and send it again: the same id counts once.
        """
        body = self._send(calls.event(event, wait=wait))
        found = read(body, dict[str, Any])
        return read(body, Verdict) if "event" in found else Verdict(str(event.get("id", "")))

    def report(
        self, subject: Subject, category: str, text: str, *, id: str | None = None,
        reporter: str | None = None, contact: str | None = None,
    ) -> Receipt:  # fmt: skip
        """Pass on what a person reported; with an `id` of your own, once."""
        more = {"id": id, "reporter": reporter, "contact": contact}
        return self._ask(calls.report(subject, category, text, more), Receipt)

    def support(
        self, *, country: str | None = None, topic: str | None = None,
        age_band: AgeBand | None = None, language: str | None = None, query: str | None = None,
    ) -> Help:  # fmt: skip
        """Return who helps there, with that, at that age, in that language; never nobody.

        `query` is what somebody searches for (at most 300 characters): when it is no cry for help,
        nobody is returned.
        """
        asked = {"country": country, "topic": topic, "age_band": age_band, "language": language,
                 "query": query}  # fmt: skip
        return self._ask(calls.support(asked), Help)

    def _ask(self, request: Request, kind: type[T]) -> T:
        return read(self._send(request), kind)

    def _send(self, request: Request) -> bytes:
        try:
            return self._wire.send(request)
        finally:
            # Whether it arrived or not: the next check reads it anew.
            if request.after:
                self._kept.book.forget([request.after])


def named(questions: Sequence[Question]) -> list[str]:
    """Return the accounts that questions name, each once."""
    both = [party.id for one in questions for party in (one.sender, one.recipient) if party]
    return list(dict.fromkeys(both))


def answers(kept: Kept, questions: Sequence[Question], known: dict[str, Profile]) -> list[Answer]:
    """Answer from these profiles, with what protects where there is none."""
    now = datetime.now(UTC)
    try:
        for place, one in enumerate(questions):
            check_time(one.at, now, place)
        return [guarded.answer(kept.check, one, known, now) for one in questions]
    except Problem as problem:
        raise as_refused(problem) from problem
