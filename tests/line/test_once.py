"""What is taken is done before its lease ends, so that a second worker does not do it, too."""

import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from line_receiver import Receiver, receiving
from line_scene import Scene, event, post

from openhaven import intake
from openhaven.intake import Event, Report, ReportSubject
from openhaven.line import jobs
from openhaven.storage.settings import Mail


def test_one_slow_platform_keeps_no_other_from_being_served(
    here: Scene, receiver: Receiver
) -> None:
    """Everybody carries at once: the slow platform has its share, and the other one is served."""
    go_on, waiting = threading.Event(), []

    def slow(act: dict[str, object]) -> int:
        waiting.append(act)
        go_on.wait(300)
        return 204

    receiver.answer = slow
    here.accept(*[post("zorgblat", account={"id": f"a{n}"}) for n in range(6)])
    share = jobs.CARRIERS // 4
    with receiving() as quick:
        with here.haven.db.begin(here.actor) as tx:
            platform, _ = intake.add_platform(tx, "quick", webhook_url=quick.url)
            intake.accept(tx, platform, [msgspec.convert(post("zorgblat"), Event)])
        while jobs.judge_events(here.haven):
            pass
        carriers = [threading.Thread(target=carry_all, args=(here,)) for _ in range(jobs.CARRIERS)]
        for carrier in carriers:
            carrier.start()
        end = time.monotonic() + 300
        while len(quick.acts) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        assert len(quick.acts) == 2, "a notice and a removal"
        assert len(waiting) == share, "no more than its share is under way"
        go_on.set()
        for carrier in carriers:
            carrier.join()
    carry_all(here)
    assert len(waiting) == 12


def carry_all(here: Scene) -> None:
    while jobs.carry_act(here.haven):
        pass


@pytest.fixture
def slow_mail() -> Iterator[tuple[int, threading.Event, threading.Event]]:
    """Run a mail host that keeps its first caller waiting until the event is set.

    Yields its port, an event that says that the first caller is there, and the event.
    """
    called, go_on = threading.Event(), threading.Event()
    first = threading.Lock()

    class Slow(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if first.acquire(blocking=False):
                called.set()
                go_on.wait(300)
            self.request.sendall(b"554 not today\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1], called, go_on
        go_on.set()
        server.shutdown()


def test_one_slow_letter_keeps_no_other_from_being_sent(
    here: Scene, slow_mail: tuple[int, threading.Event, threading.Event]
) -> None:
    port, called, go_on = slow_mail
    body = event()
    here.accept(body)
    here.work()
    for number in range(3):
        report = Report(subject=ReportSubject(item=body["item"]["id"]), category="spam",
                        contact=f"r{number}@example.org")  # fmt: skip
        with here.haven.db.begin(here.actor) as tx:
            intake.accept_report(tx, here.platform, report)
    here.work()
    here.judge(here.reviewer("one"), here.rows("SELECT id FROM tasks")[0]["id"], "allow")
    here.work()
    mail = Mail(host="127.0.0.1", port=port)
    haven = replace(here.haven, settings=msgspec.structs.replace(here.haven.settings, mail=mail))
    first = threading.Thread(target=jobs.send_letters, args=(haven,))
    first.start()
    try:
        # Else the second worker could be the one that the mail host keeps waiting.
        assert called.wait(300)
        # On a machine that stands still for seconds one of them may be due again meanwhile.
        assert jobs.send_letters(haven) >= 2, "the second worker sends those that nobody is sending"
        under_way = "SELECT email_attempts AS n FROM notices WHERE last_error IS NULL"
        assert here.rows(under_way) == [{"n": 1}], "which is the only one, taken once"
    finally:
        # Else it would go on with a database that is closed.
        go_on.set()
        first.join()
