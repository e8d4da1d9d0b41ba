"""`openhaven serve` as a process: it says why it cannot start, and stops without breaking off."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from openhaven import staff
from openhaven.core import Actor
from openhaven.storage import Database, Secrets
from ports import free_port
from stopwatch import stopwatch

FORM = "application/x-www-form-urlencoded"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def env(database_url: str, tmp_path: Path, port: int) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(ROOT / "src"), "OPENHAVEN_HOME": str(tmp_path / "home"),
        "OPENHAVEN_PORT": str(port), "OPENHAVEN_DATABASE_URL": database_url,
    }  # fmt: skip


def start(env: dict[str, str], tmp_path: Path) -> subprocess.Popen[bytes]:
    log = (tmp_path / "log").open("wb")
    return subprocess.Popen([sys.executable, "-m", "openhaven", "serve"], env=env, stdout=log,
                            stderr=subprocess.STDOUT, cwd=tmp_path)  # fmt: skip


@pytest.fixture
def server(env: dict[str, str], port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start(env, tmp_path)
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib3.request("GET", f"http://127.0.0.1:{port}/readyz", retries=False, timeout=2)
            break
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    yield process
    process.kill()
    process.wait(300)


def sign_in(env: dict[str, str], port: int) -> dict[str, str]:
    """Sign a moderator in and return the headers of their browser."""
    secrets = Secrets.at(Path(env["OPENHAVEN_HOME"]) / "secrets.json")
    db = Database(env["OPENHAVEN_DATABASE_URL"], bytes.fromhex(secrets.master))
    with db.begin(Actor("system", "test")) as tx:
        path = staff.sign_in_link(tx, staff.create(tx, "Ada", ("moderator",)))
    db.close()
    reply = urllib3.request("POST", f"http://127.0.0.1:{port}{path}", redirect=False,
                            headers={"content-type": FORM})  # fmt: skip
    return {"cookie": reply.headers["set-cookie"].partition(";")[0]}


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_it_stops_while_people_watch(
    server: subprocess.Popen[bytes], env: dict[str, str], port: int, tmp_path: Path,
    number: signal.Signals,
) -> None:  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    stream = urllib3.PoolManager().request(
        "GET", url + "/console/stream", headers=sign_in(env, port), preload_content=False
    )
    assert stream.status == 200
    parts = stream.stream(1)
    assert next(parts) == b"r"
    idle = urllib3.PoolManager()
    idle.request("GET", url + "/healthz")
    # Who watches would stay for five minutes.
    with stopwatch() as seconds:
        server.send_signal(number)
        assert server.wait(300) == 0
        assert seconds() < 60
    # The stream ended as it should: its last chunk is there.
    assert b"".join(parts).endswith(b"\n")
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log, log


def test_a_request_that_began_is_finished(server: subprocess.Popen[bytes], port: int) -> None:
    """Half of a body is on its way when the signal comes; the answer comes all the same."""
    with socket.create_connection(("127.0.0.1", port), timeout=300) as line:
        line.sendall(b"POST /report HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n"
                     b"expect: 100-continue\r\n"
                     b"content-type: application/x-www-form-urlencoded\r\n\r\n")  # fmt: skip
        # It waits for the body now.
        assert line.recv(65_536).startswith(b"HTTP/1.1 100 ")
        line.sendall(b"categ")
        server.send_signal(signal.SIGTERM)
        while not _refuses(port):
            time.sleep(0.05)
        line.sendall(b"ory=x")
        answer = line.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert server.wait(300) == 0


def _refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.slow
def test_many_at_once_and_the_process_lives(server: subprocess.Popen[bytes], port: int) -> None:
    seen: list[tuple[str, int]] = []

    def call() -> None:
        pool = urllib3.PoolManager()
        for path in ("/", "/transparency", "/v1/events/x", "/healthz", "/ledger/checkpoint"):
            reply = pool.request("GET", f"http://127.0.0.1:{port}{path}")
            seen.append((path, reply.status))

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert {status for _, status in seen} == {200, 401, 404}, set(seen)
    assert len(seen) == 100
    assert server.poll() is None


def test_a_taken_port_gives_a_sentence(env: dict[str, str], port: int, tmp_path: Path) -> None:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", port))
        taker.listen()
        process = start(env, tmp_path)
        assert process.wait(300) == 1
    log = (tmp_path / "log").read_text()
    assert "OPENHAVEN_PORT" in log
    assert "Traceback" not in log
