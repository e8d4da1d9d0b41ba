"""Who can help: never empty, never an unverified number, pairs whole, and quick."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_scene import days_ago, ids, service, today

from openhaven import support
from openhaven.core import HARMS
from openhaven.support import TOPICS, Directory
from openhaven.support.model import AGES, DIRECTORIES
from openhaven.support.places import COUNTRIES

LAST = ids(DIRECTORIES)
BANDS = st.sampled_from(sorted(AGES))


def held(*services: support.Service, days: int = 180) -> Directory:
    return Directory(services, today(), days=days)


def test_every_topic_of_a_harm_is_one_that_services_help_with() -> None:
    assert {topic for harm in HARMS.values() for topic in harm.help} <= TOPICS.keys()


def test_a_verified_service_stands_before_the_international_directories() -> None:
    found = support.find(held(service()), "GB", ["suicide"], "13-15", "en")
    assert ids(found) == ["gb-line", *LAST]


@pytest.mark.parametrize(
    ("verified", "shown"),
    [(0, True), (180, True), (181, False), (None, False), (-1, False)],
)  # fmt: skip
def test_a_number_that_nobody_verified_lately_is_never_shown(verified, shown) -> None:
    by, on = ("", None) if verified is None else ("Somebody", days_ago(verified))
    one = service(verified_on=on, verified_by=by)
    assert ids(held(one).find("GB")) == (["gb-line"] if shown else []) + LAST


def test_a_website_without_a_number_may_be_shown_unverified() -> None:
    one = service(call="", web="https://example.org/", verified_on=None, verified_by="")
    assert ids(held(one).find("GB")) == ["gb-line", *LAST]


@pytest.mark.parametrize("old", [(), ("a",), ("b",), ("a", "b")])
def test_what_is_paired_is_shown_whole_or_not_at_all(old: tuple[str, ...]) -> None:
    pair = [
        service(id_, pair="p", verified_on=days_ago(400 if id_[-1] in old else 1), **ages)
        for id_, ages in (("gb-a", {"age_to": 17}), ("gb-b", {"age_from": 18}))
    ]
    # Somebody of 14 is shown the adults' service, too: one number would look like the only one.
    assert ids(held(*pair).find("GB", (), "13-15")) == ([] if old else ["gb-a", "gb-b"]) + LAST


def test_services_of_the_union_help_in_its_countries_and_nowhere_else() -> None:
    one = held(service("eu-line", country="EU"))
    assert "eu-line" in ids(one.find("DE"))
    assert "eu-line" not in ids(one.find("GB"))


def test_the_nearest_comes_first_then_the_topic_then_the_language() -> None:
    found = held(
        service("a-everywhere", country="*", topics=("suicide",)),
        service("b-general", country="DE"),
        service("c-other-language", country="DE", topics=("suicide",), languages=("fr",)),
        service("d-right", country="DE", topics=("suicide",), languages=("de-AT",)),
    ).find("DE", ("suicide",), "unknown", "de")
    assert ids(found)[:4] == ["d-right", "c-other-language", "b-general", "a-everywhere"]


def test_a_country_that_is_not_known_gets_nobody_elses_number() -> None:
    assert ids(held(service()).find("")) == LAST


def test_many_services_do_not_tear_a_pair_apart() -> None:
    many = [service(f"gb-{n:02}", pair=f"p{n // 2}") for n in range(20)]
    found = [one for one in held(*many).find("GB") if one.country == "GB"]
    assert all(sum(each.pair == one.pair for each in found) == 2 for one in found)
    assert len(found) == 8


services = st.builds(
    service,
    st.from_regex("[a-z]{2}-[a-f]", fullmatch=True),
    country=st.sampled_from(["GB", "DE", "EU", "*"]),
    topics=st.lists(st.sampled_from(["all", *TOPICS]), min_size=1, max_size=3).map(tuple),
    age_from=st.sampled_from([0, 13, 18]),
    call=st.sampled_from(["", "0000"]),
    web=st.just("https://example.org/"),
    pair=st.sampled_from(["", "p", "q"]),
    verified_on=st.sampled_from([None, days_ago(1), days_ago(500)]),
)


@given(
    st.lists(services, max_size=12, unique_by=lambda one: one.id),
    st.sampled_from(["", "GB", "DE", "JP"]),
    st.lists(st.sampled_from(sorted(TOPICS)), max_size=3),
    BANDS,
)
def test_whatever_stands_in_it_the_answer_is_safe(all_of_it, country, topics, band) -> None:
    directory = Directory(all_of_it, today())
    found = directory.find(country, topics, band, "en")
    assert found
    assert found[-1] in DIRECTORIES
    assert all(not one.has_number or one.is_fresh(today(), 180) for one in found)
    for one in found:
        if one.pair:
            group = {each.id for each in all_of_it if (each.country, each.pair) ==
                     (one.country, one.pair)}  # fmt: skip
            assert group <= set(ids(found))
    # The same question has the same answer: nothing is remembered wrongly.
    assert found == Directory(all_of_it, today()).find(country, topics, band, "en")


def test_a_search_that_was_made_before_costs_microseconds() -> None:
    directory = held(*(service(f"gb-{n}") for n in range(500)))
    directory.find("GB", ("suicide",), "13-15", "en")
    began = time.thread_time()
    for _ in range(2_000):
        support.find(directory, "GB", ("suicide",), "13-15", "en")
    assert (time.thread_time() - began) / 2_000 < 500e-6


def test_strange_questions_do_not_fill_the_memory() -> None:
    directory = held(service())
    for n in range(6_000):
        directory.find("GB", (), "unknown", f"x{n}")
    assert len(directory._found) <= 4_096


def test_every_country_has_an_answer() -> None:
    directory = held(service())
    assert all(directory.find(code) for code in COUNTRIES)


def test_strange_questions_do_not_slow_down_those_of_children() -> None:
    held = Directory([service()], today())
    for number in range(5_000):
        held.find("GB", ("child",), "13-15", f"x{number}")
        held.told((number,), lambda: ())
    made: list[int] = []
    for _ in range(3):
        held.told(("GB", "13-15"), lambda: made.append(1) or ("a way",))
    assert len(made) == 1
    assert held.find("GB", ("child",), "13-15", "en") is held.find("GB", ("child",), "13-15", "en")
    assert max(len(held._told), len(held._found)) <= 4_096
