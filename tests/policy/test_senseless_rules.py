"""Rules that could never hold or that contradict are told before they are in force."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_scene import FILES, MANIFEST, errors_of, event, found, pack_of, rule, write

from openhaven.policy import BrokenPack
from openhaven.policy.commands import pack as commands
from openhaven.policy.load import load_texts

REMOVE = {"outcome": "remove", "harm": "spam"}
REVIEW = {"outcome": "review", "harm": "spam"}


@pytest.mark.parametrize(
    "when",
    [
        "account.age_band == '13-15' && account.age_band == '16-17'",
        "account.age_band in ['13-15', '16-17'] && terms.bad && account.age_band == '18-plus'",
        "item.type in []",
        "account.age_days < 3 && account.age_days > 3",
        "3 > account.age_days && (terms.bad && 3 <= account.age_days)",
        "account.age_days == 1 && account.age_days == 2",
        "event.kind == 'message.send' && terms.bad",
        "terms.bad && !terms.bad",
        "item.text.contains('a') && !item.text.contains('a')",
    ],
)
def test_what_can_never_be_true_is_a_mistake(tmp_path: Path, when: str) -> None:
    (error,) = errors_of(tmp_path, rules_yaml=rule(when))
    assert error.message.startswith("This is never true: ")
    assert (error.file, error.line, error.column) == ("rules.yaml", 5, 9)


def test_two_rules_of_one_condition_and_two_outcomes_are_a_mistake(tmp_path: Path) -> None:
    made = rule("terms.bad", id="a", then=REVIEW) + rule(" terms.bad ", id="b", then=REMOVE)
    (error,) = errors_of(tmp_path, rules_yaml=made)
    assert "“a” has the same condition and another outcome" in error.message
    for free in (
        made.replace('id: "b"', 'id: "b"\n  mode: shadow'),
        made.replace('["post.create"]', '["message.send"]', 1),
    ):
        assert load_texts({**FILES, "rules.yaml": free}).warnings == ()


def test_a_rule_that_is_there_twice_and_one_that_reads_nothing_are_warned_of(
    tmp_path: Path,
) -> None:
    made = rule("terms.bad", id="a") + rule("terms.bad", id="b") + rule("1 == 2", id="c")
    pack = pack_of(tmp_path, made)
    assert [(one.line, one.message.split(" ")[0]) for one in pack.warnings] == [
        (10, "The"), (15, "This"),
    ]  # fmt: skip
    done = CliRunner().invoke(commands, ["check", str(tmp_path)])
    assert done.exit_code == 0
    assert "rules.yaml:10:9: warning: The rule “a” says the same of the same" in done.output
    assert "rules.yaml:15:9: warning: This reads nothing of the event" in done.output


def test_a_pack_that_was_in_force_once_is_taken_as_it_stood() -> None:
    made = rule("terms.bad", id="a", then=REVIEW) + rule("terms.bad", id="b", then=REMOVE)
    pack = load_texts({**FILES, "rules.yaml": made}, kept=True)
    assert pack.evaluate(event(), [found("bad")]).outcome == "remove"
    assert len(pack.warnings) == 1


PARTS = st.sampled_from(
    ["account.age_days < 3", "account.age_days >= 3", "account.age_days == 5", "terms.bad",
     "!terms.bad", "account.country == 'DE'", "account.country in ['DE', 'FR']",
     "account.country == 'FR'", "event.kind == 'post.create'", "event.kind == 'message.send'"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=4))
def test_what_is_called_never_true_is_never_true(parts: list[str]) -> None:
    texts = {**FILES, "rules.yaml": rule(" && ".join(parts))}
    try:
        load_texts(texts)
    except BrokenPack:
        pack = load_texts(texts, kept=True)
        for days in ("2026-01-30T00:00:00Z", "2026-01-28T12:00:00Z", "2026-01-26T00:00:00Z", None):
            for country in ("DE", "FR", "GB"):
                account = {"id": "a1", "country": country, "created_at": days}
                judged = event(account={key: v for key, v in account.items() if v is not None})
                assert pack.evaluate(judged, []).reasons == ()
                assert pack.evaluate(judged, [found("bad")]).reasons == ()


# What a rule may name ---------------------------------------------------------------------------


def test_a_queue_is_a_usual_one_or_is_declared(tmp_path: Path) -> None:
    odd = rule("terms.bad", then={**REVIEW, "queue": "child-safty"})
    (error,) = errors_of(tmp_path, rules_yaml=odd)
    assert "no queue “child-safty”. Did you mean “child-safety”?" in error.message
    own = rule("terms.bad", then={**REVIEW, "queue": "night-shift"})
    (error,) = errors_of(tmp_path, rules_yaml=own)
    assert "under `queues` in pack.toml" in error.message
    write(tmp_path, {"rules.yaml": own, "pack.toml": MANIFEST + 'queues = ["night-shift"]\n'})
    assert CliRunner().invoke(commands, ["check", str(tmp_path)]).exit_code == 0
    (error,) = errors_of(tmp_path, rules_yaml=odd.replace("child-safty", "appeals"))
    assert "no queue “appeals”" in error.message


def test_a_label_is_one_that_somebody_gives(tmp_path: Path) -> None:
    gives = rule("terms.bad", id="a", then={**REVIEW, "label": {"name": "watched", "days": 3}})
    reads = rule("'wached' in account.labels", id="b")
    (error,) = errors_of(tmp_path, rules_yaml=gives + reads)
    assert "account.labels is never “wached”. Did you mean “watched”?" in error.message
    (error,) = errors_of(tmp_path, rules_yaml=rule("'vip' in item.labels"))
    assert "under `labels` in pack.toml" in error.message
    write(tmp_path, {"rules.yaml": rule("'vip' in item.labels"),
                     "pack.toml": MANIFEST + 'labels = ["vip"]\n'})  # fmt: skip
    assert CliRunner().invoke(commands, ["check", str(tmp_path)]).exit_code == 0


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"daily_cap": 5}, "“review” decides nothing, so there is nothing to cap."),
        ({"daily_cap": 0, "then": REMOVE}, ">= 1"),
        ({"sample": 0}, "> 0"),
        ({"sample": 1.5}, "<= 1"),
        ({"fallback": {"overturn": 0.5}}, "Did you mean “overturned”?"),
        ({"then": {**REVIEW, "label": {"name": "x", "days": 0}}}, ">= 1"),
        ({"then": {**REVIEW, "label": {"nam": "x", "days": 1}}}, "Did you mean “name”?"),
        ({"then": {**REVIEW, "label": {"name": "x"}}}, "Here “days” is missing."),
        ({"then": {**REVIEW, "label": {"name": "ｘ", "days": 1}}}, "FULLWIDTH LATIN SMALL"),
        ({"then": {**REVIEW, "label": {"name": "x", "days": 1}}, "on": ["report.create"]},
         "What one person reports is no ground for a label"),
    ],
)  # fmt: skip
def test_limits_and_labels_that_cannot_be(
    tmp_path: Path, made: dict[str, object], said: str
) -> None:
    (error,) = errors_of(tmp_path, rules_yaml=rule("terms.bad", **made))
    assert said in error.message


# Samples and examples ---------------------------------------------------------------------------


def test_a_sample_is_its_share_and_always_the_same(tmp_path: Path) -> None:
    other = rule("terms.bad || terms.worse", id="other", sample=0.5)
    pack = pack_of(tmp_path, rule("terms.bad", sample=0.1) + other)
    hits = {"one": 0, "other": 0}
    both = 0
    for number in range(4_000):
        judged = event(id=f"e{number}")
        verdict = pack.evaluate(judged, [found("bad")])
        assert pack.evaluate(judged, [found("bad")]) == verdict
        rules = {reason.rule for reason in verdict.reasons}
        for name in rules:
            hits[name] += 1
        both += len(rules) == 2
    # Five standard deviations of a binomial share; samples of two rules are independent.
    assert abs(hits["one"] - 400) < 95
    assert abs(hits["other"] - 2_000) < 158
    assert abs(both - 200) < 69


def test_an_example_may_suppose_labels(tmp_path: Path) -> None:
    gives = rule("terms.worse", id="a", then={**REVIEW, "label": {"name": "watched", "days": 3}})
    reads = rule("'watched' in account.labels && terms.bad", id="b")
    examples = """- name: Somebody who was noticed before
  event: {kind: post.create, item: {text: a zorgblat}}
  labels: {account: [watched]}
  must_match: [b]
- name: Somebody who was not
  event: {kind: post.create, item: {text: a zorgblat}}
  must_not_match: any
"""
    write(tmp_path, {"rules.yaml": gives + reads, "examples.yaml": examples})
    done = CliRunner().invoke(commands, ["test", str(tmp_path)])
    assert "2 of 2 examples hold." in done.output
