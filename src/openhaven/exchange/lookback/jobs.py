"""Periodic work: begin the runs that are due, and go on with one of them for a few seconds."""

import time

import structlog

from openhaven.core import Problem, system
from openhaven.exchange.lookback import actions, store
from openhaven.exchange.lookback.model import MOST_TASKS, PAGE, SHARE, LookBack, share_of
from openhaven.exchange.lookback.reading import reader
from openhaven.signals import Banks
from openhaven.signals.banks.store import infos
from openhaven.storage import Database

log = structlog.get_logger("look_back")
ME = system("look-back")
# A turn ends after so many seconds, so that a worker that shall stop need not wait for long.
_TURN_S = 5.0


def look_back_due(db: Database, banks: Banks, page: int = PAGE) -> int:
    """Begin what is due and go on with one run; return 1 while there is more to do.

    A run that fails is noted and tried again from the page where it was.
    """
    with db.begin(ME) as tx:
        for due in store.due(tx):
            actions.begin_due(tx, due)
    with db.begin(ME) as tx:
        run = actions.claim(tx)
    if run is None:
        return 0
    try:
        _turn(db, banks, run, page)
    except Exception as error:  # Whatever one run does, the others and the line go on.
        if isinstance(error, Problem) and error.code in ("database.away", "look_back.meanwhile"):
            return 0
        log.exception("look_back.failed", look_back=run.id)
        with db.begin(ME) as tx:
            actions.stumble(tx, run, f"It could not go on ({type(error).__name__}).")
    return 1


def _turn(db: Database, banks: Banks, run: LookBack, size: int) -> None:
    """Stream media past a share of the entries until the turn, the share or the run is over."""
    began = time.monotonic()
    with db.read() as tx:
        banks.refresh(tx)
        info = next(one for one in infos(tx) if one.id == run.bank)
        share = share_of(info.kind, SHARE)
        entries = store.entries(tx, run.id, run.after_entry, share)
    if not entries or info.mode == "off":
        with db.begin(ME) as tx:
            actions.end(tx, run)
        return
    through = reader(info, entries, banks)
    while time.monotonic() - began < _TURN_S:
        with db.read() as tx:
            page = through.read(tx, run.since, run.after_media, size)
        with db.begin(ME) as tx:
            if page is None:
                if len(entries) == share:
                    actions.next_share(tx, run, entries[-1][0])
                    actions.let_go(tx, run)
                else:
                    actions.end(tx, run)
                return
            run = actions.keep_page(tx, run, page, banks)
            if run.tasks >= MOST_TASKS:
                actions.end(tx, run, "halted", actions.TOO_MANY)
                return
    with db.begin(ME) as tx:
        actions.let_go(tx, run)
