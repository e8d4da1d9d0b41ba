"""Holds: what could not be checked waits for a person, for a day at most, and says so."""

from datetime import timedelta
from typing import Any

import msgspec
from line_receiver import Receiver
from line_scene import OPERATOR, Scene, event, post
from policy_scene import rule
from rules_scene import REMOVE, appeal, put_in_force

from openhaven import decisions, intake
from openhaven.core import utcnow
from openhaven.line.answer import answer

NEVER_SENT = "med_00000000000000000000000000"


def holding(here: Scene) -> None:
    put_in_force(
        here, rule("'known' in banks.positive", id="look", then=REMOVE, unknown="hold", on=[
            "post.create", "message.send"])
    )  # fmt: skip


def with_picture(text: str = "see") -> dict[str, Any]:
    """Return a post with a picture of which nothing is known, so that the signal cannot tell."""
    body = post(text)
    body["item"]["media"] = [{"id": NEVER_SENT}]
    return body


def held(here: Scene) -> dict[str, Any]:
    body = with_picture()
    here.accept(body)
    here.work()
    return here.verdict(body["id"])


def verbs(receiver: Receiver) -> list[str]:
    return [act["verb"] for act in receiver.acts if act["verb"] != "notify"]


def test_a_hold_is_said_and_carried_out_and_due_within_the_hour(
    here: Scene, receiver: Receiver
) -> None:
    holding(here)
    verdict = held(here)
    assert (verdict["outcome"], verdict["hold"]) == ("review", True)
    assert verbs(receiver) == ["restrict"]
    assert receiver.acts[0]["decision"] == verdict["decision"]
    task = here.rows("SELECT due_at - opened_at AS within FROM tasks")[0]
    assert task["within"] == timedelta(hours=1)
    with here.haven.db.read() as tx:
        made = decisions.decision(tx, verdict["decision"])
        text = decisions.notice_text(tx, made.id)
        assert made.held
        assert made.until is not None
        assert made.until - made.decided_at == timedelta(days=1)
        assert text is not None
        assert "Nothing was found against it" in text.text
        assert "goes against" not in text.text


def test_what_a_person_allows_is_let_go(here: Scene, receiver: Receiver) -> None:
    holding(here)
    verdict = held(here)
    here.judge(here.reviewer("one"), verdict["task"], "allow")
    here.work()
    assert verbs(receiver) == ["restrict", "unrestrict"]
    states = here.rows("SELECT outcome, state FROM decisions ORDER BY decided_at")
    assert [(one["outcome"], one["state"]) for one in states] == [
        ("restrict", "expired"), ("allow", "in_force")
    ]  # fmt: skip


def test_what_a_person_removes_is_never_let_go_in_between(here: Scene, receiver: Receiver) -> None:
    holding(here)
    verdict = held(here)
    here.judge(here.reviewer("one"), verdict["task"], "remove")
    here.work()
    assert verbs(receiver) == ["restrict", "remove"]
    made = here.rows("SELECT id FROM decisions WHERE outcome = 'remove'")[0]["id"]
    here.judge(here.reviewer("two"), appeal(here, made), "upheld")
    here.work()
    assert sorted(verbs(receiver)[2:]) == ["restore", "unrestrict"]


def test_a_hold_at_which_nobody_looks_ends_after_a_day(here: Scene, receiver: Receiver) -> None:
    holding(here)
    held(here)
    with here.haven.db.begin(OPERATOR, utcnow() + timedelta(days=1, seconds=1)) as tx:
        assert decisions.cancel_expired(tx) == 1
        tx.run("UPDATE acts SET next_at = now() - interval '1 second'")
    here.work()
    assert verbs(receiver) == ["restrict", "unrestrict"]
    assert here.rows("SELECT state FROM tasks") == [{"state": "open"}]


def test_a_platform_that_cannot_let_go_is_not_asked_to_hold(here: Scene) -> None:
    holding(here)
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE platforms SET verbs = verbs - 'restrict'")
    verdict = held(here)
    assert (verdict["outcome"], verdict["hold"], verdict["decision"]) == ("review", False, None)
    assert here.rows("SELECT due_at - opened_at AS w FROM tasks") == [{"w": timedelta(hours=1)}]


def test_who_asks_before_publishing_is_told_to_hold(here: Scene) -> None:
    holding(here)
    body = msgspec.convert(with_picture(), intake.Event)
    said, verdict = answer(here.haven, here.actor, utcnow(), here.platform, body)
    assert said.result == "new"
    assert verdict is not None
    assert verdict["hold"]


def test_a_hold_counts_against_nobody_and_answers_no_reporter(here: Scene) -> None:
    holding(here)
    body = with_picture()
    here.accept(body)
    report = event(kind="report.create", account={"id": "r1"}, item=None,
                   target={"item": body["item"]}, context={"category": "spam"})  # fmt: skip
    here.accept({key: value for key, value in report.items() if value is not None})
    here.work()
    with here.haven.db.read() as tx:
        assert decisions.counting(tx, here.platform, "a1") == 0
    assert here.rows("SELECT 1 FROM notices WHERE audience = 'reporter'") == []
