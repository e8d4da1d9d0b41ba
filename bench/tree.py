"""A tree of Openhaven's processes in a home of its own: started, asked, measured, stopped."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import urllib3

from openhaven.storage.process import spawn

_PATIENCE = 90.0
_OPENHAVEN = (sys.executable, "-m", "openhaven")


class Tree:
    """One home with two free ports, and the processes that run on it at the moment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.plaza_port = _free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.plaza_url = f"http://127.0.0.1:{self.plaza_port}"
        self._http = urllib3.PoolManager(timeout=2.0, retries=False)
        self._process: subprocess.Popen[bytes] | None = None
        kept = {name: value for name, value in os.environ.items() if not _ours(name)}
        self.environment = kept | {
            "OPENHAVEN_HOME": str(home),
            "OPENHAVEN_PORT": str(self.port),
            "PLAZA_PORT": str(self.plaza_port),
            "PLAZA_GENERATOR": "0",
        }

    def start(self, verb: str, *urls: str) -> float:
        """Run `openhaven VERB` until all `urls` answer with 200; return the seconds that took."""
        began = time.perf_counter()
        self._process = spawn(
            (*_OPENHAVEN, verb),
            env=self.environment,
            # Whatever ends the bench ends the tree as well.
            on_parent_death=signal.SIGTERM,
            log=self.home / f"{verb}.out",
        )
        waiting = set(urls)
        while waiting:
            waiting -= {url for url in waiting if self._answers(url)}
            if self._process.poll() is not None or time.perf_counter() - began > _PATIENCE:
                words = (self.home / f"{verb}.out").read_text("utf-8", "replace")
                raise RuntimeError(f"openhaven {verb} did not start:\n{words}")
            time.sleep(0.01)
        return time.perf_counter() - began

    def stop(self) -> None:
        """Stop the tree politely; wait until all of it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def kill(self, verb: str) -> int:
        """Kill (SIGKILL) the processes below ours that run `openhaven VERB`; return how many."""
        assert self._process is not None
        killed = 0
        for pid in _descendants(self._process.pid)[1:]:
            with suppress(OSError):
                if _name(pid).startswith(f"openhaven {verb}"):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
        return killed

    def call(self, *words: str) -> str:
        """Return what `openhaven WORDS` prints, on the running tree."""
        done = subprocess.run(  # noqa: S603 (our own program)
            (*_OPENHAVEN, *words), env=self.environment, capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    def memory(self) -> dict[str, float]:
        """Return the proportional memory (PSS) of each process of the tree, in MB, by name."""
        return self._sum(_pss)

    def work(self) -> dict[str, float]:
        """Return the seconds of a processor that each process of the tree has used, by name."""
        return self._sum(_seconds)

    def _sum(self, measure: Callable[[int], float]) -> dict[str, float]:
        assert self._process is not None
        found: dict[str, float] = {}
        for pid in _descendants(self._process.pid):
            # A process that ends in this moment counts no more.
            with suppress(OSError):
                name = _name(pid)
                found[name] = found.get(name, 0.0) + measure(pid)
        return found

    def _answers(self, url: str) -> bool:
        with suppress(urllib3.exceptions.HTTPError):
            return self._http.request("GET", url).status == 200
        return False


@contextmanager
def fresh() -> Iterator[Tree]:
    """Return a tree in a new home; both are gone after the block."""
    home = Path(tempfile.mkdtemp(prefix="oh-bench-"))
    tree = Tree(home)
    try:
        yield tree
    finally:
        tree.stop()
        shutil.rmtree(home, ignore_errors=True)


def _ours(name: str) -> bool:
    return name.startswith(("OPENHAVEN_", "PLAZA_"))


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _descendants(root: int) -> list[int]:
    """Return `root` and every process below it."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                stat = Path(f"/proc/{name}/stat").read_text()
                parent = int(stat.rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    if "-m" in words:
        return " ".join(words[words.index("-m") + 1 :]).strip()
    return Path(words[0].split(" ")[0].rstrip(":")).name


def _seconds(pid: int) -> float:
    # Times in user and in kernel mode (proc_pid_stat(5)).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
