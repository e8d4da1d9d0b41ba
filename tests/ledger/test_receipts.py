"""Receipts with words: what a person reads is what was recorded, and no byte can be changed."""

from base64 import b64decode, b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_scene import NOW, VKEY, WORKER, fill, run

from openhaven.core import Problem, canonical
from openhaven.ledger import (
    ProofError,
    Words,
    append,
    check_receipt,
    receipt,
    salted,
    signer_from,
)
from openhaven.storage import Database

WORDS = Words("Testplace: A warning\nWhy: “x” \\ \u00e9 \u0001\x7f\n", bytes(range(32)))


def recorded(db: Database, words: Words = WORDS, before: int = 4, after: int = 6) -> str:
    """Record an entry bound to words among others; return its receipt."""
    fill(db, before)
    run(db)
    with db.begin(WORKER, NOW) as tx:
        entry = append(tx, "decision.made", {"decision": "dec_1", "words": words.tag})
    run(db)
    fill(db, after)
    run(db)
    with db.read() as tx:
        return receipt(tx, entry, words)


def test_the_words_are_proven_with_the_entry(db: Database) -> None:
    proven = check_receipt(recorded(db), VKEY)
    assert proven.words == WORDS.text
    assert (proven.index, proven.checkpoint.size) == (4, 11)
    assert proven.fields["ids"] == {"decision": "dec_1", "words": WORDS.tag}


def test_any_byte_that_is_changed_is_noticed(db: Database) -> None:
    data = recorded(db).encode()
    for at in range(len(data)):
        for flip in (1, 0x20, 0x80):
            bad = bytearray(data)
            bad[at] ^= flip
            try:
                text = str(bytes(bad), "utf-8")
            except UnicodeDecodeError:
                continue
            with pytest.raises(ProofError):
                check_receipt(text, VKEY)


def test_any_byte_that_is_left_out_or_added_is_noticed(db: Database) -> None:
    text = recorded(db)
    for at in range(len(text)):
        for bad in (text[:at] + text[at + 1 :], f"{text[:at]}{text[at]}{text[at:]}"):
            if bad != text:
                with pytest.raises(ProofError):
                    check_receipt(bad, VKEY)
    for at in range(len(text)):
        with pytest.raises(ProofError):
            check_receipt(text[:at], VKEY)


def reworded(text: str, extra: bytes) -> str:
    """Return a receipt with another extra line."""
    lines = text.split("\n")
    lines[1] = f"extra {b64encode(extra).decode()}"
    return "\n".join(lines)


def test_other_words_for_the_same_entry_are_refused(db: Database) -> None:
    text = recorded(db)
    whole = b64decode(text.split("\n")[1].removeprefix("extra "))
    for old, new in ((b"A warning", b"A praise"), (b'","words"', b'", "words"'),
                     (b'{"entry"', b'{"entry":"","entry"'), (b"}", b',"more":1}'),
                     (b"\\u0001", b"\\u0002"), (WORDS.salt.hex().encode(), b"0" * 64),
                     (WORDS.salt.hex().encode(), WORDS.salt.hex().upper().encode()),
                     (WORDS.salt.hex().encode(), b""), (b"\\u00e9", b"e")):  # fmt: skip
        bad = whole.replace(old, new, 1)
        if bad != whole:
            with pytest.raises(ProofError):
                check_receipt(reworded(text, bad), VKEY)


def test_an_entry_that_is_bound_to_no_words_proves_none(db: Database) -> None:
    ids = fill(db, 3)
    run(db)
    with db.read() as tx:
        text = receipt(tx, ids[1])
        with pytest.raises(Problem, match="do not belong"):
            receipt(tx, ids[1], WORDS)
    bare = check_receipt(text, VKEY)
    assert bare.words is None
    with_words = {"entry": bare.leaf.decode(), "salt": WORDS.salt.hex(), "words": WORDS.text}
    with pytest.raises(ProofError, match="not those that were recorded"):
        check_receipt(reworded(text, canonical(with_words)), VKEY)


def test_a_receipt_without_its_words_still_proves_the_entry(db: Database) -> None:
    text = recorded(db)
    leaf = check_receipt(text, VKEY).leaf
    bare = check_receipt(reworded(text, leaf), VKEY)
    assert (bare.leaf, bare.words) == (leaf, None)


def test_words_of_another_log_are_refused(db: Database) -> None:
    with pytest.raises(ProofError, match="does not hold"):
        check_receipt(recorded(db), signer_from(bytes(32)).vkey)


def test_a_salt_has_its_length() -> None:
    """HMAC has the same tag for a key and for one with a zero added: the length is looked at."""
    with pytest.raises(ValueError, match="32 bytes"):
        _ = Words("x", bytes(33)).tag
    assert salted("x").tag != salted("x").tag


@pytest.mark.parametrize(
    "extra",
    [b"[" * 100_000, b'{"entry":' + b"[" * 100_000, b'{"entry":"\\ud800","salt":"","words":""}',
     b"\xff", b"null", b'""', b'{"entry":"","salt":"","words":""}'],
)  # fmt: skip
def test_a_strange_extra_line_is_refused(db: Database, extra: bytes) -> None:
    with pytest.raises(ProofError):
        check_receipt(reworded(recorded(db), extra), VKEY)


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80),
       before=st.integers(0, 9), after=st.integers(0, 9))  # fmt: skip
def test_whatever_was_said_is_proven_and_nothing_else(
    db: Database, text: str, before: int, after: int
) -> None:
    words = salted(text)
    made = recorded(db, words, before, after)
    assert check_receipt(made, VKEY).words == text
    other = {"entry": check_receipt(made, VKEY).leaf.decode(), "salt": words.salt.hex()}
    with pytest.raises(ProofError):
        check_receipt(reworded(made, canonical(other | {"words": text + " "})), VKEY)
