"""`GET /healthz` and `GET /readyz`: does the process live, and can it do its work."""

from openhaven.core import Problem
from openhaven.storage import Tx
from openhaven.storage.migrate import migrations
from openhaven.web.call import Answer, Call, as_json


def alive(call: Call) -> Answer:
    """`GET /healthz`: the process lives and answers; says nothing about anything else."""
    del call
    return as_json({"status": "alive"})


def ready(call: Call) -> Answer:
    """`GET /readyz`: the database answers, is at this version, and rules are loaded.

    Raises `Problem` (503) with the reason otherwise.
    """
    with call.haven.db.read() as tx:
        _check_migrations(tx)
    if not call.haven.packs.current.fingerprint:
        raise _not_ready("No pack of rules is loaded.")
    return as_json({"status": "ready", "pack": call.haven.packs.current.fingerprint})


def _check_migrations(tx: Tx) -> None:
    done = tx.value("SELECT to_regclass('migrations')")
    applied = tx.value("SELECT max(number) FROM migrations") if done else None
    wanted = max(migration.number for migration in migrations())
    if applied != wanted:
        raise _not_ready(f"The database is at version {applied or 0}, this program needs {wanted}.")


def _not_ready(detail: str) -> Problem:
    return Problem("server.not_ready", "The service cannot work yet.", detail, status=503,
                   next_step="Wait for the start to finish, or see the log.")  # fmt: skip
