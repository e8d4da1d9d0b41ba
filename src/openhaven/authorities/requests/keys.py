"""Keys of authorities, and sealing to them. Pure.

Two kinds of key are known, since authorities have one or the other: a certificate (X.509), to which
a packet is sealed as S/MIME (CMS, RFC 5652), so that every mail program and `openssl cms -decrypt`
opens it; and an X25519 key, to which it is sealed as evidence is to officers (HPKE, RFC 9180).
There is no third way: a link that anybody opens who has it is none.
"""

import hashlib
from collections.abc import Iterator
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import (
    PKCS7EnvelopeBuilder,
    PKCS7Options,
)

from openhaven.core import Problem
from openhaven.evidence import sealing

KeyKind = Literal["x25519", "x509"]
MAGIC = b"openhaven sealed packet 1\n"
SUFFIX: dict[str, str] = {"x25519": "sealed", "x509": "p7m"}
_LEAST_BITS = 2048


class _Head(msgspec.Struct, frozen=True):
    packet: str
    sha256: str
    size: int
    wrapped: bytes


def key_in(text: str) -> tuple[KeyKind, bytes]:
    """Return kind and bytes of a public key: a PEM certificate, or 64 hexadecimal digits.

    Raises `Problem` 400 for anything else, and for what is too weak to be relied on.
    """
    plain = text.strip()
    if plain.startswith("-----BEGIN CERTIFICATE-----"):
        return "x509", _certificate(plain.encode("ascii", "replace"))
    digits = "".join(plain.split()).lower()
    if len(digits) == 64 and all(one in "0123456789abcdef" for one in digits):
        raw = bytes.fromhex(digits)
        if any(raw):
            return "x25519", raw
    raise _wrong("It is neither a certificate (PEM) nor an X25519 key of 64 hexadecimal digits.")


def _certificate(pem: bytes) -> bytes:
    try:
        found = x509.load_pem_x509_certificate(pem)
        key = found.public_key()
    except ValueError as error:
        raise _wrong("The certificate cannot be read.") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        raise _wrong(f"A certificate needs an RSA key of at least {_LEAST_BITS} bits.")
    return found.public_bytes(Encoding.DER)


def _wrong(detail: str) -> Problem:
    return Problem("request.key", "This is no key that can be used.", detail,
                   next_step="Ask the authority for its certificate (S/MIME), on the telephone "
                   "if need be.")  # fmt: skip


def seal_to(kind: str, key: bytes, packet: bytes, name: str) -> bytes:
    """Return a packet sealed to a public key, so that only who has the other half opens it."""
    if kind == "x509":
        certificate = x509.load_der_x509_certificate(key)
        builder = PKCS7EnvelopeBuilder().set_data(packet).add_recipient(certificate)
        made = builder.set_content_encryption_algorithm(algorithms.AES256)
        return made.encrypt(Encoding.DER, [PKCS7Options.Binary])
    secret = sealing.fresh_key()
    digest = hashlib.sha256(packet)
    named = sealing.Named(name, digest.digest(), len(packet))
    head = _Head(name, digest.hexdigest(), len(packet), sealing.wrap(secret, key, name))
    sealed = b"".join(sealing.seal(_pieces(packet), secret, named))
    return MAGIC + msgspec.json.encode(head) + b"\n" + sealed


def _pieces(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), 1_000_000):
        yield data[at : at + 1_000_000]


def open_with(private: bytes, sealed: bytes) -> bytes:
    """Return the packet that was sealed to an X25519 key; `private` are its 32 bytes.

    Raises `Problem` 400 when it was sealed to another key, or altered.
    """
    try:
        magic, head, rest = sealed[: len(MAGIC)], *sealed[len(MAGIC) :].split(b"\n", 1)
        if magic != MAGIC:
            raise sealing.SealError("this is no sealed packet")
        said = msgspec.json.decode(head, type=_Head)
        named = sealing.Named(said.packet, bytes.fromhex(said.sha256), said.size)
        key = sealing.unwrap(
            said.wrapped, X25519PrivateKey.from_private_bytes(private), said.packet
        )
        return b"".join(sealing.unseal([rest], key, named))
    except (ValueError, msgspec.MsgspecError) as error:
        raise Problem("request.sealed", "This packet cannot be opened with this key.", str(error),
                      next_step="Is it the key that was named, and is the file whole?",
                      ) from error  # fmt: skip


def key_digest(key: bytes) -> bytes:
    """Return the SHA-256 of a key as it is stored."""
    made = hashes.Hash(hashes.SHA256())
    made.update(key)
    return made.finalize()
