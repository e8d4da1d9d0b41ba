"""How, where, from when, and told when: what is said besides an outcome, and incitement."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from decisions_scene import (
    SIX,
    TAKE,
    acts,
    judged,
    made_by,
    pass_time,
    rules,
    sent,
    task_of,
)
from line_scene import OPERATOR, Scene
from msgspec.structs import asdict

from openhaven import decisions, ledger, staff
from openhaven.core import Problem, utcnow
from openhaven.decisions import dsa, exceptions
from openhaven.policy import BrokenPack
from openhaven.review.terms import INCITEMENT, Later, Terms
from openhaven.staff import approvals


def decided(here: Scene, outcome: str = "restrict", **terms: Any) -> dict[str, Any]:
    """Let somebody judge a fresh post under terms; return the decision."""
    days = terms.pop("days", None)
    task = task_of(here, sent(here))
    name = f"r{len(here.rows('SELECT 1 AS one FROM staff'))}"
    given = judged(here, here.reviewer(name), task, outcome, terms=Terms(**terms), days=days)
    found = made_by(here, given)
    assert found is not None
    return found


# Measures, places, beginnings -----------------------------------------------------------------


MEASURED = [
        ("age_gate", "only adults", ("decision_visibility", "CONTENT_AGE_RESTRICTED")),
        ("demote", "fewer people", ("decision_visibility", "CONTENT_DEMOTED")),
        ("label", "put a notice", ("decision_visibility", "CONTENT_LABELLED")),
        ("no_interaction", "closed", ("decision_visibility", "CONTENT_INTERACTION_RESTRICTED")),
        ("monetary", "payments", ("decision_monetary", "MONETARY_SUSPENSION")),
        ("service", "part of the service", ("decision_provision", "PARTIAL_SUSPENSION")),
    ]  # fmt: skip


def test_each_measure_is_carried_out_told_and_published_as_it_is(
    here: Scene,
) -> None:
    rules(here)
    for measure, told, public in MEASURED:
        _check_measure(here, measure, told, public)


def _check_measure(here: Scene, measure: str, told: str, public: tuple[str, str]) -> None:
    made = decided(here, measure=measure, scope=("DE", "FR"))
    act = next(one for one in acts(here, made["id"]) if one["verb"] == "restrict")
    assert (act["measure"], act["scope"], act["state"]) == (measure, ["DE", "FR"], "accepted")
    with here.haven.db.read() as tx:
        stored = decisions.decision(tx, made["id"])
        notice = decisions.notice_text(tx, made["id"])
    assert notice is not None
    assert told in notice.text
    assert "DE, FR" in notice.text
    statement = dsa.projection(stored)
    assert statement is not None
    assert public[1] in str(statement[public[0]])
    assert statement["territorial_scope"] == ["DE", "FR"]


def test_what_a_platform_cannot_do_so_is_on_the_screen_and_not_done_otherwise(here: Scene) -> None:
    rules(here)
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE platforms SET can = '{label}'")
    demoted = decided(here, measure="demote")
    in_germany = decided(here, "remove", scope=("DE",))
    labelled = decided(here, measure="label")
    states = [next(one["state"] for one in acts(here, made["id"]) if one["verb"] != "notify")
              for made in (demoted, in_germany, labelled)]  # fmt: skip
    assert states == ["failed", "failed", "accepted"]


def test_what_begins_later_waits_and_ends_by_itself(here: Scene) -> None:
    rules(here)
    made = decided(here, measure="demote", starts_days=3, days=10)
    assert made["starts_at"] - made["decided_at"] == timedelta(days=3)
    [notify, act] = acts(here, made["id"])
    assert (notify["state"], act["state"]) == ("accepted", "intended")
    assert act["next_at"] == made["starts_at"]
    with here.haven.db.begin(OPERATOR, made["starts_at"] + timedelta(hours=1)) as tx:
        [due] = decisions.claim_acts(tx, 10, timedelta(minutes=1))
        decisions.finish_act(tx, due, "done", None)
    pass_time(here, 11)
    assert [one["verb"] for one in acts(here, made["id"])] == ["notify", "restrict", "unrestrict"]
    assert here.rows("SELECT state FROM decisions") == [{"state": "expired"}]


def test_what_is_taken_back_before_it_begins_never_begins(here: Scene) -> None:
    rules(here)
    made = decided(here, "remove", starts_days=3)
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made["id"]), "It was a quotation.")
    [task] = here.rows("SELECT id FROM tasks WHERE kind = 'appeal'")
    judged(here, here.reviewer("eve"), task["id"], "upheld")
    found = {one["verb"]: one["state"] for one in acts(here, made["id"])}
    assert found["remove"] == "cancelled"
    assert "restore" not in found


SENSELESS = [
        ("remove", {"measure": "label"}),
        ("allow", {"scope": ("DE",)}),
        ("warn", {"starts_days": 2}),
        ("remove", {"scope": ("de",)}),
        ("remove", {"scope": ("DE", "DE")}),
        ("remove", {"scope": ()}),
        ("remove", {"starts_days": 91}),
        ("allow", {"later": Later(kind="legal-order", reference="x", days=3)}),
        ("remove", {"later": Later(kind="legal-order", reference="  ", days=3)}),
        ("remove", {"later": Later(kind="legal-order", reference="x", days=91)}),
    ]  # fmt: skip


def test_what_cannot_be_meant_is_refused(here: Scene) -> None:
    rules(here)
    task, ana = task_of(here, sent(here)), here.reviewer("ana")
    for outcome, terms in SENSELESS:
        with pytest.raises(Problem):
            judged(here, ana, task, outcome, terms=Terms(**terms))
    assert here.rows("SELECT 1 AS one FROM decisions") == []


INCOMPLETE = [
        "facts = '  '", "clause_text = ' '", "clause = ' '", "ground_reference = ' '",
        "redress = ' '", "scope = '{}'", "scope = '{DE,de}'", "scope = '{*,DE}'",
        "scope = '{DE,NULL}'", "until = decided_at, permanent = false", "content_type = '{}'",
        "starts_at = decided_at - interval '1 day'", "measure = 'label'", "measure = 'x'",
        "starts_at = decided_at + interval '2 days', until = decided_at + interval '1 day', "
        "permanent = false", "automated_decision = NULL", "automated_detection = NULL",
        "ground = NULL", "pack = 'x'", "outcome = 'allow', until = now() + interval '1 day', "
        "permanent = false", "appeal_until = decided_at + interval '179 days'",
    ]  # fmt: skip


def test_the_database_takes_nothing_incomplete(here: Scene) -> None:
    rules(here)
    decided(here, "remove")
    for change in INCOMPLETE:
        with pytest.raises(psycopg.errors.IntegrityError), here.haven.db.begin(OPERATOR) as tx:
            tx.run(f"UPDATE decisions SET {change}")


# Incitement -----------------------------------------------------------------------------------


def test_a_removal_as_incitement_rests_on_six_answers(here: Scene) -> None:
    rules(here)
    task = task_of(here, sent(here))
    given = judged(here, here.reviewer("ana"), task, "remove", clause="spam", six=SIX)
    made = made_by(here, given)
    assert made is not None
    with here.haven.db.read() as tx:
        answers = decisions.rabat.six_of(tx, made["six"])
        assert [answer for _, answer in answers] == list(asdict(SIX).values())
    with here.haven.db.read() as tx:
        assert ledger.verify(tx, None, here.haven.signer.vkey).ok
    # Sealed: the words stand nowhere in the clear, and no other side sees them.
    stored = here.rows("SELECT context FROM six_answers")[0]["context"]
    assert SIX.context.encode() not in bytes(stored)


def test_without_them_it_is_hidden_and_a_senior_looks(here: Scene) -> None:
    rules(here)
    task = task_of(here, sent(here))
    ana = here.reviewer("ana")
    given = judged(here, ana, task, "remove", clause="spam")
    assert made_by(here, given) is None
    [hidden] = here.rows("SELECT * FROM decisions")
    assert (hidden["outcome"], hidden["decided_by"]) == ("restrict", f"held:staff:{ana.id}")
    assert hidden["until"] is not None
    assert here.rows("SELECT 1 AS one FROM strikes") == []
    with here.haven.db.read() as tx:
        notice = decisions.notice_text(tx, hidden["id"])
    assert notice is not None
    assert "It is no strike" in notice.text
    [again] = here.rows("SELECT id, level, barred FROM tasks WHERE state = 'open'")
    assert (again["level"], again["barred"]) == ("senior", [ana.id])
    given = judged(
        here, here.reviewer("sen", "senior"), again["id"], "remove", clause="spam", six=SIX
    )
    assert made_by(here, given) is not None
    assert here.rows("SELECT state FROM decisions WHERE decided_by LIKE 'held:%%'") == [
        {"state": "expired"}
    ]


def test_a_rule_alone_only_hides_what_it_takes_for_incitement(here: Scene) -> None:
    rules(here, TAKE)
    verdict = here.verdict(sent(here)["id"])
    assert (verdict["outcome"], verdict["hold"]) == ("review", True)
    [hidden] = here.rows("SELECT outcome, facts, decided_by FROM decisions")
    assert hidden["outcome"] == "restrict"
    assert "weigh" in hidden["facts"]


def test_under_the_terms_no_six_answers_are_asked(here: Scene) -> None:
    rules(here)
    given = judged(here, here.reviewer("ana"), task_of(here, sent(here)), "remove")
    assert made_by(here, given) is not None


def test_the_database_refuses_incitement_without_answers(here: Scene) -> None:
    rules(here)
    assert {row["harm"] for row in here.rows("SELECT harm FROM incitement_harms")} == INCITEMENT
    decided(here, "remove")
    for change in ("ground = 'law'", "ground = 'law', outcome = 'block'"):
        with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
            tx.run(f"UPDATE decisions SET {change}")


# Told later -----------------------------------------------------------------------------------

ORDER = Later(kind="legal-order", reference="Court 12/26", days=30)


def notify_at(here: Scene, made: str) -> Any:
    return next(one["next_at"] for one in acts(here, made) if one["verb"] == "notify")


def test_a_person_is_told_later_only_with_a_second_person(here: Scene) -> None:
    rules(here)
    made = decided(here, "remove", later=ORDER)
    soon = utcnow()
    # While a second person is asked it waits a day at most.
    assert soon < notify_at(here, made["id"]) <= soon + timedelta(days=1)
    with here.haven.db.begin(here.reviewer("ben")) as tx:
        [one] = approvals.waiting(tx, "notice-exception")
        assert "Court 12/26" in one.reason
        approvals.answer(tx, one.id, True)
        exceptions.follow(tx)
        assert exceptions.told_at(tx, made["id"]) == made["decided_at"] + timedelta(days=30)
    assert notify_at(here, made["id"]) > soon + timedelta(days=29)
    # It ends by itself, and the notice goes out.
    then = pass_time(here, 31)
    assert notify_at(here, made["id"]) <= then
    sql = "SELECT kind FROM ledger_entries WHERE kind LIKE 'notice.exception%%' ORDER BY at, id"
    kinds = [row["kind"].removeprefix("notice.exception_") for row in here.rows(sql)]
    assert kinds == ["asked", "stands", "ended"]
    # The ledger is public: why a person is told later stands in the sealed row only.
    sql = "SELECT 1 AS one FROM ledger_entries WHERE ids ->> 'kind' LIKE 'legal%%'"
    assert here.rows(sql) == []


def test_refused_or_unanswered_the_notice_goes_out(here: Scene) -> None:
    rules(here)
    refused, unanswered = (decided(here, "remove", later=ORDER) for _ in range(2))
    with here.haven.db.begin(here.reviewer("ben")) as tx:
        exempt = exceptions.exempt_of(tx, refused["id"])[0]
        one = next(a for a in approvals.waiting(tx) if a.matter == exempt.id)
        approvals.answer(tx, one.id, False, "Nothing is under way.")
        exceptions.follow(tx)
    assert notify_at(here, refused["id"]) <= utcnow()
    then = pass_time(here, 1.1)
    assert notify_at(here, unanswered["id"]) <= then
    states = here.rows("SELECT DISTINCT state FROM notice_exceptions")
    assert states == [{"state": "ended"}]


def test_alone_it_stands_at_once_and_is_marked(here: Scene) -> None:
    rules(here)
    with here.haven.db.begin(OPERATOR) as tx:
        staff.set_staffing(tx, "solo")
    made = decided(here, "remove", later=ORDER)
    assert notify_at(here, made["id"]) > utcnow() + timedelta(days=29)
    assert here.rows("SELECT state FROM approvals") == [{"state": "alone"}]


FORGED = [
        "state = 'stands'",
        "until = until + interval '30 days'",
        "until = until + interval '90 days'",
        "kind = 'child-safety'",
    ]  # fmt: skip


def test_an_exception_cannot_be_made_by_hand(here: Scene) -> None:
    rules(here)
    decided(here, "remove", later=ORDER)
    for change in FORGED:
        with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
            tx.run(f"UPDATE notice_exceptions SET {change}")


# By a rule ------------------------------------------------------------------------------------

DEMOTE = """- id: demotes
  clause: kind
  on: [post.create]
  when: terms.bad
  then: {outcome: restrict, harm: spam, days: 7, measure: demote}
"""


def test_a_rule_says_how_it_restricts(here: Scene) -> None:
    rules(here, DEMOTE)
    made = here.verdict(sent(here)["id"])["decision"]
    assert [one["measure"] for one in acts(here, made)] == ["", "demote"]
    with pytest.raises(BrokenPack, match="says how"):
        rules(here, DEMOTE.replace("restrict", "remove"))
