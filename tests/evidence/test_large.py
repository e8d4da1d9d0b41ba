"""A large file costs time and no memory: the whole way, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(900)
def test_the_memory_of_a_large_file_is_that_of_a_small_one(database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.large_evidence", "-n", "96", "--url", database_url],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    # Whoever held the file, or half of it, would need at least 48 MB more.
    assert found["grown_mb"] < 40, found
