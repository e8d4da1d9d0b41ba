"""A database that cannot be reached is said in a sentence, without its password."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from openhaven.storage import Database

OPENHAVEN = Path(sys.executable).with_name("openhaven")


@pytest.mark.parametrize("url", ["postgresql://x:hidden@127.0.0.1:1/x", "postgres x:hidden"])
@pytest.mark.parametrize(
    "verb", [("upgrade",), ("backup", "a.tar"), ("keys", "create", "web"), ("ledger", "verify")]
)
def test_an_unreachable_database_is_a_sentence(
    tmp_path: Path, url: str, verb: tuple[str, ...]
) -> None:
    env = {"OPENHAVEN_HOME": str(tmp_path / "home"), "OPENHAVEN_DATABASE_URL": url}
    done = subprocess.run([OPENHAVEN, *verb], env=env, cwd=tmp_path, capture_output=True,
                          text=True, timeout=300, check=False)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("openhaven: The database cannot be reached.")
    assert "hidden" not in done.stderr
    assert "Traceback" not in done.stderr


def test_connections_that_died_with_their_server_are_nobody_s_error(db: Database) -> None:
    """Eight connections lie in the pool, all die, and none of the next eight askers notices."""
    meet = threading.Barrier(8)

    def ask(_: int) -> int:
        with db.read() as tx:
            meet.wait(300)
            return int(tx.value("SELECT pg_backend_pid()"))

    with ThreadPoolExecutor(8) as people:
        before = set(people.map(ask, range(8)))
        with psycopg.connect(db.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                          "WHERE pid = ANY(%s)", [list(before)])  # fmt: skip
        after = set(people.map(ask, range(8)))
    assert len(before) == len(after) == 8
    assert not before & after
