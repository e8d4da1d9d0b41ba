"""Signed notes and checkpoints, against published examples and whatever must be refused."""

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhaven.ledger import note
from openhaven.ledger.note import Checkpoint, NoteError, Signer

# The example of the note format's first implementation (package sumdb/note of the Go project).
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)
NOTE = f"{TEXT}\n{SIGNATURE}"

SIGNER = Signer("example.com/log", bytes(range(32)))
ROOT = bytes(range(100, 132))
CHECKPOINT = Checkpoint("example.com/log", 42, ROOT)


def test_the_published_example_verifies_and_is_made_byte_for_byte() -> None:
    assert note.open_note(NOTE, VKEY) == TEXT
    assert note.open_note(NOTE.encode(), VKEY) == TEXT
    signer = Signer("PeterNeumann", SEED)
    assert signer.vkey == VKEY
    assert signer.sign(TEXT) == NOTE


def test_the_example_checkpoint_of_the_specification_parses() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = note.parse_checkpoint(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text == text


def test_a_text_keeps_its_inner_empty_line() -> None:
    text = "A first line\nand a second one:\n\nà line after an empty one.\n"
    signed = SIGNER.sign(text)
    assert note.open_note(signed, SIGNER.vkey) == text


@pytest.mark.parametrize(
    "bad",
    [
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n{SIGNATURE[:-1]}",
        f"\x01{TEXT}\n{SIGNATURE}",
        f"\ud800{TEXT}\n{SIGNATURE}",
        b"\xff" + NOTE.encode(),
        f"{TEXT}\n{SIGNATURE.replace('PeterNeumann', 'Bad Name')}",
        f"{TEXT}\n{SIGNATURE}Unexpected line.\n",
        f"{TEXT}\n{SIGNATURE}\n",
        f"{TEXT}\n{SIGNATURE} ",
        f"{TEXT}\n{SIGNATURE.replace('—', '-')}",
        f"{TEXT}\n{SIGNATURE.replace('AM=', 'AN=')}",
        f"{TEXT}\n{SIGNATURE.replace('AM=', 'AM')}",
        f"{TEXT}\n{SIGNATURE.replace('J', '*')}",
        f"{TEXT}\n— PeterNeumann x08gow==\n",
        f"{TEXT}\n" + SIGNATURE * 33,
        f"{TEXT}{'x' * 70_000}\n\n{SIGNATURE}",
        NOTE.replace("\n", "\r\n"),
        NOTE.replace("cryptography", "cryptographY"),
        NOTE.replace("x08go/Z", "x08go/a"),
    ],
)
def test_malformed_or_altered_notes_are_refused(bad: str | bytes) -> None:
    with pytest.raises(NoteError):
        note.open_note(bad, VKEY)


def test_unknown_signatures_are_ignored_but_one_of_ours_is_needed() -> None:
    other = SIGNER.sign(TEXT).rpartition("\n\n")[2]
    assert note.open_note(f"{TEXT}\n{other}{SIGNATURE}", VKEY) == TEXT
    with pytest.raises(NoteError, match="not signed by PeterNeumann"):
        note.open_note(f"{TEXT}\n{other}", VKEY)


def test_a_second_wrong_signature_of_ours_spoils_the_note() -> None:
    wrong = SIGNER.sign("something else\n").rpartition("\n\n")[2]
    right = SIGNER.sign(TEXT).rpartition("\n\n")[2]
    with pytest.raises(NoteError, match="signature is wrong"):
        note.open_note(f"{TEXT}\n{right}{wrong}", SIGNER.vkey)


def test_no_part_and_no_neighbour_of_a_verifier_key_is_one() -> None:
    parts = {VKEY[i:j] for i in range(len(VKEY)) for j in range(i, len(VKEY) + 1)} - {VKEY}
    neighbours = {VKEY[:at] + chr(ord(VKEY[at]) + 1) + VKEY[at + 1 :] for at in range(len(VKEY))}
    for bad in parts | neighbours:
        with pytest.raises(NoteError):
            note.parse_vkey(bad)


@pytest.mark.parametrize(
    "bad",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        VKEY.replace("c74f20a3", "C74F20A3"),
        "",
    ],
)
def test_published_bad_verifier_keys_are_refused(bad: str) -> None:
    with pytest.raises(NoteError):
        note.parse_vkey(bad)


@pytest.mark.parametrize("name", ["", "two words", "plus+plus", "new\nline", "no\u00a0break"])
def test_a_key_name_has_neither_space_nor_plus(name: str) -> None:
    with pytest.raises(NoteError):
        Signer(name, bytes(32))


def test_a_checkpoint_comes_back_as_it_was_signed() -> None:
    signed = SIGNER.sign(CHECKPOINT.text)
    assert note.open_checkpoint(signed, SIGNER.vkey) == CHECKPOINT


def test_extension_lines_are_skipped() -> None:
    assert note.parse_checkpoint(CHECKPOINT.text + "extra\n") == CHECKPOINT


@pytest.mark.parametrize(
    "bad",
    [
        "example.com/log\n42\n",
        CHECKPOINT.text[:-1],
        CHECKPOINT.text.replace("42", "042"),
        CHECKPOINT.text.replace("42", "+42"),
        CHECKPOINT.text.replace("42", "-1"),
        CHECKPOINT.text.replace("42", "4٢"),
        CHECKPOINT.text.replace("42", "9" * 30),
        CHECKPOINT.text.replace("example.com/log", ""),
        CHECKPOINT.text.replace("\n42", "\n 42"),
        "example.com/log\n42\nAAAA\n",
        CHECKPOINT.text + "\n",
        CHECKPOINT.text + "\nlate\n",
    ],
)
def test_malformed_checkpoints_are_refused(bad: str) -> None:
    with pytest.raises(NoteError):
        note.parse_checkpoint(bad)


def test_a_checkpoint_of_another_log_is_refused_though_our_key_signed_it() -> None:
    foreign = SIGNER.sign(Checkpoint("example.com/other", 42, ROOT).text)
    with pytest.raises(NoteError, match="another log"):
        note.open_checkpoint(foreign, SIGNER.vkey)


def test_two_installations_never_share_a_name() -> None:
    names = {note.signer_from(bytes([number]) * 32).name for number in range(20)}
    assert len(names) == 20
    assert all(name.startswith("openhaven.local/") for name in names)
    assert note.signer_from(bytes(32), "log.example").name == "log.example"


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])), st.binary(min_size=32,
       max_size=32))  # fmt: skip
def test_what_is_signed_can_be_opened_and_by_nobody_else(text: str, seed: bytes) -> None:
    signer = Signer("law.example", seed)
    signed = signer.sign(text + "\n")
    assert note.open_note(signed, signer.vkey) == text + "\n"
    with pytest.raises(NoteError):
        note.open_note(signed, SIGNER.vkey)


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    for read in (note.open_note, note.open_checkpoint):
        with pytest.raises(NoteError):
            read(text, VKEY)
