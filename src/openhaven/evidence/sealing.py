"""How an item is sealed: a stream of authenticated chunks under a key that commits to the item.

From the item's random 32-byte key, HKDF-SHA256 (RFC 5869) with a random salt makes a key for
AES-256-GCM and a commitment of 32 bytes; what goes into it names the item, the SHA-256 of its
plain bytes and their number. The commitment stands in the header and is compared before anything
is opened, so that one ciphertext opens under one key and as one item only (Dodis, Grubbs,
Ristenpart, Woodage, "Fast Message Franking", CRYPTO 2018, shows what happens otherwise). Chunks of
64 KiB are numbered and the last one is marked, so that none can be dropped, moved or added (the
STREAM construction of Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015). The key itself is wrapped
for each officer with HPKE (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM).
"""

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openhaven.core import canonical

MAGIC = b"openhaven sealed evidence 1\n"
CHUNK = 65_536
_TAG = 16
_SALT = 32
HEADER = len(MAGIC) + _SALT + 32
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealError(ValueError):
    """Sealed bytes were altered, cut, or belong to another item or key."""


class Named(msgspec.Struct, frozen=True):
    """What a sealed item is bound to: its id, the SHA-256 of its plain bytes, and their number."""

    item: str
    sha256: bytes
    size: int

    def bound(self) -> bytes:
        """Return it as canonical bytes."""
        return canonical({"item": self.item, "sha256": self.sha256.hex(), "size": self.size})


def fresh_key() -> bytes:
    """Return a random key for one item: 32 bytes."""
    return os.urandom(32)


def keys(key: bytes, salt: bytes, named: Named) -> tuple[AESGCM, bytes]:
    """Return the cipher and the commitment (32 bytes) that follow from a key; see above."""
    if len(key) != 32:
        raise SealError("the key of an item has 32 bytes")
    made = HKDF(hashes.SHA256(), 64, salt, MAGIC + named.bound()).derive(key)
    return AESGCM(made[:32]), made[32:]


def nonce(number: int, *, last: bool) -> bytes:
    """Return the nonce of a piece, by its number from 0 and whether it is the last."""
    return number.to_bytes(11, "big") + bytes([last])


def seal(parts: Iterable[bytes], key: bytes, named: Named) -> Iterator[bytes]:
    """Yield the sealed form of `parts`, in pieces of about 64 KiB.

    Raises `SealError` when the bytes are not those that `named` says: a file that changed between
    its hashing and its sealing.
    """
    salt = os.urandom(_SALT)
    cipher, commitment = keys(key, salt, named)
    yield MAGIC + salt + commitment
    digest, size, number = hashlib.sha256(), 0, 0
    held = b""
    for chunk in _even(parts):
        digest.update(chunk)
        size += len(chunk)
        if number or held:
            yield cipher.encrypt(nonce(number - 1, last=False), held, None)
        held, number = chunk, number + 1
    if (digest.digest(), size) != (named.sha256, named.size):
        raise SealError("the bytes changed while they were being sealed")
    yield cipher.encrypt(nonce(max(number - 1, 0), last=True), held, None)


def unseal(parts: Iterable[bytes], key: bytes, named: Named) -> Iterator[bytes]:
    """Yield the plain bytes of a sealed item; nothing that was altered is ever yielded.

    Raises `SealError`. That the stream is whole is known at its end: until then the pieces are
    true, but they may not be all.
    """
    cipher, pieces = _opened(parts, key, named)
    digest, size, number = hashlib.sha256(), 0, 0
    held = next(pieces, b"")
    while True:
        following = next(pieces, None)
        try:
            plain = cipher.decrypt(nonce(number, last=following is None), held, None)
        except (InvalidTag, ValueError) as error:
            raise SealError("the sealed bytes were altered or cut") from error
        digest.update(plain)
        size += len(plain)
        if plain:
            yield plain
        if following is None:
            break
        held, number = following, number + 1
    if (digest.digest(), size) != (named.sha256, named.size):
        raise SealError("the plain bytes are not those that were received")


def _opened(parts: Iterable[bytes], key: bytes, named: Named) -> tuple[AESGCM, Iterator[bytes]]:
    """Read the header; return the cipher, and the chunks that follow."""
    source = iter(parts)
    begun = b""
    while len(begun) < HEADER:
        part = next(source, None)
        if part is None:
            raise SealError("the sealed bytes are cut short")
        begun += part
    head, rest = begun[:HEADER], begun[HEADER:]
    salt, claimed = head[len(MAGIC) : -32], head[-32:]
    cipher, commitment = keys(key, salt, named)
    if not head.startswith(MAGIC) or not hmac.compare_digest(commitment, claimed):
        raise SealError("the sealed bytes belong to another item or another key")
    return cipher, _even(_chained(rest, source), CHUNK + _TAG)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _even(parts: Iterable[bytes], size: int = CHUNK) -> Iterator[bytes]:
    """Cut a stream into pieces of `size` bytes, the last one shorter; none of them is empty."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)


def wrap(key: bytes, public: bytes, item: str) -> bytes:
    """Return an item's key wrapped for the officer with this public key (X25519, 32 bytes)."""
    return _SUITE.encrypt(key, X25519PublicKey.from_public_bytes(public), _for(item))


def unwrap(wrapped: bytes, private: X25519PrivateKey, item: str) -> bytes:
    """Return the key of an item; raises `SealError` when it was wrapped for another or altered."""
    try:
        return _SUITE.decrypt(wrapped, private, _for(item))
    except (InvalidTag, ValueError) as error:
        raise SealError("the key is wrapped for somebody else, or was altered") from error


def _for(item: str) -> bytes:
    return b"openhaven evidence key:" + item.encode()


def officer_key(master: bytes) -> X25519PrivateKey:
    """Return the installation's own private key, made from its master secret."""
    made = HKDF(hashes.SHA256(), 32, None, b"openhaven evidence vault 1").derive(master)
    return X25519PrivateKey.from_private_bytes(made)
