"""The sender: takes a filing that is due and carries it on, step by step, until it is finished.

Before each step its intent is stored, after it the receipt; between them the process may die. What
is found then is read back by `machine.next_step`, so that there is one report and not two.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import structlog

from openhaven import evidence
from openhaven.authorities.cybertip import actions, store, wire
from openhaven.authorities.cybertip.actions import Job, LeaseLostError
from openhaven.authorities.cybertip.answers import follow, not_accepted
from openhaven.authorities.cybertip.body import Body, FilePlan, details
from openhaven.authorities.cybertip.check import check
from openhaven.authorities.cybertip.fetching import fetch_schema, material
from openhaven.authorities.cybertip.machine import Attempt, Done, Next, next_step
from openhaven.authorities.cybertip.wire import Answer, NoAnswerError, Server
from openhaven.authorities.cybertip.xml import document
from openhaven.connectors import Http
from openhaven.core import Problem, system
from openhaven.evidence import Item, Vault
from openhaven.storage import Database, Tx

log = structlog.get_logger("filings")
ME = system("filings")
# A clock that is further off would state moments that are not so.
OFF = timedelta(minutes=5)
_RENEW_S = 20.0
_MOST_STEPS = 10_000


class _StopError(Exception):
    """This filing is over for now; what there is to say about it is stored."""


def send_due(db: Database, http: Http, vault: Vault, url: str) -> int:
    """Carry on the filings that are due, one after the other; return how many were taken up."""
    taken = 0
    while taken < 100 and send_next(db, http, vault, url):
        taken += 1
    return taken


def send_next(
    db: Database, http: Http, vault: Vault, url: str, lease: timedelta = actions.LEASE
) -> bool:
    """Carry on the next filing that is due as far as it goes; say whether there was one."""
    with db.begin(ME) as tx:
        job = actions.claim(tx, lease)
    if job is None:
        return False
    try:
        _Sender(db, http, vault, url, job, lease).run()
    except _StopError:
        pass
    except LeaseLostError:
        log.warning("filing.lease_lost", filing=job.id)
    except Problem as problem:
        if problem.code == "database.away":
            raise
        _rest(db, job, f"{problem.title} {problem.detail} {problem.next_step}".strip())
    except Exception as error:  # A defect must not hold up other filings; staff sees this one.
        log.exception("filing.defect", filing=job.id)
        _rest(db, job, f"It could not be sent ({type(error).__name__}).")
    return True


def _rest(db: Database, job: Job, trouble: str) -> None:
    log.warning("filing.rests", filing=job.id, tries=job.tries)
    with db.begin(ME) as tx:
        actions.rest(tx, job, trouble)


@dataclass
class _Sender:
    """One filing on its way."""

    db: Database
    http: Http
    vault: Vault
    url: str
    job: Job
    lease: timedelta

    def run(self) -> None:
        """Take step after step until the report is finished, or has to wait."""
        with self.db.read() as tx:
            body, account = store.body(tx, self.job.id), store.account(tx)
            attempt = store.attempt(tx, self.job.id)
        if body is None:
            self._fail("What it states was destroyed.")
            return
        if account is None:
            self._no_account("No user and password are stored.")
            return
        server = Server(self.http, self.url, account)
        self._greet(server)
        if attempt is None or attempt.state not in ("finishing", "retracting"):
            # Never in between: a report that may be finished already must not be given up.
            self._check(server, body)
        for _ in range(_MOST_STEPS):
            self._step(server, body)

    # Before ------------------------------------------------------------------------------------

    def _greet(self, server: Server) -> None:
        """See that the server answers, knows us, and that both have the same time."""
        try:
            answer = server.status()
        except NoAnswerError as error:
            self._wait(f"The authority does not answer: {error}")
        if answer.code in wire.CREDENTIALS:
            self._no_account(not_accepted(answer.code))
        if answer.code != wire.SUCCESS:
            self._wait(f"The authority is not ready (code {answer.code}).")
        with self.db.begin(ME) as tx:
            actions.note_account(tx, None)
            off = abs(tx.now - answer.at) if answer.at else timedelta()
        if off > OFF:
            self._wait(f"The clock of this machine is off by {round(off.total_seconds() / 60)} "
                       "minutes. Set it right; nothing is sent before.")  # fmt: skip

    def _check(self, server: Server, body: Body) -> None:
        """Hold the filing against everything that it has to fit; a fault needs a person."""
        with self.db.read() as tx:
            known = store.schemas(tx)
        if not known:
            known = [fetch_schema(self.db, server)]
        with self.db.read() as tx:
            items, views = material(tx, self.job.case_id)
            faults = check(body, items, views, known, tx.now, case=self.job.case_id)
        if faults:
            words = "; ".join(f"{one.rule} {one.place}: {one.words}" for one in faults[:5])
            self._fail(f"It is not as it has to be: {words}")

    # A step ------------------------------------------------------------------------------------

    def _step(self, server: Server, body: Body) -> None:
        with self.db.begin(ME) as tx:
            actions.hold_on(tx, self.job, self.lease)
            attempt = store.attempt(tx, self.job.id)
            todo = next_step(attempt, [plan.item for plan in body.files])
            if self._is_over(tx, attempt, todo):
                todo = Next(None)
            else:
                attempt, done, paper, pieces = self._intend(tx, body, attempt, todo)
        if todo.step is None or attempt is None:
            raise _StopError
        try:
            answer = self._send(server, attempt, todo, paper, pieces)
        except NoAnswerError as error:
            self._wait(f"No answer came ({todo.step}): {error}")
        except Problem as problem:
            if todo.item is None or problem.code.split(".")[0] not in ("evidence", "filing"):
                raise
            self._lost_file(todo, problem)
            return
        self._receive(attempt, done, answer, pieces)

    def _is_over(self, tx: Tx, attempt: Attempt | None, todo: Next) -> bool:
        """Say whether nothing more is to be done: a failed filing is only taken back."""
        state = tx.value("SELECT state FROM filings WHERE id = %(f)s", f=self.job.id)
        if todo.step is None:
            return True
        if state == "filed":
            return False
        if attempt is not None and attempt.state in ("retracting", "finishing"):
            return False
        actions.at_rest(tx, self.job)
        return True

    def _intend(
        self, tx: Tx, body: Body, attempt: Attempt | None, todo: Next
    ) -> tuple[Attempt, Done, bytes, "_Pieces | None"]:
        """Store the intent of a step; return what is to be sent with it."""
        assert todo.step is not None
        paper, pieces, seen = b"", None, None
        if todo.step == "submit":
            paper = document(body.report)
        if todo.item is not None:
            item = evidence.item(tx, todo.item)
            pieces = _Pieces(item, self._open(tx, item)) if todo.step == "upload" else None
            if todo.step == "fileinfo" and attempt is not None:
                seen = evidence.viewing_facts(tx, [item])[item.id]
                paper = _details(body, attempt, item, seen)
        here, done = actions.intend(tx, self.job, attempt, todo.step, todo.item, paper, seen)
        return here, done, paper, pieces

    def _open(self, tx: Tx, item: Item) -> Iterator[bytes] | None:
        """Open an item to be sent; None when it is gone, which the step then tells."""
        try:
            return evidence.read(self.vault, tx, item, f"{self.job.id}: upload")
        except Problem as problem:
            if problem.status not in (404, 409, 410):
                raise
            return None

    def _send(
        self, server: Server, attempt: Attempt, todo: Next, paper: bytes, pieces: "_Pieces | None"
    ) -> Answer:
        report = attempt.report or ""
        match todo.step:
            case "submit":
                return server.submit(paper)
            case "upload":
                assert pieces is not None
                item, data = pieces.item, pieces.data
                if data is None:
                    raise Problem("filing.file", "A file is not there any more.", item.id)
                return server.upload(report, item.id, item.bytes, self._alive(data))
            case "fileinfo":
                return server.fileinfo(paper)
            case "finish":
                return server.finish(report)
            case _:
                return server.retract(report)

    def _alive(self, data: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a file's pieces, and lengthen the lease now and then: it may be very long."""
        renewed = time.monotonic()
        for piece in data:
            if time.monotonic() - renewed > min(_RENEW_S, self.lease.total_seconds() / 3):
                with self.db.begin(ME) as tx:
                    actions.hold_on(tx, self.job, self.lease)
                renewed = time.monotonic()
            yield piece

    # After -------------------------------------------------------------------------------------

    def _receive(
        self, attempt: Attempt, step: Done, answer: Answer, pieces: "_Pieces | None"
    ) -> None:
        """Store what the server said and what follows from it, in one transaction."""
        md5 = pieces.item.md5.hex() if pieces else ""
        with self.db.begin(ME) as tx:
            actions.hold_on(tx, self.job, self.lease)
            over = follow(tx, self.job, attempt, step, answer, md5)
        if over:
            raise _StopError

    def _lost_file(self, todo: Next, problem: Problem) -> None:
        """Leave to a person that a file of the filing cannot be read any more."""
        words = (f"A file of it cannot be sent ({todo.item}): {problem.title} Take it out of the "
                 "filing, or restore it from a backup; then file again.")  # fmt: skip
        with self.db.begin(ME) as tx:
            actions.hold_on(tx, self.job, self.lease)
            attempt = store.attempt(tx, self.job.id)
            if attempt is not None:
                actions.end_attempt(tx, self.job, attempt, "retracting")
            actions.fail(tx, self.job, words, go_on=True)

    def _wait(self, trouble: str) -> None:
        _rest(self.db, self.job, trouble)
        raise _StopError

    def _fail(self, trouble: str) -> None:
        with self.db.begin(ME) as tx:
            attempt = store.attempt(tx, self.job.id)
            living = attempt is not None and attempt.state == "open"
            if living and attempt is not None:
                actions.end_attempt(tx, self.job, attempt, "retracting")
            actions.fail(tx, self.job, trouble, go_on=living)
        if not living:
            raise _StopError

    def _no_account(self, trouble: str) -> None:
        with self.db.begin(ME) as tx:
            actions.note_account(tx, trouble)
        self._wait(trouble)


@dataclass(frozen=True)
class _Pieces:
    """A file that is to be sent, and its bytes; None when they are gone."""

    item: Item
    data: Iterator[bytes] | None


def _details(body: Body, attempt: Attempt, item: Item, seen: evidence.Viewing) -> bytes:
    plan: FilePlan = next(one for one in body.files if one.item == item.id)
    upload = attempt.of("upload", item.id)
    assert upload is not None
    assert upload.file
    assert attempt.report
    return document(details(body, plan, item, seen, attempt.report, upload.file))
