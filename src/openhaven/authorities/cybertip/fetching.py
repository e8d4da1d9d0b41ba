"""What is fetched before anything is checked: the server's schema, and what a case has sealed."""

import structlog

from openhaven import evidence
from openhaven.authorities.cybertip import actions, schema
from openhaven.authorities.cybertip.wire import NoAnswerError, Server
from openhaven.core import Problem, system
from openhaven.evidence import Item
from openhaven.storage import Database, Tx

log = structlog.get_logger("filings")
ME = system("filings")


def fetch_schema(db: Database, server: Server) -> bytes:
    """Ask the server for its schema and keep it; return it.

    Raises `Problem` (502) when none comes, or one that nothing can be held against.
    """
    try:
        xsd = server.xsd()
        schema.load(xsd)
        # It is kept as text, so that somebody can look at what is new.
        xsd.decode()
    except (NoAnswerError, schema.SchemaError, UnicodeDecodeError) as error:
        raise Problem("authorities.schema", "The authority gave no schema that can be used.",
                      str(error), status=502, next_step="Try again later: openhaven authorities "
                      "schema") from error  # fmt: skip
    with db.begin(ME) as tx:
        if actions.keep_schema(tx, xsd, schema.digest(xsd)):
            log.warning("authority.schema_changed")
    return xsd


def material(tx: Tx, case: str) -> tuple[dict[str, Item], dict[str, evidence.Viewing]]:
    """Return the sealed items of a case by id, and who was shown them."""
    items = {item.id: item for item in evidence.items(tx, case)}
    return items, evidence.viewing_facts(tx, list(items))
