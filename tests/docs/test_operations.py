"""docs/operations.md is followed: its commands run on a real installation, its measures exist."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from docs_scene import OPERATIONS, blocks, rows

from ports import free_port

OPENHAVEN = Path(sys.executable).with_name("openhaven")
Place = dict[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Return the environment of an `openhaven run` that answers."""
    folder = tmp_path_factory.mktemp("operations")
    port = free_port()
    env = {"PATH": f"{OPENHAVEN.parent}:{os.environ['PATH']}", "OPENHAVEN_PORT": str(port),
           "OPENHAVEN_HOME": str(folder / "home"), "PWD": str(folder)}  # fmt: skip
    with (folder / "run.log").open("wb") as log:
        tree = subprocess.Popen([OPENHAVEN, "run"], env=env, cwd=folder, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/readyz")
            yield env
        finally:
            tree.send_signal(signal.SIGTERM)
            assert tree.wait(300) == 0


def _wait(url: str) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        try:
            if urllib3.request("GET", url, retries=False, timeout=2).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError("openhaven run does not answer")


def _steps() -> Iterator[tuple[str, str]]:
    """Yield each command of the page with what it shows."""
    for block in blocks(OPERATIONS, "console"):
        for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = step.partition("\n")
            yield command, shown.rstrip("\n")


@pytest.mark.slow
def test_the_commands_of_the_page_answer_as_shown(place: Place) -> None:
    steps = list(_steps())
    assert len(steps) >= 12
    for command, shown in steps:
        done = subprocess.run(["bash", "-c", command], env=place, cwd=place["PWD"], timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)  # fmt: skip
        pattern = ".*?".join(re.escape(part) for part in shown.split("…"))
        assert done.returncode == 0, (command, done.stdout)
        assert re.fullmatch(pattern, done.stdout.rstrip("\n"), re.S), (command, done.stdout)


@pytest.mark.slow
def test_the_measures_are_those_of_the_page(place: Place) -> None:
    url = f"http://127.0.0.1:{place['OPENHAVEN_PORT']}/metrics"
    urllib3.request("GET", url)
    text = urllib3.request("GET", url).data.decode()
    real = set(re.findall(r"^# TYPE (\S+) ", text, re.M)) - {"openhaven_http_requests_created"}
    real.discard("openhaven_http_seconds_created")
    described = {row[0].strip("`") for row in rows(OPERATIONS, "measure", "meaning")}
    assert described == real


@pytest.mark.slow
def test_the_files_of_the_page_are_in_the_home(place: Place) -> None:
    said = {word.strip("/") for row in rows(OPERATIONS, "in the home", "what")
            for word in re.findall(r"`([^`]+)`", row[0])}  # fmt: skip
    real = {path.name for path in Path(place["OPENHAVEN_HOME"]).iterdir() if path.name[0] != "."}
    assert real <= said
    assert said - real == {"demo.json", "plaza"}
    assert (Path(place["OPENHAVEN_HOME"]) / "secrets.json").stat().st_mode & 0o777 == 0o600
