"""One form for all writings of an address; links in texts; lists of links."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven.signals.links import LinkLists, candidates, canonical, links_in


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("HTTPS://User:pw@ExAmple.COM.:443/a/../b/%7Efoo//?utm_source=x&b=2&a=1#frag",
         "example.com/b/~foo?a=1&b=2"),
        ("example.com", "example.com"),
        ("http://example.com:8080/", "example.com:8080"),
        ("http://example.com:0080/", "example.com"),
        ("https://example.com:80/", "example.com:80"),
        ("//example.com/x", "example.com/x"),
        ("http:\\\\example.com\\x", "example.com/x"),
        ("ex\u200bample.com", "example.com"),
        ("http://example。com/", "example.com"),
        ("http://%65xample.com/%41", "example.com/A"),
        ("http://bücher.example/ä", "xn--bcher-kva.example/%C3%A4"),
        ("http://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://BÜCHER.example", "xn--bcher-kva.example"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("http://2130706433/", "127.0.0.1"),
        ("http://0177.0.0.01/", "127.0.0.1"),
        ("http://[0:0:0::1]:80/x", "[::1]/x"),
        ("http://example.com/?fbclid=1", "example.com"),
        ("http://example.com/a/b/", "example.com/a/b"),
        ("http://example.com/a?", "example.com/a"),
        ("http://example.com/../../a", "example.com/a"),
    ],
)  # fmt: skip
def test_one_form_for_all_writings(written: str, form: str) -> None:
    assert canonical(written) == form


@pytest.mark.parametrize(
    "written", ["", "http://", "javascript://x", "http://a b.com", "http://[::zz]/", "???", "a:b:c"]
)
def test_what_is_no_address(written: str) -> None:
    assert canonical(written) is None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_the_canonical_form_is_its_own_and_never_an_error(written: str) -> None:
    form = canonical(written)
    if form is not None:
        assert candidates(form)
        again = canonical("http://" + form)
        assert again is None or canonical("http://" + again) == again


def test_an_entry_speaks_of_what_lies_below_it() -> None:
    lists = LinkLists({"x": ["https://bad.example", "shop.example/path", "::"]})
    assert [one.entry for one in lists.refused] == [2]

    def hit(url: str) -> list[int]:
        return [one.entry for one in lists.find(canonical(url) or "")]

    assert hit("http://bad.example/any/where?x=1") == [0]
    assert hit("sub.deep.bad.example") == [0]
    assert hit("http://bad.example:8443/") == [0]
    assert hit("notbad.example") == []
    assert hit("bad.example.org") == []
    assert hit("https://www.shop.example/path/below") == [1]
    assert hit("shop.example/pathological") == []
    assert hit("shop.example") == []


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://example.com/a). and www.foo.example!", ["example.com/a", "www.foo.example"]),
        ("go to example[.]com now", ["example.com"]),
        ("example dot com", ["example.com"]),
        ("hxxps://evil.example/x", ["evil.example/x"]),
        ("почта.рф/x", ["xn--80a1acny.xn--p1ai/x"]),
        ("http://1.2.3.4/a", ["1.2.3.4/a"]),
        ("zero\u200b.exam\u200bple/x", ["zero.example/x"]),
        ("full．width。example", ["full.width.example"]),
        ("no links here. None", []),
        ("3.14 and 2.0", []),
        ("", []),
    ],
)
def test_links_inside_texts(text: str, links: list[str]) -> None:
    assert links_in(text) == links


@pytest.mark.parametrize(
    "text",
    ["a." * 50_000, "http://" * 14_000, "a" * 100_000 + ".b", "a.bc " * 20_000, "dot " * 25_000,
     "[.]" * 33_000, "@" * 100_000, "http://" + "a@" * 50_000, "é." * 50_000],
)  # fmt: skip
def test_hostile_texts_cost_little(text: str) -> None:
    started = time.thread_time()
    assert len(links_in(text)) <= 200
    assert time.thread_time() - started < 15
