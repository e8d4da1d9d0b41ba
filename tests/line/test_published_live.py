"""A publication reaches both processes of a real installation within two seconds, whole."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from line_house import House, stopping
from line_scene import Scene, post, scene

from openhaven.core import Actor, new_id, utcnow
from openhaven.line import Haven
from openhaven.policy import InForce, publishing
from stopwatch import stopwatch

WORD = "drumblefitz"


@pytest.fixture
def here(haven: Haven) -> Scene:
    return scene(haven)


def saying() -> dict[str, Any]:
    """Return a post with the word, of an account of its own."""
    return post(WORD, account={"id": new_id("a")})


class Asking:
    """A platform that asks about a post again and again, both at once and in batches."""

    def __init__(self, here: Scene, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.headers = {
            "authorization": f"Bearer {here.key}", "content-type": "application/json",
        }  # fmt: skip
        self.http = urllib3.PoolManager(timeout=300, maxsize=4)

    def now(self) -> dict[str, Any]:
        """Ask until `serve` answers; on a slow machine it does not always do so in time."""
        status = 202
        while status == 202:
            reply = self.http.request("POST", f"{self.url}/v1/events?wait=verdict",
                                      json=saying(), headers=self.headers)  # fmt: skip
            status = reply.status
        assert status == 200, reply.data
        found: dict[str, Any] = reply.json()
        return found

    def later(self, count: int) -> list[str]:
        """Send a batch that `work` judges; return the ids."""
        bodies = [saying() for _ in range(count)]
        reply = self.http.request("POST", f"{self.url}/v1/events", json=bodies,
                                  headers=self.headers)  # fmt: skip
        assert reply.status == 200, reply.data
        return [body["id"] for body in bodies]


@pytest.fixture
def running(here: Scene) -> Iterator[Asking]:
    house = House(here)
    with stopping(house.start("serve")), stopping(house.start("work")):
        house.wait()
        asking = Asking(here, house.port)
        assert asking.now()["outcome"] == "allow"
        yield asking


def stricter(here: Scene, ada: Actor) -> str:
    """Propose the pack in force with one more word on the demo list; return the draft's id."""
    db = here.haven.db
    with db.begin(ada) as tx:
        draft = publishing.start_draft(tx, "One word more")
        files = publishing.files_of(tx, draft.id)
        name = next(name for name in files if name.endswith("terms/demo_remove.txt"))
        publishing.edit_draft(tx, draft.id, name, f"{files[name]}{WORD}\n", draft.version)
    return publishing.propose(db, ada, utcnow(), draft.id).id


def test_both_processes_judge_anew_within_two_seconds_and_no_batch_is_mixed(
    here: Scene, running: Asking
) -> None:
    db = here.haven.db
    ada, ben = here.reviewer("Ada", "policy"), here.reviewer("Ben", "policy")
    draft = stricter(here, ada)
    with db.begin(ben) as tx:
        read = publishing.draft(tx, draft).fingerprint
        publishing.approve(tx, draft, "One word more.", fingerprint=read)
    stop, sent = threading.Event(), list[str]()

    def flood() -> None:
        while not stop.wait(0.1):
            sent.extend(running.later(4))

    flooding = threading.Thread(target=flood)
    flooding.start()
    while len(sent) < 8:
        time.sleep(0.01)
    # Some are judged by the old pack for certain.
    while here.rows("SELECT 1 FROM events WHERE id = %(i)s AND state = 'received'", i=sent[0]):
        time.sleep(0.02)
    row = publishing.publish(db, ben, utcnow(), draft)
    try:
        with stopwatch() as seconds:
            while running.now()["outcome"] != "remove":
                assert seconds() < 60, "serve still judges by the old pack"
            served = seconds()
            assert running.now()["pack"] == row.pack
            worked = _worked(here, row.pack, seconds)
    finally:
        stop.set()
        flooding.join(300)
    (here.haven.settings.home / "seconds.txt").write_text(f"{served:.2f} {worked:.2f}")
    _drain(here)
    # Whoever matched the new word was judged by the new pack, and by that one alone.
    verdicts = [here.verdict(one) for one in sent]
    assert {(one["outcome"], one["pack"] == row.pack) for one in verdicts} == {
        ("allow", False), ("remove", True),
    }  # fmt: skip


def _worked(here: Scene, pack: str, since: Callable[[], float]) -> float:
    """Return after how many seconds the worker judged a batch by the new pack; two at most."""
    while True:
        seconds = since()
        sql = """SELECT count(*) AS n FROM ledger_entries
                 WHERE kind = 'events.judged' AND actor = 'system:worker' AND ids ->> 'remove' <> ''
                   AND ids ->> 'pack' = %(pack)s"""
        if here.rows(sql, pack=pack)[0]["n"]:
            return seconds
        assert seconds < 60, "work still judges by the old pack"
        time.sleep(0.02)


def _drain(here: Scene) -> None:
    end = time.monotonic() + 300
    while here.rows("SELECT count(*) AS n FROM events WHERE state = 'received'")[0]["n"]:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_batch_is_judged_by_one_pack_though_another_comes_into_force_meanwhile(
    here: Scene,
) -> None:
    """The swap comes while the signals measure: the batch goes on with what it began with."""
    ada, ben = here.reviewer("Ada", "policy"), here.reviewer("Ben", "policy")
    db, packs = here.haven.db, here.haven.packs
    before = packs.now
    draft = stricter(here, ada)
    with db.begin(ben) as tx:
        read = publishing.draft(tx, draft).fingerprint
        publishing.approve(tx, draft, "One word more.", fingerprint=read)
    publishing.publish(db, ben, utcnow(), draft)

    class Swapping:
        """A signal during whose work the new pack comes into force."""

        name, version = "swapping", "1"

        def measure(self, event: object, media: object) -> list[object]:
            publishing.follow(db, here.haven.banks, packs)
            return []

    packs.swap(InForce(before.pack, (Swapping(), *before.signals), before.row))  # type: ignore[arg-type]
    bodies = [saying() for _ in range(5)]
    here.accept(*bodies)
    here.work()
    old = {
        (here.verdict(body["id"])["outcome"], here.verdict(body["id"])["pack"]) for body in bodies
    }
    assert old == {("allow", before.pack.fingerprint)}
    assert packs.current.fingerprint != before.pack.fingerprint
    last = saying()
    here.accept(last)
    here.work()
    assert here.verdict(last["id"])["outcome"] == "remove"
