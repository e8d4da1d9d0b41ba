"""The start page, the help page and the public side of the ledger."""

from openhaven.ledger import api as log
from openhaven.web.call import Answer, Call, as_text, page


def start(call: Call) -> Answer:
    """`GET /`: where somebody may go from here."""
    return page(call, "web/landing.html")


def console_help(call: Call) -> Answer:
    """`GET /console/help`: how to work in the console."""
    return page(call, "web/help.html")


def ledger_key(call: Call) -> Answer:
    """`GET /ledger/key`: the log's public key, as one line."""
    return as_text(call.haven.signer.vkey + "\n")


def checkpoint(call: Call) -> Answer:
    """`GET /ledger/checkpoint`: the newest signed head of the log (C2SP tlog-tiles)."""
    with call.haven.db.read() as tx:
        return _served(log.checkpoint(tx))


def tile(call: Call) -> Answer:
    """`GET /ledger/tile/{level}/{path}`: hashes of the tree, or entries."""
    level, path = call.path["level"], call.path["path"]
    with call.haven.db.read() as tx:
        return _served(log.entries(tx, path) if level == "entries" else log.tile(tx, level, path))


def _served(served: log.Served) -> Answer:
    return Answer(200, served.body, served.content_type, served.headers)
