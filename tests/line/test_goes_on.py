"""Whatever lies in its way, the line goes on with everything else, and says what it left behind."""

import threading
import time
from dataclasses import replace

import msgspec
import pytest
from line_scene import OPERATOR, Scene, event, post

from openhaven import intake, line
from openhaven.core import Problem, utcnow
from openhaven.intake import Report
from openhaven.line import Worker, jobs
from openhaven.signals import Finding
from openhaven.storage.settings import Mail
from stopwatch import stopwatch


def test_a_judgement_that_cannot_be_settled_holds_up_no_other(here: Scene) -> None:
    bodies = [post("flumquist") for _ in range(3)]
    here.accept(*bodies)
    here.work()
    tasks = [here.verdict(body["id"])["task"] for body in bodies]
    reviewer = here.reviewer("one")
    for task in tasks:
        here.judge(reviewer, task, "remove")
    with here.haven.db.begin(OPERATOR) as tx:
        # As it is when a new version knows a class of harm no more.
        tx.run("""UPDATE cases SET harm = 'retired' WHERE id =
                    (SELECT case_id FROM tasks WHERE id = %(t)s)""", t=tasks[0])  # fmt: skip
    assert jobs.settle_judgements(here.haven) == 2
    states = "SELECT state FROM judgements ORDER BY at"
    assert [row["state"] for row in here.rows(states)] == ["given", "settled", "settled"]
    with pytest.raises(Problem, match="cannot be settled"):
        jobs.settle_judgements(here.haven)
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE cases SET harm = 'other'")
    assert jobs.settle_judgements(here.haven) == 1
    assert [row["state"] for row in here.rows(states)] == ["settled"] * 3


def test_an_event_that_cannot_be_read_any_more_holds_up_no_other(here: Scene) -> None:
    bad, good = event(), event()
    here.accept(bad)
    here.accept(good)
    with here.haven.db.begin(OPERATOR) as tx:
        row = tx.rows("SELECT seq, subject, body FROM events WHERE id = %(i)s", i=bad["id"])[0]
        plain = tx.keys.open(row["subject"], row["body"])
        assert plain is not None
        # As it is when an earlier version took what this one would refuse.
        sealed = tx.keys.seal(row["subject"], plain.replace(b'"GB"', b'"Britain"'))
        tx.run("UPDATE events SET body = %(b)s WHERE seq = %(s)s", b=sealed, s=row["seq"])
    for _ in range(4):
        jobs.judge_events(here.haven)
    assert here.verdict(good["id"])["outcome"] == "allow"
    assert here.rows("SELECT id FROM events WHERE state = 'stuck'") == [{"id": bad["id"]}]


def test_a_letter_that_cannot_be_made_holds_up_no_other(here: Scene) -> None:
    body = event()
    here.accept(body)
    here.work()
    for contact in ("one@example.org", "two@example.org"):
        about = intake.ReportSubject(item=body["item"]["id"])
        report = Report(subject=about, category="spam", contact=contact)
        with here.haven.db.begin(here.actor) as tx:
            intake.accept_report(tx, here.platform, report)
    here.work()
    here.judge(here.reviewer("one"), here.rows("SELECT id FROM tasks")[0]["id"], "allow")
    here.work()
    with here.haven.db.begin(OPERATOR) as tx:
        row = tx.rows("SELECT id, subject FROM notices ORDER BY id LIMIT 1")[0]
        broken = tx.keys.seal(row["subject"], b'{"no": "notice"}')
        tx.run("UPDATE notices SET body = %(b)s WHERE id = %(id)s", b=broken, id=row["id"])
    mail = Mail(host="127.0.0.1", port=1)
    haven = replace(here.haven, settings=msgspec.structs.replace(here.haven.settings, mail=mail))
    jobs.send_letters(haven)
    errors = [row["last_error"] for row in here.rows("SELECT last_error FROM notices ORDER BY id")]
    assert errors == [
        "The letter could not be made (ValidationError).",
        "The mail host did not take it (ConnectionRefusedError).",
    ]


def test_a_loop_that_fails_for_days_is_there_when_the_trouble_ends(here: Scene) -> None:
    worker, tried = Worker(here.haven), []

    class Hurry(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            assert timeout <= 30
            return True

    def job() -> int:
        tried.append(1)
        if len(tried) == 1_200:
            worker.ask_to_stop()
        raise Problem("database.away", "The database does not answer.", status=503)

    worker._repeat("test", 0.5, job, Hurry())
    assert len(tried) == 1_200


class Slow:
    """A detector that takes its time, as one does that asks another machine."""

    version = "1"

    def __init__(self, name: str) -> None:
        self.name = name

    def measure(self, event: intake.Event, media: object) -> list[Finding]:
        time.sleep(4)
        return []


def test_an_answer_comes_in_two_seconds_although_several_signals_are_slow(here: Scene) -> None:
    now = here.haven.packs.now
    slow = tuple(Slow(f"slow-{number}") for number in range(5))
    here.haven.packs.swap(replace(now, signals=(*now.signals, *slow)))
    one = msgspec.convert(post("zorgblat"), intake.Event)
    with stopwatch() as seconds:
        _, verdict = line.answer(here.haven, here.actor, utcnow(), here.platform, one, 6.0)
        took = seconds()
    here.haven.packs.swap(now)
    # To ask all of them takes twenty seconds.
    assert took < 15
    assert verdict is not None
    assert verdict["outcome"] == "remove"
