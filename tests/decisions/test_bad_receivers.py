"""Webhook receivers that misbehave: no act is lost, none counts as done, nobody is led in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from decisions_scene import acts, judged, made_by, rules, sent, task_of
from line_receiver import Receiver
from line_scene import OPERATOR, Scene
from standardwebhooks import Webhook, WebhookVerificationError

from openhaven import decisions, intake
from openhaven.core import utcnow
from openhaven.line import jobs


@contextmanager
def badly(status: int, headers: dict[str, str], body: bytes, hang: bool = False) -> Iterator[Any]:
    """Run a receiver that answers every act so, or never; yield its address and what came."""
    came: list[str] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            came.append(self.path)
            if hang:
                over.wait(120)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 (the name of the library)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/acts", came
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def removed(here: Scene, url: str, *, new_secret: bool = False) -> str:
    """Let a post be removed on a platform whose acts go to `url`; return the decision's id."""
    rules(here)
    with here.haven.db.begin(OPERATOR) as tx:
        intake.set_webhook(tx, intake.platform_named(tx, "here"), url, new_secret=new_secret)
    made = made_by(here, judged(here, here.reviewer("ana"), task_of(here, sent(here)), "remove"))
    assert made is not None
    return str(made["id"])


def goes_on(here: Scene, made: str, receiver: Receiver) -> None:
    """Check that nothing is lost: with a good receiver all acts arrive, the notice first."""
    with here.haven.db.begin(OPERATOR) as tx:
        intake.set_webhook(tx, intake.platform_named(tx, "here"), receiver.url)
        due = decisions.claim_acts(tx, 10, timedelta(seconds=0))
        for act in due:
            decisions.finish_act(tx, act, "retry", "again")
    for _ in range(4):
        with here.haven.db.begin(OPERATOR, utcnow() + timedelta(hours=1)) as tx:
            due = decisions.claim_acts(tx, 10, timedelta(minutes=1))
        for act in due:
            jobs.carry(here.haven, act)
    assert {one["verb"]: one["state"] for one in acts(here, made)} == {
        "notify": "accepted", "remove": "accepted"}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"location": "http://169.254.169.254/latest/meta-data/"}, b""),
        (307, {"location": "http://127.0.0.1:1/inside"}, b""),
        (500, {}, b"<html>" + b"x" * 3_000_000),
    ],
)
def test_a_redirect_or_an_error_leads_nowhere_and_loses_nothing(
    here: Scene, receiver: Receiver, status: int, headers: dict[str, str], body: bytes
) -> None:
    with badly(status, headers, body) as (url, came):
        made = removed(here, url)
        assert set(came) == {"/acts"}
        states = {one["verb"]: one["state"] for one in acts(here, made)}
        assert states["remove"] == "intended"
    goes_on(here, made, receiver)


def test_200_with_garbage_is_taken_as_taken_and_never_read(here: Scene) -> None:
    """Any 2xx says that the platform has it; what it says besides is nobody's business."""
    with badly(200, {"content-type": "application/json"}, b"\xff\x00{" * 200) as (url, _):
        made = removed(here, url)
        assert {one["state"] for one in acts(here, made)} == {"accepted"}


@pytest.mark.slow
def test_who_hangs_is_tried_again_and_holds_up_nobody_for_good(
    here: Scene, receiver: Receiver
) -> None:
    rules(here)
    task, ana = task_of(here, sent(here)), here.reviewer("ana")
    with badly(200, {}, b"", hang=True) as (url, came):
        with here.haven.db.begin(OPERATOR) as tx:
            intake.set_webhook(tx, intake.platform_named(tx, "here"), url)
        given = here.judge(ana, task, "remove", clause="kind")
        jobs.settle_judgements(here.haven)
        for act in jobs.due_acts(here.haven, 2):
            jobs.carry(here.haven, act)
        assert came
        made = str((made_by(here, given) or {})["id"])
        assert {one["state"] for one in acts(here, made)} == {"intended"}
    goes_on(here, made, receiver)


def test_a_changed_key_signs_what_comes_after(here: Scene, receiver: Receiver) -> None:
    with here.haven.db.begin(OPERATOR) as tx:
        old = intake.set_webhook(tx, intake.platform_named(tx, "here"), None, new_secret=True)
    rules(here)
    ana = here.reviewer("ana")
    judged(here, ana, task_of(here, sent(here)), "remove")
    before = len(receiver.headers)
    with here.haven.db.begin(OPERATOR) as tx:
        new = intake.set_webhook(tx, intake.platform_named(tx, "here"), None, new_secret=True)
    judged(here, ana, task_of(here, sent(here)), "remove")
    first, later = receiver.headers[0], receiver.headers[before]
    assert Webhook(old).verify(first["raw"], first)
    assert Webhook(new).verify(later["raw"], later)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(later["raw"], later)
