"""Protections as a platform meets them: ages, settings, carers and checks over HTTP."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from line_scene import event
from protection_scene import Asker, asking, question

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
