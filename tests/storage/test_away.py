"""A database that cannot be reached is said in a sentence, without its password."""

import subprocess
import sys
from pathlib import Path

import pytest

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
                          text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("openhaven: The database cannot be reached.")
    assert "hidden" not in done.stderr
    assert "Traceback" not in done.stderr
