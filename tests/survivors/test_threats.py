"""Threats: who is called, what comes first, and between whom contact is frozen."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook
from survivors_scene import ANYBODY, Town
from web_scene import Place, serving

from openhaven import review, survivors
from openhaven.connectors import Http
from openhaven.core import Problem, utcnow
from openhaven.records.erasure.actions import erase
from openhaven.records.jobs import retain
from openhaven.storage import Settings
from openhaven.storage.settings import Alerts

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Bell(BaseHTTPRequestHandler):
    """Takes calls; answers 500 as often as it was told."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        server: Any = self.server
        server.rung.append((dict(self.headers.items()), body))
        self.send_response(500 if len(server.rung) <= server.broken else 204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def bell() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Bell)
    server.rung, server.broken = [], 0
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def place(town: Town) -> Iterator[Place]:
    with serving(town.haven, ()) as running:
        yield running


def called(town: Town, bell: Any) -> Settings:
    url = f"http://127.0.0.1:{bell.server_port}/call"
    alerts = Alerts(webhook=url, secret=SECRET)
    return msgspec.structs.replace(town.haven.settings, alerts=alerts)


def alerts_of(town: Town) -> list[dict[str, Any]]:
    return town.rows("SELECT way, state, attempts, last_error FROM staff_alerts ORDER BY way")


def send(town: Town, place: Place, **values: Any) -> Any:
    body = {"account": "kim", "other": "wolf", **values}
    return place.post_json("/v1/threats", body, authorization=f"Bearer {town.key}")


def asked(town: Town, place: Place, one: str, other: str) -> str:
    question = {
        "action": "message.send",
        "from": {"id": one, "age_band": "18-plus"},
        "to": {"id": other, "age_band": "18-plus"},
        "relation": {"connected": True},
    }
    reply = place.post_json("/v1/protections/check", question, authorization=f"Bearer {town.key}")
    return str(reply.json["answer"])


def test_danger_comes_before_everything_and_calls_staff(town: Town, bell: Any) -> None:
    town.removal(town.posted())
    town.threat(account="wolf", text="mild words", danger=True)
    assert town.said("alert.intended.danger") == 1
    town.tend()
    assert [task["urgency"] for task in town.tasks()] == [2, 0]
    assert survivors.send_alerts(town.haven.db, called(town, bell), Http()) == 2
    (headers, body) = bell.rung[0]
    told = Webhook(SECRET).verify(body, {k.lower(): v for k, v in headers.items()})
    assert told["type"] == "openhaven.alert.danger"
    assert b"mild words" not in body
    assert b"wolf" not in body
    states = {one["way"]: one["state"] for one in alerts_of(town)}
    assert states == {"webhook": "sent", "email": "skipped"}


def test_a_call_that_does_not_arrive_is_tried_again(town: Town, bell: Any) -> None:
    bell.broken = 2
    town.threat(account="wolf", danger=True)
    settings = called(town, bell)
    for _ in range(4):
        survivors.send_alerts(town.haven.db, settings, Http())
        with town.haven.db.begin(ANYBODY) as tx:
            tx.run("UPDATE staff_alerts SET next_at = now() WHERE state = 'intended'")
    assert len(bell.rung) == 3
    assert len({headers["webhook-id"] for headers, _ in bell.rung}) == 1
    webhook = next(one for one in alerts_of(town) if one["way"] == "webhook")
    assert (webhook["state"], webhook["attempts"]) == ("sent", 3)


def test_a_call_without_an_address_is_on_a_screen(town: Town) -> None:
    from openhaven.survivors.store import clocks

    town.threat(account="wolf", danger=True)
    survivors.send_alerts(town.haven.db, town.haven.settings, Http())
    town.tend()
    with town.haven.db.read() as tx:
        found = clocks(tx)
    assert (found["danger"], found["uncalled"]) == (1, 1)


def test_without_danger_nobody_is_woken(town: Town) -> None:
    town.threat(account="wolf", text="They ask for money.")
    town.tend()
    assert alerts_of(town) == []
    assert town.tasks()[0]["harm"] == "sextortion.minor"


def test_who_names_nobody_is_heard_as_well(town: Town) -> None:
    made = town.threat(text="I am afraid.", danger=True)
    town.tend()
    (task,) = town.tasks()
    assert (task["urgency"], task["account"]) == (2, made.id)


def test_a_cry_that_names_nobody_is_worked_on(town: Town) -> None:
    made = town.threat(text="I am afraid.", danger=True, age="child")
    town.tend()
    (task,) = town.tasks()
    me = town.person()
    # Nothing can be done to somebody whom no platform knows.
    for outcome in ("warn", "restrict", "remove", "suspend"):
        with pytest.raises(Problem) as refused:
            town.judge(me, task["id"], outcome)
        assert refused.value.code == "judgement.unnamed"
    with town.haven.db.begin(me) as tx:
        review.claim(tx, task["id"])
        survivors.name_them(tx, task["id"], account="wolf")
    assert town.said("survivor.named") == 1
    town.tend()
    (named,) = town.tasks()
    assert (named["account"], named["urgency"], named["harm"]) == ("wolf", 2, "sextortion.minor")
    assert [part.account for part in town.status(made).parts] == ["wolf"]
    with town.haven.db.begin(me) as tx, pytest.raises(Problem):
        survivors.name_them(tx, task["id"], account="other")
    town.judge(me, named["id"], "suspend", days=30)
    town.tend()
    assert [part.outcome for part in town.status(made).parts] == ["suspend"]
    assert not town.rows("SELECT 1 FROM decisions WHERE account = %(a)s", a=task["account"])


def test_who_could_not_be_named_is_told_so(town: Town, place: Place) -> None:
    made = town.threat(text="I am afraid.")
    town.tend()
    town.judge(town.person(), town.tasks()[0]["id"], "allow")
    town.tend()
    (part,) = town.status(made).parts
    assert (part.outcome, part.named) == ("allow", False)
    assert b"We could not find out who it is" in place.ask("GET", f"/request/{made.code}").body
    assert town.rows("SELECT 1 FROM acts WHERE verb <> 'notify'") == []


def test_what_a_platform_vouches_for_comes_before_what_anybody_can_send(
    town: Town, place: Place
) -> None:
    for number in range(3):
        town.threat(account=f"said-{number}", text="I am afraid.", danger=True)
    send(town, place, danger=True, text="I am afraid.")
    town.tend()
    listed = town.tasks()
    assert {one["urgency"] for one in listed} == {2}
    assert [one["account"] for one in listed] == ["wolf", "said-0", "said-1", "said-2"]


@pytest.mark.parametrize("hour", [3, 12, 23])
def test_danger_calls_staff_at_any_hour(town: Town, bell: Any, hour: int) -> None:
    at = (utcnow() + timedelta(days=1)).replace(hour=hour, minute=7)
    with town.haven.db.begin(ANYBODY, at) as tx:
        told = survivors.Threat(account="wolf", danger=True)
        survivors.tell_threat(tx, town.the_platform(), told, "192.0.2.1")
    due = town.rows("SELECT DISTINCT next_at FROM staff_alerts")
    assert [one["next_at"] for one in due] == [at], "at once, not in the morning"
    with town.haven.db.begin(ANYBODY) as tx:
        tx.run("UPDATE staff_alerts SET next_at = now()")
    survivors.send_alerts(town.haven.db, called(town, bell), Http())
    assert len(bell.rung) == 1


def test_the_platform_freezes_contact_in_both_directions(town: Town, place: Place) -> None:
    assert asked(town, place, "wolf", "kim") == "allow"
    reply = send(town, place, danger=False, age="child")
    assert (reply.status, reply.json["frozen"]) == (201, True)
    with town.haven.db.read() as tx:
        assert survivors.status(tx, reply.json["code"]).frozen
    assert asked(town, place, "wolf", "kim") == "deny"
    assert asked(town, place, "kim", "wolf") == "deny"
    assert asked(town, place, "wolf", "ann") == "allow"
    path = f"/request/{reply.json['code']}/meet"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert place.ask("POST", path, b"", form).status == 303
    assert asked(town, place, "wolf", "kim") == "allow"


def test_a_freeze_is_ended_only_by_who_asked_for_it(town: Town, place: Place) -> None:
    first = send(town, place).json["code"]
    second = send(town, place, account="wolf", other="kim").json["code"]
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert place.ask("POST", f"/request/{second}/meet", b"", form).status == 303
    assert asked(town, place, "wolf", "kim") == "deny"
    assert place.ask("POST", f"/request/{first}/meet", b"", form).status == 303
    assert asked(town, place, "wolf", "kim") == "allow"


def test_what_a_platform_may_not_say(town: Town, place: Place) -> None:
    assert send(town, place, other="kim").status == 400
    assert send(town, place, contact="nobody").status == 400
    assert send(town, place, more=1).status == 400
    assert send(town, place, freeze=False).json["frozen"] is False
    assert place.post_json("/v1/threats", {"account": "kim"}).status == 401
    body = json.dumps({"account": "kim", "other": None})
    reply = place.post_json("/v1/threats", body.encode(), authorization=f"Bearer {town.key}")
    assert reply.status == 400


def test_taking_it_back_does_not_let_them_meet(town: Town, place: Place) -> None:
    code = send(town, place, text="mild words").json["code"]
    with town.haven.db.begin(ANYBODY) as tx:
        survivors.withdraw(tx, code)
    assert asked(town, place, "wolf", "kim") == "deny"


def test_who_asks_for_help_is_never_the_one_who_is_looked_at(town: Town, place: Place) -> None:
    body = {"account": "kim", "text": "I am afraid."}
    reply = place.post_json("/v1/threats", body, authorization=f"Bearer {town.key}")
    assert reply.json["frozen"] is False
    town.tend()
    assert [task["account"] for task in town.tasks()] != ["kim"]


def test_a_freeze_outlives_what_is_forgotten_of_the_account(town: Town, place: Place) -> None:
    send(town, place)
    with town.haven.db.begin(ANYBODY) as tx:
        tx.run("UPDATE accounts SET seen_at = now() - interval '5 years'")
        tx.run("UPDATE cases SET state = 'closed', closed_at = now()")
    retain(town.haven.db, town.haven.blobs, town.haven.settings.retention)
    town.haven.protections.snapshot.forget(town.platform, "kim")
    assert asked(town, place, "wolf", "kim") == "deny"


def test_erased_means_forgotten_here_as_well(town: Town, place: Place) -> None:
    code = send(town, place, text="mild words").json["code"]
    town.tend()
    with town.haven.db.begin(ANYBODY) as tx:
        erase(tx, town.platform, "kim")
        assert tx.value("SELECT count(*) FROM contact_freezes") == 0
        assert survivors.status(tx, code).state == "withdrawn"
        assert tx.value("SELECT body FROM survivor_requests") is None


def test_many_cries_do_not_deafen_staff(town: Town, bell: Any) -> None:
    settings = called(town, bell)
    for number in range(30):
        town.threat(account=f"wolf-{number}", danger=True)
    survivors.send_alerts(town.haven.db, settings, Http())
    assert len(bell.rung) == 1, "the first is heard at once"
    waiting = town.rows("SELECT created_at, next_at FROM staff_alerts WHERE state = 'intended'")
    assert len(waiting) == 2, "one call by each way stands for all others"
    assert all(one["next_at"] - one["created_at"] < timedelta(minutes=6) for one in waiting)
    with town.haven.db.begin(ANYBODY) as tx:
        tx.run("UPDATE staff_alerts SET next_at = now() WHERE state = 'intended'")
    survivors.send_alerts(town.haven.db, settings, Http())
    town.threat(account="wolf", danger=True)
    survivors.send_alerts(town.haven.db, settings, Http())
    assert len(bell.rung) == 2
    assert town.rows("SELECT count(*) AS n FROM survivor_requests WHERE danger")[0]["n"] == 31
    with town.haven.db.begin(ANYBODY) as tx:
        tx.run(
            "UPDATE staff_alerts SET created_at = created_at - interval '1 hour', "
            "ended_at = ended_at - interval '1 hour', next_at = next_at - interval '1 hour'"
        )
    survivors.send_alerts(town.haven.db, settings, Http())
    assert len(bell.rung) == 3, "after each cry there is a call"
