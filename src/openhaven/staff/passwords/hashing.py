"""Argon2id (RFC 9106), at a cost that a few attempts at once cannot make too high."""

import threading
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerificationError, VerifyMismatchError

from openhaven.core import Problem

# 19 MiB and two passes (OWASP, Password Storage). Whoever has only the table can try nothing: what
# is hashed was digested with the house's key. More than two at once would take everybody's
# processors, so others wait, and not for long.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
_AT_ONCE = threading.BoundedSemaphore(2)
_PATIENCE_S = 10.0


def hashed(digest: bytes) -> str:
    """Return the hash of a password that was digested with the house's key."""
    with _Turn():
        return _HASHER.hash(digest)


def fits(hash_: str | None, digest: bytes) -> bool:
    """Say whether the hash is that of this password; without one it takes as long, and is not."""
    with _Turn():
        try:
            return _HASHER.verify(hash_ or _nobodys(), digest) and hash_ is not None
        except (VerifyMismatchError, VerificationError):
            return False


@cache
def _nobodys() -> str:
    return _HASHER.hash(b"nobody's")


class _Turn:
    """Waits until there is room for one more; raises `Problem` (503) when that takes too long."""

    def __enter__(self) -> None:
        if not _AT_ONCE.acquire(timeout=_PATIENCE_S):
            raise Problem("server.busy", "The server is too busy.", status=503,
                          next_step="Send it again in a moment.")  # fmt: skip

    def __exit__(self, *_: object) -> None:
        _AT_ONCE.release()
