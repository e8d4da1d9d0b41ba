"""A process that reads a source until it is done, or killed: `fetch_child.py DATABASE_URL NAME`."""

import sys

from openhaven.connectors import Http
from openhaven.exchange import jobs
from openhaven.storage import Database

if __name__ == "__main__":
    db = Database(sys.argv[1], bytes(range(32)))
    jobs.fetch_now(db, Http(), sys.argv[2])
    db.close()
