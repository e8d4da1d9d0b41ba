"""Child processes that never outlive us: own process group, parent-death signal, bounded log."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_LOG_LIMIT = 5_000_000


@dataclass(frozen=True)
class Account:
    """An account of this machine that a child runs as instead of us (only root can do that)."""

    name: str
    uid: int
    gid: int


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    on_parent_death: signal.Signals,
    log: Path | None = None,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` in its own process group, with nothing on its standard input.

    The kernel sends `on_parent_death` to the child when we die in any way, SIGKILL included. It
    does so when the *thread* that forked ends, therefore only the main thread may call this
    (prctl(2), PR_SET_PDEATHSIG); RuntimeError otherwise. Output goes to the end of the file `log`,
    or where ours goes. Raises OSError when the program cannot be started.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Children are started from the main thread: they die with their thread.")
    output = _open_log(log) if log else None
    try:
        return subprocess.Popen(  # noqa: S603 - the programs are ours, never a person's input
            list(argv),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
            preexec_fn=_bind_to_parent(os.getpid(), on_parent_death),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        if output is not None:
            os.close(output)


def _bind_to_parent(parent: int, last_signal: signal.Signals) -> Callable[[], None]:
    def bind() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(last_signal), 0, 0, 0)
        # The parent may have died before the call above: then nobody would ever signal us.
        if os.getppid() != parent:
            os._exit(1)

    return bind


def end(
    process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]
) -> int | None:
    """Send each signal in turn and wait its seconds; return the exit status, or None if it lives.

    At the end whatever is left of the child's process group is killed.
    """
    for number, seconds in steps:
        if process.poll() is None:
            process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            break
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    return process.returncode


def wait_until(true: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Ask `true()` until it says yes (True) or `seconds` have passed (False)."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def trim_log(path: Path, limit: int = _LOG_LIMIT) -> None:
    """Move the content of a log of more than `limit` bytes to `<name>.1`, and empty the log.

    Its writer keeps the file open and appends, so that it goes on at the new beginning.
    """
    with suppress(FileNotFoundError):
        if path.stat().st_size > limit:
            draft = path.with_name(path.name + ".1")
            draft.touch(0o600)
            draft.write_bytes(path.read_bytes()[-limit:])
            os.truncate(path, 0)


def last_lines(path: Path, count: int = 3) -> str:
    """Return the last `count` lines of a log, or nothing when there is none."""
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4_000))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
    return ""


def _open_log(path: Path) -> int:
    folder = path.parent
    root = os.getuid() == 0
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        if root:
            # What root makes in the home of somebody else must not lock that person out.
            os.chown(folder, folder.parent.stat().st_uid, -1)
    trim_log(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    log = os.open(path, flags, 0o600)
    if root:
        os.fchown(log, folder.stat().st_uid, -1)
    return log
