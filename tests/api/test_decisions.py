"""Decisions, statements, acts and reports over HTTP: complete, explained, one's own only."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from api_scene import REMOVE, REVIEW, Town, body, name, problem, saying
from line_scene import OPERATOR

from openhaven.core.words import REVERSING
from openhaven.web.metrics import Metrics

RESTRICTIONS = ("remove", "restrict", "suspend")


@pytest.fixture(scope="session")
def schema(shared: Path) -> Any:
    text = (shared / "standards/dsa/sor-submission.schema.json").read_text()
    found = json.loads(text)
    return jsonschema.validators.validator_for(found)(
        found, format_checker=jsonschema.FormatChecker()
    )


def statement(town: Town, decision: str, query: str = "") -> Any:
    reply = town.ask("GET", f"/v1/decisions/{decision}/statement{query}")
    assert reply.status == 200, reply.body
    return reply.json


def check_statement(town: Town, decision: str, schema: Any) -> dict[str, Any]:
    """Hold a restriction's statement against the schema of the DSA database; return it whole."""
    whole: dict[str, Any] = statement(town, decision)
    bare = statement(town, decision, "?form=dsa")
    schema.validate(
        {"statements": [bare]} if "statements" in schema.schema.get("properties", {}) else bare
    )
    assert bare["puid"] == decision
    assert bare.items() <= whole.items()
    assert set(whole) - set(bare) >= {
        "decision",
        "outcome",
        "state",
        "clause",
        "facts",
        "until",
        "redress",
        "notice",
    }
    assert set(whole["notice"]) == {"title", "text", "language", "appeal_url", "help"}
    assert f"/appeal/{town.token(decision)}" in whole["notice"]["appeal_url"]
    assert whole["notice"]["appeal_url"] in whole["notice"]["text"]
    return whole


@pytest.mark.parametrize("outcome", RESTRICTIONS)
def test_a_judged_restriction_has_a_valid_statement(town: Town, schema: Any, outcome: str) -> None:
    days = None if outcome == "remove" else 7
    made = town.decided(outcome, days=days, facts="The post by Jo Doe says what is not allowed.")
    whole = check_statement(town, made["id"], schema)
    assert whole["facts"] == "The post by Jo Doe says what is not allowed."
    assert "Jo Doe" in whole["notice"]["text"]
    assert "Jo Doe" not in json.dumps(statement(town, made["id"], "?form=dsa"))
    assert (whole["until"] is None) is (days is None)


@pytest.mark.parametrize("word", [REMOVE, "grimzorble"])
def test_a_rule_s_restriction_has_a_valid_statement(town: Town, schema: Any, word: str) -> None:
    whole = check_statement(town, town.judged(saying(word))["decision"], schema)
    assert whole["automated_decision"] == "AUTOMATED_DECISION_FULLY"
    assert word not in json.dumps(whole)


@pytest.mark.parametrize("outcome", ["warn", "allow"])
def test_warnings_and_no_action_are_not_submitted(town: Town, outcome: str) -> None:
    made = town.decided(outcome)
    assert statement(town, made["id"], "?form=dsa") is None
    whole = statement(town, made["id"])
    assert "puid" not in whole
    assert whole["outcome"] == outcome
    assert (whole["notice"] is None) is (outcome == "allow")


def test_a_decision_tells_everything_but_who_and_where(town: Town) -> None:
    made = town.decided("restrict", days=3)
    found = town.ask("GET", f"/v1/decisions/{made['id']}").json
    assert found["id"] == made["id"]
    assert found["account"] == made["account"]
    assert found["item"] == made["item"]
    assert found["state"] == "in_force"
    assert {act["verb"] for act in found["acts"]} == {"notify", "restrict"}
    assert not {"decided_by", "subject", "judgement", "event", "case_id"} & set(found)
    assert town.person("ana").id not in json.dumps(found)


def test_an_act_arrives_in_the_fixed_shape_and_its_outcome_is_noted(town: Town) -> None:
    made = town.decided("restrict", days=3)
    [act] = [
        a for a in town.receiver.acts if a["decision"] == made["id"] and a["verb"] == "restrict"
    ]
    assert set(act) == {"id", "verb", "subject", "decision", "until", "reverses", "measure",
                        "scope"}  # fmt: skip
    assert act["subject"] == {"item": made["item"]}
    assert datetime.fromisoformat(act["until"]) > datetime.now(UTC)
    path = f"/v1/acts/{act['id']}/outcome"
    refused = problem(town.ask("POST", path, {"state": "perhaps"}), 400)
    assert "`$.state`" in refused["detail"]
    done = town.ask("POST", path, {"state": "failed", "reason": "It was gone already."})
    assert (done.status, done.json) == (200, {"id": act["id"], "state": "failed"})
    [shown] = [
        a
        for a in town.ask("GET", f"/v1/decisions/{made['id']}").json["acts"]
        if a["id"] == act["id"]
    ]
    assert (shown["state"], shown["error"]) == ("failed", "It was gone already.")
    for _ in range(2):
        assert town.ask("POST", path, {"state": "done"}).json["state"] == "done"
    late = town.ask("POST", path, {"state": "failed", "reason": "late"})
    assert late.json["state"] == "done", "the answer says what is stored"
    problem(town.ask("POST", "/v1/acts/act_none/outcome", {"state": "done"}), 404)


def test_a_failed_act_is_replayed_under_its_own_id(town: Town) -> None:
    made = town.decided("remove")
    act = town.rows("SELECT id FROM acts WHERE decision = %(d)s AND verb = 'remove'", d=made["id"])[
        0
    ]["id"]
    town.person("root", "administrator")
    admin = town.cookie("root")
    town.ask("POST", f"/v1/acts/{act}/outcome", {"state": "failed", "reason": "no room"})
    page = town.place.ask("GET", "/console/deliveries", headers=admin)
    assert "no room" in page.body.decode()
    csrf = page.body.decode().partition('name="csrf" value="')[2].partition('"')[0]
    kind = {"content-type": "application/x-www-form-urlencoded"}
    path = f"/console/acts/{act}/replay"
    assert town.place.ask("POST", path, f"csrf={csrf}".encode(), admin | kind).status == 303
    town.work()
    assert [a["id"] for a in town.receiver.acts].count(act) == 2
    again = town.place.ask("POST", path, f"csrf={csrf}".encode(), admin | kind)
    assert again.status == 409


def test_an_act_of_which_nobody_heard_for_a_day_is_shown(town: Town) -> None:
    made = town.decided("remove")
    [act] = town.rows(
        "SELECT id, state FROM acts WHERE decision = %(d)s AND verb = 'remove'", d=made["id"]
    )
    assert act["state"] == "accepted"
    ben = town.cookie("ben")

    def shown() -> bool:
        page = town.place.ask("GET", "/console/deliveries", headers=ben).body.decode()
        _, _, told = page.partition("<h2>Accepted, no word since then</h2>")
        return str(act["id"]) in told

    def accepted(ago: timedelta) -> float:
        sql = "UPDATE acts SET accepted_at = %(t)s WHERE id = %(id)s"
        with town.haven.db.begin(OPERATOR) as tx:
            tx.run(sql, id=act["id"], t=tx.now - ago)
        lines = Metrics().text(town.haven).decode().splitlines()
        return float(next(x for x in lines if x.startswith("openhaven_acts_silent ")).split()[1])

    before = accepted(timedelta(hours=23))
    assert not shown()
    assert accepted(timedelta(hours=25)) == before + 1
    assert shown()
    assert town.ask("POST", f"/v1/acts/{act['id']}/outcome", {"state": "done"}).status == 200
    assert not shown()


# Reports ---------------------------------------------------------------------------------------


def report(town: Town, **given: Any) -> dict[str, Any]:
    reply = town.ask(
        "POST", "/v1/reports", {"category": "harassment", "text": "Please look."} | given
    )
    assert reply.status == 201, reply.body
    assert set(reply.json) == {"receipt", "status_url"}
    found: dict[str, Any] = reply.json
    return found


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"reporter": "r1"},
        {"contact": "r@example.org"},
        {"reporter": "r1", "contact": "ring me: 0123"},
    ],
)
def test_a_report_leads_to_a_person_and_to_an_answer(town: Town, given: dict[str, str]) -> None:
    sent = body()
    town.judged(sent)
    told = report(town, subject={"item": sent["item"]["id"]}, **given)
    assert told["status_url"].endswith(f"/report/{told['receipt']}")
    path = f"/v1/reports/{told['receipt']}"
    state = town.ask("GET", path).json
    assert state["state"] == "received"
    assert state["decided_at"] is None
    assert "harassment" in state["help"]
    town.work()
    assert town.ask("GET", path).json["state"] == "in_review"
    [task] = town.rows(
        "SELECT t.id FROM tasks t JOIN cases c ON c.id = t.case_id WHERE c.item = %(i)s",
        i=sent["item"]["id"],
    )
    town.judge(task["id"], "remove")
    state = town.ask("GET", path).json
    assert (state["state"], state["outcome"]) == ("decided", "remove")
    assert datetime.fromisoformat(state["decided_at"]).tzinfo is not None
    assert town.ask("GET", path.upper().replace("/V1/REPORTS", "/v1/reports")).json == state
    page = town.place.ask("GET", f"/report/{told['receipt']}")
    assert page.status == 200


def test_a_report_never_names_the_reporter_to_the_person(town: Town) -> None:
    sent = body()
    town.judged(sent)
    report(
        town,
        subject={"item": sent["item"]["id"]},
        reporter="whistle-1",
        text="words-of-the-reporter",
        contact="whistle@example.org",
    )
    town.work()
    [task] = town.rows(
        "SELECT t.id FROM tasks t JOIN cases c ON c.id = t.case_id WHERE c.item = %(i)s",
        i=sent["item"]["id"],
    )
    made = town.judge(task["id"], "warn")
    for text in (
        json.dumps(statement(town, made["id"])),
        town.ask("GET", f"/v1/decisions/{made['id']}").body.decode(),
        town.place.ask("GET", f"/appeal/{town.token(made['id'])}").body.decode(),
    ):
        assert "whistle" not in text
        assert "words-of-the-reporter" not in text


def test_reports_on_an_account_and_on_what_was_never_sent(town: Town) -> None:
    for subject in (
        {"account": name("a")},
        {"item": name("i")},
        {"item": name("i"), "account": name("a")},
    ):
        told = report(town, subject=subject, category="no such word at all")
        town.work()
        assert town.ask("GET", f"/v1/reports/{told['receipt']}").json["category"] == "other"
    problem(town.ask("POST", "/v1/reports", {"subject": {}, "category": "spam", "text": ""}), 400)
    problem(town.ask("POST", "/v1/reports", {"subject": {"item": "i"}}), 400)
    problem(town.ask("GET", "/v1/reports/0000-0000-0000-0000-0000"), 404)


def test_the_reports_of_many_are_one_case_with_one_task(town: Town) -> None:
    sent = body()
    town.judged(sent)
    for _ in range(5):
        report(town, subject={"item": sent["item"]["id"]})
    town.work()
    assert town.rows(
        "SELECT t.reports FROM tasks t JOIN cases c ON c.id = t.case_id WHERE c.item = %(i)s",
        i=sent["item"]["id"],
    ) == [{"reports": 5}]


# Appeals ---------------------------------------------------------------------------------------


def test_an_upheld_appeal_sends_the_reverse_and_says_so(town: Town, schema: Any) -> None:
    made = town.decided("suspend", days=7)
    path = f"/appeal/{town.token(made['id'])}"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert town.place.ask("POST", path, b"text=It+was+a+quotation.", kind).status == 303
    [task] = town.rows(
        "SELECT id FROM tasks WHERE kind = 'appeal' AND case_id = %(c)s", c=made["case_id"]
    )
    given = town.here.judge(town.person("ben"), task["id"], "upheld", facts="It was a quotation.")
    assert given
    town.work()
    found = town.ask("GET", f"/v1/decisions/{made['id']}").json
    assert found["state"] == "overturned"
    acts = {act["verb"]: act for act in found["acts"]}
    assert acts["unsuspend"]["reverses"] == acts["suspend"]["id"]
    told = statement(town, made["id"])
    assert "It was a quotation." in told["notice"]["text"]
    assert told["state"] == "overturned"
    assert REVERSING["suspend"] == "unsuspend"


def test_a_decision_on_a_deleted_item_is_safe(town: Town) -> None:
    sent = saying(REVIEW)
    task = town.judged(sent)["task"]
    town.judged(body(kind="item.delete", item={"id": sent["item"]["id"]}, account=sent["account"]))
    made = town.judge(task, "remove")
    assert made["item"] == sent["item"]["id"]
    assert statement(town, made["id"])["outcome"] == "remove"
