"""A freeze is a block, for every action, in both directions, and looks like one to the sender."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from worlds import BLOCKED, CHECK, NOW, Profile, actions, asked, profiles


@settings(max_examples=300, deadline=None)
@given(profiles, profiles, actions, st.booleans())
def test_frozen_is_the_same_as_blocked(
    sender: Profile, other: Profile, action: str, by_sender: bool
) -> None:
    question = asked(action)
    blocked = CHECK.answer(asked(action, relation=BLOCKED), sender, other, NOW)
    if by_sender:
        sender = replace(sender, frozen=frozenset({"r"}))
    else:
        other = replace(other, frozen=frozenset({"s"}))
    assert CHECK.answer(question, sender, other, NOW) == blocked


@settings(max_examples=100, deadline=None)
@given(profiles, profiles, actions)
def test_a_freeze_with_somebody_else_changes_nothing(
    sender: Profile, other: Profile, action: str
) -> None:
    question = asked(action)
    before = CHECK.answer(question, sender, other, NOW)
    sender = replace(sender, frozen=frozenset({"x", "s"}))
    other = replace(other, frozen=frozenset({"y", "r"}))
    assert CHECK.answer(question, sender, other, NOW) == before
