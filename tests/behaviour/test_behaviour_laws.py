"""What holds for whatever happens: who is left in peace, and what no order of arrival changes."""

from typing import Any

import msgspec
from behaviour_scene import COUNTERS, NOON, met, told
from hypothesis import given
from hypothesis import strategies as st

from openhaven.history import Replay
from openhaven.history.book import Book
from openhaven.intake import Event
from openhaven.signals import behaviour

KINDS = ["contact.request", "contact.accept", "message.send", "comment.create"]
ALL = [*KINDS, "contact.block", "report.create"]
BANDS = ["under-13", "13-15", "16-17", "18-plus", "unknown"]
NAMES = ["a", "b", "c", "d", "e", "f"]


def events(
    kinds: list[str], bands: list[str], most: int = 25, relation: str | None = None
) -> st.SearchStrategy[list[Event]]:
    """Make what up to six accounts of fixed ages do to each other within some days."""
    one = st.tuples(
        st.sampled_from(kinds),
        st.permutations(NAMES),
        st.integers(0, 4 * 24 * 60),
        st.sampled_from(["", "private", "group", "public"]),
        st.booleans(),
    )

    def made(ages: list[str], told: list[Any]) -> list[Event]:
        age = dict(zip(NAMES, ages, strict=True))
        more: dict[str, Any] = {} if relation is None else {"relation": relation}
        found = [
            met(kind, who[0], who[1], at, where=where, made=NOON if new else None,
                ages=(age[who[0]], age[who[1]]), **more)
            for kind, who, at, where, new in told
        ]  # fmt: skip
        ordered = sorted(found, key=lambda event: event.at)
        return [msgspec.structs.replace(e, id=f"{at}") for at, e in enumerate(ordered)]

    ages = st.lists(st.sampled_from(bands), min_size=6, max_size=6)
    return st.builds(made, ages, st.lists(one, min_size=1, max_size=most))


@given(st.one_of(events(KINDS, ["13-15", "16-17"]), events(KINDS, ["under-13", "13-15"])))
def test_contact_between_adjacent_teen_bands_is_no_finding(given: list[Event]) -> None:
    assert told(given) == [[] for _ in given]


@given(events(ALL, BANDS, relation="family"))
def test_of_family_nothing_is_said_and_nothing_kept(given: list[Event]) -> None:
    assert told(given) == [[] for _ in given]
    book = Book(COUNTERS, lambda data: data[:16].ljust(16, b"x"))
    assert [one for e in given for one in book.look("p", e, e.at).written] == []


@given(events(ALL, ["18-plus"]))
def test_of_grown_ups_among_themselves_nothing_is_said_and_nothing_kept(given: list[Event]) -> None:
    assert told(given) == [[] for _ in given]
    book = Book(COUNTERS, lambda data: data[:16].ljust(16, b"x"))
    assert [one for e in given for one in book.look("p", e, e.at).written] == []


@given(events(ALL, ["unknown", "13-15", "under-13"]))
def test_unknown_is_a_grown_up_where_it_approaches(given: list[Event]) -> None:
    def known(event: Event) -> Event:
        account = event.account
        if account.age_band != "unknown":
            return event
        return msgspec.structs.replace(
            event, account=msgspec.structs.replace(account, age_band="18-plus")
        )

    towards = list(map(_to_minor, given))
    before = [{one.value for one in found} for found in told(given)]
    after = [{one.value for one in found} for found in told([known(one) for one in given])]
    # Nothing that a grown-up would show towards a child is hidden by an age that is not known.
    for minor, was, now in zip(towards, before, after, strict=True):
        assert not minor or now <= was | {"turned_away"}


def _to_minor(event: Event) -> bool:
    assert event.target is not None
    assert event.target.account is not None
    return event.target.account.age_band not in ("unknown", "18-plus")


@given(events(ALL, BANDS), st.randoms(use_true_random=False))
def test_what_arrives_late_counts_as_if_it_had_not(given: list[Event], dice: Any) -> None:
    *before, last = given
    shuffled = list(before)
    dice.shuffle(shuffled)
    assert told([*shuffled, last])[-1] == told(given)[-1]


@given(events(ALL, BANDS), st.randoms(use_true_random=False))
def test_nobody_goes_on_after_a_block_that_came_later(given: list[Event], dice: Any) -> None:
    dice.shuffle(given)
    for event, found in zip(given, told(given), strict=True):
        if any("blocked" in str(one.detail["why"]) and one.value == "asks_again" for one in found):
            assert any(
                one.kind == "contact.block" and one.at < event.at
                and _named(one) == _named(event)[::-1]
                for one in given
            )  # fmt: skip


def _named(event: Event) -> tuple[str, str]:
    assert event.target is not None
    assert event.target.account is not None
    return event.account.id, event.target.account.id


@given(events(ALL, BANDS))
def test_the_names_of_accounts_make_no_difference(given: list[Event]) -> None:
    other = dict(zip(NAMES, reversed(NAMES), strict=True))

    def renamed(event: Event) -> Event:
        data = msgspec.to_builtins(event)
        data["account"]["id"] = other[data["account"]["id"]]
        data["target"]["account"]["id"] = other[data["target"]["account"]["id"]]
        return msgspec.convert(data, Event)

    assert told([renamed(one) for one in given]) == told(given)


@given(events(ALL, BANDS))
def test_a_pair_takes_one_row_and_an_account_one(given: list[Event]) -> None:
    replay = Replay(COUNTERS)
    for one in given:
        behaviour.look(one, replay.take("p", one))
    pairs = {frozenset(_named(one)) for one in given}
    assert len(replay._book.rows) <= len(pairs) + len(NAMES) * 2
