"""Appeals by both sides; late, again, moot and by strangers; and where nobody else works here."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from decisions_scene import judged, made_by, pass_time, rules, sent, task_of
from line_scene import OPERATOR, Scene

from openhaven import decisions, intake, review, staff
from openhaven.core import Problem, utcnow
from openhaven.decisions import views
from openhaven.decisions.appeals import decided_on, reported


def told(here: Scene, item: str) -> str:
    """Let somebody report an item; return the receipt."""
    with here.haven.db.begin(OPERATOR) as tx:
        report = intake.Report(subject=intake.ReportSubject(item=item), category="hate",
                               contact="mira@example.org")  # fmt: skip
        receipt = intake.accept_report(tx, here.platform, report)
    here.work()
    return receipt


def nothing_done(here: Scene) -> tuple[str, dict[str, Any]]:
    """Report a post about which nothing is then done; return receipt and decision."""
    rules(here)
    body = sent(here)
    receipt = told(here, body["item"]["id"])
    made = made_by(here, judged(here, here.reviewer("ana"), task_of(here, body), "allow"))
    assert made is not None
    return receipt, made


def again(here: Scene, receipt: str, text: str = "Look at the picture.", **when: Any) -> None:
    with here.haven.db.begin(OPERATOR, when.get("now")) as tx:
        found = reported(tx, receipt)
        made = decided_on(tx, found)
        assert made is not None
        decisions.appeal(tx, made, text, found)


def appeal_task(here: Scene) -> dict[str, Any]:
    sql = "SELECT * FROM tasks WHERE kind = 'appeal' AND state = 'open'"
    [task] = here.rows(sql)
    return task


def test_who_reported_may_say_that_something_should_have_been_done(here: Scene) -> None:
    receipt, made = nothing_done(here)
    again(here, receipt)
    judged(here, here.reviewer("ben"), appeal_task(here)["id"], "upheld")
    [first] = here.rows("SELECT state FROM decisions")
    assert first["state"] == "overturned"
    # Somebody else decides anew, and who reported hears of it as of the first time.
    sql = "SELECT id, barred FROM tasks WHERE kind = 'review' AND state = 'open'"
    assert here.rows(sql)[0]["barred"] == [], "where nobody else works here, nobody is barred"
    with here.haven.db.read() as tx:
        assert intake.report_status(tx, receipt).outcome is None
    here.reviewer("eve")
    given = judged(here, here.reviewer("joe"), here.rows(sql)[0]["id"], "remove")
    assert made_by(here, given) is not None
    with here.haven.db.read() as tx:
        assert intake.report_status(tx, receipt).outcome == "remove"
    notices = here.rows("""SELECT kind FROM notices WHERE audience = 'reporter'
                           ORDER BY created_at, id""")
    assert [one["kind"] for one in notices] == ["outcome", "appeal_upheld", "outcome"]
    assert made["outcome"] == "allow"


def test_who_reported_what_was_removed_and_restored_does_not_read_that_nothing_was_done(
    here: Scene,
) -> None:
    rules(here)
    body = sent(here)
    receipt = told(here, body["item"]["id"])
    made = made_by(here, judged(here, here.reviewer("ana"), task_of(here, body), "remove"))
    assert made is not None
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made["id"]), "It is a poem.")
    judged(here, here.reviewer("ben"), appeal_task(here)["id"], "upheld")
    with here.haven.db.read() as tx:
        assert intake.report_status(tx, receipt).outcome == "undone"


def test_a_child_is_led_to_an_adult_and_not_to_a_dispute_settlement_body(here: Scene) -> None:
    rules(here)
    for band, young in (("13-15", True), ("18-plus", False)):
        body = sent(here, account={"id": band, "age_band": band})
        made = made_by(here, judged(here, here.reviewer(f"r{band}"), task_of(here, body), "remove"))
        assert made is not None
        with here.haven.db.begin(OPERATOR) as tx:
            first = decisions.notice_text(tx, made["id"])
            assert first is not None
            said = [first.text]
            decisions.appeal(tx, decisions.decision(tx, made["id"]), "It is a poem.")
        judged(here, here.reviewer(f"s{band}"), appeal_task(here)["id"], "rejected")
        with here.haven.db.read() as tx:
            said += [one.notice.text for one in views.notices_of(tx, made["id"]) if one.notice]
        assert len(said) == 3
        assert all(("out-of-court" in one) != young for one in said)
        assert all(("carer" in one) == young for one in said)
        # The record itself is complete, whoever it is about.
        assert "out-of-court" in made["redress"]


def test_what_one_of_two_reporters_achieves_ends_the_others_appeal_too(here: Scene) -> None:
    rules(here)
    body = sent(here)
    receipts = [told(here, body["item"]["id"]) for _ in range(2)]
    judged(here, here.reviewer("ana"), task_of(here, body), "allow")
    for receipt in receipts:
        again(here, receipt)
    tasks = here.rows("SELECT id FROM tasks WHERE kind = 'appeal' ORDER BY id")
    judged(here, here.reviewer("ben"), tasks[0]["id"], "upheld")
    # Nobody can say of the second one that the decision stands, since it does not.
    assert here.rows("SELECT DISTINCT state FROM appeals") == [{"state": "upheld"}]
    assert here.rows("SELECT state FROM tasks WHERE id = %(t)s", t=tasks[1]["id"]) == [
        {"state": "cancelled"}
    ]
    sql = "SELECT count(*) AS n FROM notices WHERE kind = 'appeal_upheld' AND audience = 'reporter'"
    assert here.rows(sql) == [{"n": 2}]
    assert len(here.rows("SELECT 1 AS one FROM reports WHERE state = 'in_review'")) == 2


def test_rejected_it_stays_and_says_why(here: Scene) -> None:
    receipt, made = nothing_done(here)
    again(here, receipt)
    judged(here, here.reviewer("ben"), appeal_task(here)["id"], "rejected")
    assert here.rows("SELECT state FROM decisions") == [{"state": "in_force"}]
    with pytest.raises(Problem, match="already an appeal"):
        again(here, receipt, "And again.")
    with here.haven.db.read() as tx:
        [one] = views.appeals_of(tx, made["id"])
    assert (one.state, one.reasons) == ("rejected", "It calls for it.")


def test_late_moot_undecided_and_guessed_are_clear_answers(here: Scene) -> None:
    receipt, made = nothing_done(here)
    with pytest.raises(Problem, match="time for an appeal"):
        again(here, receipt, now=utcnow() + timedelta(days=185))
    again(here, receipt, now=utcnow() + timedelta(days=183))
    with here.haven.db.begin(OPERATOR) as tx, pytest.raises(Problem, match="no report"):
        reported(tx, "0000-0000-0000-0000-0000")
    body = sent(here)
    waits = told(here, body["item"]["id"])
    with here.haven.db.read() as tx:
        assert decided_on(tx, reported(tx, waits)) is None
    done = made_by(here, judged(here, here.reviewer("ben"), task_of(here, body), "remove"))
    with pytest.raises(Problem, match="Something was done"):
        again(here, waits)
    # The two sides do not stand in each other's way.
    assert done is not None
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, done["id"]), "It was a joke.")
    with here.haven.db.begin(OPERATOR) as tx, pytest.raises(Problem, match="already"):
        decisions.appeal(tx, decisions.decision(tx, done["id"]), "Another text.")
    assert made["id"] != done["id"]


# Where nobody else works here -------------------------------------------------------------------


def alone(here: Scene, profile: str = "solo") -> tuple[Any, dict[str, Any]]:
    rules(here)
    ana = here.reviewer("ana")
    with here.haven.db.begin(OPERATOR) as tx:
        staff.set_staffing(tx, profile)
    made = made_by(here, judged(here, ana, task_of(here, sent(here)), "remove"))
    assert made is not None
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made["id"]), "It was a joke.")
    return ana, made


def claimed(here: Scene, who: Any, task: str, now: Any = None) -> None:
    with here.haven.db.begin(who, now) as tx:
        review.claim(tx, task)


def test_alone_the_same_person_looks_again_after_a_day_and_says_so(here: Scene) -> None:
    ana, made = alone(here)
    task = appeal_task(here)
    pass_time(here, 0.9)
    with pytest.raises(Problem, match="somebody else"):
        claimed(here, ana, task["id"])
    pass_time(here, 1.1)
    judged(here, ana, task["id"], "rejected")
    assert here.rows("SELECT state, independent FROM appeals") == [
        {"state": "rejected", "independent": False}
    ]
    with here.haven.db.read() as tx:
        notice = decisions.notice_text(tx, made["id"])
    assert notice is not None
    assert "This was not independent" in notice.text


def test_with_somebody_else_here_nobody_hears_their_own_case(here: Scene) -> None:
    ana, _ = alone(here, "two")
    here.reviewer("ben")
    pass_time(here, 3)
    with pytest.raises(Problem, match="somebody else"):
        claimed(here, ana, appeal_task(here)["id"])


def test_a_team_never_lets_the_same_person_look_again(here: Scene) -> None:
    ana, _ = alone(here, "team")
    pass_time(here, 3)
    task = appeal_task(here)
    with pytest.raises(Problem, match="somebody else"):
        claimed(here, ana, task["id"])
    with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
        tx.run("""UPDATE tasks SET same_since = opened_at + interval '2 days', barred = '{}'
                  WHERE id = %(t)s""", t=task["id"])  # fmt: skip
