"""Signed notes and checkpoints (C2SP signed-note and tlog-checkpoint) with Ed25519. Pure.

The reader is strict: one byte sequence means one note, and whatever does not have the exact form
is refused, so that no two readers can understand the same note differently.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from openhaven.ledger.tree import HASH_BYTES

ED25519 = b"\x01"  # The signature type of the specification.
MAX_NOTE = 65_536
MAX_SIGNATURES = 32

_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class NoteError(ValueError):
    """A note, key or checkpoint is malformed or not signed by the expected key."""


class Key(msgspec.Struct, frozen=True):
    """A verifier key: the signer's name, the 4-byte key id and the 32-byte Ed25519 public key."""

    name: str
    id: bytes
    public: bytes

    @property
    def vkey(self) -> str:
        """The key as one line of text: name, hexadecimal id, base64 of type and public key."""
        return f"{self.name}+{self.id.hex()}+{b64encode(ED25519 + self.public).decode()}"


class Checkpoint(msgspec.Struct, frozen=True):
    """The head of a log: its origin, the number of its entries and their 32-byte root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


class Signer:
    """Signs notes in the name of one log."""

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed` is the Ed25519 private key (32 bytes, RFC 8032); `name` is the log's origin."""
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = key_of(name, self._private.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        """The log's origin, which is also the name of its key."""
        return self.key.name

    @property
    def vkey(self) -> str:
        """The public key as text, to be given to whoever shall verify."""
        return self.key.vkey

    def sign(self, text: str) -> str:
        """Return the note over `text`, which must end in a newline."""
        _check_text(text)
        signature = b64encode(self.key.id + self._private.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {signature}\n"


def signer_from(seed: bytes, origin: str = "") -> Signer:
    """Return the signer of this installation's log.

    Without `origin`, the log is named after its own public key, so that two installations never
    share a name: `openhaven.local/` and 10 hexadecimal digits.
    """
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return Signer(origin or f"openhaven.local/{sha256(public).hexdigest()[:10]}", seed)


def key_of(name: str, public: bytes) -> Key:
    """Return the verifier key for an Ed25519 public key, with the id that the spec recommends."""
    if not _NAME.fullmatch(name):
        raise NoteError("a key name has 1 to 255 characters, and neither space nor plus")
    if len(public) != 32:
        raise NoteError("an Ed25519 public key has 32 bytes")
    return Key(name, sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4], public)


def parse_vkey(vkey: str) -> Key:
    """Return the key written as `name+id+base64`; raises `NoteError` for anything else."""
    parts = vkey.split("+", 2)
    if len(parts) != 3:
        raise NoteError("a verifier key has three parts joined by plus signs")
    material = decode64(parts[2])
    if material[:1] != ED25519:
        raise NoteError("the verifier key is not of type Ed25519")
    key = key_of(parts[0], material[1:])
    if key.vkey != vkey:
        raise NoteError("the verifier key's id does not fit the key")
    return key


def open_note(note: str | bytes, vkey: str) -> str:
    """Return the text of a note that the holder of `vkey` has signed.

    Signatures by unknown keys are ignored. Raises `NoteError` when the note is malformed, when no
    signature is by this key, or when one that claims to be is wrong.
    """
    key = parse_vkey(vkey)
    text, lines = _split(_decode(note))
    public = Ed25519PublicKey.from_public_bytes(key.public)
    verified = False
    for name, signature in map(_signature, lines):
        if (name, signature[:4]) == (key.name, key.id):
            _verify(public, signature[4:], text)
            verified = True
    if not verified:
        raise NoteError(f"the note is not signed by {key.name}")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint in a note's text; raises `NoteError` for any other form.

    Extension lines are skipped, as the specification asks for; empty ones are refused.
    """
    _check_text(text)
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteError("a checkpoint has at least three lines, none of them empty")
    if not _SIZE.fullmatch(lines[1]):
        raise NoteError("the second line of a checkpoint is its size")
    root = decode64(lines[2])
    if len(root) != HASH_BYTES:
        raise NoteError("the third line of a checkpoint is a hash of 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_checkpoint(note: str | bytes, vkey: str) -> Checkpoint:
    """Return the checkpoint of a note signed by the log itself, whose origin is the key's name."""
    checkpoint = parse_checkpoint(open_note(note, vkey))
    if checkpoint.origin != parse_vkey(vkey).name:
        raise NoteError("the checkpoint is of another log")
    return checkpoint


def decode64(text: str) -> bytes:
    """Decode standard base64 in its one canonical form; raises `NoteError` otherwise."""
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise NoteError("not base64") from error
    if b64encode(data).decode() != text:
        raise NoteError("base64 in another than its canonical form")
    return data


def _decode(note: str | bytes) -> str:
    try:
        text = note.decode() if isinstance(note, bytes) else note
        size = len(text.encode())
    except UnicodeError as error:
        raise NoteError("the note is not valid UTF-8") from error
    if size > MAX_NOTE:
        raise NoteError("the note is too long")
    return text


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("the text of a note ends with a newline")
    if any(sign < " " and sign != "\n" for sign in text):
        raise NoteError("a note holds no control character but the newline")


def _split(note: str) -> tuple[str, list[str]]:
    _check_text(note)
    text, found, signatures = note.rpartition("\n\n")
    if not found or not signatures:
        raise NoteError("the note has no signatures")
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError("the note has too many signatures")
    return text + "\n", lines


def _signature(line: str) -> tuple[str, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _NAME.fullmatch(parts[1]):
        raise NoteError("a line after the note's text is not a signature")
    signature = decode64(parts[2])
    if len(signature) < 5:
        raise NoteError("a signature is too short")
    return parts[1], signature


def _verify(public: Ed25519PublicKey, signature: bytes, text: str) -> None:
    try:
        public.verify(signature, text.encode())
    except InvalidSignature as error:
        raise NoteError("the signature is wrong") from error
