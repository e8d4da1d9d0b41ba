"""Protections as a platform meets them: ages, settings, carers and checks over HTTP."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from line_scene import event
from protection_scene import Asker, asking, question

from openhaven import records
from openhaven.core import utcnow

if TYPE_CHECKING:
    from openhaven.line import Haven


@pytest.fixture
def asker(haven: "Haven") -> Iterator[Asker]:
    with asking(haven) as found:
        yield found


def test_a_stranger_does_not_reach_a_child(asker: Asker) -> None:
    assert asker.age("kid", "13-15").json["band"] == "13-15"
    asker.age("man", "18-plus")
    reply = asker.check(question("message.send", "man", "kid", relation={"connected": False}))
    assert reply.status == 200
    assert set(reply.json) == {"answer", "sender", "recipient", "clause", "data"}
    assert reply.json["answer"] == "deny"
    assert reply.json["sender"] == {
        "code": "not_available", "text": "This can't be done here right now.", "help": [],
    }  # fmt: skip
    assert reply.json["recipient"]["code"] == "kept_away"
    assert reply.json["recipient"]["help"]
    assert reply.json["clause"].startswith("dm.from_non_connections: ICU F1")
    assert reply.json["data"].startswith("sha256:")


def test_a_list_is_answered_in_order(asker: Asker) -> None:
    asker.age("kid", "under-13")
    asker.age("one", "18-plus")
    asker.age("two", "18-plus")
    reply = asker.check([
        question("message.send", "one", "two"),
        question("message.send", "one", "kid"),
        question("message.send", "one", "kid", relation={"connected": True}),
        question("ad.profiled", None, "kid"),
        question("ad.contextual", None, "kid"),
    ])  # fmt: skip
    assert [one["answer"] for one in reply.json] == ["allow", "deny", "allow", "deny", "allow"]


def test_what_events_say_of_an_age_counts(asker: Asker) -> None:
    asker.scene.accept(event(account={"id": "kid", "age_band": "16-17", "country": "GB"}))
    shown = asker.get("kid").json
    assert shown["age"] == {"band": "16-17", "source": "declared", "confidence": 0.3}
    # Calling oneself older changes nothing: of one source, the younger band counts.
    asker.scene.accept(event(account={"id": "kid", "age_band": "18-plus", "country": "GB"}))
    assert asker.get("kid").json["age"]["band"] == "16-17"
    assert asker.age("kid", "18-plus", "estimate").json["band"] == "18-plus"


def test_a_change_is_seen_by_the_next_check(asker: Asker) -> None:
    ask = question("ad.profiled", None, "someone")
    asker.age("someone", "18-plus")
    assert asker.check(ask).json["answer"] == "allow"
    asker.age("someone", "13-15", "estimate")
    assert asker.check(ask).json["answer"] == "deny"


def test_a_child_opens_after_an_explanation(asker: Asker) -> None:
    asker.age("kid", "16-17")
    before = asker.setting("kid", "profile.visibility")
    assert (before["value"], before["reason"]) == ("connections", "default")
    assert before["may_change"] == ["child", "carer", "operator"]
    assert before["before_opening"]
    refused = asker.set("kid", "profile.visibility", "everyone")
    assert (refused.status, refused.json["code"]) == (409, "protection.explain")
    opened = asker.set("kid", "profile.visibility", "everyone", explained=True)
    assert opened.json == {
        "feature": "profile.visibility", "before": "connections", "after": "everyone",
        "weaker": True,
    }  # fmt: skip
    assert asker.setting("kid", "profile.visibility")["reason"] == "chosen"


@pytest.mark.parametrize("by", ["child", "holder", "operator", "carer"])
@pytest.mark.parametrize(("feature", "value"), [
    ("ads.profiling", "on"), ("dm.from_non_connections", "everyone"), ("rights.report", "off"),
    ("location.share", "everyone"), ("content.primary_priority", "on"),
])  # fmt: skip
def test_nobody_lifts_a_floor(asker: Asker, by: str, feature: str, value: str) -> None:
    asker.age("kid", "13-15")
    asker.put("kid/carers/mum")
    more = {"carer": "mum"} if by == "carer" else {}
    refused = asker.set("kid", feature, value, by, explained=True, **more)
    assert refused.status == 403, refused.body
    assert refused.json["code"] in ("protection.floor", "protection.right")


def test_a_carer_only_closes_and_the_child_sees_it(asker: Asker) -> None:
    asker.age("kid", "13-15")
    assert asker.set("kid", "contact.requests", "nobody", "carer", carer="mum").status == 403
    assert asker.put("kid/carers/mum").status == 200
    closed = asker.set("kid", "contact.requests", "nobody", "carer", carer="mum")
    assert (closed.json["after"], closed.json["weaker"]) == ("nobody", False)
    shown = asker.setting("kid", "contact.requests")
    assert (shown["value"], shown["reason"]) == ("nobody", "carer")
    assert asker.get("kid").json["carers"] == 1
    # The child cannot open what the carer closed, nor the carer what is closed by default.
    asker.set("kid", "contact.requests", "peers", explained=True)
    assert asker.setting("kid", "contact.requests")["value"] == "nobody"
    assert asker.set("kid", "profile.visibility", "everyone", "carer", carer="mum").status == 403
    assert asker.delete("kid/carers/mum").status == 200
    assert asker.setting("kid", "contact.requests")["value"] == "peers"


def test_nobody_is_carer_and_child_of_the_same(asker: Asker) -> None:
    assert asker.put("kid/carers/kid").json["code"] == "carer.circle"
    assert asker.put("kid/carers/mum").status == 200
    assert asker.put("mum/carers/kid").json["code"] == "carer.circle"
    asker.age("sister", "13-15")
    assert asker.put("kid/carers/sister").json["code"] == "carer.minor"
    assert asker.delete("kid/carers/nobody").status == 404


def test_every_weakening_is_in_the_ledger_and_counted(asker: Asker) -> None:
    for number in range(5):
        asker.age(f"kid{number}", "16-17")
        asker.set(f"kid{number}", "autoplay", "on", explained=True)
    asker.set("kid0", "autoplay", "off")
    rows = asker.scene.rows("""SELECT kind, ids::text AS ids, row_table FROM ledger_entries
                               WHERE kind LIKE 'protection.%%' ORDER BY at, id""")  # fmt: skip
    kinds = [row["kind"] for row in rows]
    assert kinds.count("protection.weakened") == 5
    assert kinds.count("protection.set") == 1
    # The ledger is public: it says neither who it was nor how old.
    for row in rows:
        assert "kid" not in row["ids"]
        assert "16-17" not in row["ids"]
    page = asker.place.ask("GET", "/transparency/data.json").json
    table = next(one for one in page["tables"] if one["name"] == "weakened")
    assert (table["rows"], table["total"]) == (
        [{"key": "autoplay", "label": "autoplay", "n": 5}],
        5,
    )


def test_unknown_ages(asker: Asker) -> None:
    """Who is unknown is a child where it is protected, and an adult where it approaches."""
    asker.age("kid", "16-17")
    asker.age("man", "18-plus")
    assert asker.check(question("message.send", "who", "kid")).json["answer"] == "deny"
    assert asker.check(question("message.send", "man", "who")).json["answer"] == "deny"
    both = asker.check(question("message.send", "who", "what")).json
    assert (both["answer"], both["sender"]["code"]) == ("ask", "asks_first_text")
    assert asker.check(question("call.start", "who", "what")).json["answer"] == "deny"
    assert asker.check(question("ad.profiled", None, "who")).json["answer"] == "deny"
    assert asker.set("who", "dm.from_non_connections", "everyone").status == 409
    opened = asker.set("who", "dm.from_non_connections", "everyone", "holder", explained=True)
    assert opened.status == 200
    assert asker.check(question("message.send", "man", "who")).json["answer"] == "allow"
    assert asker.set("who", "ads.profiling", "on", explained=True).status == 403


@pytest.mark.parametrize(
    ("hour", "country", "answer"),
    [("20:00:00+00:00", "GB", "allow"), ("02:00:00+00:00", "GB", "deny"),
     ("12:00:00+09:00", "GB", "deny"), ("12:00:00+09:00", "JP", "allow")],
)  # fmt: skip
def test_a_notification_at_night(asker: Asker, hour: str, country: str, answer: str) -> None:
    asker.age("kid", "16-17")
    asker.set("kid", "push.notifications", "on", explained=True)
    at = f"{utcnow():%Y-%m-%d}T{hour}"
    kid = {"to": {"id": "kid", "country": country}}
    assert asker.check({"action": "notification.push", "at": at, **kid}).json["answer"] == answer
    assert asker.check({"action": "notification.push", **kid}).json["answer"] == "deny"


@pytest.mark.parametrize(
    "body",
    [
        {"action": "message.sned", "from": {"id": "a"}, "to": {"id": "b"}},
        {"action": "message.send", "from": {"id": "a"}},
        {"action": "autoplay"},
        {"action": "autoplay", "to": {"id": "a", "age_band": "200"}},
        {"action": "autoplay", "to": {"id": "a"}, "at": "2026-11-21T20:00:00"},
        {"action": "autoplay", "to": {"id": "a"}, "at": "1999-11-21T20:00:00Z"},
        {"action": "autoplay", "to": {"id": "a"}, "birthday": "2010-01-01"},
        {"action": "autoplay", "to": {"id": ""}},
        [],
        [{"action": "autoplay", "to": {"id": "a"}}] * 501,
        "autoplay",
    ],
)
def test_questions_that_cannot_be_meant(asker: Asker, body: object) -> None:
    reply = asker.check(body)
    assert reply.status == 400, reply.body
    assert reply.json["next"]


@pytest.mark.parametrize(
    "said",
    [
        {"source": "declared", "band": "unknown"},
        {"source": "declared", "band": "-3"},
        {"source": "proof", "band": "18-plus"},
        {"source": "reviewer", "band": "18-plus"},
        {"source": "declared", "band": "13-15", "day": "2100-01-01"},
        {"source": "declared", "band": "13-15", "day": "2001-01-01"},
        {"source": "declared", "band": "13-15", "day": "2026-11-01", "expires": "2026-11-01"},
        {"source": "declared", "band": "13-15", "birth_date": "2012-01-01"},
    ],
)
def test_ages_that_cannot_be_meant(asker: Asker, said: dict[str, str]) -> None:
    assert asker.put("kid/age", said).status == 400
    assert asker.get("kid").json["age"]["band"] == "unknown"
    assert asker.set("kid", "no.such", "on").json["code"] == "protection.unknown"
    assert asker.set("kid", "autoplay", "maybe").json["code"] == "protection.value"


def test_erasing_a_person_leaves_nothing(asker: Asker) -> None:
    asker.age("kid", "13-15")
    asker.set("kid", "autoplay", "on", explained=True)
    with asker.scene.haven.db.begin(asker.scene.actor) as tx:
        records.erase(tx, asker.scene.platform, "kid")
    for table in ("age_evidence", "protection_settings", "carers"):
        assert asker.scene.rows(f"SELECT * FROM {table}") == []
