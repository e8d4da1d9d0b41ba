"""The time that somebody else stamps on a packet (RFC 3161), asked for and checked.

Only the SHA-256 of the manifest leaves the house. What a service answers counts when its status,
nonce and digest are right, its certificate leads to a root that the operator named and was valid
for time stamps at the stamped time, and that time is near ours. Without such an answer the packet
is made all the same, and says why it has no time stamp.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509

from openhaven.core import Problem, utcnow

# How far the clock of a service may be from ours.
_APART = timedelta(minutes=5)


class StampError(ValueError):
    """A time stamp does not hold; the sentence says why."""


class Stamp(msgspec.Struct, frozen=True):
    """An answer that holds, and its time; or none, and why in words."""

    answer: bytes = b""
    at: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class Stamper:
    """A service that stamps: how it is asked (request to answer, both DER), and its roots.

    `ask` raises `StampError` when no answer came.
    """

    ask: Callable[[bytes], bytes]
    roots: tuple[x509.Certificate, ...]

    def stamp(self, data: bytes, now: datetime | None = None) -> Stamp:
        """Return the time stamp on `data`, or why there is none; this never raises."""
        try:
            answer, at = self._asked(data)
            if abs(at - (now or utcnow())) > _APART:
                raise StampError(f"its clock says {at:%Y-%m-%d %H:%M} UTC")
        except StampError as error:
            return Stamp(why=str(error))
        return Stamp(answer, at)

    def _asked(self, data: bytes) -> tuple[bytes, datetime]:
        library = _library()
        asked = (library.TimestampRequestBuilder().data(data)
                 .hash_algorithm(library.HashAlgorithm.SHA256).build())  # fmt: skip
        answer = self.ask(asked.as_bytes())
        return answer, checked(answer, data, self.roots, nonce=asked.nonce)


def checked(
    answer: bytes, data: bytes, roots: Sequence[x509.Certificate], *, nonce: int | None = None
) -> datetime:
    """Return the time that an answer stamps on `data`; raises `StampError` when it does not hold.

    Without `roots` only the digest is compared: then anybody may have made it.
    """
    library = _library()
    try:
        found = library.decode_timestamp_response(answer)
        if found.status not in (0, 1):
            raise StampError(f"the service refused (status {found.status})")
        if roots:
            verifier = library.VerifierBuilder(roots=list(roots), nonce=nonce).build()
            verifier.verify_message(found, data)
        _same_digest(found.tst_info.message_imprint.message, data)
        stamped: datetime = found.tst_info.gen_time
        return stamped.astimezone(UTC)
    except library.VerificationError as error:
        raise StampError(f"the answer does not hold: {error}") from error
    except ValueError as error:
        if isinstance(error, StampError):
            raise
        raise StampError("the answer is no time stamp") from error


def _same_digest(digest: bytes, data: bytes) -> None:
    if digest not in (hashlib.new(name, data).digest() for name in ("sha256", "sha384", "sha512")):
        raise StampError("the time stamp is on something else")


def roots_in(path: Path) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM file; raises `Problem` when there is none in it."""
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise Problem("timestamps.roots", f"{path} holds no certificates.",
                      next_step="Name a PEM file with them.") from error  # fmt: skip


def can_check() -> bool:
    """Say whether the library that reads time stamps is installed."""
    try:
        import rfc3161_client  # noqa: F401
    except ImportError:
        return False
    return True


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise StampError("the extra `timestamps` is not installed") from error
    return rfc3161_client
