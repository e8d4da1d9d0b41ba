"""Where signals find nothing, most rules are not asked at all: that must never change a verdict."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_scene import event, found, pack_of, rule

from openhaven.policy import Pack
from openhaven.policy.load import load_texts

# It belongs to no name of the pack, so that it makes every rule be asked and changes no answer.
NOTHING = found("not-declared")
ATOMS = st.sampled_from(
    [
        "terms.bad",
        "links.tricks",
        "'known' in banks.positive",
        "size(banks.harms) == 0",
        "banks.harms.exists(h, h == item.type)",
        "size(signals.unknown) > 0",
        "account.age_days < 3",
        "item.has_media",
        "item.text.contains('zorg')",
        "context.score > 3",
        "target.age_band == '13-15'",
        "[1, 2].all(n, n < account.age_days)",
        "true",
        "false",
    ]
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda three: f"({three[0]}) {three[1]} ({three[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda three: "({}) ? ({}) : ({})".format(*three)),
    ),
    max_leaves=5,
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "item": st.fixed_dictionaries(
            {"id": st.just("i1"), "text": st.sampled_from(["", "zorg"])},
            optional={"media": st.just([{"id": "m1"}])},
        ),
        "account": st.just({"id": "a1", "created_at": "2026-01-30T00:00:00Z"}),
        "target": st.just({"account": {"id": "a2", "age_band": "13-15"}}),
        "context": st.fixed_dictionaries({}, optional={"score": st.sampled_from([1, 9, "many"])}),
    },
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return pack_of(tmp_path_factory.mktemp("pack"))


@settings(max_examples=300, deadline=None)
@given(st.lists(CONDITIONS, min_size=1, max_size=4), EVENTS)
def test_a_verdict_without_findings_is_what_all_rules_say(
    base: Pack, conditions: list[str], parts: dict[str, object]
) -> None:
    then = {"outcome": "remove", "harm": "spam"}
    made = [rule(when, id=f"r{place}", then=then) for place, when in enumerate(conditions)]
    pack = load_texts({**base.files, "rules.yaml": "".join(made)}, kept=True)
    judged = event(**parts)
    assert pack.evaluate(judged, []) == pack.evaluate(judged, [NOTHING])
