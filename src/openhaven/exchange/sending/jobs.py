"""Periodic work: let sendings begin, send entries one after the other, take back what must go."""

from datetime import datetime

import structlog

from openhaven.connectors import Http
from openhaven.core import Problem, system
from openhaven.exchange.model import Source, SourceError, Told
from openhaven.exchange.plugins import open_exchange
from openhaven.exchange.sending import actions
from openhaven.exchange.sending.model import Given, Sent, Taker
from openhaven.storage import Database

log = structlog.get_logger("exchange")
ME = system("exchange")
_MOST = 100


def send_entries(db: Database, http: Http) -> int:
    """Send what waits, 100 entries at most; return how many were taken up."""
    with db.begin(ME) as tx:
        actions.settle(tx)
        actions.recall_withdrawn(tx)
    done = 0
    while done < _MOST and _next(db, http):
        done += 1
    return done


def _next(db: Database, http: Http) -> bool:
    with db.begin(ME) as tx:
        claimed = actions.claim(tx)
        if claimed is None:
            return False
        one, source, credentials = claimed
        if one.state == "intended" and not one.living:
            actions.drop(tx, one)
            return True
        now = tx.now
    try:
        exchange = open_exchange(source, credentials, http)
        given = _given(exchange, source, one, now)
    except (SourceError, Problem) as error:
        given = Given(Told("retry", str(error)))
    except Exception as error:  # Whatever a plugin does, the entry stays in the outbox.
        log.exception("exchange.sending_failed", entry=one.entry)
        given = Given(Told("retry", f"It could not be sent ({type(error).__name__})."))
    with db.begin(ME) as tx:
        actions.finish(tx, one, given)
    return True


def _given(exchange: object, source: Source, one: Sent, now: datetime) -> Given:
    if not isinstance(exchange, Taker):
        return Given(Told("failed", f"Sources of the kind {source.kind} take no entries."))
    if one.state == "retracting":
        return Given(exchange.retract(one.offer, now))
    return exchange.submit(one.offer, now)
