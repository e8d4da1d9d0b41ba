"""The tree cut into tiles of 256 hashes, and the paths they are served at (C2SP tlog-tiles). Pure.

Level 0 holds leaf hashes; each hash of a higher level is the root of one full tile below. A tile
that is not full yet is a prefix of what it will become: cutting a tile short gives its older self.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from openhaven.ledger.tree import (
    EMPTY_ROOT,
    HASH_BYTES,
    TILE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Reader,
    node_hash,
    perfect_root,
)

MAX_LEVEL = 7  # 256 ** 8 entries are more than a bigint can count.

_PATH = re.compile(r"((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
_LEVEL = re.compile(r"0|[1-9][0-9]?", re.ASCII)

Edge = dict[int, bytes]
Tiles = dict[tuple[int, int], bytes]


def width_at(level: int, index: int, size: int) -> int:
    """Return how many hashes (0 to 256) tile `index` of `level` holds in a tree of `size`."""
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH))


def edge_tiles(size: int) -> list[tuple[int, int]]:
    """Return `(level, index)` of each tile that is partly filled in a tree of `size`."""
    found = []
    for level in range(MAX_LEVEL + 1):
        index = size >> TILE_HEIGHT * (level + 1)
        if width_at(level, index, size):
            found.append((level, index))
    return found


def extend(edge: Edge, size: int, leaves: Iterable[bytes]) -> tuple[Tiles, Edge]:
    """Grow a tree of `size` leaves by `leaves` (32-byte hashes in order).

    `edge` maps each level to the bytes of its growing tile (a level without one may be missing).
    Returns the tiles to store, whole, by `(level, index)`, and the new edge.
    """
    tiles: Tiles = {}
    new_edge = dict(edge)
    level, fresh = 0, b"".join(leaves)
    while fresh:
        begin = size >> TILE_HEIGHT * (level + 1)
        row = new_edge.get(level, b"") + fresh
        parents = []
        for at in range(0, len(row), TILE_BYTES):
            tile = row[at : at + TILE_BYTES]
            tiles[level, begin + at // TILE_BYTES] = tile
            if len(tile) == TILE_BYTES:
                parents.append(perfect_root(tile))
        new_edge[level] = row[len(row) - len(row) % TILE_BYTES :]
        level, fresh = level + 1, b"".join(parents)
    return tiles, new_edge


def edge_root(edge: Edge, size: int) -> bytes:
    """Return the root of a tree of `size` from its growing tiles alone.

    Raises `ValueError` when a tile does not have the width that `size` asks for.
    """
    peaks: list[bytes] = []
    for level, index in edge_tiles(size):
        hashes, width = edge.get(level, b""), width_at(level, index, size)
        if len(hashes) != width * HASH_BYTES:
            raise ValueError(f"the growing tile of level {level} should hold {width} hashes")
        peaks = _peaks(hashes, width) + peaks
    if not peaks:
        return EMPTY_ROOT
    root = peaks.pop()
    while peaks:
        root = node_hash(peaks.pop(), root)
    return root


def _peaks(hashes: bytes, width: int) -> list[bytes]:
    """Return the roots of the perfect subtrees in a growing tile, biggest first."""
    peaks, at = [], 0
    for bit in reversed(range(TILE_HEIGHT)):
        if width >> bit & 1:
            end = at + (HASH_BYTES << bit)
            peaks.append(perfect_root(hashes[at:end]))
            at = end
    return peaks


def reader(fetch: Callable[[int, int], bytes]) -> Reader:
    """Return a reader of perfect subtrees over `fetch(level, index) -> bytes of that tile`.

    Tiles are remembered (the 64 last used). The reader raises `LookupError` where a tile is short.
    """
    cached = lru_cache(maxsize=64)(fetch)

    def read(level: int, index: int) -> bytes:
        tile_level, inner = divmod(level, TILE_HEIGHT)
        tile, offset = divmod(index << inner, TILE_WIDTH)
        begin, end = offset * HASH_BYTES, (offset + (1 << inner)) * HASH_BYTES
        hashes = cached(tile_level, tile)[begin:end]
        if len(hashes) != end - begin:
            raise LookupError(f"tile {tile} of level {tile_level} is missing or too short")
        return perfect_root(hashes)

    return read


def tile_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a tile below its level: index 1234067 is `x001/x234/067`.

    A width below 256 adds the suffix of a partial tile, such as `.p/17`.
    """
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def parse_path(path: str) -> tuple[int, int]:
    """Return `(index, width)` of a tile path; raises `ValueError` for anything but the one form."""
    match = _PATH.fullmatch(path)
    if match is None or len(path) > 64:
        raise ValueError("not a tile path")
    index = int((match[1] + match[2]).replace("x", "").replace("/", ""))
    width = int(match[3]) if match[3] else TILE_WIDTH
    if (match[3] and width >= TILE_WIDTH) or tile_path(index, width) != path:
        raise ValueError("not a tile path")
    return index, width


def parse_level(text: str) -> int:
    """Return the level (0 to 63, no leading zero); raises `ValueError` otherwise."""
    if not _LEVEL.fullmatch(text) or int(text) > 63:
        raise ValueError("not a tile level")
    return int(text)
