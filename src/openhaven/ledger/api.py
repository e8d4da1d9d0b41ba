"""The public read side of the log (C2SP tlog-tiles): checkpoint, tiles and entries.

Plain functions over a transaction; the web room gives them their URLs.
"""

import msgspec

from openhaven.core import Problem
from openhaven.ledger import store
from openhaven.ledger.tiles import MAX_LEVEL, parse_level, parse_path, width_at
from openhaven.ledger.tree import HASH_BYTES, TILE_WIDTH
from openhaven.storage import Tx

FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=1"


class Served(msgspec.Struct, frozen=True):
    """A body with its content type and how long it may be cached."""

    body: bytes
    content_type: str
    cache_control: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers to answer with; anybody's page may read the log."""
        return {
            "content-type": self.content_type,
            "cache-control": self.cache_control,
            "access-control-allow-origin": "*",
        }


def checkpoint(tx: Tx) -> Served:
    """`GET /ledger/checkpoint`: the newest signed head. 404 before the first one."""
    head = store.head(tx)
    if head is None:
        raise _nothing()
    return Served(head.note.encode(), "text/plain; charset=utf-8", BRIEFLY)


def tile(tx: Tx, level: str, path: str) -> Served:
    """`GET /ledger/tile/{level}/{path}`: the hashes of a full or partial tile. 404 otherwise."""
    try:
        number = parse_level(level)
    except ValueError as error:
        raise _nothing() from error
    index, width = _parse(tx, number, path)
    hashes = store.tile(tx, number, index)[: width * HASH_BYTES]
    if len(hashes) != width * HASH_BYTES:
        raise _nothing()
    return Served(hashes, "application/octet-stream", FOREVER)


def entries(tx: Tx, path: str) -> Served:
    """`GET /ledger/tile/entries/{path}`: 1 to 256 entries, each after its length in 16 bits."""
    index, width = _parse(tx, 0, path)
    begin = index * TILE_WIDTH
    leaves = store.leaves(tx, begin, begin + width)
    if len(leaves) != width:
        raise _nothing()
    body = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
    return Served(body, "application/octet-stream", FOREVER)


def _parse(tx: Tx, level: int, path: str) -> tuple[int, int]:
    """Return index and width of a tile that the newest checkpoint covers."""
    try:
        index, width = parse_path(path)
    except ValueError as error:
        raise _nothing() from error
    head = store.head(tx)
    if level > MAX_LEVEL or head is None or width_at(level, index, head.size) < width:
        raise _nothing()
    return index, width


def _nothing() -> Problem:
    return Problem(
        "ledger.nothing", "The ledger has nothing here.", status=404,
        next_step="Begin at /ledger/checkpoint, which tells how many entries there are.",
    )  # fmt: skip
