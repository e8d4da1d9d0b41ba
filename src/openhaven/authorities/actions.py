"""Verbs of authorities: open the duties that a case brings."""

from openhaven.authorities import duties
from openhaven.authorities.router import Facts, route
from openhaven.storage import Tx
from openhaven.storage.settings import Authorities


def due(tx: Tx, case: str, facts: Facts, where: Authorities) -> dict[str, str]:
    """Open every duty that a case brings; return the ids by jurisdiction. Doing it again is safe.

    `where` says where the service is established, and where it has registered besides.
    """
    told = route(facts, where.established, where.told)
    made = {
        one.jurisdiction: duties.open(
            tx, case, one.jurisdiction, one.due_at, one.why, authority=one.authority
        )
        for one in told
    }
    for one in told:
        if one.covered_by:
            duties.cover(tx, made[one.jurisdiction], made[one.covered_by])
    return made
