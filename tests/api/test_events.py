"""`/v1/events` keeps its promises: durable, idempotent, in order, explained."""

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from api_scene import BLOCK, REMOVE, REVIEW, VERDICT, Town, body, name, problem, saying
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven.core.words import EVENT_KINDS
from patience import in_a_hurry
from stopwatch import stopwatch

FULL: dict[str, Any] = {
    "kind": "post.create",
    "at": "2026-11-21T20:00:00Z",
    "account": {
        "id": "a1",
        "created_at": "2026-11-01T00:00:00Z",
        "age_band": "unknown",
        "country": "GB",
    },
    "item": {
        "id": "i1",
        "type": "post",
        "text": "…",
        "links": ["https://example.org/x"],
        "media": [{"id": "m1"}],
        "language": "en",
        "url": "https://example.org/i1",
    },
    "target": {"account": {"id": "a2", "age_band": "13-15"}},
    "conversation": {"id": "c1", "visibility": "public", "encrypted": False},
    "device": {"id": "d1"},
    "context": {"client": "web", "n": 1, "f": 0.5, "b": True, "none": None},
}


def test_the_whole_body_of_the_description_is_taken(town: Town) -> None:
    sent = FULL | {"id": name("e")}
    reply = town.send(sent)
    assert (reply.status, reply.json) == (202, {"id": sent["id"], "status": 202})
    assert town.ask("GET", f"/v1/events/{sent['id']}").status == 202
    town.work()
    verdict = town.ask("GET", f"/v1/events/{sent['id']}")
    assert verdict.status == 200
    assert set(verdict.json) == VERDICT


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_every_kind_is_taken(town: Town, kind: str) -> None:
    assert town.judged(body(kind=kind))["outcome"] in ("allow", "review")


def test_a_verdict_has_the_fixed_shape_and_is_the_same_again(town: Town) -> None:
    sent = saying(f"Buy {REMOVE} now")
    first = town.judged(sent)
    assert set(first) == VERDICT
    assert first["event"] == sent["id"]
    assert first["outcome"] == "remove"
    assert first["decision"].startswith("dec_")
    assert first["task"] is None
    assert first["pack"] == town.haven.packs.current.fingerprint
    reason = first["reasons"][0]
    assert set(reason) == {"rule", "clause", "findings"}
    assert reason["clause"] in town.haven.packs.current.clauses
    finding = reason["findings"][0]
    assert {"signal", "version", "subject", "value", "harm", "confidence"} <= set(finding)
    assert town.judged(sent) == first
    assert town.ask("GET", f"/v1/events/{sent['id']}").json == first


@pytest.mark.parametrize(
    ("word", "outcome"),
    [(REMOVE, "remove"), (REVIEW, "review"), (BLOCK, "block"), ("tea", "allow")],
)
def test_outcomes_come_with_a_decision_or_a_task(town: Town, word: str, outcome: str) -> None:
    verdict = town.judged(saying(word))
    assert verdict["outcome"] == outcome
    assert (verdict["decision"] is not None) is (outcome in ("remove", "block"))
    assert (verdict["task"] is not None) is (outcome == "review")
    assert bool(verdict["reasons"]) is (outcome != "allow")


def test_help_is_in_the_verdict_on_somebody_in_pain(town: Town) -> None:
    verdict = town.judged(saying("i want to disappear forever"))
    assert verdict["outcome"] == "review"
    assert "suicide" in verdict["help"]


# The same body means equal after parsing --------------------------------------------------------

SAME = {
    "key order": lambda b: json.dumps(dict(reversed(b.items()))),
    "whitespace": lambda b: "\n\t " + json.dumps(b, indent=7) + " \r\n",
    "escapes": lambda b: json.dumps(b, ensure_ascii=True).replace("/", "\\/"),
    "raw characters": lambda b: json.dumps(b, ensure_ascii=False),
    "offset +00:00": lambda b: json.dumps(b).replace("20:00:00Z", "20:00:00+00:00"),
    "another offset": lambda b: json.dumps(b).replace(
        "2026-11-21T20:00:00Z", "2026-11-22T01:30:00+05:30"
    ),
    "offset of the account": lambda b: json.dumps(b).replace(
        "2026-11-01T00:00:00Z", "2026-10-31T19:00:00-05:00"
    ),
    "fraction of a second": lambda b: json.dumps(b).replace("20:00:00Z", "20:00:00.000Z"),
    "small t and z": lambda b: json.dumps(b).replace(
        "2026-11-21T20:00:00Z", "2026-11-21t20:00:00z"
    ),
    "1 as 1.0": lambda b: json.dumps(b).replace('"n": 1,', '"n": 1.0,'),
    "1 as 10e-1": lambda b: json.dumps(b).replace('"n": 1,', '"n": 10e-1,'),
    "0.5 as 5e-1": lambda b: json.dumps(b).replace("0.5", "5e-1"),
    "0.5 as 0.50": lambda b: json.dumps(b).replace("0.5", "0.500"),
    "defaults left out": lambda b: (
        json.dumps(b).replace(', "age_band": "unknown"', "").replace('"visibility": "public", ', "")
    ),
    "defaults said": lambda b: json.dumps(b).replace('"id": "a2",', '"id": "a2", "country": null,'),
    "keys twice": lambda b: json.dumps(b).replace('"id": "d1"', '"id": "other", "id": "d1"'),
}
OTHER = {
    "another text": lambda b: json.dumps(b).replace('"client": "web"', '"client": "app"'),
    "another second": lambda b: json.dumps(b).replace("20:00:00Z", "20:00:01Z"),
    "a microsecond": lambda b: json.dumps(b).replace("20:00:00Z", "20:00:00.000001Z"),
    "true for 1": lambda b: json.dumps(b).replace('"n": 1,', '"n": true,'),
    "a text for 1": lambda b: json.dumps(b).replace('"n": 1,', '"n": "1",'),
    "a great number off by one": lambda b: json.dumps(b).replace('"n": 1,', '"n": 2,'),
    "another order of a list": lambda b: json.dumps(b).replace('{"id": "m1"}', '{"id": "m2"}'),
    "one field less": lambda b: json.dumps(b).replace(', "device": {"id": "d1"}', ""),
    "other letters that look alike": lambda b: json.dumps(b).replace(
        '"client": "web"', '"client": "wеb"'
    ),
}


@pytest.mark.parametrize("form", SAME)
def test_the_same_in_another_form_gets_the_same_answer(town: Town, form: str) -> None:
    sent = FULL | {"id": name("e"), "item": {"id": name("i"), "text": f"{REMOVE} é/ü"}}
    first = town.judged(sent)
    changed = SAME[form](sent)
    again = town.send(changed.encode(), "?wait=verdict")
    assert (again.status, again.json) == (200, first)
    assert town.send(changed.encode()).status == 202


@pytest.mark.parametrize("form", OTHER)
def test_another_body_under_the_same_id_is_a_conflict(town: Town, form: str) -> None:
    sent = FULL | {"id": name("e")}
    assert town.send(sent).status == 202
    changed = OTHER[form](sent).encode()
    assert json.loads(changed) != json.loads(json.dumps(sent)) or form == "true for 1"
    told = problem(town.send(changed), 409)
    assert told["code"] == "event.conflict"
    problem(town.send(changed, "?wait=verdict"), 409)
    assert town.send(sent).status == 202


# Batches ---------------------------------------------------------------------------------------


def test_five_hundred_are_taken_and_501_refused(town: Town) -> None:
    sent = [body() for _ in range(501)]
    refused = problem(town.send(sent), 400)
    assert refused["code"] == "batch.size"
    assert "501" in refused["detail"]
    reply = town.send(sent[:500])
    assert reply.status == 200
    assert reply.json == [{"id": one["id"], "status": 202} for one in sent[:500]]
    assert town.ask("GET", f"/v1/events/{sent[500]['id']}").status == 404
    problem(town.send([]), 400)
    town.work()
    assert town.ask("GET", f"/v1/events/{sent[499]['id']}").json["outcome"] == "allow"


def test_one_bad_item_does_not_refuse_the_others(town: Town) -> None:
    deep = {"id": "deep", "context": {"x": None}}
    for _ in range(100):
        deep = {"id": "deep", "context": deep}
    good = [body(), saying(REMOVE)]
    bad: list[Any] = [
        {"id": "no-kind"},
        17,
        None,
        "text",
        [],
        [good[0]],
        body(extra=1),
        body(kind="post.burn"),
        body(at="yesterday"),
        body(id=""),
        body(id="x" * 1000),
        body(account={"id": "a", "x": {"y": 1}}),
        deep,
        saying("nul \0 here"),
        body(context={"n": 10**400}),
        body(id={"id": "inner"}),
    ]
    sent = [good[0], *bad, good[1]]
    reply = town.send(sent)
    assert reply.status == 200, reply.body
    statuses = [one["status"] for one in reply.json]
    assert statuses == [202, *[400] * len(bad), 202]
    for one in reply.json[1:-1]:
        assert one["problem"]["title"].endswith(".")
        assert one["problem"]["status"] == 400
    assert reply.json[1]["id"] == "no-kind"
    assert (
        "`$.extra`" in reply.json[7]["problem"]["detail"]
        or "`extra`" in reply.json[7]["problem"]["detail"]
    )
    town.work()
    assert town.ask("GET", f"/v1/events/{good[1]['id']}").json["outcome"] == "remove"


def test_equal_ids_in_one_batch(town: Town) -> None:
    sent, other = body(), body()
    changed = sent | {"kind": "comment.create"}
    reply = town.send([sent, other, dict(reversed(sent.items())), changed, sent]).json
    assert [one["status"] for one in reply] == [202, 202, 202, 409, 202]
    assert reply[3]["problem"]["code"] == "event.conflict"
    assert town.number("SELECT count(*) FROM events WHERE id = %(id)s", id=sent["id"]) == 1


def test_a_batch_may_wait_for_its_verdicts(town: Town) -> None:
    sent = [saying(word) for word in (REMOVE, "tea", REVIEW)]
    reply = town.send([*sent, {"id": "bad"}, sent[0]], "?wait=verdict")
    assert reply.status == 200
    assert [one["status"] for one in reply.json] == [200, 200, 200, 400, 200]
    assert [one["verdict"]["outcome"] for one in reply.json[:3]] == ["remove", "allow", "review"]
    assert reply.json[4] == reply.json[0]


def test_events_of_a_batch_keep_their_order(town: Town) -> None:
    sent = [body(id=f"{number:02}-{name('e')}") for number in (5, 1, 4, 2, 3)]
    town.send(sent)
    stored = town.rows(
        "SELECT id FROM events WHERE id = ANY(%(ids)s) ORDER BY seq",
        ids=[one["id"] for one in sent],
    )
    assert [row["id"] for row in stored] == [one["id"] for one in sent]


# Waiting ---------------------------------------------------------------------------------------


class Hanging:
    """A signal that hangs until it is let go."""

    version = "1"

    def __init__(self, which: str) -> None:
        self.name = which
        self.let_go = threading.Event()

    def measure(self, event: Any, media: Any) -> list[Any]:
        if event.item and event.item.text == "hang":
            self.let_go.wait(300)
        return []


@pytest.mark.parametrize("many", [1, 4])
def test_signals_that_hang_hold_nobody_longer_than_two_seconds(town: Town, many: int) -> None:
    hanging = tuple(Hanging(name("hang")) for _ in range(many))
    normal = town.haven.packs.now
    town.haven.packs.swap(replace(normal, signals=(*normal.signals, *hanging)))
    sent = saying("hang")
    with in_a_hurry(), stopwatch() as seconds:
        try:
            reply = town.send(sent, "?wait=verdict")
            took = seconds()
        finally:
            town.haven.packs.swap(normal)
            for one in hanging:
                one.let_go.set()
    assert reply.status in (200, 202)
    assert took < 60
    town.work()
    settled = town.ask("GET", f"/v1/events/{sent['id']}")
    assert settled.json["outcome"] in ("allow", "review")
    assert town.judged(sent) == settled.json


def test_a_lock_in_the_database_holds_nobody_longer_than_two_seconds(town: Town) -> None:
    """Another process works on the same matter: the event is stored, the verdict comes later."""
    sent = saying(REVIEW)
    first = town.judged(sent)
    case = town.rows("SELECT case_id FROM tasks WHERE id = %(t)s", t=first["task"])[0]["case_id"]
    again = saying(REVIEW)
    again["item"]["id"] = sent["item"]["id"]
    with in_a_hurry(), town.haven.db.begin(town.here.actor) as tx, stopwatch() as seconds:
        tx.run("SELECT 1 FROM cases WHERE id = %(c)s FOR UPDATE", c=case)
        reply = town.send(again, "?wait=verdict")
        took = seconds()
    assert (reply.status, reply.json) == (202, {"id": again["id"], "status": 202})
    assert took < 60
    town.work()
    assert town.judged(again)["task"] == first["task"]


def test_a_batch_that_waits_is_answered_in_time_as_well(town: Town) -> None:
    hanging = Hanging(name("hang"))
    normal = town.haven.packs.now
    town.haven.packs.swap(replace(normal, signals=(*normal.signals, hanging)))
    sent = [saying("hang") for _ in range(20)] + [body() for _ in range(4)]
    with in_a_hurry(), stopwatch() as seconds:
        try:
            reply = town.send(sent, "?wait=verdict")
            took = seconds()
        finally:
            town.haven.packs.swap(normal)
            hanging.let_go.set()
    assert took < 60
    assert {one["status"] for one in reply.json} <= {200, 202}
    assert {one["status"] for one in reply.json} <= {200, 202}
    town.work()
    assert [town.ask("GET", f"/v1/events/{one['id']}").status for one in sent] == [200] * 24


# Laws ------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
fields = st.sampled_from(
    [
        "id",
        "kind",
        "at",
        "account",
        "item",
        "target",
        "conversation",
        "device",
        "context",
        "text",
        "links",
        "media",
        "x",
    ]
)
near = st.dictionaries(fields, values | st.dictionaries(fields, values, max_size=4), max_size=8)


@settings(
    max_examples=50,
    deadline=None,
    database=None,
)
@given(near | values | st.lists(near, max_size=3))
def test_no_body_whatsoever_is_an_error_of_ours(town: Town, value: Any) -> None:
    merged = FULL | {"id": name("e")} | value if isinstance(value, dict) else value
    for one in (value, merged):
        raw = json.dumps(one, ensure_ascii=False).encode("utf-8", "surrogatepass")
        reply = town.send(raw, "?wait=verdict")
        assert reply.status < 500, (raw, reply.body)


@settings(
    max_examples=20,
    deadline=None,
    database=None,
)
@given(
    st.dictionaries(
        st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
            min_size=1,
            max_size=20,
        ),
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
        max_size=5,
    )
)
def test_whatever_is_sent_again_in_any_form_is_the_same(
    town: Town, context: dict[str, Any]
) -> None:
    sent = body(context=context)
    assert town.send(sent).status == 202
    for form in (json.dumps(sent, sort_keys=True, ensure_ascii=False), json.dumps(sent, indent=1)):
        assert town.send(form.encode()).status == 202
    as_floats = {key: float(v) if type(v) is int else v for key, v in context.items()}
    assert town.send(sent | {"context": as_floats}).status == 202
