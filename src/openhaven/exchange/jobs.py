"""Periodic work: read what is due, send words back, let entries expire, reopen, forget."""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from openhaven.connectors import Http
from openhaven.core import Problem, system
from openhaven.exchange import actions, store
from openhaven.exchange.model import Page, Source, SourceError, StartAgainError, Stored, Told
from openhaven.exchange.plugins import open_exchange
from openhaven.exchange.recall import reopen
from openhaven.signals.banks import expire
from openhaven.signals.banks.matches import forget
from openhaven.storage import Database

log = structlog.get_logger("exchange")
ME = system("exchange")
# After so many seconds of one source the next one has its turn; it goes on where it was.
_TURN_S = 60.0

Seen = Callable[[Stored, Page], None]


def fetch_due(db: Database, http: Http) -> int:
    """Read the next source that is due, page by page; return how many pages there were."""
    with db.begin(ME) as tx:
        claimed = actions.claim(tx)
    if claimed is None:
        return 0
    return _read(db, http, *claimed)


def fetch_now(
    db: Database, http: Http, name: str, *, all_may_go: bool = False, seen: Seen | None = None
) -> int:
    """Read one source now and to its end; return how many pages there were.

    `seen` is called after each page. Raises `Problem` when it cannot be read, or when somebody
    else is reading it.
    """
    with db.begin(ME) as tx:
        store.source(tx, name)
        claimed = actions.claim(tx, name)
    if claimed is None:
        raise Problem("source.busy", "Somebody is reading this source just now.", status=409,
                      next_step="Look in a moment at: openhaven bank sources")  # fmt: skip
    return _read(db, http, *claimed, all_may_go=all_may_go, seen=seen, patient=True)


def _read(
    db: Database,
    http: Http,
    source: Source,
    credentials: dict[str, str],
    *,
    all_may_go: bool = False,
    seen: Seen | None = None,
    patient: bool = False,
) -> int:
    """Read on until there is no more, or the turn is over; a failure is noted with the source."""
    end, pages = time.monotonic() + _TURN_S, 0
    try:
        exchange = open_exchange(source, credentials, http)
        while True:
            with db.read() as tx:
                now = tx.now
            page = exchange.fetch(source.checkpoint, now)
            with db.begin(ME) as tx:
                stored = actions.store_page(tx, source, page, all_may_go=all_may_go)
                source = store.source(tx, source.id)
            pages += 1
            if seen is not None:
                seen(stored, page)
            if not page.more:
                return pages
            if not patient and time.monotonic() > end:
                with db.begin(ME) as tx:
                    actions.let_go(tx, source)
                return pages
    except Exception as error:  # Whatever a source does, the others and the line go on.
        _failed(db, source, error)
        if patient:
            raise _told(source, error) from error
        return pages


def _failed(db: Database, source: Source, error: Exception) -> None:
    if isinstance(error, Problem) and error.code in ("database.away", "source.meanwhile"):
        return
    why = _why(error)
    log.warning("exchange.failed", source=source.id, error=type(error).__name__)
    with db.begin(ME) as tx:
        actions.note_failure(tx, source, why, again=isinstance(error, StartAgainError))


def _why(error: Exception) -> str:
    if isinstance(error, SourceError):
        return str(error)
    if isinstance(error, Problem):
        return " ".join(filter(None, (error.title, error.detail, error.next_step)))
    return f"It could not be read ({type(error).__name__})."


def _told(source: Source, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    again = isinstance(error, StartAgainError)
    step = "Fetch it once more." if again else "What it gave before stays. It is tried again."
    return Problem("source.failed", f"The source “{source.name}” could not be read.", _why(error),
                   status=502, next_step=step)  # fmt: skip


def send_due(db: Database, http: Http) -> int:
    """Send the next word that waits back to its source; return 1 when there was one."""
    with db.begin(ME) as tx:
        claimed = actions.claim_word(tx)
    if claimed is None:
        return 0
    word, source, credentials = claimed
    try:
        told = open_exchange(source, credentials, http).send(word.saying)
    except Exception as error:  # The word stays in the outbox, and is tried again.
        told = Told("retry", _why(error))
    if told.error:
        log.warning("exchange.word_not_sent", word=word.id, state=told.state)
    with db.begin(ME) as tx:
        actions.finish_word(tx, word, told)
    return 1


def look_after(db: Database) -> int:
    """Reopen decisions that rest on entries withdrawn of late; return how many."""
    with db.begin(ME) as tx:
        return reopen(tx)


def keep_banks(db: Database, days: int) -> int:
    """Withdraw entries whose time has come, and forget matches older than `days` that led nowhere.

    Returns how many entries expired, so that a large number goes on at once.
    """
    with db.begin(ME) as tx:
        expired = expire(tx)
    with db.begin(ME) as tx:
        forget(tx, tx.now - timedelta(days=days))
    return expired
