"""The door of signals: one typed answer, whatever a detector does."""

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from openhaven.core import HARMS, Problem
from openhaven.intake.model import Event, MediaFacts
from openhaven.signals import Finding, Signal, Snapshot, Tools, load, measure
from openhaven.signals.banks import BankInfo, Banks, Row
from openhaven.signals.example import shouting
from stopwatch import stopwatch

KNOWN = bytes(range(32))
INFOS = [
    BankInfo("bnk_p", "known-pictures", "pdq", "csam.known", "positive", 31, "live"),
    BankInfo("bnk_s", "known-files", "sha256", "ncii", "investigate", 0, "live"),
    BankInfo("bnk_n", "harmless", "pdq", "other", "negative", 31, "live"),
    BankInfo("bnk_h", "trial", "md5", "other", "positive", 0, "shadow"),
    BankInfo("bnk_l", "bad-sites", "link", "scam", "positive", 0, "live"),
]
ROWS = [
    Row(1, "bnk_p", KNOWN, None, "test"),
    Row(2, "bnk_s", b"s" * 32, None, "test"),
    Row(3, "bnk_h", b"h" * 16, None, "test"),
    Row(4, "bnk_l", b"bad.example", None, "test"),
    Row(5, "bnk_p", b"\x0f" * 31 + b"\x00", None, "test"),
    Row(6, "bnk_n", b"\x0f" * 31 + b"\x01", None, "test"),
    Row(7, "bnk_n", b"\x0f" * 31 + b"\x00", None, "test"),
]
TOOLS = Tools(
    Banks(Snapshot.of(INFOS, ROWS)),
    {"demo": ["banana", "moon cheese"]},
    {"places": ["odd.example/x"]},
)


def event(**parts: Any) -> Event:
    base = {"id": "evt-1", "kind": "post.create", "at": datetime.now(UTC), "account": {"id": "a1"}}
    return msgspec.convert(base | parts, Event)


def item(**parts: Any) -> dict[str, Any]:
    return {"id": "i1"} | parts


def facts(name: str, **known: Any) -> MediaFacts:
    base: dict[str, Any] = {"sha256": b"x" * 32, "md5": b"x" * 16, "type": "image/png", "size": 1}
    fields = MediaFacts.__struct_fields__
    return MediaFacts(id=name, **{k: v for k, v in (base | known).items() if k in fields})


def ask(one: Event, *media: MediaFacts, **more: Any) -> list[Finding]:
    return measure([one], {m.id: m for m in media}, load(TOOLS), 10, **more)[0]


def test_every_finding_of_a_rich_event() -> None:
    rich = event(
        item=item(
            text="a b4nana from https://odd.example/x/y and sub.bad.example",
            links=["http://bad.example/", "no link"],
            media=[{"id": "m1"}, {"id": "m2"}, {"id": "m3"}, {"id": "gone"}],
        )
    )
    near = bytes([KNOWN[0] ^ 0xFF]) + KNOWN[1:]
    found = ask(
        rich,
        facts("m1", pdq=near, quality=90),
        facts("m2", sha256=b"s" * 32, md5=b"h" * 16, unknown="the picture is damaged"),
        facts("m3", pdq=KNOWN, quality=10),
    )
    assert {(f.subject, f.value, f.opinion, f.harm) for f in found if f.unknown is None} == {
        ("media:m1", "known-pictures", "positive", "csam.known"),
        ("media:m2", "known-files", "investigate", "ncii"),
        ("media:m2", "trial", "noted", "other"),
        ("text", "demo", "term", "other"),
        ("text", "places", "link", "other"),
        ("text", "bad-sites", "positive", "scam"),
        ("link:0", "bad-sites", "positive", "scam"),
    }
    assert {(f.subject, f.unknown) for f in found if f.unknown is not None} == {
        ("media:m2", "the picture is damaged"),
        ("media:gone", "this media was never uploaded"),
    }
    (picture,) = (f for f in found if f.subject == "media:m1")
    assert picture.detail["distance"] == 8
    assert 0.8 < picture.confidence < 0.9
    (term,) = (f for f in found if f.opinion == "term")
    assert (term.detail["term"], term.detail["start"], term.detail["end"]) == (0, 2, 8)


def test_what_is_known_as_harmless_clears_what_is_only_near() -> None:
    one = event(item=item(media=[{"id": "m"}]))
    (cleared,) = ask(one, facts("m", pdq=b"\x0f" * 31 + b"\x01", quality=90))
    assert (cleared.opinion, cleared.detail["noted"]) == ("noted", "cleared")
    assert cleared.detail["cleared_by"] == 6
    (disputed,) = ask(one, facts("m", pdq=b"\x0f" * 31 + b"\x00", quality=90))
    assert (disputed.opinion, disputed.detail["disputed"]) == ("investigate", 1)


RICH = {
    "text": "a banana",
    "links": ["http://bad.example/"],
    "media": [{"id": "m1"}],
}


def test_encrypted_and_unfounded_events_are_not_looked_into() -> None:
    known = facts("m1", pdq=KNOWN, quality=90)
    talk = {"id": "c1", "visibility": "private", "encrypted": True}
    assert len(ask(event(item=item(**RICH)), known)) == 3
    assert ask(event(item=item(**RICH), conversation=talk), known) == []
    assert ask(event(item=item(**RICH)), known, content=[False]) == []


def test_the_text_of_a_report_is_always_read() -> None:
    talk = {"id": "c1", "visibility": "private", "encrypted": True}
    report = event(kind="report.create", item=item(**RICH), conversation=talk)
    (found,) = ask(report, facts("m1", pdq=KNOWN, quality=90), content=[False])
    assert (found.subject, found.value) == ("text", "demo")


class Odd:
    """A detector that does what it is told."""

    version = "1"

    def __init__(self, name: str, answer: Any) -> None:
        self.name = name
        self._answer = answer

    def measure(self, event: Event, media: Any) -> Any:
        return self._answer(event)


def raising(_: Event) -> Any:
    raise ZeroDivisionError


def finding(**more: Any) -> Finding:
    base: dict[str, Any] = {"signal": "odd", "version": "1", "subject": "text", "value": "v",
                            "harm": "other", "opinion": "term", "confidence": 1.0}  # fmt: skip
    return Finding(**(base | more))


@pytest.mark.parametrize(
    "answer",
    [
        raising,
        lambda _: None,
        lambda _: [1],
        lambda _: [finding(signal="another")],
        lambda _: [finding(confidence=2.0)],
        lambda _: [finding(confidence="high")],
        lambda _: [finding(opinion="sure")],
        lambda _: [finding(detail={"x": [1]})],
    ],
)
def test_a_signal_that_fails_answers_unknown(answer: Any) -> None:
    events = [event(id=f"e{number}", item=item(text="a banana")) for number in range(3)]
    answers = measure(events, {}, [Odd("odd", answer), *load(TOOLS)], 10)
    for found in answers:
        assert [one.unknown is not None for one in found] == [True, False]
        assert found[0].signal == "odd"


def test_a_signal_that_hangs_costs_the_others_nothing() -> None:
    release = threading.Event()

    def hang(one: Event) -> list[Finding]:
        if one.id == "e1":
            release.wait(300)
        return [finding(signal="hangs")]

    events = [event(id=f"e{number}", item=item(text="a banana")) for number in range(3)]
    with stopwatch() as seconds:
        answers = measure(events, {}, [Odd("hangs", hang), *load(TOOLS)], 1.0)
        assert seconds() < 60
    assert [found[0].unknown for found in answers] == [
        None,
        "the signal took too long",
        "the signal took too long",
    ]
    assert all(found[1].value == "demo" for found in answers)
    release.set()


def test_a_signal_that_is_stuck_gets_no_more_threads() -> None:
    release = threading.Event()

    def hang(_: Event) -> list[Finding]:
        release.wait(300)
        return []

    signal = Odd("stuck", hang)
    reasons = [measure([event()], {}, [signal], 0.05)[0][0].unknown for _ in range(5)]
    assert reasons == ["the signal took too long"] * 3 + ["the signal is stuck"] * 2
    release.set()
    # It is asked again as soon as one of its threads has come back.
    while measure([event()], {}, [signal], 60)[0] != []:
        time.sleep(0.02)


def test_several_slow_signals_have_one_time_together() -> None:
    """Three that are slow and one that hangs: what was not asked says so, and all is in time."""
    wanted = {
        ("slow-2", "the signal took too long"),
        ("hangs", "there was no time left to ask the signal"),
    }
    # A machine that stands still makes the others late as well, but not every time.
    assert any(_late_of_several(str(turn)) == wanted for turn in range(20))


def _late_of_several(turn: str) -> set[tuple[str, str | None]]:
    release = threading.Event()

    def slow(name: str, seconds: float) -> Odd:
        def take(_: Event) -> list[Finding]:
            release.wait(seconds)
            return []

        return Odd(name + turn, take)

    asked = [*load(TOOLS), *(slow(f"slow-{number}-", 0.4) for number in range(3)),
             slow("hangs-", 300)]  # fmt: skip
    one = event(item=item(text="a banana"))
    with stopwatch() as seconds:
        (found,) = measure([one], {}, asked, together_s=1.0)
        assert seconds() < 60
    release.set()
    return {(one.signal.removesuffix(f"-{turn}"), one.unknown) for one in found if one.unknown}


def test_one_that_hangs_leaves_half_of_the_time_to_the_others() -> None:
    release = threading.Event()

    def hang(_: Event) -> list[Finding]:
        release.wait(300)
        return []

    one = event(item=item(text="a banana"))
    (found,) = measure([one], {}, [Odd("hangs", hang), *load(TOOLS)], together_s=3.0)
    release.set()
    assert [(one.signal, one.unknown is None) for one in found] == [
        ("hangs", False),
        ("terms", True),
    ]


def all_signals() -> list[Signal]:
    return [*load(TOOLS), shouting(TOOLS)]


EVENTS = [
    event(),
    event(item=item()),
    event(item=item(text="")),
    event(item=item(text="A BANANA IN CAPITAL LETTERS IS STILL A BANANA")),
    event(item=item(text="\u202e\u0301" * 500, links=["", "::", "http://" + "a" * 1900])),
    event(item=item(**RICH)),
    event(kind="account.create", context={"x": 1}),
]


@pytest.mark.parametrize("signal", all_signals(), ids=lambda signal: signal.name)
def test_every_signal_keeps_the_contract(signal: Signal) -> None:
    assert isinstance(signal, Signal)
    assert signal.name == signal.name.lower()
    assert 0 < len(signal.version) <= 40
    media = {"m1": facts("m1", pdq=KNOWN, quality=90)}
    for one in EVENTS:
        before = msgspec.json.encode(one)
        found = signal.measure(one, media)
        assert found == signal.measure(one, media)
        assert msgspec.json.encode(one) == before
        for answer in found:
            assert (answer.signal, answer.version) == (signal.name, signal.version)
            assert answer.subject.partition(":")[0] in ("text", "link", "media", "event")
            assert answer.harm in HARMS
            assert 0 <= answer.confidence <= 1
            assert msgspec.json.decode(msgspec.json.encode(answer), type=Finding) == answer
            assert "banana" not in str(answer.detail)
    assert measure(EVENTS, media, [signal], 10) == [signal.measure(one, media) for one in EVENTS]


def test_the_example_notices_shouting() -> None:
    (found,) = shouting(TOOLS).measure(EVENTS[3], {})
    assert found.opinion == "investigate"


def test_a_package_that_brings_a_broken_signal_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    place = tmp_path / "broken_signal-1.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-signal\nVersion: 1\n")
    (place / "entry_points.txt").write_text("[openhaven.signals]\nbroken = broken_signal:make\n")
    (tmp_path / "broken_signal.py").write_text("def make(tools):\n    return object()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(Problem, match="cannot be used"):
        load(TOOLS)


def test_a_package_brings_a_signal(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    place = tmp_path / "loud_signal-1.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: loud-signal\nVersion: 1\n")
    target = "openhaven.signals.example:shouting"
    (place / "entry_points.txt").write_text(f"[openhaven.signals]\nshouting = {target}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [signal.name for signal in load(TOOLS)] == [
        "media", "films", "plugin-hashes", "texts", "link-hashes", "terms", "links", "shouting"
    ]  # fmt: skip


def test_the_decoder_loads_little() -> None:
    code = (
        "import sys, openhaven.signals.hashes.decoder\n"
        "print([name for name in ('psycopg', 're2', 'ahocorasick_rs', 'structlog', 'starlette',"
        " 'confusable_homoglyphs') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
