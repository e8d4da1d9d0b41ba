"""What is taken is done before its lease ends, so that a second worker does not do it, too."""

import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec
import pytest
from line_receiver import Receiver
from line_scene import Scene, event, post

from openhaven import intake
from openhaven.intake import Report, ReportSubject
from openhaven.line import jobs
from openhaven.storage.settings import Mail


def test_no_more_acts_are_taken_than_can_be_under_way(here: Scene, receiver: Receiver) -> None:
    leased: list[int] = []
    sql = "SELECT count(*) AS n FROM acts WHERE lease_until > now()"

    def look(act: dict[str, object]) -> int:
        leased.append(here.rows(sql)[0]["n"])
        return 204

    receiver.answer = look
    here.accept(*[post("zorgblat", account={"id": f"a{n}"}) for n in range(6)])
    while jobs.judge_events(here.haven):
        pass
    with ThreadPoolExecutor(jobs.CARRIERS) as pool:
        while jobs.carry_acts(here.haven, pool):
            pass
    assert len(leased) == 12
    assert max(leased) <= jobs.CARRIERS


@pytest.fixture
def slow_mail() -> Iterator[tuple[int, threading.Event]]:
    """Run a mail host that keeps its first caller waiting until the event is set."""
    calls, go_on = [], threading.Event()

    class Slow(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            calls.append(1)
            if len(calls) == 1:
                go_on.wait(15)
            self.request.sendall(b"554 not today\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1], go_on
        go_on.set()
        server.shutdown()


def test_one_slow_letter_keeps_no_other_from_being_sent(
    here: Scene, slow_mail: tuple[int, threading.Event]
) -> None:
    port, go_on = slow_mail
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
    attempts = "SELECT email_attempts AS n FROM notices ORDER BY n DESC"
    while here.rows(attempts)[0]["n"] == 0:
        pass
    assert jobs.send_letters(haven) == 2, "the second worker sends those that nobody is sending"
    go_on.set()
    first.join()
    assert [row["n"] for row in here.rows(attempts)] == [1, 1, 1]
