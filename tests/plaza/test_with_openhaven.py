"""Plaza and the real Openhaven: from a post to a decision, a notice, an appeal and back."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from plaza_scene import Running, Visitor, free_port, until

from openhaven import intake, review, staff
from openhaven.core import Actor, system
from openhaven.line import Haven, Worker
from openhaven.main import build
from openhaven.signals.banks import NewEntry, add_entries, create_bank
from openhaven.storage import Secrets, Settings
from openhaven.web.app import build_app, listen, server_for
from plaza import cast, pictures, store
from plaza.appealing import appeal

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
    settings = Settings(home=tmp_path / "home", port=port, service_name="Plaza")
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
    thread.join(10)
    listener.close()
    haven.close()


def test_a_picture_is_found_removed_explained_contested_and_restored(town: Town) -> None:
    alex = Visitor(town.plaza.url).be("v-alex")
    page = alex.send("/posts", picture=pictures.planted_variant(), text="My lighthouse")
    assert "Removed" in page
    path = alex.at
    until(lambda: ("remove", "done") in town.acts() and ("notify", "done") in town.acts())
    notices = alex.get("/notices")
    assert "Something you posted was removed" in notices
    assert "Made-up words for trying things out" in notices
    assert "demo-known" not in notices
    notice = store.notices_of(town.plaza.house.store, "v-alex")[0]
    assert notice.appeal_url is not None
    assert appeal(notice.appeal_url, "It is my own drawing.")
    town.judge(town.reviewer("Second pair of eyes"), "appeal", "upheld")
    until(lambda: ("restore", "done") in town.acts())
    assert "My lighthouse" in Visitor(town.plaza.url).get(path)
    until(lambda: "Your appeal was successful" in alex.get("/notices"))
    trail = Visitor(town.plaza.url).get(path).partition('id="what-happened"')[2]
    told = ("wrote it", "answered “remove”", "It was removed", "got a notice", "It was restored")
    assert all(step in trail for step in told)


def test_words_are_judged_by_rules_and_by_people(town: Town) -> None:
    alex = Visitor(town.plaza.url).be("v-alex")
    assert "Not published" in alex.send("/posts", text="Say g r i m z 0 r b l e")
    alex.send("/posts", text="Is this flumquist?")
    path = alex.at
    assert "a person was asked to look" in alex.get(path)
    town.judge(town.reviewer("First pair of eyes"), "review", "suspend")
    until(lambda: "is suspended" in alex.get("/"))
    assert "Your account was suspended" in alex.get("/notices")
    assert alex.post("/posts", text="Hello?")[0] == 403


def test_a_report_gets_a_receipt_and_its_outcome(town: Town) -> None:
    alex, ben = (Visitor(town.plaza.url).be(who) for who in ("v-alex", "g-ben"))
    alex.send("/posts", text="Perfectly fine words")
    post = alex.at.split("/")[-1]
    page = ben.send("/report", item=post, category="bullying", text="I do not like it")
    assert "A person" in page
    path = ben.at
    town.judge(town.reviewer("First pair of eyes"), "review", "allow")
    until(lambda: "It has been decided" in ben.get(path))
    assert "Perfectly fine words" in Visitor(town.plaza.url).get(f"/posts/{post}")


def test_openhaven_away_and_back(town: Town) -> None:
    """Plaza outlives an Openhaven that refuses its key for a while, and loses nothing."""
    haven = town.plaza.house.haven
    alex = Visitor(town.plaza.url).be("v-alex")
    good, haven._headers = haven._headers, {"authorization": "Bearer oh_wrong"}
    alex.send("/posts", text="While you were away: zorgblat")
    path = alex.at
    assert "While you were away" in Visitor(town.plaza.url).get(path)
    haven._headers = good
    until(lambda: "This was removed" in Visitor(town.plaza.url).get(path))
    until(lambda: ("remove", "done") in town.acts())
