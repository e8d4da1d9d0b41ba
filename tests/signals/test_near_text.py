"""Texts that are nearly the same: found by a sketch, which keeps nothing of them."""

import random
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhaven.intake.model import Event
from openhaven.signals import measure
from openhaven.signals.banks import BankInfo, Banks, Row, Snapshot
from openhaven.signals.banks.reading import parse_value
from openhaven.signals.likenesses import LikenessSignal
from openhaven.signals.text import near

SKETCH = "62c9589c5dacea2ad2721eb543cf3db0a01777fed7528143c31f69781fa79e45"
WORDS = [
    "".join(random.Random(seed).choices("etaoinshrdlucm", k=3 + seed % 6)) for seed in range(3000)
]
INFO = BankInfo("bnk_1", "known-scams", "text", "scam", "positive", 31, "live")
FINE = BankInfo("bnk_2", "fine", "text", "other", "negative", 31, "live")


def words(seed: int, count: int = 25) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def told(text: str) -> bytes:
    found = near.sketch(text)
    assert found is not None
    return found


def far(one: str, other: str) -> int:
    return (int.from_bytes(told(one)) ^ int.from_bytes(told(other))).bit_count()


def post(text: str) -> Event:
    return msgspec.convert(
        {"id": "1", "kind": "post.create", "at": "2026-11-01T12:00:00Z", "account": {"id": "a"},
         "item": {"id": "i", "text": text}}, Event, strict=False,
    )  # fmt: skip


def signal(*entries: tuple[BankInfo, bytes]) -> LikenessSignal:
    rows = [
        Row(place, info.id, value, None, "test") for place, (info, value) in enumerate(entries, 1)
    ]
    return LikenessSignal(Banks(Snapshot.of((INFO, FINE), rows)))


def test_one_word_of_twenty_five_changed_is_found_and_other_texts_are_not() -> None:
    found = 0
    for seed in range(200):
        text = words(seed)
        other = [*text[:12], "another", *text[13:]]
        found += far(" ".join(text), " ".join(other)) <= 31
        assert far(" ".join(text), " ".join(words(seed + 10_000))) > 47
    assert found >= 196


def test_what_a_reader_does_not_see_does_not_matter() -> None:
    text = " ".join(words(1))
    hidden, twins, apart = text.replace(" ", "  \u200b"), text.replace("o", "о"), ".".join(text)
    for other in (text.upper(), hidden, twins, f"“{text}”!!", apart):
        assert far(text, other) == 0
    assert near.sketch(text.translate(str.maketrans("o", "о"))) == near.sketch(text)


def test_ascii_and_other_texts_take_the_same_way() -> None:
    text = " ".join(words(2)) + "@ $ 12!"
    assert near.sketch(text) == near.sketch(text + "\u200b")


def test_a_sketch_stays_the_same_for_ever() -> None:
    text = "the quick brown fox jumps over the lazy dog while forty two geese watch the gate"
    assert told(text).hex() == SKETCH


@given(st.text(max_size=300))
def test_any_text_has_a_sketch_or_is_too_short(text: str) -> None:
    found = near.sketch(text)
    assert found is None or len(found) == 32
    assert near.sketch(text) == found


def test_a_part_in_common_is_told_about_right() -> None:
    for share in (0.9, 0.7, 0.5):
        gaps = []
        for seed in range(40):
            text = words(seed, 200)
            kept = int(200 * share)
            other = [*text[:kept], *words(seed + 999, 200 - kept)]
            gaps.append(near.similarity(far(" ".join(text), " ".join(other))))
        jaccard = share / (2 - share)
        assert abs(sum(gaps) / len(gaps) - jaccard) < 0.05


def test_the_signal_names_the_bank_and_how_alike_it_is() -> None:
    text = words(5, 40)
    one = signal((INFO, told(" ".join(text))))
    (same,) = one.measure(post(" ".join(text)), {})
    assert (same.value, same.opinion, same.harm, same.detail["similarity"]) == (
        "known-scams",
        "positive",
        "scam",
        1,
    )
    text[7] = "changed"
    (alike,) = one.measure(post(" ".join(text)), {})
    assert 0.7 < alike.confidence < 1
    assert alike.detail["distance"] == round((1 - alike.confidence) * 128)
    assert one.measure(post(" ".join(words(6, 40))), {}) == []
    assert one.measure(post("short"), {}) == []


def test_a_harmless_text_that_is_nearer_clears_it() -> None:
    text = words(5, 40)
    quoted = [*text[:20], "quoted", *text[21:]]
    one = signal((INFO, told(" ".join(text))), (FINE, told(" ".join(quoted))))
    (cleared,) = one.measure(post(" ".join(quoted)), {})
    assert (cleared.opinion, cleared.detail["noted"], cleared.detail["cleared_by"]) == (
        "noted",
        "cleared",
        2,
    )
    (kept,) = one.measure(post(" ".join(text)), {})
    assert kept.opinion == "positive"


def test_a_short_text_is_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="60 letters"):
        parse_value("text", "buy now")
    text = " ".join(words(3))
    assert parse_value("text", text) == told(text)
    assert parse_value("text", told(text).hex()) == told(text)


def test_an_event_takes_little_among_a_hundred_thousand() -> None:
    chance = random.Random(1)
    entries = [(INFO, chance.randbytes(32)) for _ in range(99_999)]
    one = signal(*entries, (INFO, told(" ".join(words(9, 40)))))
    bank = one._banks.snapshot.banks["text"]
    until = time.monotonic() + 300
    while bank.parts.main.ring is None and time.monotonic() < until:
        time.sleep(0.05)
    event = post(" ".join(words(9, 40)))
    assert measure([event], {}, [one])[0][0].opinion == "positive"
    taken = []
    for _ in range(200):
        start = time.thread_time()
        one.measure(event, {})
        taken.append(time.thread_time() - start)
    assert sorted(taken)[100] < 0.005
