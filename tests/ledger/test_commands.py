"""`openhaven ledger …` as a person calls it."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from ledger_scene import SIGNER, VKEY, fill, run, sql

from openhaven.core import Problem
from openhaven.ledger import (
    FILE_NAME,
    Sequencer,
    check_receipt,
    head,
    keep_outside,
    signer_from,
)
from openhaven.ledger.commands import ledger
from openhaven.storage import Database, Secrets


@pytest.fixture
def haven(db: Database, tmp_path: Path) -> SimpleNamespace:
    """What the command line wires: a database, secrets and settings."""
    return SimpleNamespace(
        db=db,
        secrets=SimpleNamespace(ledger_seed=bytes(range(32)).hex()),
        settings=SimpleNamespace(home=tmp_path),
    )


def call(haven: SimpleNamespace, *argv: str) -> Result:
    return CliRunner().invoke(ledger, argv, obj=haven)


def test_an_unaltered_log(haven: SimpleNamespace) -> None:
    fill(haven.db, 5)
    run(haven.db)
    result = call(haven, "verify")
    assert result.exit_code == 0
    assert "The ledger holds: 5 entries" in result.output
    assert "no copy outside yet" in result.output


def test_an_altered_log(haven: SimpleNamespace) -> None:
    made = fill(haven.db, 5)[2]
    run(haven.db)
    sql(haven.db, "UPDATE ledger_entries SET actor = 'staff:stf_9' WHERE idx IN (2, 4)")
    result = call(haven, "verify")
    assert result.exit_code == 1
    assert f"The ledger was altered. First: entry 2 (batch.walked, {made})" in result.output
    assert "also: entry 4" in result.output


def test_the_copy_outside_is_found_beside_the_state(haven: SimpleNamespace) -> None:
    fill(haven.db, 5)
    run(haven.db)
    with haven.db.read() as tx:
        newest = head(tx)
    assert newest is not None
    keep_outside(haven.settings.home / FILE_NAME, newest.note, VKEY)
    assert "and the copy outside" in call(haven, "verify").output
    sql(haven.db, "DELETE FROM ledger_checkpoints WHERE size = 5")
    sql(haven.db, "DELETE FROM ledger_entries")
    sql(haven.db, "DELETE FROM ledger_tiles")
    result = call(haven, "verify")
    assert result.exit_code == 1
    assert "rolled back" in result.output


def test_the_key_alone_is_printed(haven: SimpleNamespace) -> None:
    assert call(haven, "key").output == f"{SIGNER.vkey}\n"


def test_the_proof_is_a_file_that_can_be_checked(haven: SimpleNamespace) -> None:
    made = fill(haven.db, 5)[2]
    run(haven.db)
    assert check_receipt(call(haven, "proof", made).output, VKEY).index == 2
    missing = call(haven, "proof", "led_nothing")
    assert isinstance(missing.exception, Problem)


def test_the_real_command_works_on_a_ledger_on_which_nothing_else_starts(
    db: Database, tmp_path: Path
) -> None:
    environ = os.environ | {
        "OPENHAVEN_DATABASE_URL": db.url,
        "OPENHAVEN_HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }

    def openhaven(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "openhaven", *argv],
            env=environ, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    vkey = openhaven("ledger", "key").stdout.strip()
    seed = bytes.fromhex(Secrets.at(tmp_path / "secrets.json").ledger_seed)
    assert vkey == signer_from(seed).vkey
    made = fill(db, 5)[1]
    Sequencer(db, signer_from(seed), tmp_path).tick()
    assert openhaven("ledger", "verify").returncode == 0
    sql(db, "UPDATE ledger_tiles SET hashes = set_bit(hashes, 256, 1 - get_bit(hashes, 256))")
    with pytest.raises(Problem, match="rewritten"):
        Sequencer(db, signer_from(seed), tmp_path).start()
    result = openhaven("ledger", "verify")
    assert (result.returncode, result.stderr) == (1, "")
    assert f"First: entry 1 (batch.walked, {made}): its hash in the tree was" in result.stdout
