"""A homeserver and Openhaven beside it: both are real, each in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psycopg
from homeserver import NAME, Homeserver, User

from openhaven import connectors, decisions, review, staff
from openhaven.connectors.matrix import client, store
from openhaven.core import Actor, system
from openhaven.line import Haven
from openhaven.main import build
from openhaven.signals.banks import NewEntry, add_entries, create_bank
from openhaven.storage import Secrets, Settings
from ports import free_port

T = TypeVar("T")
OPERATOR = system("operator")
PLATFORM = "town"


def eventually(look: Callable[[], T], *, within: float = 300.0) -> T:
    """Return what `look` finds as soon as it is true, or fail."""
    ends = time.monotonic() + within
    while True:
        found = look()
        if found or time.monotonic() > ends:
            assert found, "it did not happen in time"
            return found
        time.sleep(0.05)


class Town:
    """What the tests need at hand: the homeserver, the house, its processes, its people."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.url = database_url
        self.settings = Settings(
            home=folder / "home",
            port=free_port(),
            service_name="Testtown",
            database_url=self.url,
            undo_seconds=0,
            double_review=0,
        )
        secrets = Secrets.at(self.settings.home / "secrets.json")
        self.haven: Haven = build(self.settings, secrets, self.url)
        self.homeserver = Homeserver(folder / "synapse")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    # Setting up -----------------------------------------------------------------------------

    def found(self) -> str:
        """Connect the homeserver as an operator does; return what `matrix check` said last."""
        registration = self.folder / "registration.yaml"
        self.run("matrix", "connect", "--homeserver", self.homeserver.url, "--server-name", NAME,
                 "--name", PLATFORM, "--out", str(registration))  # fmt: skip
        assert registration.stat().st_mode & 0o777 == 0o600
        self.homeserver.configure(registration)
        self.homeserver.start()
        self.start("serve")
        said = self.run("matrix", "check", fails=True)
        assert "WRONG  Our account is a server administrator" in said
        self.root = self.homeserver.register("root", admin=True)
        path = f"/_synapse/admin/v1/users/@openhaven:{NAME}/admin"
        self.root.do("PUT", path, {"admin": True}, base="")
        said = self.run("matrix", "check")
        self.start("work")
        return said

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run a verb of the command line and return what it printed."""
        command = [sys.executable, "-m", "openhaven", *arguments]
        done = subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return the environment in which verbs and services of this house run."""
        return dict(os.environ) | {
            "OPENHAVEN_HOME": str(self.settings.home),
            "OPENHAVEN_DATABASE_URL": self.url,
            "OPENHAVEN_PORT": str(self.settings.port),
            "OPENHAVEN_SERVICE_NAME": self.settings.service_name,
            "OPENHAVEN_UNDO_SECONDS": "0",
            "OPENHAVEN_DOUBLE_REVIEW": "0",
        }

    def start(self, name: str) -> None:
        """Start `serve` or `work`."""
        with open(self.folder / f"{name}.log", "ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "openhaven", name],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if name == "serve":
            eventually(self._answers)

    def _answers(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self.settings.port}/healthz"
            return self.haven.http.send("GET", address).status == 200
        except Exception:
            return False

    def kill(self, name: str) -> None:
        """End `serve` or `work` as a power cut does."""
        process = self._processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(300)

    def freeze(self, name: str) -> None:
        """Let `serve` or `work` stand still: it takes connections and answers nothing."""
        self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        self._processes[name].send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End everything."""
        for process in self._processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(300)
            except subprocess.TimeoutExpired:
                process.kill()
        self.homeserver.stop(signal.SIGKILL)
        self.haven.close()

    # Looking --------------------------------------------------------------------------------

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Return rows of the database."""
        with self.haven.db.read() as tx:
            return tx.rows(sql, **params)

    def decision_of(self, item: str) -> decisions.Decision | None:
        """Return the decision about an item, if there is one."""
        found = self.rows("SELECT id FROM decisions WHERE item = %(i)s", i=item)
        with self.haven.db.read() as tx:
            return decisions.decision(tx, found[0]["id"]) if found else None

    def acts(self, decision: str) -> dict[str, str]:
        """Return the state of each act of a decision, by verb."""
        sql = "SELECT verb, state FROM acts WHERE decision = %(d)s"
        return {row["verb"]: row["state"] for row in self.rows(sql, d=decision)}

    def task_about(self, item: str | None = None, account: str | None = None) -> str | None:
        """Return the open task about an item or an account."""
        sql = """SELECT t.id FROM tasks t JOIN cases c ON c.id = t.case_id
                 WHERE t.state = 'open'
                   AND (c.item = %(i)s OR c.account = %(a)s AND c.item IS NULL)"""
        found = self.rows(sql, i=item, a=account)
        return found[0]["id"] if found else None

    def settled(self) -> bool:
        """Say whether nothing waits: no row of the inbox, no event, no act."""
        sql = """SELECT (SELECT count(*) FROM matrix_inbox WHERE done_at IS NULL)
                   + (SELECT count(*) FROM events WHERE state <> 'done')
                   + (SELECT count(*) FROM acts WHERE state = 'intended') AS n"""
        return bool(self.rows(sql)[0]["n"] == 0)

    # Doing ----------------------------------------------------------------------------------

    def reviewer(self, name: str) -> Actor:
        """Add a reviewer who also decides appeals."""
        with self.haven.db.begin(OPERATOR) as tx:
            member = staff.create(tx, name, ("moderator", "appeals"))
        return Actor("staff", member.id, member.roles)

    def judge(self, who: Actor, task: str, outcome: str, clause: str = "no-harassment") -> None:
        """Let a reviewer claim and judge a task."""
        pack = self.haven.packs.current
        with self.haven.db.begin(who) as tx:
            review.claim(tx, task)
        with self.haven.db.begin(who) as tx:
            review.judge(tx, task, outcome=outcome, clause=clause, pack=pack.fingerprint,
                         facts="It was meant to wound.")  # fmt: skip

    def plant(self, *pictures: bytes) -> None:
        """Put pictures into the bank that the starter pack takes for known."""
        entries = []
        for picture in pictures:
            seen = self.haven.hasher.hash(picture)
            assert seen.pdq is not None
            assert seen.quality is not None
            entries.append(NewEntry(seen.pdq, seen.quality, "tests"))
        with self.haven.db.begin(OPERATOR) as tx:
            create_bank(tx, "demo-known", kind="pdq", harm="other", opinion="positive",
                        owner="tests", purpose="A benign picture.")  # fmt: skip
            add_entries(tx, "demo-known", entries)

    def carry_out_all_again(self) -> None:
        """Carry out every act that was done once more, as a worker that has forgotten it."""
        for row in self.rows("SELECT id FROM acts WHERE state = 'done' AND verb <> 'restore'"):
            with self.haven.db.read() as tx:
                act = decisions.store.act(tx, row["id"])
            again = msgspec.structs.replace(act, attempts=2)
            done = connectors.carry_out(self.haven.db, self.haven.connectors, again)
            assert done.state == "done", done

    def asks(self) -> client.Homeserver:
        """Return the homeserver as our own account asks it."""
        with self.haven.db.read() as tx:
            return client.Homeserver(self.haven.http, store.server(tx, PLATFORM))

    def notices(self, user: User) -> list[str]:
        """Return what the service wrote to a person, as their client shows it."""
        sql = "SELECT id FROM matrix_rooms WHERE person = %(p)s"
        found = self.rows(sql, p=user.id)
        # The room is known to us a moment before the person is in it.
        here = bool(found) and found[0]["id"] in user.rooms()
        return user.words(found[0]["id"]) if here else []


def database(cluster_url: str, template: str, name: str) -> str:
    """Copy the template database; return the address of the copy."""
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    info = psycopg.conninfo.conninfo_to_dict(cluster_url)
    return psycopg.conninfo.make_conninfo(**(info | {"dbname": name}))
