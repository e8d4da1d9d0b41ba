"""The process that works on back-tests: `python -m openhaven.policy.backtest.child RUNNER`.

It takes one back-test after another until none waits, then ends. When its parent goes away it gives
back what it works on; should that hang, it ends all the same.
"""

import os
import sys
import threading
import time
from pathlib import Path

from openhaven.core import system
from openhaven.policy.backtest import actions
from openhaven.policy.backtest.jobs import run
from openhaven.storage import Database, Secrets
from openhaven.storage.logs import configure_logs

_PARTING_S = 5.0


def _watch_parent(stopping: threading.Event) -> None:
    """Wait until nobody holds the other end of our standard input."""
    while os.read(0, 512):
        pass
    stopping.set()
    time.sleep(_PARTING_S)
    os._exit(3)


def main(runner: str) -> None:
    """Work until nothing waits or the parent ends."""
    os.nice(19)
    configure_logs()
    stopping = threading.Event()
    threading.Thread(target=_watch_parent, args=(stopping,), daemon=True).start()
    secrets = Secrets.at(Path(os.environ["OPENHAVEN_HOME"]) / "secrets.json")
    key = bytes.fromhex(secrets.master)
    db = Database(os.environ["OPENHAVEN_DATABASE_URL"], key, size=1)
    try:
        while not stopping.is_set():
            with db.begin(system("backtest")) as tx:
                number = actions.claim(tx, runner)
            if number is None:
                break
            run(db, number, runner, stopping=stopping.is_set)
    finally:
        db.close()


if __name__ == "__main__":
    main(sys.argv[1])
