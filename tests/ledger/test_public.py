"""The public read side: a stranger with the public key alone can check the whole log."""

import pytest
from ledger_scene import VKEY, fill, run, run_all

from openhaven.core import Problem
from openhaven.ledger import api, open_checkpoint
from openhaven.ledger.tiles import edge_tiles, tile_path, width_at
from openhaven.ledger.tree import leaf_hash, perfect_root, root_of
from openhaven.storage import Database


def test_before_the_first_head_there_is_nothing(db: Database) -> None:
    with db.read() as tx, pytest.raises(Problem) as caught:
        api.checkpoint(tx)
    assert caught.value.status == 404


def test_a_stranger_reads_the_log_and_finds_the_signed_root(db: Database) -> None:
    fill(db, 700)
    run(db)
    with db.read() as tx:
        served = api.checkpoint(tx)
        assert served.content_type == "text/plain; charset=utf-8"
        assert "immutable" not in served.cache_control
        head = open_checkpoint(served.body, VKEY)
        leaves: list[bytes] = []
        for index in range(3):
            width = width_at(0, index, head.size)
            bundle = api.entries(tx, tile_path(index, width))
            hashes = api.tile(tx, "0", tile_path(index, width)).body
            found = unpack(bundle.body)
            assert b"".join(map(leaf_hash, found)) == hashes
            leaves += found
        assert root_of(map(leaf_hash, leaves)) == head.root
        upper = api.tile(tx, "1", "000.p/2").body
        assert upper[:32] == perfect_root(api.tile(tx, "0", "000").body)


def unpack(body: bytes) -> list[bytes]:
    """Take an entry bundle apart."""
    found = []
    while body:
        length = int.from_bytes(body[:2], "big")
        found.append(body[2 : 2 + length])
        assert len(found[-1]) == length
        body = body[2 + length :]
    return found


def test_every_older_size_is_still_served_as_it_was(db: Database) -> None:
    served = {}
    for count in (3, 250, 10, 300):
        fill(db, count)
        run_all(db)
        with db.read() as tx:
            size = open_checkpoint(api.checkpoint(tx).body, VKEY).size
            for level, index in edge_tiles(size):
                path = tile_path(index, width_at(level, index, size))
                served[level, path] = api.tile(tx, str(level), path)
    with db.read() as tx:
        for (level, path), before in served.items():
            assert api.tile(tx, str(level), path) == before
            assert "immutable" in before.cache_control
            assert before.headers["content-type"] == "application/octet-stream"


NOWHERE = [
    ("0", "001"), ("0", "000.p/256"), ("0", "001.p/45"), ("0", "000.p/0"), ("0", "0"),
    ("0", "x000/000"), ("0", "999"), ("0", "../000"), ("1", "000"), ("1", "000.p/2"),
    ("2", "000.p/1"), ("00", "000"), ("64", "000"), ("63", "000.p/1"), ("-1", "000"),
    ("entries", "000"), ("0", "x999/" * 8 + "999"), ("0", ""), ("", "000"),
]  # fmt: skip


def test_what_is_not_there_is_a_404(db: Database) -> None:
    fill(db, 300)
    run(db)
    with db.read() as tx:
        assert len(api.tile(tx, "0", "000").body) == 8192
        assert len(api.tile(tx, "0", "001.p/44").body) == 44 * 32
        for level, path in NOWHERE:
            with pytest.raises(Problem) as caught:
                api.tile(tx, level, path)
            assert caught.value.status == 404
        for path in (path for level, path in NOWHERE if level == "0"):
            with pytest.raises(Problem) as caught:
                api.entries(tx, path)
            assert caught.value.status == 404
