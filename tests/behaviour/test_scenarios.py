"""The invented towns: the same each time, without words, and judged on seeds nobody tuned on."""

import itertools

import pytest
from bench.scenarios.__main__ import HELD_OUT, TUNING, report
from bench.scenarios.benign import BENIGN
from bench.scenarios.harmful import HARMFUL
from bench.scenarios.judging import town_of

ALL = BENIGN | HARMFUL


def test_tuning_and_held_out_seeds_are_apart() -> None:
    assert not set(TUNING) & set(HELD_OUT)
    assert len(HELD_OUT) >= 100


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_seed_gives_one_town_and_nobody_says_a_word(name: str) -> None:
    one, again, other = (town_of(name, seed, ALL[name]).events for seed in (7, 7, 8))
    assert one == again
    assert one != other
    assert all(event.item is None for event in one)
    assert all(before.at <= after.at for before, after in itertools.pairwise(one))


@pytest.mark.parametrize("name", sorted(ALL))
def test_only_harmful_towns_have_somebody_harmful(name: str) -> None:
    harmful = [one for one in town_of(name, 7, ALL[name]).people.values() if one.harmful]
    assert len(harmful) == (name in HARMFUL)


def test_the_report_has_intervals_and_groups() -> None:
    figures = report(HELD_OUT[:2])
    assert figures["recall"].keys() == HARMFUL.keys()
    assert figures["false_alarms"].keys() == BENIGN.keys()
    shares = [*figures["recall"].values(), *figures["false_alarms"].values()]
    for group in ("age", "age_shown", "language", "country"):
        shares += figures[f"false_alarms_by_{group}"].values()
    for one in shares:
        assert 0 <= one["low"] <= one["share"] <= one["high"] <= 1
    everybody = figures["false_alarms_all"]["of"]
    by_age = figures["false_alarms_by_age"]
    assert sum(one["of"] for one in by_age.values()) == everybody
    assert sum(one["of"] for one in figures["false_alarms"].values()) == everybody


@pytest.mark.slow
def test_what_is_found_and_missed_stays_as_the_page_says() -> None:
    figures = report(HELD_OUT[:15])
    found = {name: one["share"] for name, one in figures["recall"].items()}
    assert min(found[name] for name in found if name != "off_platform") >= 0.8, found
    assert found["off_platform"] >= 0.5
    assert figures["false_alarms_all"]["share"] <= 0.006
    assert max(one["share"] for one in figures["false_alarms"].values()) <= 0.03
