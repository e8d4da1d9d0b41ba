"""The process tree: children are mended, one signal ends everything, nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from openhaven.core import Problem
from openhaven.storage import cluster
from openhaven.storage.process import wait_until
from openhaven.supervise import check_port

TREE = """
    import signal, sys
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it
    from pathlib import Path
    from openhaven.storage.postgres import start
    from openhaven import supervise
    from openhaven.supervise import Service, run_tree

    base = Path(sys.argv[1])
    # Whoever ends before this was not waited for in vain, on however slow a machine.
    supervise._GRACE = 600.0
    if "careful" in sys.argv:
        supervise._TWICE_AT_ONCE = 60.0
    # One that comes when everything has ended already ends nothing.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def service(name, code):
        log = base / f"{name}.log"
        return Service(name, [sys.executable, "-c", code], log=log)

    begin = "import os, signal, time; "
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    def sleep(name):
        file = base / f"{name}.pid"
        return f"open({str(file)!r}, 'a').write(str(os.getpid()) + chr(10)); time.sleep(600)"

    services = [service("worker", begin + sleep("worker"))]
    if "stubborn" in sys.argv:
        services.append(service("stubborn", begin + ignore + sleep("stubborn")))
    if "careful" in sys.argv:
        note = f"open({str(base / 'careful.done')!r}, 'w')"
        finish = f"signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), {note}, os._exit(0))); "
        services.append(service("careful", begin + finish + sleep("careful")))
    if "failing" in sys.argv:
        services.append(service("failing", "raise SystemExit('no luck')"))
    server = start(base / "home", password="x") if "server" in sys.argv else None
    sys.exit(run_tree(services, server, announce=lambda: print("ready", flush=True)))
"""


class Tree:
    """A supervisor in a process of its own, over a folder that shows what its children do."""

    def __init__(self, base: Path, *options: str) -> None:
        self.base = base
        self.errors = base / "errors"
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(TREE), str(base), *options],
            stdout=subprocess.PIPE,
            stderr=self.errors.open("w"),
            text=True,
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n", self.errors.read_text()

    def pids(self, name: str) -> list[int]:
        with suppress(FileNotFoundError):
            return [int(line) for line in (self.base / f"{name}.pid").read_text().split()]
        return []

    def first(self, name: str) -> int:
        assert wait_until(lambda: bool(self.pids(name)), 300)
        return self.pids(name)[-1]


@pytest.fixture
def trees() -> Iterator[list[Tree]]:
    started: list[Tree] = []
    yield started
    for tree in started:
        tree.process.kill()
        tree.process.wait(300)


def gone(pid: int) -> bool:
    """Say whether the process has ended (a zombie that waits for PID 1 has)."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_children_first_and_postgresql_last(
    tmp_path: Path, trees: list[Tree], number: signal.Signals
) -> None:
    tree = Tree(tmp_path, "server")
    trees.append(tree)
    worker, data = tree.first("worker"), tmp_path / "home/postgres"
    assert cluster.living(data)
    tree.process.send_signal(number)
    assert tree.process.wait(300) == 0
    assert gone(worker)
    assert cluster.living(data) == []
    assert "ended by itself" not in tree.errors.read_text()


def test_sigkill_of_the_supervisor_takes_everything_down(tmp_path: Path, trees: list[Tree]) -> None:
    tree = Tree(tmp_path, "server", "stubborn")
    trees.append(tree)
    pids, data = [tree.first("worker"), tree.first("stubborn")], tmp_path / "home/postgres"
    tree.process.kill()
    assert wait_until(lambda: all(gone(pid) for pid in pids) and not cluster.living(data), 300)


def test_a_crashed_child_is_started_again_and_it_is_said(tmp_path: Path, trees: list[Tree]) -> None:
    tree = Tree(tmp_path)
    trees.append(tree)
    os.kill(tree.first("worker"), signal.SIGKILL)
    assert wait_until(lambda: len(tree.pids("worker")) == 2, 300)
    assert "worker ended by itself (signal SIGKILL)" in tree.errors.read_text()


def test_a_failing_child_is_tried_ever_more_slowly_with_its_last_words(
    tmp_path: Path, trees: list[Tree]
) -> None:
    tree = Tree(tmp_path, "failing")
    trees.append(tree)
    assert wait_until(lambda: "again in 2 s" in tree.errors.read_text(), 300)
    lines = tree.errors.read_text().splitlines()
    assert [line.split("again in ")[1] for line in lines[:3]] == ["0.5 s.", "1 s.", "2 s."]
    assert "failing ended by itself (exit code 1). no luck" in lines[0]


def test_postgresql_that_ended_is_started_again(tmp_path: Path, trees: list[Tree]) -> None:
    tree = Tree(tmp_path, "server")
    trees.append(tree)
    data = tmp_path / "home/postgres"
    dead = int(cluster.postmaster(data)[0])
    os.kill(dead, signal.SIGKILL)
    assert wait_until(lambda: cluster.ready(data) and int(cluster.postmaster(data)[0]) != dead, 300)
    assert "PostgreSQL ended by itself" in tree.errors.read_text()


def test_a_second_ctrl_c_does_not_wait_for_a_child_that_ignores_the_first(
    tmp_path: Path, trees: list[Tree]
) -> None:
    tree = Tree(tmp_path, "stubborn")
    trees.append(tree)
    stubborn = tree.first("stubborn")
    tree.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert not gone(stubborn)
    # Two that come while it has no time to look are one to it.
    while tree.process.poll() is None:
        tree.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    assert tree.process.returncode == 0, tree.errors.read_text()
    assert gone(stubborn)


def test_a_signal_that_arrives_twice_at_once_still_lets_children_finish(
    tmp_path: Path, trees: list[Tree]
) -> None:
    tree = Tree(tmp_path, "careful")
    trees.append(tree)
    tree.first("careful")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        tree.process.send_signal(number)
    assert tree.process.wait(300) == 0
    assert (tmp_path / "careful.done").exists()


def test_the_supervisor_is_small(tmp_path: Path, trees: list[Tree]) -> None:
    tree = Tree(tmp_path)
    trees.append(tree)
    rollup = Path(f"/proc/{tree.process.pid}/smaps_rollup").read_text()
    kilobytes = next(int(row.split()[1]) for row in rollup.splitlines() if row.startswith("Pss:"))
    assert kilobytes < 60_000


def test_a_taken_port_is_named_with_what_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Problem) as caught:
            check_port("127.0.0.1", port)
        assert str(port) in caught.value.title
        assert "OPENHAVEN_PORT" in caught.value.next_step
    check_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_no_place_to_listen() -> None:
    with pytest.raises(Problem):
        check_port("192.0.2.1", 8700)
