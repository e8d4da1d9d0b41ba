"""The check never becomes a way to find children: what the sender gets does not say why."""

import gc
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import BETWEEN, BLOCKED, CHECK, CONTACTS, NOW, aged, asked, bands, profiles

from openhaven.protections import Answer, Choice, Profile, Question, Relation
from openhaven.protections.ages import resolve
from openhaven.protections.asking import ASKED
from openhaven.protections.model import MINORS

between = st.sampled_from(BETWEEN)
contacts = st.sampled_from(CONTACTS)
languages = st.sampled_from(("en", "de", "ar"))


def said(question: Question, sender: Profile, recipient: Profile) -> Answer:
    return CHECK.answer(question, sender, recipient, NOW)


def seen(answer: Answer) -> tuple[Any, ...]:
    """Return all that the sender gets."""
    return answer.answer, answer.sender


def closed(action: str) -> Choice:
    return Choice(ASKED[action].other, "child", "nobody", True)  # type: ignore[index]


@settings(max_examples=400, deadline=None)
@given(profiles, profiles, contacts, languages, st.sampled_from(MINORS))
def test_a_child_a_block_and_a_setting_are_the_same(
    sender: Profile, other: Profile, action: str, language: str, band: str
) -> None:
    """For every adult or unknown sender, whoever and wherever the other end is."""
    if resolve(CHECK.defaults, sender.evidence, NOW.date()).minor:
        sender = aged("18-plus")
    question = asked(action, language=language)
    child = said(question, sender, aged(band, country=other.country))
    blocked = said(asked(action, language=language, relation=BLOCKED), sender, other)
    private = said(question, sender, aged("18-plus", closed(action)))
    assert seen(child) == seen(blocked) == seen(private)
    assert child.answer == "deny"


@settings(max_examples=600, deadline=None)
@given(profiles, st.lists(profiles, min_size=2, max_size=6), between, st.booleans(), languages)
def test_all_that_is_closed_looks_the_same(
    sender: Profile, others: list[Profile], action: str, near: bool, language: str
) -> None:
    """Whatever band, choices, country the other ends have: each answer has one wording."""
    question = asked(action, language=language, relation=Relation(connected=near))
    by_answer: dict[str, set[Any]] = {}
    for other in others:
        answer = said(question, sender, other)
        by_answer.setdefault(answer.answer, set()).add(answer.sender)
    blocked = said(asked(action, language=language, relation=BLOCKED), sender, others[0])
    by_answer.setdefault("deny", set()).add(blocked.sender)
    assert all(len(parts) == 1 for parts in by_answer.values()), by_answer


@settings(max_examples=400, deadline=None)
@given(profiles, profiles, bands)
def test_a_minor_learns_nothing_of_the_age_of_whoever_is_open(
    sender: Profile, other: Profile, band: str
) -> None:
    """To a minor a stranger who may be reached is always one that is asked first."""
    sender = aged("13-15", country=sender.country)
    for action in CONTACTS:
        open_to_all = aged(band, Choice(ASKED[action].other, "child", "everyone", True))  # type: ignore[index]
        peer = aged("13-15", Choice(ASKED[action].other, "child", "peers", True))  # type: ignore[index]
        answers = [said(asked(action), sender, end) for end in (open_to_all, peer, other)]
        assert {seen(one) for one in answers if one.answer != "deny"} <= {seen(answers[1])}


@settings(max_examples=300, deadline=None)
@given(profiles, profiles, profiles, st.sampled_from(("location.share",)), st.booleans())
def test_what_the_sender_shares_does_not_tell_on_the_other(
    sender: Profile, one: Profile, other: Profile, action: str, near: bool
) -> None:
    question = asked(action, relation=Relation(connected=near))
    blocked = asked(action, relation=Relation(connected=near, blocked=True))
    assert (
        len({seen(said(q, sender, end)) for q in (question, blocked) for end in (one, other)}) == 1
    )


def steps(question: Question, sender: Profile, recipient: Profile) -> int:
    """Return how many calls an answer takes, which is its time on any machine."""
    count = 0

    def note(frame: object, what: str, arg: object) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    said(question, sender, recipient)
    gc.collect()  # collecting in between would count as calls of whoever listens to it
    gc.disable()
    sys.setprofile(note)
    try:
        said(question, sender, recipient)
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


@pytest.mark.parametrize("action", BETWEEN)
@pytest.mark.parametrize("band", ["18-plus", "unknown", "13-15"])
def test_a_no_takes_the_same_steps_whatever_the_reason(action: str, band: str) -> None:
    sender, feature = aged(band), ASKED[action].other  # type: ignore[index]
    open_adult = aged("18-plus", Choice(feature, "child", "everyone", True))
    shut = aged("18-plus", closed(action))
    child = aged("under-13", Choice(feature, "child", "connections", True))
    taken = {
        "blocked": steps(asked(action, relation=BLOCKED), sender, open_adult),
        "setting": steps(asked(action), sender, shut),
        "child": steps(asked(action), sender, child),
    }
    assert len(set(taken.values())) == 1, taken


def test_the_words_for_the_sender_never_speak_of_the_other_ends_age() -> None:
    for words in CHECK.words._parts.values():
        assert words.code in ("kept_away", "asked") or "child" not in words.text
    for code in ("not_available", "asks_first", "asks_first_text"):
        for young in (False, True):
            text = CHECK.words.part("en", "sender", code, young=young).text
            for word in ("age", "child", "young", "block", "setting", "privat", "safe"):
                assert word not in text.lower(), text
