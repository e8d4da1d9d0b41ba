"""From an event to what follows from it, through the spine and the real database."""

from datetime import timedelta

import msgspec
import pytest
from line_receiver import Receiver
from line_scene import OPERATOR, Scene, event, post
from standardwebhooks import Webhook

from openhaven import decisions, intake, ledger, review
from openhaven.core import Problem, utcnow
from openhaven.intake import Report
from openhaven.ledger import verify
from openhaven.line import drafts, jobs


def test_a_harmless_post_passes_and_leaves_one_entry_for_the_batch(here: Scene) -> None:
    sent = [event() for _ in range(5)]
    here.accept(*sent)
    here.work()
    assert {here.verdict(body["id"])["outcome"] for body in sent} == {"allow"}
    entries = here.rows("SELECT ids FROM ledger_entries WHERE kind = 'events.judged'")
    assert [entry["ids"]["allow"] for entry in entries] == ["5"]
    assert here.rows("SELECT 1 FROM decisions") == []


def test_a_rule_removes_tells_why_and_the_act_arrives_signed(
    here: Scene, receiver: Receiver
) -> None:
    body = post("Buy zorgblat now")
    here.accept(body)
    here.work()
    verdict = here.verdict(body["id"])
    assert verdict["outcome"] == "remove"
    with here.haven.db.read() as tx:
        made = decisions.decision(tx, verdict["decision"])
        notice = decisions.notice_text(tx, made.id)
    assert made.automated_decision == "fully"
    assert made.automated_detection
    assert notice is not None
    assert "/appeal/" in notice.text
    assert made.clause_title in notice.text
    assert "zorgblat" not in notice.text
    assert {act["verb"] for act in receiver.acts} == {"notify", "remove"}
    removed = next(act for act in receiver.acts if act["verb"] == "remove")
    assert removed == {"id": removed["id"], "verb": "remove", "decision": made.id, "until": None,
                       "subject": {"item": body["item"]["id"]}, "reverses": None,
                       "measure": "", "scope": ["*"]}  # fmt: skip
    with here.haven.db.read() as tx:
        platform = intake.platform_named(tx, here.platform)
        secret = tx.keys.open(platform.id, platform.webhook_secret or b"")
    for headers in receiver.headers:
        Webhook(secret or b"").verify(headers["raw"], headers)


def test_a_person_judges_and_the_platform_says_it_is_done(here: Scene, receiver: Receiver) -> None:
    body = post("Here comes a flumquist")
    here.accept(body)
    here.work()
    verdict = here.verdict(body["id"])
    assert verdict["outcome"] == "review"
    assert verdict["decision"] is None
    reviewer = here.reviewer("one")
    here.judge(reviewer, verdict["task"], "remove", facts="The post says a forbidden word.")
    here.work()
    made = here.rows("SELECT * FROM decisions")[0]
    assert made["decided_by"] == f"staff:{reviewer.id}"
    assert made["automated_decision"] == "not"
    assert made["facts"] == "The post says a forbidden word."
    assert made["content_type"] == ["TEXT"]
    act = next(act for act in receiver.acts if act["verb"] == "remove")
    with here.haven.db.begin(here.actor) as tx:
        stored = decisions.store.act(tx, act["id"], platform=here.platform)
        decisions.report_outcome(tx, stored, "done", None)
    assert here.rows("SELECT state FROM acts WHERE verb = 'remove'") == [{"state": "done"}]


def test_the_reports_of_ten_people_are_one_piece_of_work_and_each_gets_an_answer(
    here: Scene,
) -> None:
    body = event()
    here.accept(body)
    here.work()
    receipts = []
    for number in range(10):
        about = intake.ReportSubject(item=body["item"]["id"])
        report = Report(subject=about, category="harassment",
                        text=f"It hurts {number}", contact=f"r{number}@example.org")  # fmt: skip
        with here.haven.db.begin(here.actor) as tx:
            receipts.append(intake.accept_report(tx, here.platform, report))
    here.work()
    tasks = here.rows("SELECT id, reports FROM tasks")
    assert [task["reports"] for task in tasks] == [10]
    here.judge(here.reviewer("one"), tasks[0]["id"], "allow", facts="It is about the weather.")
    here.work()
    with here.haven.db.read() as tx:
        states = [intake.report_status(tx, receipt) for receipt in receipts]
    assert {(status.state, status.outcome) for status in states} == {("decided", "allow")}
    letters = here.rows("SELECT email_state FROM notices WHERE audience = 'reporter'")
    assert [letter["email_state"] for letter in letters] == ["intended"] * 10


def test_a_report_reaches_a_person_whatever_the_pack_says(here: Scene) -> None:
    report = Report(subject=intake.ReportSubject(account="nobody-ever-seen"), category="blah")
    with here.haven.db.begin(here.actor) as tx:
        intake.accept_report(tx, here.platform, report)
    here.work()
    assert [row["state"] for row in here.rows("SELECT state FROM tasks")] == ["open"]


def test_a_report_sent_as_an_event_cannot_touch_the_report_of_another(here: Scene) -> None:
    body = event()
    report = Report(subject=intake.ReportSubject(item=body["item"]["id"]), category="spam")
    with here.haven.db.begin(here.actor) as tx:
        intake.accept_report(tx, here.platform, report)
    foreign = here.rows("SELECT id FROM reports")[0]["id"]
    here.accept(
        event(kind="report.create", item=None, context={"report": foreign, "category": "nonsense"}),
        event(kind="report.create", target={"account": {"id": "a9"}}, context={"category": "csam"}),
    )
    here.work()
    tasks = here.rows("SELECT c.account, c.harm, t.severity, t.reports FROM tasks t "
                      "JOIN cases c ON c.id = t.case_id ORDER BY t.severity")  # fmt: skip
    assert {(row["harm"], row["severity"]) for row in tasks} == {
        ("spam", 1), ("other", 1), ("csam.known", 4)}  # fmt: skip
    assert [row["reports"] for row in tasks] == [1, 1, 1]
    states = here.rows("SELECT state, count(*) AS n FROM reports GROUP BY state")
    assert states == [{"state": "in_review", "n": 1}]


def appealed(here: Scene) -> tuple[decisions.Decision, str]:
    """Remove a post by a reviewer's judgement and appeal; return the decision and the task."""
    body = post("Here comes a flumquist")
    here.accept(body)
    here.work()
    here.judge(here.reviewer("one"), here.verdict(body["id"])["task"], "remove")
    here.work()
    made = here.rows("SELECT id FROM decisions")[0]["id"]
    with here.haven.db.begin(OPERATOR) as tx:
        decision = decisions.decision(tx, made)
        token = decisions.appeal_token(tx, made)
        assert decisions.decision_of_token(tx, token) == decision
        decisions.appeal(tx, decision, "I think that you misread it.")
    here.work()
    return decision, here.rows("SELECT id FROM tasks WHERE kind = 'appeal'")[0]["id"]


def test_an_upheld_appeal_undoes_everything_in_one_transaction(
    here: Scene, receiver: Receiver
) -> None:
    made, task = appealed(here)
    before = len(receiver.acts)
    here.judge(here.reviewer("two"), task, "upheld", facts="It was a quotation.")
    here.work()
    with here.haven.db.read() as tx:
        assert decisions.decision(tx, made.id).state == "overturned"
        notice = decisions.notice_text(tx, made.id)
    assert notice is not None
    assert "It was a quotation." in notice.text
    removal = next(act for act in receiver.acts if act["verb"] == "remove")
    later = {act["verb"]: act for act in receiver.acts[before:]}
    assert later["restore"]["reverses"] == removal["id"]
    assert set(later) == {"restore", "notify"}


def test_whoever_decided_cannot_hear_the_appeal(here: Scene) -> None:
    _, task = appealed(here)
    first = here.rows("SELECT id, roles FROM staff WHERE name = 'one'")[0]
    who = review_actor(first)
    with pytest.raises(Problem, match="acted on this case"), here.haven.db.begin(who) as tx:
        review.claim(tx, task)


def review_actor(row: dict[str, object]):  # type: ignore[no-untyped-def]
    from openhaven.core import Actor

    return Actor("staff", str(row["id"]), tuple(row["roles"]))  # type: ignore[arg-type]


def test_a_rejected_appeal_stays_and_cannot_be_repeated(here: Scene) -> None:
    made, task = appealed(here)
    here.judge(here.reviewer("two"), task, "rejected", facts="It stays: the word is forbidden.")
    here.work()
    with here.haven.db.begin(OPERATOR) as tx:
        again = decisions.decision(tx, made.id)
        assert again.state == "in_force"
        with pytest.raises(Problem, match="already an appeal"):
            decisions.appeal(tx, again, "Once more.")


def test_an_appeal_by_a_guessed_link_finds_nothing(here: Scene) -> None:
    made, _ = appealed(here)
    with here.haven.db.read() as tx:
        token = decisions.appeal_token(tx, made.id)
        for guess in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:26], "x", "ü" * 48):
            with pytest.raises(Problem) as caught:
                decisions.decision_of_token(tx, guess)
            assert caught.value.status == 404


def test_only_one_of_two_reviewers_gets_the_task(here: Scene) -> None:
    body = post("flumquist")
    here.accept(body)
    here.work()
    task = here.verdict(body["id"])["task"]
    one, two = here.reviewer("one"), here.reviewer("two")
    with here.haven.db.begin(one) as tx:
        review.claim(tx, task)
    with pytest.raises(Problem, match="Somebody else"), here.haven.db.begin(two) as tx:
        review.claim(tx, task)
    later = utcnow() + timedelta(hours=1)
    with here.haven.db.begin(two, later) as tx:
        review.claim(tx, task)
    pack = here.haven.packs.current.fingerprint
    with pytest.raises(Problem, match="not yours"), here.haven.db.begin(one, later) as tx:
        review.judge(tx, task, outcome="allow", clause="x", pack=pack, facts="too late")


def test_a_suspension_waits_for_its_notice(here: Scene, receiver: Receiver) -> None:
    receiver.answer = lambda act: 500 if act["verb"] == "notify" else 204
    body = post("flumquist")
    here.accept(body)
    here.work()
    here.judge(here.reviewer("one"), here.verdict(body["id"])["task"], "suspend", days=7)
    here.work()
    assert {act["verb"] for act in receiver.acts} == {"notify"}
    receiver.answer = lambda act: 204
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE acts SET next_at = now() - interval '1 second'")
    here.work()
    assert receiver.acts[-1]["verb"] == "suspend"
    assert receiver.acts[-1]["until"] is not None


def test_a_timed_decision_ends_by_itself(here: Scene, receiver: Receiver) -> None:
    body = post("flumquist")
    here.accept(body)
    here.work()
    here.judge(here.reviewer("one"), here.verdict(body["id"])["task"], "restrict", days=3)
    here.work()
    with here.haven.db.begin(OPERATOR, utcnow() + timedelta(days=4)) as tx:
        assert decisions.cancel_expired(tx) == 1
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE acts SET next_at = now() - interval '1 second'")
    here.work()
    assert receiver.acts[-1]["verb"] == "unrestrict"


def test_a_failing_platform_is_tried_for_hours_and_then_is_on_the_screen(
    here: Scene, receiver: Receiver
) -> None:
    receiver.answer = lambda act: 503
    here.accept(post("zorgblat"))
    here.work()
    waited = timedelta()
    for _ in range(40):
        row = here.rows(
            "SELECT state, attempts, next_at, last_error FROM acts WHERE verb = 'remove'"
        )[0]
        if row["state"] == "failed":
            break
        with here.haven.db.begin(OPERATOR) as tx:
            waited += max(row["next_at"] - tx.now, timedelta())
            tx.run("UPDATE acts SET next_at = %(n)s", n=tx.now - timedelta(seconds=1))
        here.work()
    assert row["state"] == "failed"
    assert row["last_error"] == "The platform answered 503."
    assert waited > timedelta(hours=24)
    assert len({act["id"] for act in receiver.acts if act["verb"] == "remove"}) == 1
    receiver.answer = lambda act: 204
    act = here.rows("SELECT id FROM acts WHERE verb = 'remove'")[0]["id"]
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.replay_act(tx, act)
    here.work()
    assert here.rows("SELECT state FROM acts WHERE verb = 'remove'")[0]["state"] == "accepted"


def test_a_poisoned_event_is_set_aside_and_the_line_goes_on(
    capsys: pytest.CaptureFixture[str], here: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = post("flumquist and private words"), event()
    here.accept(bad, good)
    question = drafts.question

    def broken(*args: object, **kwargs: object) -> object:
        raise RuntimeError(f"a defect in judging {args}")

    monkeypatch.setattr(drafts, "question", broken)
    for _ in range(4):
        jobs.judge_events(here.haven)
    monkeypatch.setattr(drafts, "question", question)
    here.work()
    assert here.verdict(good["id"])["outcome"] == "allow"
    states = here.rows("SELECT state FROM events WHERE id = %(id)s", id=bad["id"])
    assert states == [{"state": "stuck"}]
    assert here.rows("SELECT 1 AS one FROM ledger_entries WHERE kind = 'event.stuck'")
    said = capsys.readouterr().err
    assert "line.event_failed" in said
    assert "private words" not in said


def test_private_words_stay_unread_without_a_legal_basis(here: Scene) -> None:
    private = {"id": "c1", "visibility": "private", "encrypted": False}
    before = post("zorgblat", kind="message.send", conversation=private)
    here.accept(before)
    here.work()
    assert here.verdict(before["id"])["outcome"] == "allow"
    with here.haven.db.begin(OPERATOR) as tx:
        intake.set_private_basis(tx, intake.platform_named(tx, "here"), "contract, art. 6(1)(b)")
    after = post("zorgblat", kind="message.send", conversation=private)
    sealed = post("zorgblat", kind="message.send", conversation=private | {"encrypted": True})
    here.accept(after, sealed)
    here.work()
    assert here.verdict(after["id"])["outcome"] == "remove"
    assert here.verdict(sealed["id"])["outcome"] == "allow"


def test_the_ledger_names_a_decision_that_was_altered(here: Scene) -> None:
    here.accept(post("zorgblat"))
    here.work()
    vkey = here.haven.signer.vkey
    outside = ledger.read_outside(here.haven.settings.home / ledger.FILE_NAME)
    with here.haven.db.read() as tx:
        assert verify(tx, outside, vkey).first is None
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE decisions SET facts = 'something else'")
    with here.haven.db.read() as tx:
        found = verify(tx, outside, vkey).first
    assert found is not None
    assert "decisions" in str(msgspec.to_builtins(found))


@pytest.mark.parametrize(
    "column",
    [
        "clause",
        "facts",
        "ground_reference",
        "scope",
        "redress",
        "automated_decision",
        "appeal_until",
        "clause_text",
    ],
)
def test_the_database_refuses_an_incomplete_decision(here: Scene, column: str) -> None:
    here.accept(post("zorgblat"))
    here.work()
    empty = {"scope": "'{}'", "appeal_until": "decided_at + interval '100 days'"}
    value = empty.get(column, "''")
    with (
        pytest.raises(Exception, match="violates check constraint"),
        here.haven.db.begin(OPERATOR) as tx,
    ):
        tx.run(f"UPDATE decisions SET {column} = {value}")
    with pytest.raises(Exception, match="violates not-null"), here.haven.db.begin(OPERATOR) as tx:
        tx.run(f"UPDATE decisions SET {column} = NULL")
