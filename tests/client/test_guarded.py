"""What the client says when it does not know never tells who is a child, and never opens more."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import BETWEEN, BLOCKED, CHECK, CONTACTS, DEFAULTS, NOW, aged, asked, party, profiles

from openhaven.client import guarded
from openhaven.client.book import Book
from openhaven.client.keeping import Kept
from openhaven.client.wire import Refused, Wire
from openhaven.protections import Answer, Choice, Profile, Question, Relation
from openhaven.protections.ages import resolve
from openhaven.protections.asking import ASKED
from openhaven.protections.handed import Handed
from openhaven.protections.model import ACTIONS, MINORS

ORDER = ("deny", "ask", "allow")


def said(question: Question, **known: Profile) -> Answer:
    return guarded.answer(CHECK, question, known, NOW)


def seen(answer: Answer) -> tuple[Any, ...]:
    return answer.answer, answer.sender


@settings(max_examples=300, deadline=None)
@given(profiles, profiles, st.sampled_from(CONTACTS), st.sampled_from(MINORS), st.booleans())
def test_a_child_a_block_a_setting_and_an_unknown_are_the_same(
    sender: Profile, other: Profile, action: Any, band: str, near: bool
) -> None:
    """Whether the sender is known here or not, and whether the other end is."""
    if resolve(DEFAULTS, sender.evidence, NOW.date()).minor:
        sender = aged("18-plus")
    known = {"s": sender} if near else {}
    shut = aged("18-plus", Choice(ASKED[action].other, "child", "nobody", True))
    looks = {
        seen(said(asked(action), **known, r=aged(band, country=other.country))),
        seen(said(asked(action, relation=BLOCKED), **known, r=other)),
        seen(said(asked(action), **known, r=shut)),
        seen(said(asked(action), **known)),
    }
    assert len(looks) == 1
    assert looks.pop()[0] == "deny"


@settings(max_examples=400, deadline=None)
@given(profiles, profiles, st.sampled_from(ACTIONS), st.booleans())
def test_who_is_not_known_gets_no_more_than_a_known_child(
    sender: Profile, recipient: Profile, action: Any, near: bool
) -> None:
    lies = {"recipient": party("r", "18-plus")} if near else {"sender": party("s", "18-plus")}
    question = asked(action, **lies)
    young = aged("under-13")
    missing = said(question, **({"s": sender} if near else {"r": recipient}))
    if near:
        plain = [said(asked(action), s=sender, r=young)]
    else:
        plain = [said(asked(action), s=one, r=recipient) for one in (young, aged("unknown"))]
    strictest = min(ORDER.index(one.answer) for one in plain)
    assert ORDER.index(missing.answer) <= strictest


@settings(max_examples=300, deadline=None)
@given(st.lists(profiles, min_size=2, max_size=5), st.sampled_from(BETWEEN), st.booleans())
def test_an_unknown_sender_reads_one_wording_for_each_answer(
    others: list[Profile], action: Any, near: bool
) -> None:
    question = asked(action, relation=Relation(connected=near))
    by_answer: dict[str, set[Any]] = {}
    for other in others:
        answer = said(question, r=other)
        by_answer.setdefault(answer.answer, set()).add(answer.sender)
    missing = said(question)
    by_answer.setdefault(missing.answer, set()).add(missing.sender)
    assert all(len(parts) == 1 for parts in by_answer.values()), by_answer


@pytest.mark.parametrize("action", BETWEEN)
@pytest.mark.parametrize("band", MINORS)
def test_an_unknown_sender_is_a_stranger_whatever_it_says(action: Any, band: str) -> None:
    """A word about one's own age in the question does not make a peer of somebody unknown."""
    question = asked(action, sender=party("s", band), recipient=party("r"))
    if action in CONTACTS:
        assert said(question, r=aged("13-15")).answer == "deny"
    assert said(question).answer != "allow"


def test_everything_known_is_the_plain_answer() -> None:
    man, kid = aged("18-plus"), aged("13-15")
    for action in ACTIONS:
        question = asked(action)
        assert said(question, s=man, r=kid) == CHECK.answer(question, man, kid, NOW)


# The book -------------------------------------------------------------------------------------


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_remembered_is_bounded_and_grows_old() -> None:
    clock = Clock()
    book = Book(most=10, fresh=60, lifetime=900, clock=clock)
    for number in range(50):
        book.put({f"a{number}": aged("18-plus")}, clock.now)
    assert len(book) == 10
    assert book.find(["a49", "a0"]) == ({"a49": aged("18-plus")}, ["a0"])
    assert book.due(5) == []
    clock.now += 61
    assert book.find(["a49"])[1] == []
    assert book.due(5) == ["a49"]
    clock.now += 900
    assert book.find(["a49"]) == ({}, ["a49"])


def test_what_was_read_before_a_change_is_not_remembered_after_it() -> None:
    clock = Clock()
    book = Book(most=10, fresh=60, lifetime=900, clock=clock)
    asked_at = clock.now
    clock.now += 1
    book.forget(["kid"])
    book.put({"kid": aged("18-plus")}, asked_at)
    assert book.find(["kid"]) == ({}, ["kid"])
    book.put({"kid": aged("13-15")}, clock.now + 1)
    assert book.find(["kid"])[0] == {"kid": aged("13-15")}
    clock.now += 2
    book.forget_all()
    book.put({"kid": aged("18-plus")}, clock.now - 1)
    assert book.find(["kid"]) == ({}, ["kid"])


def test_data_that_would_lift_a_floor_is_not_taken() -> None:
    kept = Kept(Wire("http://127.0.0.1:1", "k", 1), Book(1, 1, 1), 1)
    table = {region: {band: dict(cells) for band, cells in bands.items()}
             for region, bands in DEFAULTS.table.items()}  # fmt: skip
    table["*"]["13-15"]["ads.profiling"] = table["*"]["18-plus"]["ads.profiling"]
    bad = msgspec.structs.replace(DEFAULTS, table=table)
    words = CHECK.words.sentences()
    handed = Handed(profiles={}, changed=(), cursor=1, data="sha256:x", defaults=bad,
                    languages=words)  # fmt: skip
    with pytest.raises(Refused, match="ads"):
        kept._take(handed, bad)
    assert kept.data == ""
    kept._take(handed, DEFAULTS)
    assert kept.data == "sha256:x"
