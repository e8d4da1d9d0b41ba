"""What a message says: whatever a client would show is read, and nothing can break the reading."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhaven.connectors.matrix.convert import UnreadableError, convert, read
from openhaven.connectors.matrix.model import Room
from openhaven.connectors.matrix.reports import category, handed_over
from openhaven.connectors.matrix.visibility import visibility
from openhaven.connectors.matrix.words import files_of, links_of, text_of
from openhaven.core import HARMS

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
ROOM = Room("!r:haven.test", "public", False)
FILE = "mxc://haven.test/abc"


def message(**content: Any) -> dict[str, Any]:
    return {
        "type": "m.room.message",
        "event_id": "$e",
        "room_id": ROOM.id,
        "sender": "@a:haven.test",
        "origin_server_ts": 1795300000000,
        "content": {"msgtype": "m.text", **content},
    }


def test_a_message_becomes_a_message() -> None:
    found = convert(message(body="hello"), ROOM, NOW, content=True)
    assert found is not None
    event = found.event
    assert (event.id, event.kind, event.account.id) == ("$e", "message.send", "@a:haven.test")
    assert event.item is not None
    assert (event.item.id, event.item.text) == ("$e", "hello")
    assert event.conversation is not None
    assert (event.conversation.id, event.conversation.visibility) == (ROOM.id, "public")


def test_what_is_shown_is_read_even_when_the_plain_words_differ() -> None:
    content = {"body": "harmless", "formatted_body": "very <b>b</b>ad<br>words &amp; more"}
    assert text_of(content) == "harmless\nvery bad\nwords & more"


def test_the_same_words_are_read_once() -> None:
    assert text_of({"body": "hi there", "formatted_body": "<p>hi <i>there</i></p>"}) == "hi there"


def test_a_quotation_before_a_reply_is_not_the_replier_s() -> None:
    shown = "<mx-reply><blockquote>bad</blockquote></mx-reply>good</mx-reply> more"
    assert text_of({"formatted_body": shown}) == "good more"


def test_links_and_files_are_found() -> None:
    content = {
        "url": FILE,
        "info": {"thumbnail_url": "mxc://haven.test/thumb"},
        "formatted_body": '<a href="https://x.test/?a=1&amp;b=2">x</a>'
        f'<img src="mxc://haven.test/in"><img src="{FILE}">',
    }
    assert links_of(content) == ("https://x.test/?a=1&b=2",)
    assert files_of(content) == (FILE, "mxc://haven.test/thumb", "mxc://haven.test/in")


@pytest.mark.parametrize(
    "address", ["https://x.test/a", "mxc://", "mxc://a", "mxc://a/b/c", 7, None]
)
def test_what_is_no_file_is_not_fetched(address: object) -> None:
    assert files_of({"url": address}) == ()


def test_an_edit_belongs_to_the_message_that_it_changes() -> None:
    edit = message(
        body="* worse",
        **{
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$first"},
            "m.new_content": {"msgtype": "m.image", "body": "worse", "url": FILE},
        },
    )
    found = convert(edit, ROOM, NOW, content=True)
    assert found is not None
    assert found.event.item is not None
    assert (found.event.kind, found.event.id) == ("post.edit", "$e")
    assert (found.event.item.id, found.event.item.text) == ("$first", "worse")
    assert found.files == (FILE,)


@pytest.mark.parametrize("room", [Room("!r", "private", True), Room("!r", "public", True)])
def test_of_an_encrypted_room_nothing_is_read(room: Room) -> None:
    found = convert(message(body="secret", url=FILE), room, NOW, content=True)
    assert found is not None
    assert found.event.item is not None
    assert found.event.item.text is None
    assert found.files == ()
    assert not found.event.content


def test_content_that_may_not_be_read_is_not_carried() -> None:
    found = convert(message(body="secret", url=FILE), ROOM, NOW, content=False)
    assert found is not None
    assert b"secret" not in repr(found).encode()
    assert found.files == ()


def test_a_file_that_only_its_readers_can_open_is_said_to_be_unread() -> None:
    found = convert(message(body="a.png", file={"url": FILE}), ROOM, NOW, content=True)
    assert found is not None
    assert found.event.context["media_unread"] == "encrypted"


def test_both_places_of_a_redacted_id_are_known() -> None:
    old = message() | {"type": "m.room.redaction", "redacts": "$gone"}
    new = message(redacts="$gone") | {"type": "m.room.redaction"}
    for raw in (old, new):
        found = convert(raw, ROOM, NOW, content=True)
        assert found is not None
        assert found.event.kind == "item.delete"
        assert found.event.item is not None
        assert found.event.item.id == "$gone"


def test_an_invitation_is_a_request_and_joining_accepts_it() -> None:
    invite = message(membership="invite") | {"type": "m.room.member", "state_key": "@b:haven.test"}
    found = convert(invite, ROOM, NOW, content=True)
    assert found is not None
    assert found.event.kind == "contact.request"
    join = {
        **invite,
        "sender": "@b:haven.test",
        "content": {"membership": "join"},
        "unsigned": {"prev_content": {"membership": "invite"}, "prev_sender": "@a:haven.test"},
    }
    found = convert(join, ROOM, NOW, content=True)
    assert found is not None
    assert found.event.kind == "contact.accept"
    assert found.event.target is not None
    assert found.event.target.account is not None
    assert found.event.target.account.id == "@a:haven.test"


@pytest.mark.parametrize("kind", ["m.reaction", "m.room.topic", "m.typing", None, 7])
def test_other_events_mean_nothing(kind: object) -> None:
    assert convert(message(body="x") | {"type": kind}, ROOM, NOW, content=True) is None


@pytest.mark.parametrize("clock", [-(10**30), 0, 10**30])
def test_an_absurd_clock_becomes_a_possible_moment(clock: int) -> None:
    found = convert(message(body="x") | {"origin_server_ts": clock}, ROOM, NOW, content=True)
    assert found is not None
    assert datetime(2000, 1, 1, tzinfo=UTC) <= found.event.at <= NOW


def test_nul_and_broken_surrogates_are_replaced() -> None:
    raw = read(b'{"content": {"body": "a\\u0000b\\ud800c"}}')
    assert raw == {"content": {"body": "a\ufffdb?c"}}


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_event_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(body)


NAMES = st.sampled_from([
    "type", "event_id", "room_id", "sender", "origin_server_ts", "content", "unsigned", "state_key",
    "redacts", "membership", "m.relates_to", "m.new_content", "rel_type", "body", "formatted_body",
    "url", "info", "file", "prev_content", "prev_sender", "msgtype",
])  # fmt: skip
WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from([
        "m.room.message", "m.room.member", "m.room.redaction", "m.replace", "invite", "join", "$a",
    ]),
)  # fmt: skip
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), WORDS),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3), st.dictionaries(NAMES, inside, max_size=8)
    ),
    max_leaves=25,
)


@given(st.dictionaries(NAMES, ANYTHING, max_size=12), st.booleans())
def test_no_event_can_break_the_reading(raw: dict[str, Any], content: bool) -> None:
    try:
        found = convert(message(body="x") | raw, ROOM, NOW, content=content)
    except UnreadableError:
        return
    assert found is None or 1 <= len(found.event.id) <= 255


@pytest.mark.parametrize("piece", ["<", "<mx-reply>", '<a href="https://', "<p ", "src='mxc://"])
def test_reading_takes_time_in_proportion_to_the_text(piece: str) -> None:
    content = {"body": "x", "formatted_body": "<mx-reply>" + piece * (60_000 // len(piece))}
    began = time.thread_time()
    text_of(content)
    links_of(content)
    files_of(content)
    assert time.thread_time() - began < 5


@pytest.mark.parametrize(
    ("rule", "history", "expected"),
    [
        ("public", "shared", "public"),
        ("invite", "world_readable", "public"),
        ("restricted", "shared", "group"),
        ("knock_restricted", "shared", "group"),
        ("knock", "shared", "private"),
        ("invite", "shared", "private"),
        ("something new", "joined", "private"),
        ("None", "None", "private"),
    ],
)
def test_a_room_is_private_unless_it_is_known_to_be_open(
    rule: str, history: str, expected: str
) -> None:
    assert visibility(rule, history) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("scam", "scam"),
        ("Scam: sells nothing", "scam"),
        ("he is bullying my sister", "bullying"),
        ("this is CSAM", "csam.known"),
        ("looks like spam, maybe a threat", "violence.threat"),
        ("self-harm: worried", "self_harm"),
        ("", "other"),
        ("I do not like it", "other"),
    ],
)
def test_a_reason_names_a_harm(reason: str, expected: str) -> None:
    assert category(reason) == expected
    assert category(reason) in HARMS


def test_a_reporter_can_hand_over_what_was_said() -> None:
    assert handed_over("He threatened me.\nPlaintext: I will find\nyou") == (
        "He threatened me.",
        "I will find\nyou",
    )
    assert handed_over("no text here") == ("no text here", None)
    assert handed_over("Plaintext:") == ("", None)


def test_the_addresses_of_files_are_kept_for_a_restoration() -> None:
    many = "".join(f'<img src="mxc://haven.test/{n}{"x" * 170}">' for n in range(30))
    found = convert(message(body="x", formatted_body=many), ROOM, NOW, content=True)
    assert found is not None
    kept = str(found.event.context["files"])
    assert tuple(kept.split()) == found.files
    assert len(kept) <= 2_000
    long = "".join(f'<img src="mxc://haven.test/{n}{"x" * 500}">' for n in range(30))
    found = convert(message(body="x", formatted_body=long), ROOM, NOW, content=True)
    assert found is not None
    assert len(found.files) == 10
    assert len(str(found.event.context["files"])) <= 2_000
