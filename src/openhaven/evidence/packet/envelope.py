"""A packet sealed for who shall have it: nothing of it is ever on a disk in the clear.

The random key of a packet is wrapped for each receiver (HPKE, RFC 9180) at its head; what follows
is the packet in numbered pieces of AES-256-GCM, as items are sealed. Whoever has one of the private
keys opens it, offline.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from openhaven.evidence import sealing
from openhaven.evidence.sealing import CHUNK, SealError

MAGIC = b"openhaven sealed packet 1\n"
_WRAPPED = 80  # an ephemeral public key, the key of the packet, and a tag
_SALT = 32
_TAG = 16
_FOR = "packet"


class Envelope:
    """A file to write a packet into, which seals what is written; close it for it to be whole."""

    def __init__(self, out: IO[bytes], publics: Sequence[bytes]) -> None:
        if not 0 < len(publics) < 256:
            raise ValueError("a packet is sealed for 1 to 255 receivers")
        key, salt = sealing.fresh_key(), sealing.fresh_key()
        wraps = b"".join(sealing.wrap(key, public, _FOR) for public in publics)
        self._cipher, commitment = sealing.keys(key, salt, _named(wraps))
        out.write(MAGIC + bytes([len(publics)]) + wraps + salt + commitment)
        self._out, self._held, self._number = out, bytearray(), 0

    def write(self, data: bytes) -> int:
        """Take in a piece; the last 64 KiB are held until more comes, or the end."""
        self._held += data
        while len(self._held) > CHUNK:
            self._seal(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]
        return len(data)

    def _seal(self, piece: bytes, *, last: bool) -> None:
        nonce = sealing.nonce(self._number, last=last)
        self._out.write(self._cipher.encrypt(nonce, piece, None))
        self._number += 1

    def flush(self) -> None:
        """Do nothing: a piece is sealed when it is full."""

    def close(self) -> None:
        """Seal the last piece, and mark it as that."""
        self._seal(bytes(self._held), last=True)


def opened(source: IO[bytes], private: X25519PrivateKey) -> Iterator[bytes]:
    """Yield the packet that was sealed for this private key (X25519), piece by piece.

    Raises `SealError` when it was sealed for others, altered, or cut off. That it is whole is known
    at its end.
    """
    if source.read(len(MAGIC)) != MAGIC:
        raise SealError("it is no sealed packet")
    wraps = source.read(_WRAPPED * int.from_bytes(source.read(1), "big"))
    salt, claimed = source.read(_SALT), source.read(_SALT)
    cipher, commitment = sealing.keys(_key(wraps, private), salt, _named(wraps))
    if commitment != claimed:
        raise SealError("the head of the packet was altered")
    number, piece = 0, source.read(CHUNK + _TAG)
    while True:
        following = source.read(CHUNK + _TAG)
        try:
            yield cipher.decrypt(sealing.nonce(number, last=not following), piece, None)
        except InvalidTag as error:
            raise SealError("the packet was altered or cut off") from error
        if not following:
            return
        number, piece = number + 1, following


def is_sealed(source: IO[bytes]) -> bool:
    """Say whether a file is a sealed packet; it is read from its beginning."""
    source.seek(0)
    found = source.read(len(MAGIC)) == MAGIC
    source.seek(0)
    return found


def _key(wraps: bytes, private: X25519PrivateKey) -> bytes:
    for at in range(0, len(wraps), _WRAPPED):
        try:
            return sealing.unwrap(wraps[at : at + _WRAPPED], private, _FOR)
        except SealError:
            continue
    raise SealError("the packet was sealed for somebody else")


def _named(wraps: bytes) -> sealing.Named:
    return sealing.Named(_FOR, hashlib.sha256(wraps).digest(), len(wraps))
