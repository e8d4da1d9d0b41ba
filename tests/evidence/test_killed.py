"""Killed anywhere while it receives, keeps, reads and exports: nothing lost, nothing in plain."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from evidence_scene import ME

from openhaven import evidence
from openhaven.core import utcnow
from openhaven.storage import Database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800)]
SEED = int(os.environ.get("CRASH_SEED", "20261122"))
RUNS = 10
MARK = "PLACEHOLDER-that-nobody-may-find-c41e"

# Does everything once, and ends itself at the tick that it is told; with 0 it prints how many
# there are. A tick is a piece that is sealed or opened, a file that is made, a transaction.
CHILD = """
import os, signal, sys, tempfile
from contextlib import contextmanager
from pathlib import Path
from openhaven import evidence, ledger
from openhaven.core import new_id, system
from openhaven.core import Actor
from openhaven.evidence import packet, sealing
from openhaven.evidence.sealing import officer_key
from openhaven.storage import Database

url, home, target, mark, who, last = sys.argv[1:7]
left = int(last)
ticks = 0

def tick():
    global ticks
    ticks += 1
    if ticks == left:
        os.kill(os.getpid(), signal.SIGKILL)

def ticking(function):
    def wrapped(*args, **more):
        tick()
        return function(*args, **more)
    return wrapped

sealing.nonce = ticking(sealing.nonce)
os.link, os.fsync = ticking(os.link), ticking(os.fsync)
class Mortal(Database):
    @contextmanager
    def begin(self, actor, now=None):
        with super().begin(actor, now) as tx:
            yield tx
            tick()
        tick()

db = Mortal(url, bytes(range(32)), size=2)
vault = evidence.vault(Path(home), bytes(range(32)), db)
source = Path(home) / "given" / "source"
with db.begin(system("test")) as tx:
    case = new_id("cas")
    tx.run("INSERT INTO cases (id, platform, item, harm, opened_at) "
           "VALUES (%(c)s, 'plf_1', %(c)s, 'other', %(now)s)", c=case, now=tx.now)
    item = evidence.receive(vault, tx, case, kind="media", source="https://x/" + mark,
                            method="upload", data=source, media_type="x/y", name=mark)
    evidence.receive(vault, tx, case, kind="event", source="", method="event",
                     data=mark.encode() * 3, media_type="text/plain", name="text")
    evidence.hold(tx, case, "operator", reference="letter of " + mark)
evidence.tend(vault)
with db.begin(system("test")) as tx:
    parts = evidence.read(vault, tx, item, "check")
for part in parts:
    pass
signer = ledger.signer_from(bytes(range(32)))
sequencer = ledger.Sequencer(db, signer, Path(home))
sequencer.start()
public = officer_key(b"police").public_key().public_bytes_raw()
packet.export(vault, Actor("staff", who), case, Path(target), to="Police", reference="1",
              sequence=sequencer.tick, signer=signer, seal_for=[public])
print(ticks)
"""


@pytest.fixture
def house(database_url: str) -> Iterator[Database]:
    door = Database(database_url, bytes(range(32)))
    yield door
    door.close()


def test_no_kill_loses_anything_or_leaves_it_in_plain(
    house: Database, database_url: str, tmp_path: Path
) -> None:
    home, rest = tmp_path / "home", tmp_path / "rest"
    (home / "given").mkdir(parents=True)
    rest.mkdir()
    source = home / "given" / "source"
    source.write_bytes((MARK.encode() + b"." * 1_000) * 300)
    who = _somebody(house)

    def run(number: int, last: int) -> subprocess.CompletedProcess[bytes]:
        words = (database_url, str(home), str(rest / f"{number}.packet"), MARK, who, str(last))
        return subprocess.run([sys.executable, "-c", CHILD, *words], capture_output=True,
                              env=os.environ | {"TMPDIR": str(rest)}, cwd=rest)  # fmt: skip

    whole = run(0, 0)
    assert whole.returncode == 0, whole.stderr.decode()
    # The first one alone compares the store with the items: what follows has a few ticks less.
    ticks = int(whole.stdout.splitlines()[-1]) - 6
    chance = random.Random(SEED)
    said = [whole]
    # One in each part of the way, so that no part is left out by chance.
    for number in range(RUNS):
        low, high = 1 + number * ticks // RUNS, (number + 1) * ticks // RUNS
        said.append(run(number + 1, chance.randint(low, max(low, high))))
        assert said[-1].returncode == -9, said[-1].stderr.decode()
    _nothing_is_lost(house, home, source)
    source.unlink()
    assert not any(MARK.encode() in done.stdout + done.stderr for done in said)
    folders = [home, rest, *_of_database(database_url)]
    # What is there in plain, and may be, is found: so the search looks where things are.
    assert _holding(who.encode(), folders)
    marks = (MARK.encode(), MARK.encode().hex().encode(), MARK.encode()[::-1])
    assert [path for mark in marks for path in _holding(mark, folders)] == []


def _somebody(house: Database) -> str:
    from openhaven import staff

    with house.begin(ME) as tx:
        return staff.create(tx, "Sam", ("specialist",)).id


def _nothing_is_lost(house: Database, home: Path, source: Path) -> None:
    vault = evidence.vault(home, bytes(range(32)), house)
    found = evidence.check(vault, utcnow())
    assert found.lost == ()
    assert found.items >= 4
    with house.begin(ME) as tx:
        sql = "SELECT id FROM evidence_items WHERE kind = 'media'"
        streams = [evidence.read(vault, tx, str(row["id"]), "check") for row in tx.rows(sql)]
    for stream in streams:
        assert b"".join(stream) == source.read_bytes()


def _of_database(url: str) -> list[Path]:
    """Return where the database lies on the disk: its pages, with what was deleted, and its log."""
    with psycopg.connect(url, autocommit=True) as connection:
        told = connection.execute(
            "SELECT oid, pg_backend_pid() FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        assert told is not None
        data = Path(f"/proc/{told[1]}/cwd").resolve()
    return [data / "base" / str(told[0]), data / "pg_wal"]


def _holding(mark: bytes, folders: list[Path]) -> list[Path]:
    """Return the files in which a mark stands."""
    found = []
    for path in (one for folder in folders for one in folder.rglob("*")):
        # A log file of the database can be renamed while this looks.
        with suppress(FileNotFoundError, IsADirectoryError):
            if mark in path.read_bytes():
                found.append(path)
    return found
