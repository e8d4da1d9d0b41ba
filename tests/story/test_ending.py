"""The demo ends with all that it started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from story_scene import PATIENCE, two_ports

pytestmark = pytest.mark.slow


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    env = os.environ | {"OPENHAVEN_HOME": str(tmp_path / "home"),
                        "OPENHAVEN_PORT": str(two_ports())}  # fmt: skip
    with open(tmp_path / "said", "wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "openhaven", "demo"], env=env, stdout=out)
    end = time.monotonic() + PATIENCE
    while "Ctrl-C" not in (tmp_path / "said").read_text() and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 0
    assert _living(str(tmp_path)) == []


def _living(words: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if words.encode() in text and folder.name != str(os.getpid()):
            found.append(text[:200].decode(errors="replace"))
    return found
