"""Proofs for people outside: that an entry stands in the log, as a file that verifies offline.

A receipt has the form of C2SP tlog-proof. Its extra line carries the leaf, so that the file alone
suffices; that line proves nothing by itself, the leaf's hash must lead to the signed root.
"""

import re
from base64 import b64encode
from typing import Any

import msgspec

from openhaven.core import Problem
from openhaven.ledger import store
from openhaven.ledger.model import MAX_LEAF
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
MAX_HASHES = 63

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


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


def receipt(tx: Tx, entry_id: str) -> str:
    """Return the text of a receipt (`.tlog-proof`) for an entry; raises as `inclusion` does."""
    proof = inclusion(tx, entry_id)
    lines = [MAGIC, f"extra {b64encode(proof.leaf).decode()}", f"index {proof.index}"]
    lines += [b64encode(item).decode() for item in proof.hashes]
    return "\n".join([*lines, "", proof.note])


def check_receipt(text: str, vkey: str, leaf: bytes | None = None) -> Proven:
    """Check a receipt against the log's public key; needs no database and no network.

    `leaf` is the entry when the receipt does not carry it; when both are there they must be equal.
    Raises `ProofError` for anything that is not a proof in its one exact form.
    """
    index, extra, hashes, note = _parse(text)
    shown = extra if leaf is None else leaf
    if shown is None or (leaf is not None and extra not in (None, leaf)):
        raise ProofError("the receipt does not carry the entry that it is said to prove")
    try:
        checkpoint = open_checkpoint(note, vkey)
    except NoteError as error:
        raise ProofError(f"the receipt's checkpoint does not hold: {error}") from error
    verify_inclusion(leaf_hash(shown), index, checkpoint.size, hashes, checkpoint.root)
    return Proven(index, shown, checkpoint)


def _parse(text: str) -> tuple[int, bytes | None, list[bytes], str]:
    head, found, note = text.partition("\n\n")
    lines = head.split("\n")
    if not found or lines.pop(0) != MAGIC:
        raise ProofError("this is no receipt")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _decode(lines.pop(0).removeprefix("extra "), MAX_LEAF)
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
