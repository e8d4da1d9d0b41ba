"""counters.yaml: what is sound, what is refused and where, and what rules read of it."""

from pathlib import Path
from typing import Any

import pytest
from policy_scene import MANIFEST, errors_of, event, rule, write

from openhaven.policy import Pack, load

GOOD = """
minors:
  distinct: target.account.id
  by: account.id
  on: [message.send, contact.request]
  where: 'target.age_band in ["under-13", "13-15", "16-17"]'
  in: [1h, 7d]
paid: {sum: context.amount, by: pair, on: [message.send], in: 30m}
pause: {time-since: minutes, by: account.id, on: [message.send], in: 1d}
"""
WHEN = "counters.minors.in_1h >= 3 || counters.paid.in_30m > 100.0"


def pack_with(folder: Path, when: str, counters: str = GOOD, **other: Any) -> Pack:
    rules = rule(when, on=["message.send"], **other)
    return load(write(folder, {"rules.yaml": rules, "counters.yaml": counters}))


def test_a_rule_reads_counters(tmp_path: Path) -> None:
    pack = pack_with(tmp_path, WHEN)
    assert [one.name for one in pack.counters] == ["minors", "paid", "pause"]
    assert [sorted(one.asked) for one in pack.counters] == [["message.send"]] * 2 + [[]]
    assert pack.in_library == {}
    sent = event("message.send")
    calm = {"minors.in_1h": 2, "minors.in_7d": 9, "paid.in_30m": 100.0}
    assert pack.evaluate(sent, (), calm).outcome == "allow"
    assert pack.evaluate(sent, (), {**calm, "minors.in_1h": 3}).outcome == "review"
    assert pack.evaluate(sent, (), {**calm, "paid.in_30m": 100.5}).outcome == "review"


def test_a_counter_that_nobody_gave_is_unknown_and_never_no_match(tmp_path: Path) -> None:
    pack = pack_with(tmp_path, WHEN)
    verdict = pack.evaluate(event("message.send"), (), {"minors.in_1h": 0})
    assert verdict.outcome == "review"
    assert verdict.unknown == ("one",)
    # Where the rest decides alone, nothing is unknown.
    sure = pack.evaluate(event("message.send"), (), {"paid.in_30m": 101.0})
    assert [reason.matched for reason in sure.reasons] == [True]


def test_what_was_never_seen_is_unknown_unless_the_rule_asks(tmp_path: Path) -> None:
    never = {"pause.known": False}
    sent = event("message.send")
    assert pack_with(tmp_path, "counters.pause < 5").evaluate(sent, (), never).unknown == ("one",)
    careful = pack_with(tmp_path, "counters.pause.known && counters.pause < 5")
    assert careful.evaluate(sent, (), never).outcome == "allow"
    assert careful.evaluate(sent, (), {"pause.known": True, "pause": 4}).outcome == "review"


def test_signals_are_asked_where_counters_may_decide(tmp_path: Path) -> None:
    pack = pack_with(tmp_path, "counters.minors.in_1h > 1 && terms.bad")
    assert pack.needs(event("message.send")) == {"terms"}


def test_the_fingerprint_has_the_counters(tmp_path: Path) -> None:
    before = pack_with(tmp_path, WHEN).fingerprint
    assert pack_with(tmp_path, WHEN, GOOD + "\n# a word\n").fingerprint != before


LINE = "x: {count: events, by: account.id, on: [message.send], in: 1h}"


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        (LINE.replace("events", "thing"), "thing", "It counts “events”"),
        (LINE.replace("account.id", "acount.id"), "acount", "Did you mean “account.id”?"),
        (LINE.replace("message.send", "mesage.send"), "mesage", "Did you mean “message.send”?"),
        (LINE.replace("1h", "1y"), "1y", "A time is a number with m (minutes), h (hours)"),
        (LINE.replace("1h", "400d"), "400d", "366d at most"),
        (LINE.replace("1h", "[1h, 1h]"), "[1h, 1h]", "1 to 4 different times"),
        (LINE.replace("1h", "[1h, 2h, 3h, 4h, 5h]"), "[1h, 2h", "1 to 4 different times"),
        (LINE.replace(", in: 1h", ""), "x:", "“in” is missing"),
        (LINE.replace("by: account.id, ", ""), "{count", "“by” is missing"),
        (LINE.replace("by:", "buy:"), "buy", "There is no “buy” here. Did you mean “by”?"),
        (LINE.replace("count: events, ", ""), "x:", "A counter says one of: count, sum"),
        (LINE.replace("count: events", "count: events, rate: 1h"), "x:", "A counter says one of"),
        (
            LINE.replace("count: events", "distinct: targt.account.id"),
            "targt",
            "“target.account.id”",
        ),
        (LINE.replace("count: events", "sum: account.id"), "account.id", "`context.amount`"),
        (LINE.replace("count: events", "rate: often"), "often", "A time is a number"),
        (LINE.replace("count: events", "first-seen: weeks"), "weeks", "It answers in seconds"),
        (LINE.replace("account.id", "[]"), "[]", "one, two or three different things"),
        (
            LINE.replace("account.id", "[link, link]"),
            "[link, link]",
            "one, two or three different things",
        ),
        (LINE.replace("account.id", "[link, devise.id]"), "devise", "Did you mean “device.id”?"),
        (LINE.replace("x:", "Big Name:"), "Big", "is no name"),
        (LINE.replace("x:", "in:"), "in:", "is no name"),
        (
            LINE.replace("in: 1h", "where: terms.bad, in: 1h"),
            ".bad",
            "There is no name “terms.bad”.",
        ),
        (
            LINE.replace("in: 1h", "where: account.ag_days > 1, in: 1h"),
            ".ag_days",
            "“account.age_days”?",
        ),
        (
            LINE.replace("in: 1h", "where: account.age_days, in: 1h"),
            "account.age_days",
            "must be true or false",
        ),
        (
            LINE.replace("in: 1h", "where: \"account.age_band == 'minor'\", in: 1h"),
            "'minor'",
            "is never",
        ),
        ("- a list", "- a list", "This file has 1 to 200 counters"),
        ("x: &a {}", "&a", "Anchors"),
        ("x: 3", "3", "Here stands a whole number"),
        (f"{LINE}\n{LINE}", "x: {count", "The key “x” stands here twice."),
    ],
)
def test_mistakes_stand_at_their_place(tmp_path: Path, text: str, at: str, message: str) -> None:
    (error,) = errors_of(tmp_path, counters_yaml=text)
    assert error.file == "counters.yaml"
    assert message in error.message
    assert error.source[error.column - 1 :].startswith(at)


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("counters.miners.in_1h > 1", "Did you mean “counters.minors.in_1h”?"),
        ("counters.minors.in_2h > 1", "Did you mean “counters.minors.in_1h”?"),
        ("counters.minors > 1", "There is no name “counters.minors”."),
        ("counters.minors.in_1h > 1.5", "“>” does not work with int and double."),
        ("counters.paid.in_30m > 'x'", "“>” does not work with double and string."),
        ("has(counters.pause) && counters.pause > 1", "write `counters.pause.known`"),
    ],
)
def test_rules_that_misread_counters(tmp_path: Path, when: str, message: str) -> None:
    errors = errors_of(tmp_path, counters_yaml=GOOD, rules_yaml=rule(when))
    assert any(message in error.message for error in errors)
    assert {error.file for error in errors} == {"rules.yaml"}


def test_names_are_unique_over_included_packs(tmp_path: Path) -> None:
    write(tmp_path / "inner", {"pack.toml": None, "policy.md": None})
    inner = tmp_path / "inner"
    (inner / "pack.toml").write_text(MANIFEST.replace("small", "inner"))
    (inner / "policy.md").write_text("# R\n\n## In {#in-a}\nGround: terms, a rule\n\nBe.\n")
    (inner / "rules.yaml").write_text(rule("counters.x.in_1h > 3", id="two", clause="in-a"))
    for name in ("terms/bad.txt", "terms/worse.txt", "links/tricks.txt"):
        (inner / name).unlink()
    (inner / "counters.yaml").write_text(LINE + "\n")
    folder = write(tmp_path, {})
    text = (folder / "pack.toml").read_text() + 'include = ["inner"]\n'
    (folder / "pack.toml").write_text(text)
    assert [one.name for one in load(folder).counters] == ["x"]
    (folder / "counters.yaml").write_text(LINE + "\n")
    (error,) = errors_of(folder, pack_toml=text)
    assert error.message == "There is another counter “x” in inner/counters.yaml."
    assert error.file == "counters.yaml"
