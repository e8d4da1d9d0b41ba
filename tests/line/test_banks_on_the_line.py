"""What banks may lead to, and the way back from a withdrawn entry to what rested on it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from line_receiver import Receiver
from line_scene import OPERATOR, Scene, event

from openhaven import decisions, exchange
from openhaven.core import Actor, Problem
from openhaven.policy import Reason, Verdict, outcome_within
from openhaven.review import store as review_store
from openhaven.signals import Finding
from openhaven.signals.banks import (
    NewEntry,
    add_entries,
    confirm_negative,
    create_bank,
    matches,
    propose_negative,
    withdraw_entry,
)

LINK = "https://bad.example/trick"
VALUE = b"bad.example/trick"


def bank(here: Scene, name: str = "sites", **more: Any) -> None:
    values = {"kind": "link", "harm": "csam.known", "owner": "us", "purpose": "a test"} | more
    with here.haven.db.begin(OPERATOR) as tx:
        create_bank(tx, name, **values)
        if values.get("opinion") != "negative":
            add_entries(tx, name, [NewEntry(VALUE, None, "test")])
    refresh(here)


def refresh(here: Scene) -> None:
    with here.haven.db.read() as tx:
        here.haven.banks.refresh(tx)


def linked(here: Scene) -> dict[str, Any]:
    body = event()
    body["item"]["links"] = [LINK]
    here.accept(body)
    here.work()
    return here.verdict(body["id"])


def look(here: Scene) -> int:
    return exchange.look_after(here.haven.db)


def withdraw(here: Scene, name: str = "sites") -> None:
    with here.haven.db.begin(OPERATOR) as tx:
        withdraw_entry(tx, name, VALUE, "it was a mistake")


# What a match may lead to ---------------------------------------------------------------------


def test_a_match_acts_and_is_kept_with_its_decision(here: Scene) -> None:
    bank(here)
    verdict = linked(here)
    assert verdict["outcome"] in ("block", "remove")
    (match,) = here.rows("SELECT * FROM bank_matches")
    assert (match["opinion"], match["decision"]) == ("positive", verdict["decision"])
    with here.haven.db.read() as tx:
        (shown,) = matches.matches_of(tx, match["event"])
    assert (shown.bank, shown.provenance, shown.distance) == ("sites", "test", 0)


@pytest.mark.parametrize("more", [{"at_most": "review"}, {"opinion": "investigate"}])
def test_what_is_only_to_be_looked_at_leads_to_a_look(here: Scene, more: dict[str, str]) -> None:
    bank(here, **more)
    verdict = linked(here)
    assert verdict["outcome"] == "review"
    assert here.rows("SELECT 1 FROM decisions") == []
    assert here.rows("SELECT task FROM bank_matches") == [{"task": verdict["task"]}]


def test_a_bank_in_trial_is_noted_and_nothing_else(here: Scene) -> None:
    bank(here, mode="shadow")
    assert linked(here)["outcome"] == "allow"
    (match,) = here.rows("SELECT opinion, noted, task, decision FROM bank_matches")
    assert match == {"opinion": "noted", "noted": "shadow", "task": None, "decision": None}


FINDINGS = st.builds(
    lambda opinion, at_most, unknown: Finding(
        signal="media",
        version="1",
        subject="media:m",
        value="b",
        harm="other",
        opinion=opinion,
        confidence=1.0,
        unknown="it failed" if unknown else None,
        detail={"entry": 1, "at_most": at_most},
    ),
    st.sampled_from(["positive", "investigate", "noted", "term", "link"]),
    st.sampled_from(["act", "review"]),
    st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(FINDINGS, max_size=4),
    st.sampled_from(["allow", "review", "restrict", "remove", "block"]),
)
def test_whatever_a_pack_says_doubt_alone_never_acts(found: list[Finding], outcome: str) -> None:
    reason = Reason("r", "c", tuple(found), outcome)  # type: ignore[arg-type]
    verdict = Verdict(event="e", outcome=outcome, pack="p", reasons=(reason,))  # type: ignore[arg-type]
    told = [one for one in found if one.unknown is None]
    doubtful = [
        one
        for one in told
        if one.opinion in ("investigate", "noted") or one.detail["at_most"] == "review"
    ]
    got = outcome_within(verdict)
    if told and doubtful == told and outcome not in ("allow", "review"):
        assert got == "review"
    else:
        assert got == outcome


# Two people -----------------------------------------------------------------------------------


def test_what_is_harmless_takes_two_people_and_clears_then(here: Scene) -> None:
    bank(here)
    bank(here, "fine", opinion="negative", harm="other")
    one, other = here.reviewer("Ada", "policy"), here.reviewer("Bo", "policy")
    with here.haven.db.begin(one) as tx:
        propose_negative(tx, "fine", [NewEntry(VALUE)])
    refresh(here)
    assert linked(here)["outcome"] in ("block", "remove")
    with pytest.raises(Problem, match="somebody else"), here.haven.db.begin(one) as tx:
        confirm_negative(tx, "fine", VALUE)
    with here.haven.db.begin(other) as tx:
        confirm_negative(tx, "fine", VALUE)
    refresh(here)
    verdict = linked(here)
    assert verdict["outcome"] == "review"
    (match,) = here.rows("SELECT * FROM bank_matches ORDER BY id DESC LIMIT 1")
    assert match["opinion"] == "investigate"
    assert match["cleared_by"] is not None
    with pytest.raises(Problem, match="no such entry"), here.haven.db.begin(other) as tx:
        confirm_negative(tx, "fine", VALUE)


@pytest.mark.parametrize("who", ["moderator", "auditor", "administrator"])
def test_only_who_keeps_banks_may_propose(here: Scene, who: str) -> None:
    bank(here, "fine", opinion="negative", harm="other")
    with pytest.raises(Problem) as told, here.haven.db.begin(here.reviewer("Cy", who)) as tx:
        propose_negative(tx, "fine", [NewEntry(VALUE)])
    assert told.value.status == 403
    with pytest.raises(Problem) as told, here.haven.db.begin(OPERATOR) as tx:
        propose_negative(tx, "fine", [NewEntry(VALUE)])
    assert told.value.status == 403
    with pytest.raises(Problem, match="two people"), here.haven.db.begin(OPERATOR) as tx:
        add_entries(tx, "fine", [NewEntry(VALUE)])


@pytest.mark.parametrize(
    ("added_by", "confirmed_by"),
    [("staff:a", "staff:a"), ("system:x", "staff:a"), ("staff:a", "system:x")],
)
def test_the_database_itself_wants_two_people(
    here: Scene, added_by: str, confirmed_by: str
) -> None:
    bank(here, "fine", opinion="negative", harm="other")
    values = "FROM banks WHERE name = 'fine'"
    with (
        pytest.raises(Exception, match="bank_entries_two_people"),
        here.haven.db.begin(OPERATOR) as tx,
    ):
        tx.run(f"""INSERT INTO bank_entries (bank, value, provenance, added_by, added_at, negative,
                     confirmed_by, confirmed_at)
                   SELECT id, 'x', '', %(a)s, now(), true, %(c)s, now() {values}""",
               a=added_by, c=confirmed_by)  # fmt: skip
    with (
        pytest.raises(Exception, match="bank_entries_negative"),
        here.haven.db.begin(OPERATOR) as tx,
    ):
        tx.run(f"""INSERT INTO bank_entries (bank, value, provenance, added_by, added_at)
                   SELECT id, 'x', '', 'system:x', now() {values}""")


# The way back ---------------------------------------------------------------------------------


def test_a_withdrawn_entry_puts_its_decision_before_a_person_who_takes_it_back(
    here: Scene, receiver: Receiver
) -> None:
    bank(here, harm="scam")
    decision = linked(here)["decision"]
    withdraw(here)
    assert look(here) == 1
    assert look(here) == 0
    (row,) = here.rows("SELECT task FROM bank_reopened")
    (task,) = here.rows("SELECT * FROM tasks WHERE id = %(t)s", t=row["task"])
    assert (task["queue"], task["reopens"], task["kind"]) == ("second-look", decision, "review")
    with here.haven.db.read() as tx:
        assert review_store.task(tx, task["id"]).reopens == decision
    ada = here.reviewer("Ada", "specialist")
    here.judge(ada, task["id"], "allow", facts="The address was listed wrongly.")
    here.work()
    with here.haven.db.read() as tx:
        made = decisions.decision(tx, decision)
        notices = tx.rows("SELECT kind FROM notices WHERE decision = %(d)s", d=decision)
    assert made.state == "overturned"
    assert {row["kind"] for row in notices} == {"decision", "taken_back"}
    undone = [act for act in receiver.acts if act.get("reverses")]
    reversed_ = here.rows("SELECT verb FROM acts WHERE reverses IS NOT NULL")
    assert len(undone) == len(reversed_) == 1
    kinds = {row["kind"] for row in here.rows("SELECT kind FROM ledger_entries")}
    assert {"decision.reopened", "decision.overturned", "bank.entry_withdrawn"} <= kinds


def test_a_decision_that_a_person_confirms_stands_without_a_second_one(here: Scene) -> None:
    bank(here)
    verdict = linked(here)
    withdraw(here)
    look(here)
    (row,) = here.rows("SELECT task FROM bank_reopened")
    assert verdict["outcome"] == "block"
    here.judge(here.reviewer("Ada", "specialist"), row["task"], "remove")
    here.work()
    made = here.rows("SELECT id, state FROM decisions")
    assert made == [{"id": verdict["decision"], "state": "in_force"}]
    assert here.rows("SELECT 1 FROM cases WHERE state = 'open'") == []


def test_a_decision_of_a_person_is_reopened_for_another_one(here: Scene) -> None:
    bank(here, at_most="review")
    task = linked(here)["task"]
    ada = here.reviewer("Ada", "specialist")
    here.judge(ada, task, "remove")
    here.work()
    withdraw(here)
    assert look(here) == 1
    (row,) = here.rows("SELECT task FROM bank_reopened")
    with pytest.raises(Problem, match="somebody else must look"):
        here.judge(ada, row["task"], "allow")
    here.judge(here.reviewer("Bo", "specialist"), row["task"], "remove")
    here.work()
    assert len(here.rows("SELECT 1 FROM decisions WHERE state = 'in_force'")) == 1
    assert here.rows("SELECT 1 FROM ledger_entries WHERE kind = 'decision.confirmed'") != []


def test_an_event_judged_in_the_moment_of_a_withdrawal_is_found_too(here: Scene) -> None:
    bank(here)
    withdraw(here)  # the process has not heard of it yet
    assert look(here) == 0
    assert linked(here)["outcome"] in ("block", "remove")
    assert look(here) == 1


def test_what_expires_leads_back_as_well(here: Scene) -> None:
    bank(here)
    linked(here)
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE bank_entries SET expires_at = %(now)s", now=tx.now)
        tx.run("UPDATE banks SET expires_at = %(now)s", now=tx.now)
    assert exchange.keep_banks(here.haven.db, 90) == 1
    assert exchange.keep_banks(here.haven.db, 90) == 0
    assert look(here) == 1
    assert here.rows("SELECT mode FROM banks") == [{"mode": "off"}]
    refresh(here)
    assert linked(here)["outcome"] == "allow"


def test_matches_that_led_nowhere_are_forgotten(here: Scene) -> None:
    bank(here, mode="shadow")
    bank(here, "live")
    linked(here)
    assert len(here.rows("SELECT 1 FROM bank_matches")) == 2
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE bank_matches SET at = at - interval '91 days'")
    exchange.keep_banks(here.haven.db, 90)
    assert here.rows("SELECT decision IS NULL AS idle FROM bank_matches") == [{"idle": False}]


# Feedback -------------------------------------------------------------------------------------


def test_a_word_about_a_match_is_counted_once_for_each_person(here: Scene) -> None:
    bank(here)
    linked(here)
    (match,) = here.rows("SELECT id FROM bank_matches")
    ada, bo = here.reviewer("Ada"), here.reviewer("Bo", "policy")
    for who, word in ((ada, "confirm"), (ada, "false_match"), (bo, "false_match")):
        with here.haven.db.begin(who) as tx:
            matches.say(tx, match["id"], word)
    with here.haven.db.read() as tx:
        shown = matches.match(tx, match["id"])
    assert shown is not None
    assert (shown.confirmed, shown.false_matches) == (0, 2)
    for actor, number, status in (
        (here.reviewer("Cy", "auditor"), match["id"], 403),
        (Actor("platform", here.platform), match["id"], 403),
        (ada, 999_999, 404),
    ):
        with pytest.raises(Problem) as told, here.haven.db.begin(actor) as tx:
            matches.say(tx, number, "confirm")
        assert told.value.status == status
