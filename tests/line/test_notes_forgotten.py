"""What reviewers wrote to each other about somebody is forgotten in time."""

from datetime import timedelta

from line_scene import Scene, post

from openhaven import records, review
from openhaven.core import utcnow
from openhaven.review.handing.actions import ask_opinion


def test_notes_are_forgotten_when_the_matter_ended_long_ago(here: Scene) -> None:
    ana, body = here.reviewer("ana"), post("Here comes a flumquist")
    here.accept(body)
    here.work()
    task = str(here.verdict(body["id"])["task"])
    with here.haven.db.begin(ana) as tx:
        review.claim(tx, task)
        ask_opinion(tx, task, "Is this from the film?")
    kept = here.haven.settings.retention
    later = utcnow() + timedelta(days=kept.decided + 1)
    records.retain(here.haven.db, here.haven.blobs, kept, later)
    assert here.rows("SELECT 1 AS one FROM task_notes WHERE body IS NOT NULL"), "it is not over"
    here.judge(ana, task, "allow", clause="reports")
    here.work()
    records.retain(here.haven.db, here.haven.blobs, kept, later)
    assert here.rows("SELECT body FROM task_notes") == [{"body": None}]
