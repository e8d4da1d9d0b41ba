"""SIGKILL between any two steps of the sequencer: nothing is lost, nothing is placed twice."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from ledger_scene import SIGNER, VKEY, fill, report, run_all

from openhaven.ledger import compare_outside, head, keep_outside, open_checkpoint, read_outside
from openhaven.storage import Database

# The child kills itself at its n-th step: before a statement, while signing, after the commit and
# before or after the copy is kept outside.
CHILD = """
import os, signal, sys
from pathlib import Path
from openhaven.core import system
from openhaven.ledger import head, keep_outside, sequence, signer_from
from openhaven.ledger.note import Signer
from openhaven.storage import Database, Tx

url, path, left = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])

def step():
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

class DyingTx(Tx):
    def run(self, sql, **params):
        step()
        return super().run(sql, **params)

class DyingSigner(Signer):
    def sign(self, text):
        step()
        return super().sign(text)

real = signer_from(bytes(range(32)))
signer = DyingSigner(real.name, bytes(range(32)))
db = Database(url, bytes(32), size=1)
while True:
    with db.begin(system("sequencer")) as tx:
        tx.__class__ = DyingTx
        placed = sequence(tx, signer, 7)
        step()
    step()
    with db.read() as tx:
        newest = head(tx)
    keep_outside(path, newest.note, signer.vkey)
    step()
    if not placed:
        break
"""


def test_a_sequencer_killed_at_any_step(db: Database, tmp_path: Path) -> None:
    rng = random.Random(20261121)
    path, total, killed = tmp_path / "checkpoint", 0, 0
    for _ in range(8):
        count = rng.randrange(1, 20)
        fill(db, count)
        total += count
        child = subprocess.run(
            [sys.executable, "-c", CHILD, db.url, str(path), str(rng.randrange(16))],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, timeout=300, check=False,
        )  # fmt: skip
        assert child.returncode in (0, -signal.SIGKILL)
        killed += child.returncode != 0
        sound(db, path)
    assert killed > 2
    run_all(db)
    assert report(db).size == total
    with db.read() as tx:
        newest = head(tx)
    assert newest is not None
    keep_outside(path, newest.note, SIGNER.vkey)
    sound(db, path)


def sound(db: Database, path: Path) -> None:
    """The log verifies, and the copy outside is not ahead of it."""
    outside = read_outside(path)
    found = report(db, outside)
    assert found.ok, str(found)
    with db.read() as tx:
        assert compare_outside(tx, outside, VKEY) in ("missing", "behind", "same")
    if outside is not None:
        assert open_checkpoint(outside, VKEY).size <= found.size
