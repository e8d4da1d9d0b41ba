"""Whatever stands in the files of a pack, the answer is a pack or its mistakes, and quick."""

import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from policy_scene import FILES, MANIFEST, POLICY, RULE, event, found, pack_of, rule

from openhaven.policy import BrokenPack, Verdict
from openhaven.policy.load import load_texts

PIECES = st.sampled_from(
    ["terms.bad", "account.age_days", "context", "banks.positive", "item.text", ".x", "(", ")", "[",
     "]", "{", "}", "'a'", '"', "'", "&&", "||", "!", "<", "==", "in", "?", ":", "1", "-1", "1.5",
     "true", "null", ".matches('a')", ".exists(x, x == 'a')", ".all(x, true)", "has(context.a)",
     "size(", "b'a'", "r'\\'", "//", "\n", " ", "é", "𝒶", "\t", "timestamp('2026')", "type(1)"]
)  # fmt: skip
slow = settings(max_examples=300, deadline=None)


def check(**changed: str) -> None:
    """Read the small pack with files changed; mistakes must be shown with places that exist."""
    files = {**FILES, **{name.replace("_", ".", 1): text for name, text in changed.items()}}
    try:
        load_texts(files)
    except BrokenPack as broken:
        for error in broken.errors:
            lines = files[error.file].split("\n")
            assert 1 <= error.line <= len(lines) + 1
            assert error.column >= 1
            assert str(error) in error.rendered()
    else:
        assert "rules_yaml" in changed or "pack_toml" in changed or "policy_md" in changed


@slow
@given(st.lists(PIECES, max_size=12).map("".join))
@example("context.exists(k, context[k].exists(j, true))")
@example("{'a': 1}.exists(k, true) || [1, 2].map(x, x * 2) == [2, 4]")
def test_any_condition(when: str) -> None:
    check(rules_yaml=rule(when))


@slow
@given(st.text(max_size=60))
def test_any_text_as_a_condition(when: str) -> None:
    check(rules_yaml=RULE.replace("terms.bad", when))


@slow
@given(st.data())
def test_any_change_to_any_file(data: st.DataObject) -> None:
    name, text = data.draw(
        st.sampled_from([("rules_yaml", RULE), ("pack_toml", MANIFEST), ("policy_md", POLICY)])
    )
    first = data.draw(st.integers(0, len(text)))
    last = data.draw(st.integers(first, len(text)))
    check(**{name: text[:first] + data.draw(st.text(max_size=8)) + text[last:]})


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 50_000, "- " * 50_000, "? " * 50_000, '"' + "x" * 1_000_000, "a:\n"],
    ids=["lists", "maps", "dashes", "questions", "string", "keys"],
)  # fmt: skip
def test_monstrous_yaml(text: str) -> None:
    check(rules_yaml=text)


def test_a_thousand_rules_load_and_a_thousand_mistakes_are_told() -> None:
    many = "".join(rule("terms.bad && account.age_days < 3", id=f"r{n}") for n in range(1000))
    assert len(load_texts({**FILES, "rules.yaml": many}).rules) == 1000
    with pytest.raises(BrokenPack) as caught:
        load_texts({**FILES, "rules.yaml": many.replace("terms.bad", "terms.bat")})
    assert len(caught.value.errors) == 1000


def test_a_pack_may_be_asked_by_many_threads_at_once(tmp_path: Path) -> None:
    pack = pack_of(tmp_path)
    expected = pack.evaluate(event(), [found("bad")])
    wrong: list[Verdict] = []

    def ask() -> None:
        for _ in range(500):
            verdict = pack.evaluate(event(), [found("bad")])
            if verdict != expected:
                wrong.append(verdict)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
