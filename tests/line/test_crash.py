"""The worker and the API are killed at each hand-over: nothing is lost, nothing is done twice."""

import json
import os
import random
import threading
import time
from collections import Counter
from typing import Any

import pytest
import urllib3
from line_house import House, stopping
from line_receiver import Receiver
from line_scene import Scene, post

from openhaven import ledger
from openhaven.ledger import verify

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("CRASH_SEED", "20261121"))

WORKER = [
    ("openhaven.intake:claim", "after"),
    ("openhaven.signals:measure", "after"),
    ("openhaven.review:open_task", "after"),
    ("openhaven.decisions:decide", "after"),
    ("openhaven.intake:record", "before"),
    ("openhaven.intake:record", "after"),
    ("openhaven.decisions:claim_acts", "after"),
    ("openhaven.connectors:carry_out", "before"),
    ("openhaven.connectors:carry_out", "after"),
    ("openhaven.decisions:finish_act", "before"),
    ("openhaven.decisions:finish_act", "after"),
    ("openhaven.ledger.actions:_store_tiles", "after"),
    ("openhaven.ledger.jobs:keep_outside", "before"),
]
API = [
    ("openhaven.intake:accept", "before"),
    ("openhaven.intake:accept", "after"),
    ("openhaven.line.answer:walk", "after"),
    ("openhaven.intake.api:as_json", "before"),
    ("openhaven.intake:accept_report", "after"),
]


class Sender(threading.Thread):
    """A platform that sends until it is told that its event is stored."""

    def __init__(self, here: Scene, port: int, number: int, seed: int) -> None:
        super().__init__(daemon=True)
        chance = random.Random(seed)
        words = ["zorgblat", "flumquist", "good morning", "grimzorble"]
        self.bodies = [post(chance.choice(words), id=f"s{seed}-{n}") for n in range(number)]
        self.wait = [chance.random() < 0.5 for _ in self.bodies]
        self.acknowledged: list[str] = []
        self.receipts: list[str] = []
        self._url = f"http://127.0.0.1:{port}"
        self._headers = {"authorization": f"Bearer {here.key}", "content-type": "application/json"}
        self._http = urllib3.PoolManager(retries=False, timeout=8)

    def run(self) -> None:
        for body, wait in zip(self.bodies, self.wait, strict=True):
            self._send(f"/v1/events{'?wait=verdict' if wait else ''}", body)
            self.acknowledged.append(body["id"])
        about = {"item": self.bodies[0]["item"]["id"]}
        report = {"subject": about, "category": "harassment", "text": "Please look."}
        self.receipts.append(self._send("/v1/reports", report)["receipt"])

    def _send(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        data = json.dumps(body).encode()
        for _ in range(600):
            try:
                reply = self._http.request(
                    "POST", self._url + path, body=data, headers=self._headers
                )
                if reply.status in (200, 201, 202):
                    answer: dict[str, Any] = reply.json()
                    return answer
                assert reply.status in (500, 503), (reply.status, reply.data)
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{path} was never acknowledged")


def settled(here: Scene) -> bool:
    waiting = here.rows("""SELECT (SELECT count(*) FROM events WHERE state = 'received')
                             + (SELECT count(*) FROM acts WHERE state = 'intended')
                             + (SELECT count(*) FROM ledger_entries WHERE idx IS NULL) AS n""")
    return waiting[0]["n"] == 0


def wait_settled(here: Scene, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not settled(here):
        # Leases of a worker that was killed run for a minute; the test does not wait for them.
        with here.haven.db.begin(here.actor) as tx:
            tx.run("UPDATE acts SET lease_until = now(), next_at = now() WHERE state = 'intended'")
        time.sleep(0.3)
    assert settled(here)


def check_everything(here: Scene, receiver: Receiver, senders: list[Sender]) -> None:
    acknowledged = [event for sender in senders for event in sender.acknowledged]
    events = {row["id"]: row for row in here.rows("SELECT * FROM events")}
    for sender in senders:
        for body in sender.bodies:
            row = events[body["id"]]
            assert row["state"] == "done", body["id"]
            expected = {"zorgblat": "remove", "grimzorble": "block", "flumquist": "review"}
            assert row["outcome"] == expected.get(body["item"]["text"], "allow")
    assert set(acknowledged) <= events.keys()
    twice = here.rows("SELECT event FROM decisions GROUP BY event HAVING count(*) > 1")
    assert twice == []
    decided = here.rows("SELECT count(*) AS n FROM events WHERE outcome IN ('remove', 'block')")
    assert here.rows("SELECT count(*) AS n FROM decisions") == decided
    per_act = Counter((act["decision"], act["verb"]) for act in
                      {act["id"]: act for act in receiver.acts}.values())  # fmt: skip
    assert set(per_act.values()) <= {1}, "an act was sent under two ids"
    stored = {row["id"] for row in here.rows("SELECT id FROM acts WHERE state = 'accepted'")}
    assert stored == receiver.ids()
    reports = here.rows("SELECT count(*) AS n FROM reports")[0]["n"]
    assert reports >= sum(len(sender.receipts) for sender in senders)
    assert here.rows("SELECT 1 AS x FROM reports WHERE case_id IS NULL") == []
    outside = ledger.read_outside(here.haven.settings.home / ledger.FILE_NAME)
    with here.haven.db.read() as tx:
        assert verify(tx, outside, here.haven.signer.vkey).first is None


def test_the_worker_is_killed_at_each_hand_over(here: Scene, receiver: Receiver) -> None:
    chance = random.Random(SEED)
    house = House(here)
    api = house.start("serve")
    senders = []
    with stopping(api):
        for number, (target, when) in enumerate(WORKER):
            sender = Sender(here, house.port, 6, SEED + number)
            # Asynchronous only: the verdicts are the worker's.
            sender.wait = [False] * len(sender.bodies)
            sender.bodies[0]["item"]["text"], sender.bodies[1]["item"]["text"] = (
                "zorgblat",
                "flumquist",
            )
            sender.start()
            senders.append(sender)
            worker = house.start("work", (target, when, chance.choice([1, 1, 2])))
            with here.haven.db.begin(here.actor) as tx:
                tx.run("UPDATE acts SET lease_until = now() WHERE state = 'intended'")
            try:
                assert worker.wait(timeout=300) == -9, (target, when)
            finally:
                worker.kill()
                worker.wait()
        for sender in senders:
            sender.join(300)
        last = house.start("work")
        with stopping(last):
            wait_settled(here, 60)
    check_everything(here, receiver, senders)


def test_the_api_is_killed_at_each_hand_over(here: Scene, receiver: Receiver) -> None:
    chance = random.Random(SEED + 1)
    house = House(here)
    worker = house.start("work")
    senders = []
    with stopping(worker):
        for number, (target, when) in enumerate(API):
            sender = Sender(here, house.port, 8, SEED + 100 + number)
            sender.wait[0] = True
            sender.start()
            senders.append(sender)
            nth = 1 if "report" in target else chance.choice([1, 2])
            api = house.start("serve", (target, when, nth))
            try:
                assert api.wait(timeout=300) == -9, (target, when)
            finally:
                api.kill()
                api.wait()
            steady = house.start("serve")
            with stopping(steady):
                sender.join(300)
                assert not sender.is_alive()
        wait_settled(here, 60)
    check_everything(here, receiver, senders)


def test_both_are_killed_at_random_moments(here: Scene, receiver: Receiver) -> None:
    chance = random.Random(SEED + 2)
    house = House(here)
    running = {verb: house.start(verb) for verb in ("serve", "work")}
    senders = [Sender(here, house.port, 25, SEED + 200 + n) for n in range(3)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(8):
            time.sleep(chance.uniform(0.5, 3.0))
            verb = chance.choice(["serve", "work"])
            running[verb].kill()
            running[verb].wait()
            running[verb] = house.start(verb)
        for sender in senders:
            sender.join(300)
        wait_settled(here, 60)
    finally:
        for process in running.values():
            process.terminate()
            process.wait(timeout=300)
    check_everything(here, receiver, senders)
