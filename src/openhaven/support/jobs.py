"""Periodic work: reading another directory once a day, or once an hour while it is silent."""

from datetime import timedelta

from openhaven.core import Actor, Problem, system
from openhaven.storage import Database, settings
from openhaven.support import store
from openhaven.support.actions import Imported, note_asked, take_in
from openhaven.support.adapters import Get, Source, fetch

_ME = system("directory")
_EVERY = timedelta(days=1)
_AGAIN = timedelta(hours=1)


def read_directory(db: Database, actor: Actor, kind: str, source: Source) -> Imported:
    """Read another directory and store it whole; note how that went.

    Raises `Problem` when there was no answer or a bad one; then nothing of it is stored. No
    transaction is open while it is asked.
    """
    with db.read() as tx:
        today = tx.now.date()
    try:
        services = fetch(kind, source, today)
        with db.begin(actor) as tx:
            done = take_in(tx, services, f"directory:{kind}")
            note_asked(tx, source.url)
        return done
    except Problem as problem:
        with db.begin(actor) as tx:
            note_asked(tx, source.url, f"{problem.title} {problem.detail}".strip()[:500])
        raise


def read_when_due(db: Database, wanted: settings.Helplines, get: Get) -> int:
    """Read the directory of the settings when it is time to; return how many services are new."""
    if not wanted.directory_url:
        return 0
    with db.read() as tx:
        last = store.asked(tx, wanted.directory_url)
        wait = _AGAIN if last and last.error else _EVERY
        if last and tx.now - last.tried_at < wait:
            return 0
    source = Source(wanted.directory_url, wanted.directory_key, get)
    return read_directory(db, _ME, wanted.directory, source).new
