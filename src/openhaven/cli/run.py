"""`openhaven serve`, `work`, `run` and `demo`: the processes of one machine.

The parent of a tree (`run`, `demo`) stays light: it imports neither the web nor the signals.
"""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import psycopg
import structlog

from openhaven.cli.stand_in import configured, stand_in
from openhaven.storage import Secrets, Settings, postgres
from openhaven.supervise import Service, check_port, run_tree

if TYPE_CHECKING:
    from openhaven.line import Haven

KEPT = "demo.json"
_OPENHAVEN = (sys.executable, "-m", "openhaven")


def _collect_less() -> None:
    """Let Python look for circular garbage seldom, and never in what was made at the start.

    It looks after every 700 new lists and maps otherwise, which costs a fifth of the line's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@click.command(help="Answer on the API, the console and the public pages.")
@click.pass_obj
def serve(haven: "Haven") -> None:
    """Run the web server until SIGTERM."""
    from openhaven.line import Worker
    from openhaven.web import app

    _collect_less()
    follower = Worker(haven)
    follower.follow()
    app.serve(haven)
    follower.stop()


@click.command(help="Judge events, carry out acts, send notices, keep the ledger.")
@click.pass_obj
def work(haven: "Haven") -> None:
    """Run the worker until SIGTERM."""
    from openhaven import staff
    from openhaven.line import Worker

    _collect_less()
    with haven.db.read() as tx:
        if differs := staff.differs(tx):
            structlog.get_logger("start").warning("staffing.differs", meaning=differs)
    worker = Worker(haven)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.ask_to_stop())
    worker.run()


@click.command(help="Run everything on this machine: PostgreSQL, serve and work.")
def run() -> None:
    """Run the production tree until Ctrl-C or SIGTERM."""
    settings = Settings.load()
    check_port(settings.host, settings.port)
    server = _database(settings)
    env = _environment(settings, server)
    sys.exit(run_tree(_tree(settings, env), server, announce=lambda: _say_address(settings)))


@click.command(help="Run everything with Plaza, a demo platform with synthetic posts.")
def demo() -> None:
    """Run the demo tree until Ctrl-C or SIGTERM. Not for production."""
    settings = Settings.load()
    plaza_port = int(os.environ.get("PLAZA_PORT") or settings.port + 1)
    check_port(settings.host, settings.port)
    check_port(settings.host, plaza_port, "PLAZA_PORT")
    authority, received = stand_in(settings, os.environ, plaza_port)
    config = {"OPENHAVEN_CONFIG": str(configured(settings, received))}
    server = _database(settings)
    env = {"OPENHAVEN_SERVICE_NAME": "Plaza"} | _environment(settings, server) | config
    preparation = _Preparation(env)
    try:
        # From the second start on nothing has to wait until the sign-in links are made.
        known = kept(settings.home, server.url) or preparation.made.kept
    except BaseException:
        server.stop()
        raise
    plaza = Service(
        "plaza",
        (sys.executable, "-m", "plaza"),
        {name: value for name, value in env.items() if name != "OPENHAVEN_DATABASE_URL"}
        | {
            "PLAZA_PORT": str(plaza_port),
            "PLAZA_HOST": settings.host,
            "PLAZA_HOME": str(settings.home / "plaza"),
            "PLAZA_AUTHORITY_URL": received,
            "OPENHAVEN_URL": f"http://{settings.host}:{settings.port}",
            "OPENHAVEN_KEY": known.key,
            "OPENHAVEN_WEBHOOK_SECRET": known.webhook_secret,
        },
        log=settings.home / "logs" / "plaza.log",
        address=(settings.host, plaza_port),
    )
    address = f"http://{settings.host}:{plaza_port}"
    services = [*_tree(settings, env), plaza, authority]
    announce = lambda: _announce(settings, address, preparation.made)  # noqa: E731
    sys.exit(run_tree(services, server, announce=announce))


# All that an earlier start made; what an older version left out is made anew.
_MADE = """SELECT 1 FROM platforms, banks, authority_accounts
           WHERE platforms.name = 'plaza' AND banks.name = 'demo-child-safety'"""


class Kept(msgspec.Struct):
    """What is made once for Plaza: its API key and its webhook secret."""

    key: str
    webhook_secret: str


class Made(msgspec.Struct):
    """What the demo needs: what is kept for Plaza, and a sign-in link for each reviewer."""

    kept: Kept
    links: dict[str, str]


def kept(home: Path, url: str) -> Kept | None:
    """Return what an earlier start made, if the database at `url` still knows it."""
    try:
        found = msgspec.json.decode((home / KEPT).read_bytes(), type=Kept)
        with psycopg.connect(url) as connection:
            known = connection.execute(_MADE).fetchone()
    except (OSError, msgspec.MsgspecError, psycopg.Error):
        return None
    return found if known else None


class _Preparation:
    """Makes the demo's platform, bank and reviewers in a process of its own, which then ends."""

    def __init__(self, env: Mapping[str, str]) -> None:
        command = (sys.executable, "-m", "openhaven.cli.demo")
        self._process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)  # noqa: S603

    @cached_property
    def made(self) -> Made:
        """What was made; waits for it, and ends this process when it could not be made."""
        out, _ = self._process.communicate()
        if self._process.returncode:
            sys.exit(self._process.returncode)
        return msgspec.json.decode(out, type=Made)


def _database(settings: Settings) -> postgres.Server:
    secrets = Secrets.at(settings.home / "secrets.json")
    url = settings.database_url or None
    return postgres.start(settings.home, url=url, password=secrets.database_password, attach=False)


def _environment(settings: Settings, server: postgres.Server) -> dict[str, str]:
    home = {"OPENHAVEN_HOME": str(settings.home.resolve()), "OPENHAVEN_DATABASE_URL": server.url}
    # Each process would compile every module anew at every start, which doubles what that takes.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | home


def _tree(settings: Settings, env: dict[str, str]) -> list[Service]:
    logs = settings.home / "logs"
    address = (settings.host, settings.port)
    return [
        Service("serve", (*_OPENHAVEN, "serve"), env, logs / "serve.log", address),
        Service("work", (*_OPENHAVEN, "work"), env, logs / "work.log"),
    ]


def _say_address(settings: Settings) -> None:
    click.echo(f"Openhaven answers at {settings.url}")
    click.echo("First member of staff: openhaven staff add NAME --role administrator")


def _announce(settings: Settings, plaza: str, made: Made) -> None:
    lines = [
        "",
        "  Openhaven is running. Everything on it is synthetic: this is the demo.",
        "",
        "  1. Look at Plaza, a small social page. Within seconds a planted post is removed; its",
        "     link “What happened and why” tells the rest:",
        f"       {plaza}",
        "  2. Decide about others yourself, in the console. Each link signs in once; there are two",
        "     reviewers, since an appeal is always decided by somebody else (open the second link",
        "     in a private window, to be both at once):",
        *(f"       {name:<14} {settings.url}{path}" for name, path in made.links.items()),
        "  3. Be a specialist for child safety, with a case that shows nothing and nobody: press",
        "     “Plant the case” there. Reports go to a stand-in on this machine, and no further:",
        f"       {plaza}/behind#case",
        "  4. See what the public sees:",
        f"       {settings.url}/transparency",
        "",
        f"  State and logs are in {_short(settings.home)}. Ctrl-C stops everything.",
        "",
    ]
    click.echo("\n".join(lines))


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path.resolve())
