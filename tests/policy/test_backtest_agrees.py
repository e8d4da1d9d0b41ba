"""Trying the pack that was in force over what it judged finds no difference, whatever happened."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backtest_scene import figures, run_with, wish
from hypothesis import given, settings
from hypothesis import strategies as st
from line_scene import OPERATOR, Scene, scene
from policy_scene import FILES, MANIFEST, rule

from openhaven.core import new_id
from openhaven.intake import Event
from openhaven.line import Haven
from openhaven.policy import Pack
from openhaven.policy.load import load_texts
from openhaven.signals import Finding
from openhaven.signals.banks import NewEntry, add_entries, create_bank

KINDS = ["post.create", "message.send", "report.create"]
REVIEW = {"outcome": "review", "harm": "harassment"}
REMOVE = {"outcome": "remove", "harm": "spam"}
WATCH = {"outcome": "allow", "harm": "spam", "label": {"name": "watched", "days": 2}}
COUNTERS = """
sent: {count: events, by: account.id, on: [message.send, post.create], in: [1h, 1d]}
met: {distinct: target.account.id, by: account.id, on: [message.send], in: 1d}
pause: {time-since: minutes, by: account.id, on: [message.send], in: 1d}
"""
RULES = (
    rule("terms.bad", id="words", on=KINDS, then=REVIEW),
    rule("terms.worse", id="capped", on=KINDS, then=REMOVE, daily_cap=2, unknown="ignore"),
    rule("'known' in banks.positive", id="banked", on=KINDS, then=REMOVE),
    rule("links.tricks", id="note", on=KINDS[:2], then=WATCH),
    rule("'watched' in account.labels && terms.bad", id="again", on=KINDS, then=REMOVE),
    rule("counters.sent.in_1h >= 4", id="many", on=KINDS[:2], then=REVIEW),
    rule("counters.met.in_1d >= 2 && counters.pause < 9", id="met", on=KINDS[1:2], then=REVIEW),
    rule("behaviour.age_gap && counters.met.in_1d >= 2", id="signs", on=KINDS[1:2], then=REVIEW),
    rule("account.age_band == '13-15'", id="drawn", on=KINDS, then=REVIEW, sample=0.5),
    rule("'known' in banks.investigate || terms.bad", id="looks", on=KINDS, mode="shadow",
         then=REVIEW),
    rule("context.size > 3", id="missing", on=KINDS[:1], then=REVIEW, unknown="ignore"),
)  # fmt: skip
TEXTS = ["A nice day.", "A zorgblat!", "flumquist", "see trick.example", "at bank.example/bad",
         "zorgblat and flumquist", "this breaks it", "zorgblat, and this breaks it"]  # fmt: skip

posts = st.fixed_dictionaries({
    "kind": st.sampled_from(KINDS),
    "account": st.sampled_from(["a1", "a2", "a3"]),
    "target": st.sampled_from(["m1", "m2", "m3"]),
    "age": st.sampled_from(["13-15", "18-plus", "unknown"]),
    "text": st.sampled_from(TEXTS),
    "media": st.booleans(),
    "visibility": st.sampled_from(["public", "private"]),
    "size": st.sampled_from([None, 2, 5, "many"]),
    "minutes": st.integers(-5, 300),
})  # fmt: skip


def rich(**files: str) -> Pack:
    """Return a pack that uses all that rules may: lists, banks, counters, labels, caps, samples."""
    texts = {**FILES, "rules.yaml": "".join(RULES), "counters.yaml": COUNTERS}
    return load_texts({**texts, "pack.toml": MANIFEST, **files})


class Breaking:
    """A signal in the place of another, which fails for some texts."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.name, self.version = inner.name, inner.version
        self.gives = inner.gives

    def measure(self, event: Event, media: Any) -> list[Finding]:
        if event.item and "breaks" in (event.item.text or ""):
            raise RuntimeError("as the test wants")
        found: list[Finding] = self._inner.measure(event, media)
        return found


def body(one: dict[str, Any]) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(minutes=one["minutes"])
    media = [{"id": "never-uploaded"}] if one["media"] else []
    item = {"id": new_id("i"), "type": "post", "text": one["text"], "media": media}
    given: dict[str, Any] = {
        "id": new_id("e"),
        "kind": one["kind"],
        "at": at.isoformat(),
        "account": {"id": one["account"], "age_band": one["age"], "country": "GB"},
        "item": item,
        "target": {"account": {"id": one["target"]}},
        "conversation": {"id": "c1", "visibility": one["visibility"]},
        "context": {} if one["size"] is None else {"size": one["size"]},
    }
    if one["kind"] == "report.create":
        given["target"]["item"] = {"id": new_id("i")}
    return given


@pytest.fixture
def here(haven: Haven) -> Scene:
    place = scene(haven)
    with haven.db.begin(OPERATOR) as tx:
        create_bank(tx, "known", kind="link", harm="scam", owner="us", purpose="for a test")
        add_entries(tx, "known", [NewEntry(b"bank.example/bad")])
    with haven.db.read() as tx:
        haven.banks.refresh(tx)
    run_with(haven, rich())
    now = haven.packs.now
    broken = tuple(Breaking(one) if one.name == "terms" else one for one in now.signals)
    haven.packs.swap(replace(now, signals=broken))
    return place


@settings(max_examples=6, deadline=None)  # fmt: skip
@given(st.lists(posts, min_size=10, max_size=40))
def test_nothing_differs(here: Scene, sent: list[dict[str, Any]]) -> None:
    here.accept(*map(body, sent))
    here.work()
    told = figures(here.haven, wish(here.haven.packs.current))
    assert told["changes"] == {}
    for name, one in told["rules"].items():
        assert (one["now"], one["newly"], one["gone"]) == (one["draft"], 0, 0), name
    assert told["skipped"] == {}
    assert told["evaluated"] == told["events"] == len(here.rows("SELECT seq FROM events"))
