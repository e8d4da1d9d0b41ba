"""Periodic work: settle duties, send what is due, compare the schema."""

from datetime import timedelta

import structlog

from openhaven.authorities import actions, duties
from openhaven.authorities.cybertip import Server, fetch_schema, send_due
from openhaven.authorities.cybertip import store as cybertip
from openhaven.connectors import Http
from openhaven.core import Problem, system
from openhaven.evidence import Vault
from openhaven.storage import Database
from openhaven.storage.settings import Authorities

log = structlog.get_logger("authorities")
ME = system("authorities")
# The schema is compared each night; what fails is tried again within the hour.
_EVERY = timedelta(hours=24)


def send(db: Database, http: Http, vault: Vault, where: Authorities) -> int:
    """Carry on the reports that are due; return how many were taken up."""
    return send_due(db, http, vault, where.cybertip_url)


def settle(db: Database) -> int:
    """End duties that a second person let end, and forget what nothing keeps; return how many."""
    with db.begin(ME) as tx:
        return duties.settle(tx) + actions.forget(tx)


def compare_schema(db: Database, http: Http, where: Authorities) -> int:
    """Ask the authority for its schema once a day, and keep one that is new. Returns 0."""
    with db.read() as tx:
        account, seen = cybertip.account(tx), cybertip.schema_seen(tx)
        if account is None or (seen is not None and tx.now - seen < _EVERY):
            return 0
    try:
        fetch_schema(db, Server(http, where.cybertip_url, account))
    except Problem as problem:
        log.warning("authority.schema_not_read", code=problem.code)
    return 0
