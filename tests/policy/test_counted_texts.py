"""What a `distinct: text` tells apart: each text once, however many keys it is found by."""

from datetime import UTC, datetime
from typing import Any

from openhaven.intake.model import Account, Event, Item
from openhaven.policy.counted import keys_by, parts_named


def event(text: str | None) -> Event:
    return Event(
        id="e",
        kind="message.send",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        account=Account(id="a"),
        item=Item(id="i", text=text),
    )


def test_a_long_text_is_one_thing_though_it_is_found_by_several_keys() -> None:
    notes: dict[str, Any] = {}
    long = event("We meet at the lake on Sunday, and everybody brings something to eat.")
    assert len(keys_by(("text",))(long, notes)) > 1
    assert len(parts_named("text")(long, notes)) == 1
    other = event("The library is closed on Mondays and opens again on Tuesday at nine.")
    assert parts_named("text")(other, {}) != parts_named("text")(long, {})
    loud = event("WE MEET at the lake on Sunday, and everybody brings something to eat!")
    assert parts_named("text")(loud, {}) == parts_named("text")(long, {})


def test_no_text_is_no_thing_and_a_short_one_is_itself() -> None:
    assert parts_named("text")(event(None), {}) == ()
    assert parts_named("text")(event("Hi"), {}) != parts_named("text")(event("Yo"), {})
