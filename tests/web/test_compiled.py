"""What is made at a start and kept for the next one, and what a start does without."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openhaven.web import pages

# Loaded by the first who needs them: a passkey, a sign-in service, a code to scan.
HEAVY = ("webauthn", "joserfc", "segno")


@pytest.fixture(autouse=True)
def templates() -> Iterator[None]:
    before = pages.TEMPLATES.bytecode_cache
    yield
    pages.TEMPLATES.bytecode_cache = before


def started(folder: Path) -> int:
    """Compile as a new process does, which has nothing in its memory."""
    assert pages.TEMPLATES.cache is not None
    pages.TEMPLATES.cache.clear()
    return pages.warm(folder, "web")


def kept(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.cache")}


def test_templates_are_compiled_once_and_anew_when_what_was_kept_is_broken(tmp_path: Path) -> None:
    folder = tmp_path / "compiled"
    count = started(folder)
    first = kept(folder)
    assert len(first) == count
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert started(folder) == count
    assert kept(folder) == first
    for number, path in enumerate(first):
        raw = path.read_bytes()
        # Cut off everywhere: within the mark, the check sum, the program; and nothing at all.
        path.write_bytes(raw[: len(raw) * (number % 11) // 11])
        os.utime(path, ns=(1, 1))
    assert started(folder) == count
    assert all(written > 1 for written in kept(folder).values())


def test_a_folder_that_cannot_be_written_to_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "compiled").write_text("This is no folder.")
    assert started(tmp_path / "compiled") > 0


def test_a_start_does_not_load_what_hardly_anybody_needs() -> None:
    asked = f"import sys, openhaven.main, openhaven.web.app; " \
            f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"  # fmt: skip
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True,
                           check=True)  # fmt: skip
    assert found.stdout.strip() == "[]"
