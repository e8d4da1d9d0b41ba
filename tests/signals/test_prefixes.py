"""Hashed links: the documented form of an address, what is looked up, and beginnings of hashes."""

import hashlib
from collections.abc import Collection, Mapping, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhaven.intake.model import Event
from openhaven.signals import measure
from openhaven.signals.banks import BankInfo, Banks, Row, Snapshot
from openhaven.signals.banks.model import fault_of
from openhaven.signals.banks.reading import parse_value
from openhaven.signals.hidden_links import LinkHashSignal
from openhaven.signals.links import prefixes

INFO = BankInfo("bnk_1", "hashed", "link-hash", "scam", "positive", 0, "live")
WHOLE = BankInfo("bnk_2", "whole", "link-hash", "scam", "positive", 0, "live")
FINE = BankInfo("bnk_3", "fine", "link-hash", "other", "negative", 0, "live")


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("http://host.example/%25%32%35", "host.example/%25"),
        ("http://host.example/%25%32%35%25%32%35", "host.example/%25%25"),
        ("http://host.example/%2525252525252525", "host.example/%25"),
        ("http://host.example/asdf%25%32%35asd", "host.example/asdf%25asd"),
        ("http://host.example/%%%25%32%35asd%%", "host.example/%25%25%25asd%25%25"),
        ("http://%68%6f%73%74.example/", "host.example/"),
        ("http://host%23.example/%257Ea%2521b%2540c", "host%23.example/~a!b@c"),
        ("http://3279880203/blah", "195.127.0.11/blah"),
        ("http://0x7f.1/", "127.0.0.1/"),
        ("http://host.example/blah/..", "host.example/"),
        ("http://host.example/a/./b/../c/", "host.example/a/c/"),
        ("host.example/", "host.example/"),
        ("host.example", "host.example/"),
        ("http://host.example/blah#frag", "host.example/blah"),
        ("http://HOST.Example/", "host.example/"),
        ("http://host.example.../", "host.example/"),
        ("http://..host..example/", "host.example/"),
        ("http://host.example/foo\tbar\rbaz\n2", "host.example/foobarbaz2"),
        ("http://host.example/q?", "host.example/q?"),
        ("http://host.example/q?r?s", "host.example/q?r?s"),
        ("http://host.example/foo;", "host.example/foo;"),
        ("http://user:word@host.example:1234/", "host.example/"),
        ("  http://host.example/  ", "host.example/"),
        ("http:// host.example/", "%20host.example/"),
        ("http://host.example//two//slashes?more//slashes",
         "host.example/two/slashes?more//slashes"),
        ("http://host.example/ü", "host.example/%C3%BC"),
        ("http://bücher.example/", "xn--bcher-kva.example/"),
        ("ftp://host.example/", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_documented_form(written: str, form: str | None) -> None:
    assert prefixes.expression(written) == form


def test_the_documented_expressions() -> None:
    assert set(prefixes.expressions("http://a.b.c/1/2.html?param=1")) == {
        "a.b.c/1/2.html?param=1", "a.b.c/1/2.html", "a.b.c/", "a.b.c/1/",
        "b.c/1/2.html?param=1", "b.c/1/2.html", "b.c/", "b.c/1/",
    }  # fmt: skip
    assert set(prefixes.expressions("http://a.b.c.d.e.f.g/1.html")) == {
        "a.b.c.d.e.f.g/1.html", "a.b.c.d.e.f.g/", "c.d.e.f.g/1.html", "c.d.e.f.g/",
        "d.e.f.g/1.html", "d.e.f.g/", "e.f.g/1.html", "e.f.g/", "f.g/1.html", "f.g/",
    }  # fmt: skip
    assert set(prefixes.expressions("http://1.2.3.4/1/")) == {"1.2.3.4/1/", "1.2.3.4/"}


@given(st.text(max_size=60))
def test_any_text_gives_at_most_thirty_and_the_form_stays(text: str) -> None:
    found = prefixes.expressions("http://host.example/" + text)
    assert 0 < len(found) <= 30
    assert len(set(found)) == len(found)
    prefixes.expressions(text)
    assert prefixes.expression("http://" + found[0]) == found[0]


class Told:
    """A resolver with a list of its own, which counts how often it was asked."""

    name = "told"

    def __init__(self, *wholes: bytes, broken: bool = False) -> None:
        self.wholes, self.broken, self.asked = wholes, broken, 0

    def resolve(self, beginnings: Sequence[bytes]) -> Mapping[bytes, Collection[bytes]]:
        self.asked += 1
        if self.broken:
            raise OSError("nobody there")
        return {one: [w for w in self.wholes if w.startswith(one)] for one in beginnings}


def whole(expression: str) -> bytes:
    return hashlib.sha256(expression.encode()).digest()


def signal(*entries: tuple[BankInfo, bytes], told: Sequence[Told] = ()) -> LinkHashSignal:
    rows = [Row(number, info.id, value, None, "") for number, (info, value) in enumerate(entries)]
    return LinkHashSignal(Banks(Snapshot.of((INFO, WHOLE, FINE), rows)), told)


def post(*links: str, text: str = "") -> Event:
    item = {"id": "i", "text": text, "links": links}
    return msgspec.convert(
        {"id": "1", "kind": "post.create", "at": "2026-11-01T12:00:00Z", "account": {"id": "a"},
         "item": item}, Event, strict=False,
    )  # fmt: skip


def said(one: LinkHashSignal, event: Event) -> list[tuple[str, str, str]]:
    (found,) = measure([event], {}, [one])
    assert all(finding.unknown is None for finding in found)
    return sorted((finding.subject, finding.value, finding.opinion) for finding in found)


def test_a_whole_hash_matches_also_in_a_text_and_below() -> None:
    one = signal((INFO, whole("shop.example/cheap/")))
    assert said(one, post("https://www.shop.example/cheap/today?x=1")) == [
        ("link:0", "hashed", "positive")
    ]
    assert said(one, post(text="look: hxxp://shop[.]example/cheap/ !")) == [
        ("text", "hashed", "positive")
    ]
    assert said(one, post("https://shop.example/dear/", text="shop.example")) == []


@pytest.mark.parametrize("length", [4, 5, 16, 31])
def test_a_beginning_alone_is_looked_at_by_a_person(length: int) -> None:
    one = signal((INFO, whole("shop.example/")[:length]))
    assert said(one, post("shop.example/a/b")) == [("link:0", "hashed", "investigate")]


def test_a_beginning_and_a_whole_hash_on_a_list_here() -> None:
    hashed = whole("shop.example/")
    one = signal((INFO, hashed[:4]), (WHOLE, hashed))
    assert said(one, post("shop.example")) == [
        ("link:0", "hashed", "investigate"), ("link:0", "whole", "positive"),
    ]  # fmt: skip


def test_a_resolver_decides_what_a_beginning_means() -> None:
    hashed = whole("shop.example/")
    right, other, broken = Told(hashed), Told(hashed[:4] + bytes(28)), Told(broken=True)
    event = post("shop.example")
    for told, opinion in ((right, "positive"), (other, "noted"), (broken, "investigate")):
        one = signal((INFO, hashed[:4]), told=[told])
        assert said(one, event) == [("link:0", "hashed", opinion)]
    one = signal((INFO, hashed[:4]), told=[broken, right])
    for _ in range(3):
        assert said(one, event) == [("link:0", "hashed", "positive")]
    assert right.asked == 2  # once above and once here; the answer is remembered


def test_what_is_known_as_harmless_leaves_it_to_a_person() -> None:
    hashed = whole("shop.example/")
    one = signal((INFO, hashed), (FINE, hashed))
    assert said(one, post("shop.example")) == [("link:0", "hashed", "investigate")]


def test_entries_of_every_length_are_found_among_many() -> None:
    some = [whole(f"{number}.example/") for number in range(3_000)]
    entries = [(INFO, hashed[: 4 + number % 29]) for number, hashed in enumerate(some)]
    banks = Banks(Snapshot.of((INFO,), [Row(n, "bnk_1", v, None, "") for n, (_, v) in
                                        enumerate(entries)]))  # fmt: skip
    for number, hashed in enumerate(some):
        assert number in {match.entry for match in banks.match("link-hash", hashed)}
    assert banks.match("link-hash", whole("other.example/")) == []


def test_values_are_hexadecimal_or_the_link_itself() -> None:
    assert parse_value("link-hash", "https://Shop.Example") == whole("shop.example/")
    assert parse_value("link-hash", "0a0b0c0d") == bytes([10, 11, 12, 13])
    assert "4 to 32 bytes" in fault_of("link-hash", b"abc", None)
    assert fault_of("link-hash", bytes([10, 11, 12, 13]), None) == ""
