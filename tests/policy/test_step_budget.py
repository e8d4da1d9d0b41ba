"""Whatever an event holds, each rule has an end: an answer or *unknown*, and the others go on."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from policy_scene import event, found, pack_of, rule

from openhaven.intake.model import Event
from openhaven.policy import Pack, Verdict

SOUND = rule("terms.worse", id="sound", then={"outcome": "remove", "harm": "spam"})
LARGE = 1_000_000


def judged(pack: Pack, case: Event, *more: Any, within: float = 30.0) -> Verdict:
    """Return the verdict; it may take `within` seconds, and the sound rule must have spoken."""
    began = time.thread_time()
    verdict = pack.evaluate(case, [found("worse"), *more])
    assert time.thread_time() - began < within
    assert verdict.outcome == "remove"
    assert verdict.reasons[0].rule == "sound"
    return verdict


def with_context(context: dict[str, Any]) -> Event:
    """Return an event whose context holds what no platform could send."""
    return msgspec.structs.replace(event(), context=context)


@pytest.mark.parametrize(
    "when",
    [
        "context.many.exists(x, x == 'no')",
        "context.many.all(x, x != 'no')",
        "size(context.many.filter(x, x == 'no')) > 0",
        "size(context.many.map(x, x + 'a')) == 0",
        "'no' in context.many",
        "context.many == context.many && size(context.many) < 3",
    ],
)
def test_a_list_of_a_million(tmp_path: Path, when: str) -> None:
    pack = pack_of(tmp_path, rule(when) + SOUND)
    verdict = judged(pack, with_context({"many": ["yes"] * LARGE}))
    assert verdict.unknown == ("one",)
    assert verdict.reasons[1].findings[0].unknown is not None


def test_a_loop_over_a_million_labels_is_unknown_or_right(tmp_path: Path) -> None:
    gives = rule("terms.bad", id="gives", then={
        "outcome": "allow", "harm": "spam", "label": {"name": "x", "days": 1}})  # fmt: skip
    pack = pack_of(tmp_path, rule("account.labels.exists(x, x == 'y')") + gives + SOUND)
    began = time.thread_time()
    verdict = pack.evaluate(event(), [found("worse")], {"account.labels": ["x"] * LARGE})
    assert time.thread_time() - began < 60
    assert verdict.outcome == "remove"
    assert verdict.unknown in ((), ("one",))


def test_ten_thousand_findings(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, rule("banks.positive.exists(b, b == 'known')") + SOUND)
    many = [found(f"b{n}", "positive", "media:1") for n in range(10_000)]
    verdict = judged(pack, event(), *many, found("known", "positive", "media:2"))
    assert verdict.unknown == ("one",) or "one" in [one.rule for one in verdict.reasons]


@pytest.mark.parametrize(
    "pattern", ["(a*)*b", "(a|a)*b", "(a+)+$", "(.*)(.*)(.*)(.*)b$", "a{1,100}b"]
)
def test_a_pattern_that_explodes_elsewhere(tmp_path: Path, pattern: str) -> None:
    pack = pack_of(tmp_path, rule(f"item.text.matches('{pattern}')") + SOUND)
    case = event(item={"id": "i1", "text": "a" * 60_000 + "c"})
    assert judged(pack, case).unknown == ()


def itself() -> list[Any]:
    """Return a list that holds itself."""
    made: list[Any] = []
    made.append(made)
    return made


@pytest.mark.parametrize("odd", [[[[["end"]]]], {"a": {"b": 1}}, itself(), object(), b"end"])
def test_what_no_platform_can_send(tmp_path: Path, odd: Any) -> None:
    pack = pack_of(tmp_path, rule("context.odd == 'end' && context.fine == 1") + SOUND)
    verdict = judged(pack, with_context({"odd": odd, "fine": 1}))
    assert verdict.unknown == ("one",)
