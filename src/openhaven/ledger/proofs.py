"""Proofs for people outside: that an entry stands in the log, as a file that verifies offline.

A receipt has the form of C2SP tlog-proof. Its extra line carries the leaf, so that the file alone
suffices; that line proves nothing by itself, the leaf's hash must lead to the signed root. An entry
may be bound to words for a person: then the leaf holds their tag, and the extra line the words with
the salt of the tag. Who has only the log cannot guess the words, and once the salt is destroyed
nobody can.
"""

import hmac
import os
import re
from base64 import b64encode
from typing import Any

import msgspec

from openhaven.core import Problem, canonical
from openhaven.ledger import store
from openhaven.ledger.model import SALT_BYTES
from openhaven.ledger.note import Checkpoint, NoteError, decode64, open_checkpoint
from openhaven.ledger.tree import (
    HASH_BYTES,
    ProofError,
    inclusion_proof,
    leaf_hash,
    verify_inclusion,
)
from openhaven.storage import Tx

MAGIC = "c2sp.org/tlog-proof@v1"
WORDS = "words"  # The id of an entry that holds the tag of its words.
MAX_HASHES = 63
MAX_EXTRA = 1_000_000

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_SALT = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Words(msgspec.Struct, frozen=True):
    """What a person may read of an entry, with the salt under which the entry is bound to it."""

    text: str
    salt: bytes

    @property
    def tag(self) -> str:
        """HMAC-SHA256 over the text as 64 hexadecimal digits: what the entry holds of it."""
        if len(self.salt) != SALT_BYTES:
            raise ValueError("the salt of words has 32 bytes")
        return hmac.digest(self.salt, self.text.encode(), "sha256").hex()


def salted(text: str) -> Words:
    """Return words under a fresh salt; their `tag` goes into the entry under the id `words`."""
    return Words(text, os.urandom(SALT_BYTES))


class _Extra(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The extra line of an entry with words."""

    entry: str
    salt: str
    words: str


class Inclusion(msgspec.Struct, frozen=True):
    """The place of an entry in the tree of a signed checkpoint, with the hashes that show it."""

    index: int
    leaf: bytes
    hashes: tuple[bytes, ...]
    note: str


class Proven(msgspec.Struct, frozen=True):
    """What a checked receipt shows: this entry, at this index, under this checkpoint."""

    index: int
    leaf: bytes
    checkpoint: Checkpoint
    words: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The members of the entry."""
        return msgspec.json.decode(self.leaf, type=dict[str, Any])


def inclusion(tx: Tx, entry_id: str) -> Inclusion:
    """Return the proof that an entry stands in the log, under the newest checkpoint.

    Raises `Problem`: `ledger.unknown` (404) without such an entry, `ledger.waiting` (409) while it
    has no place yet, which takes about a second.
    """
    entry = store.entry(tx, entry_id)
    if entry is None:
        raise Problem("ledger.unknown", "The ledger has no such entry.", status=404,
                      next_step="Compare the id with the notice that names it.")  # fmt: skip
    head = store.head(tx)
    if entry.idx is None or head is None or entry.idx >= head.size:
        raise Problem("ledger.waiting", "The entry has no place in the ledger yet.", status=409,
                      next_step="Ask again in a few seconds.")  # fmt: skip
    hashes = inclusion_proof(store.tree(tx), entry.idx, head.size)
    return Inclusion(entry.idx, entry.leaf, tuple(hashes), head.note)


def receipt(tx: Tx, entry_id: str, words: Words | None = None) -> str:
    """Return the text of a receipt (`.tlog-proof`) for an entry, with the words bound to it.

    Raises as `inclusion` does, and `Problem` `ledger.words` (500) when the entry is bound to other
    words than these: such a receipt would be refused by whoever checks it.
    """
    proof = inclusion(tx, entry_id)
    extra = proof.leaf
    if words is not None:
        if not hmac.compare_digest(_tag_in(proof.leaf) or "", words.tag):
            raise Problem("ledger.words", "The words do not belong to this entry.", status=500,
                          next_step="Run: openhaven ledger verify")  # fmt: skip
        extra = canonical(_Extra(proof.leaf.decode(), words.salt.hex(), words.text))
    lines = [MAGIC, f"extra {b64encode(extra).decode()}", f"index {proof.index}"]
    lines += [b64encode(item).decode() for item in proof.hashes]
    return "\n".join([*lines, "", proof.note])


def check_receipt(text: str, vkey: str, leaf: bytes | None = None) -> Proven:
    """Check a receipt against the log's public key; needs no database and no network.

    `leaf` is the entry when the receipt does not carry it; when both are there they must be equal.
    Raises `ProofError` for anything that is not a proof in its one exact form.
    """
    index, extra, hashes, note = _parse(text)
    carried, words = (None, None) if extra is None else _unwrap(extra)
    shown = carried if leaf is None else leaf
    if shown is None or (leaf is not None and carried not in (None, leaf)):
        raise ProofError("the receipt does not carry the entry that it is said to prove")
    try:
        checkpoint = open_checkpoint(note, vkey)
    except NoteError as error:
        raise ProofError(f"the receipt's checkpoint does not hold: {error}") from error
    verify_inclusion(leaf_hash(shown), index, checkpoint.size, hashes, checkpoint.root)
    if words is not None and not hmac.compare_digest(_tag_in(shown) or "", words.tag):
        raise ProofError("the words of the receipt are not those that were recorded")
    return Proven(index, shown, checkpoint, None if words is None else words.text)


def _unwrap(extra: bytes) -> tuple[bytes, Words | None]:
    """Return the entry in an extra line, with its words; a line that is not our form is an entry.

    Such an entry has to lead to the signed root like any other. Raises `ProofError` for our form
    with something changed in it.
    """
    try:
        found = msgspec.json.decode(extra, type=_Extra)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return extra, None
    if canonical(found) != extra or not _SALT.fullmatch(found.salt):
        raise ProofError("the receipt's words do not have their one exact form")
    return found.entry.encode(), Words(found.words, bytes.fromhex(found.salt))


def _tag_in(leaf: bytes) -> str | None:
    """Return the tag of the words that an entry is bound to; None when it is bound to none."""
    try:
        fields = msgspec.json.decode(leaf)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    ids = fields.get("ids") if isinstance(fields, dict) else None
    tag = ids.get(WORDS) if isinstance(ids, dict) else None
    return tag if isinstance(tag, str) and tag.isascii() else None


def _parse(text: str) -> tuple[int, bytes | None, list[bytes], str]:
    head, found, note = text.partition("\n\n")
    lines = head.split("\n")
    if not found or lines.pop(0) != MAGIC:
        raise ProofError("this is no receipt")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _decode(lines.pop(0).removeprefix("extra "), MAX_EXTRA)
    match = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if match is None:
        raise ProofError("the receipt does not tell the entry's index")
    if len(lines) > MAX_HASHES:
        raise ProofError("the receipt has too many hashes")
    return int(match[1]), extra, [_decode(line, HASH_BYTES) for line in lines], note


def _decode(text: str, limit: int) -> bytes:
    try:
        data = decode64(text)
    except NoteError as error:
        raise ProofError(f"a line of the receipt is {error}") from error
    if len(data) > limit:
        raise ProofError("a line of the receipt is too long")
    return data
