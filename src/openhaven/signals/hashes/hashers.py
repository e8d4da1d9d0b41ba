"""Hashes that others license, by plugins: this package ships none of them.

A package offers one as an entry point of the group `openhaven.hashers` that names a `Hasher`. Its
`hash` runs in the decoder's own process, behind the same walls as every decoder; `distances`, where
it has one, runs wherever banks are compared.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

GROUP = "openhaven.hashers"
LONGEST = 160
MOST = 8
_NAME = re.compile("[a-z0-9][a-z0-9-]{0,28}")


@runtime_checkable
class Hasher(Protocol):
    """A way to hash pictures.

    It may also have `distances(hashes, asked)`: from uint8 (n, w) and (w,) to n whole numbers from
    0, for which a bank's radius is the largest that matches. Without it the bits that differ count.
    """

    name: str

    def hash(self, picture: "Image.Image") -> bytes:
        """Return 1 to 160 bytes for an RGB picture as people see it; raises when it cannot."""


class HasherError(Exception):
    """A hasher that is none; the message names it."""


@cache
def installed() -> dict[str, Hasher]:
    """Return the hashers of installed packages by name, 8 at most. Raises `HasherError`."""
    found: dict[str, Hasher] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)[:MOST]:
        try:
            made = point.load()
            hasher = made() if isinstance(made, type) else made
        except Exception as error:
            # Whatever a package throws when it is loaded, it is this one that cannot be used.
            raise HasherError(f"the hasher {point.value} cannot be loaded") from error
        fits = isinstance(hasher, Hasher) and _NAME.fullmatch(hasher.name)
        if not fits or hasher.name in found:
            raise HasherError(f"the hasher {point.value} has no name of its own, or no hash")
        found[hasher.name] = hasher
    return found


def hashed(picture: "Image.Image", hashers: Iterable[Hasher]) -> tuple[tuple[bytes, ...], str]:
    """Return what each hasher makes of a picture, with its name before it, and what failed."""
    made, failed = [], []
    for hasher in hashers:
        value = _asked(hasher, picture)
        if value is None:
            failed.append(hasher.name)
        else:
            made.append(hasher.name.encode() + b"\0" + value)
    return tuple(made), "; ".join(f"the hasher “{name}” failed" for name in failed)


def distances(name: str, hashes: NDArray[np.uint8], asked: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how far each of `hashes` (n, w) is from `asked` (w,), as the plugin `name` counts."""
    own = getattr(installed().get(name), "distances", None)
    if own is not None:
        return np.asarray(own(hashes, asked), np.int64).reshape(len(hashes))
    far: NDArray[np.int64] = np.bitwise_count(hashes ^ asked).sum(axis=1, dtype=np.int64)
    return far


def values_of(stored: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the name of the plugin and the whole value of each stored hash."""
    for value in stored:
        yield value.partition(b"\0")[0].decode("ascii", "replace"), value


def _asked(hasher: Hasher, picture: "Image.Image") -> bytes | None:
    try:
        value = hasher.hash(picture.copy())
    except Exception:
        # A stranger's code may throw anything; that it could not tell is what is recorded.
        return None
    return value if isinstance(value, bytes) and 0 < len(value) <= LONGEST else None
