"""Plaza beside the real Openhaven, with its worker, on real sockets."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from plaza_scene import Running, until

from openhaven import intake, review, staff
from openhaven.core import Actor, system
from openhaven.line import Haven, Worker
from openhaven.main import build
from openhaven.signals.banks import NewEntry, add_entries, create_bank
from openhaven.storage import Secrets, Settings
from openhaven.web.app import build_app, listen, server_for
from plaza import cast, pictures
from ports import free_port

_OPERATOR = system("operator")


@dataclass
class Town:
    """A real Openhaven with its worker, and a Plaza beside it."""

    haven: Haven
    plaza: Running

    def reviewer(self, name: str) -> Actor:
        with self.haven.db.begin(_OPERATOR) as tx:
            member = staff.create(tx, name, ("moderator", "appeals"))
        return Actor("staff", member.id, member.roles)

    def judge(self, who: Actor, kind: str, outcome: str) -> None:
        """Let a reviewer take the only open task of this kind and judge it."""
        task = until(lambda: self._open(kind))
        pack = self.haven.packs.current
        with self.haven.db.begin(who) as tx:
            review.claim(tx, task)
        with self.haven.db.begin(who) as tx:
            review.judge(tx, task, outcome=outcome, clause="demo", pack=pack.fingerprint,
                         facts="It is a word for trying things out.")  # fmt: skip

    def _open(self, kind: str) -> str | None:
        sql = "SELECT id FROM tasks WHERE kind = %(kind)s AND state = 'open'"
        with self.haven.db.read() as tx:
            found: str | None = tx.value(sql, kind=kind)
        return found

    def acts(self) -> set[tuple[str, str]]:
        with self.haven.db.read() as tx:
            return {(row["verb"], row["state"]) for row in tx.rows("SELECT verb, state FROM acts")}


@pytest.fixture
def town(database_url: str, tmp_path: Path) -> Iterator[Town]:
    """Return both, running; the demo's picture is in the demo bank."""
    port, plaza_port = free_port(), free_port()
    settings = Settings(
        home=tmp_path / "home", port=port, service_name="Plaza", undo_seconds=0, double_review=0
    )
    haven = build(settings, Secrets.at(settings.home / "secrets.json"), database_url)
    with haven.db.begin(_OPERATOR) as tx:
        url = f"http://127.0.0.1:{plaza_port}/openhaven/acts"
        platform, secret = intake.add_platform(tx, "plaza", webhook_url=url)
        key = intake.create_key(tx, "plaza", intake.platform_named(tx, platform))
        found = haven.hasher.hash(pictures.planted())
        assert found.pdq is not None
        create_bank(tx, "demo-known", kind="pdq", harm="other", opinion="positive",
                    owner="test", purpose="A benign picture.")  # fmt: skip
        add_entries(tx, "demo-known", [NewEntry(found.pdq, found.quality, "test")])
    listener = listen("127.0.0.1", port)
    server = server_for(build_app(haven))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    worker = Worker(haven)
    worker.start()
    until(lambda: server.started)
    plaza = Running(tmp_path / "plaza", settings.url, key=key, secret=secret, port=plaza_port)
    for who in cast.people():
        plaza.house.plaza.join(who)
    yield Town(haven, plaza)
    plaza.stop()
    worker.stop()
    server.stop()
    thread.join(300)
    listener.close()
    haven.close()
