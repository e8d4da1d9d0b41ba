"""Whoever has the database's password alters something: the verifier names the first place."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from ledger_scene import NOW, SIGNER, VKEY, WORKER, decide, fill, ground, report, run, sql
from psycopg.conninfo import make_conninfo

from openhaven.core import Problem, new_id
from openhaven.ledger import (
    Checkpoint,
    New,
    compare_outside,
    head,
    keep_outside,
    read_outside,
    verify,
)
from openhaven.ledger import actions as verbs
from openhaven.ledger.model import leaf_of
from openhaven.ledger.store import entries
from openhaven.ledger.tiles import extend
from openhaven.ledger.tree import leaf_hash, root_of
from openhaven.storage import Database
from openhaven.storage.postgres import Server

TABLES = ("cases", "decisions", "ledger_entries", "ledger_tiles", "ledger_checkpoints")


@pytest.fixture(scope="module")
def stored(cluster: Server, template: str) -> Iterator[Database]:
    """A log of 600 entries under three heads (250, 500, 600); entry 255 seals a decision.

    It is made once and kept in copies, from which every test restores what it attacks.
    """
    name = new_id("t")
    url = make_conninfo(cluster.url, dbname=name)
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        door = Database(url, bytes(32))
        make_log(door)
        for table in TABLES:
            sql(door, f"CREATE TABLE saved_{table} AS TABLE {table}")
        yield door
        door.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def make_log(db: Database) -> None:
    ground(db)
    fill(db, 250)
    run(db)
    fill(db, 5)
    with db.begin(WORKER, NOW.replace(second=1)) as tx:
        decide(tx)
    with db.begin(WORKER, NOW.replace(second=2)) as tx:
        verbs.append_many(tx, [New("batch.walked", {})] * 244)
    run(db)
    fill(db, 100)
    run(db)
    assert report(db).ok


@pytest.fixture
def log(stored: Database) -> Database:
    """The stored log, unaltered."""
    with stored.begin(WORKER) as tx:
        for table in reversed(TABLES):
            tx.run(f"DELETE FROM {table}")
        for table in TABLES:
            tx.run(f"INSERT INTO {table} SELECT * FROM saved_{table}")
    return stored


def newest(db: Database) -> str:
    with db.read() as tx:
        found = head(tx)
    assert found is not None
    return found.note


def first(db: Database, outside: str | None = None) -> str:
    found = report(db, outside)
    assert not found.ok
    assert str(found).startswith("The ledger was altered. First: ")
    return str(found.first)


def test_a_column_of_an_old_entry(log: Database) -> None:
    sql(log, "UPDATE ledger_entries SET kind = 'nothing.happened' WHERE idx = 17")
    told = first(log)
    assert told.startswith("entry 17 (nothing.happened, led_")
    assert "kind (its leaf says 'batch.walked', the column 'nothing.happened')" in told


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ('ids = \'{"events": "99"}\'', "ids"),
        ("actor = 'staff:stf_9'", "actor"),
        ("ids = '{\"events\": 17}'", "ids"),
        ("ids = '[]'", "ids"),
        ("ids = 'null'", "ids"),
        ("at = at + interval '1 second'", "at"),
        ("at = at + interval '1 microsecond'", "at"),
        ("at = 'infinity'", "at"),
        ("at = '2026-11-21 20:00:00+00 BC'", "at"),
        ("id = 'led_other'", "id"),
    ],
)
def test_every_column_of_an_entry_is_bound(log: Database, change: str, what: str) -> None:
    sql(log, f"UPDATE ledger_entries SET {change} WHERE idx = 17")
    told = first(log)
    assert told.startswith("entry 17 (")
    assert f"altered: {what} (" in told


def test_an_old_entry_rewritten_with_its_leaf(log: Database) -> None:
    rewrite(log, 300)
    told = first(log)
    assert told.startswith("entry 300 (batch.forged, led_")
    assert "its leaf is not the one that was signed" in told


def test_an_old_entry_rewritten_with_its_leaf_and_its_tile(log: Database) -> None:
    rewrite(log, 300)
    set_hash(log, 300)
    told = first(log)
    assert "one of the entries 250 to 499 was rewritten together with the tree" in told


def test_everything_rewritten_but_the_key(log: Database) -> None:
    rewrite(log, 300)
    rebuild(log)
    told = first(log)
    assert "one of the entries 250 to 499 was rewritten together with the tree" in told


def test_everything_rewritten_with_the_key_as_well(log: Database) -> None:
    outside = newest(log)
    rewrite(log, 300)
    rebuild(log)
    resign(log)
    assert report(log).ok
    told = first(log, outside)
    assert "kept outside of the database was signed over 600 other entries" in told


def test_a_deleted_entry(log: Database) -> None:
    sql(log, "DELETE FROM ledger_entries WHERE idx = 123")
    assert first(log) == "entry 123: it is missing"


def test_deleted_entries_at_the_end(log: Database) -> None:
    sql(log, "DELETE FROM ledger_entries WHERE idx >= 597")
    assert first(log) == "entry 597: it is missing"


def test_a_deleted_entry_with_the_others_moved_up(log: Database) -> None:
    sql(log, "DELETE FROM ledger_entries WHERE idx = 10")
    sql(log, "UPDATE ledger_entries SET idx = -idx WHERE idx > 10")
    sql(log, "UPDATE ledger_entries SET idx = -idx - 1 WHERE idx < 0")
    assert first(log).startswith("entry 10 (")


def test_two_entries_that_changed_places(log: Database) -> None:
    sql(log, "UPDATE ledger_entries SET idx = -1 WHERE idx = 40")
    sql(log, "UPDATE ledger_entries SET idx = 40 WHERE idx = 41")
    sql(log, "UPDATE ledger_entries SET idx = 41 WHERE idx = -1")
    assert first(log).startswith("entry 40 (")


def test_an_entry_slipped_in_behind_the_last_head(log: Database) -> None:
    made = fill(log, 1)[0]
    sql(log, "UPDATE ledger_entries SET idx = 600 WHERE idx IS NULL")
    told = first(log)
    assert told.startswith(f"entry 600 (batch.walked, {made})")
    assert "no checkpoint covers" in told


def test_an_entry_altered_while_it_waits_for_its_place(log: Database) -> None:
    made = fill(log, 3)[1]
    sql(log, "UPDATE ledger_entries SET actor = 'staff:stf_1' WHERE id = %(id)s", id=made)
    told = first(log)
    assert told.startswith(f"an entry without a place (batch.walked, {made})")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("facts", "'Something else.'"),
        ("outcome", "'warn'"),
        ("scope", "'{DE}'"),
        ("decided_at", "decided_at - interval '1 microsecond'"),
        ("content_at", "'infinity'"),
        ("content_at", "'2026-11-21 20:00:00+00 BC'"),
        ("automated_detection", "false"),
        ("subject", "'sub_other'"),
        ("language", "''"),
    ],
)
def test_a_sealed_column_of_a_decision(log: Database, column: str, value: str) -> None:
    sql(log, f"UPDATE decisions SET {column} = {value}")
    told = first(log)
    assert told.startswith("entry 255 (decision.made, led_")
    assert "of decisions is not what was sealed" in told
    assert column in told


def test_a_deleted_decision(log: Database) -> None:
    sql(log, "DELETE FROM decisions")
    told = first(log)
    assert told.startswith("entry 255 (decision.made, led_")
    assert "is gone, though no erasure is recorded" in told


def test_a_salt_destroyed_in_silence(log: Database) -> None:
    sql(log, "UPDATE decisions SET facts = 'Something else.'")
    sql(log, "UPDATE ledger_entries SET salt = NULL WHERE idx = 255")
    told = first(log)
    assert told.startswith("entry 255 (decision.made, led_")
    assert "no erasure is recorded" in told


@pytest.mark.parametrize("salt", ["'\\x00'", "decode(repeat('00', 32), 'hex')", "salt || '\\x00'"])
def test_another_salt(log: Database, salt: str) -> None:
    sql(log, f"UPDATE ledger_entries SET salt = {salt} WHERE idx = 255")
    assert first(log).startswith("entry 255 (decision.made, led_")


def test_an_altered_row_sealed_anew_with_another_salt(log: Database) -> None:
    sql(log, "UPDATE decisions SET facts = 'Something else.'")
    with log.begin(WORKER, NOW) as tx:
        decision = str(tx.value("SELECT id FROM decisions"))
        verbs.append(tx, "decision.made", {"decision": decision}, ("decisions", decision))
    sql(
        log,
        """UPDATE ledger_entries e SET salt = n.salt, commitment = n.commitment
           FROM ledger_entries n WHERE e.idx = 255 AND n.idx IS NULL""",
    )
    told = first(log)
    assert told.startswith("entry 255 (decision.made, led_")
    assert "commitment (its leaf says" in told


def test_an_entry_pointed_at_another_row(log: Database) -> None:
    with log.begin(WORKER, NOW) as tx:
        erased = decide(tx)
        verbs.destroy_salt(tx, "decisions", erased)
    sql(log, "UPDATE ledger_entries SET salt = NULL, row_id = %(id)s WHERE idx = 255", id=erased)
    told = first(log)
    assert told.startswith("entry 255 (decision.made, led_")
    assert "row (its leaf says" in told


def test_a_decision_without_an_entry(log: Database) -> None:
    sql(
        log,
        """INSERT INTO decisions SELECT (jsonb_populate_record(d, '{"id": "dec_secret"}')).*
           FROM decisions d""",
    )
    assert first(log) == "the row dec_secret of decisions was written without an entry"


def test_a_row_of_a_table_that_is_not_known(log: Database) -> None:
    sql(log, "UPDATE ledger_entries SET row_table = 'decisions@7' WHERE idx = 255")
    assert first(log).startswith("entry 255 (decision.made, led_")


@pytest.mark.parametrize("position", [0, 17, 255])
def test_a_hash_of_a_tile(log: Database, position: int) -> None:
    statement = """UPDATE ledger_tiles SET hashes = overlay(hashes placing '\\xff00ff' from %(at)s)
                   WHERE level = 0 AND idx = 0"""
    sql(log, statement, at=position * 32 + 1)
    told = first(log)
    assert told.startswith(f"entry {position} (")
    assert "its hash in the tree was altered; the entry itself is as signed" in told


def test_a_tile_above_the_leaves(log: Database) -> None:
    sql(log, "UPDATE ledger_tiles SET hashes = sha256(hashes) WHERE level = 1")
    assert first(log) == "the tile 1/0 of the tree was altered at its hash 0"


@pytest.mark.parametrize(
    "attack",
    [
        "DELETE FROM ledger_tiles WHERE level = 0 AND idx = 1",
        "DELETE FROM ledger_tiles WHERE level = 1",
        "UPDATE ledger_tiles SET hashes = hashes || '\\x00' WHERE level = 0 AND idx = 2",
        "INSERT INTO ledger_tiles VALUES (3, 0, '')",
    ],
)
def test_missing_torn_and_additional_tiles(log: Database, attack: str) -> None:
    sql(log, attack)
    assert not report(log).ok


def test_a_checkpoint_with_another_root_or_a_broken_signature(log: Database) -> None:
    sql(
        log, "UPDATE ledger_checkpoints SET root = decode(repeat('00', 32), 'hex') WHERE size = 500"
    )
    assert "the checkpoint stored for 500 entries was signed for" in first(log)
    sql(log, "UPDATE ledger_checkpoints SET note = replace(note, '500', '501') WHERE size = 500")
    assert "the checkpoint over 500 entries does not hold" in first(log)


def test_a_checkpoint_stored_under_another_size(log: Database) -> None:
    sql(log, "UPDATE ledger_checkpoints SET size = 499 WHERE size = 500")
    assert "the checkpoint stored for 499 entries was signed for 500" in first(log)


def test_a_forged_checkpoint_over_years_of_entries_does_not_keep_us_reading(log: Database) -> None:
    note = SIGNER.sign(Checkpoint(SIGNER.name, 10**15, bytes(32)).text)
    sql(
        log,
        "INSERT INTO ledger_checkpoints VALUES (10^15, sha256('x'), %(n)s, now())",
        n=note,
    )
    assert first(log) == "entry 600: it is missing"


def test_all_checkpoints_deleted(log: Database) -> None:
    sql(log, "DELETE FROM ledger_checkpoints")
    assert "no checkpoint covers" in first(log)


def test_a_database_rolled_back_to_an_older_head(log: Database, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    keep_outside(path, newest(log), VKEY)
    roll_back(log)
    assert report(log).ok
    told = first(log, read_outside(path))
    assert "rolled back: a checkpoint over 600 entries was signed, the database knows 500" in told
    with log.read() as tx, pytest.raises(Problem) as caught:
        compare_outside(tx, read_outside(path), VKEY)
    assert caught.value.code == "ledger.rolled_back"


def test_a_database_rolled_back_and_grown_again_is_a_fork(log: Database, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    keep_outside(path, newest(log), VKEY)
    roll_back(log)
    fill(log, 100)
    run(log)
    assert report(log).ok
    assert "signed over 600 other entries" in first(log, read_outside(path))
    with pytest.raises(Problem) as caught:
        keep_outside(path, newest(log), VKEY)
    assert caught.value.code == "ledger.fork"
    fill(log, 1)
    run(log)
    with log.read() as tx, pytest.raises(Problem) as caught:
        compare_outside(tx, read_outside(path), VKEY)
    assert caught.value.code == "ledger.fork"
    assert "signed over 600 other entries" in first(log, read_outside(path))


def test_the_copy_outside_moves_forward_only(log: Database, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    old = newest(log)
    assert read_outside(path) is None
    assert keep_outside(path, old, VKEY)
    assert not keep_outside(path, old, VKEY)
    fill(log, 1)
    run(log)
    with log.read() as tx:
        assert compare_outside(tx, None, VKEY) == "missing"
        assert compare_outside(tx, read_outside(path), VKEY) == "behind"
    assert report(log, read_outside(path)).ok
    assert keep_outside(path, newest(log), VKEY)
    assert not keep_outside(path, old, VKEY)
    assert read_outside(path) == newest(log)
    with log.read() as tx:
        assert compare_outside(tx, read_outside(path), VKEY) == "same"
    assert {item.name for item in tmp_path.iterdir()} == {"checkpoint", ".checkpoint.lock"}


def test_a_copy_outside_that_is_not_ours(log: Database, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    for junk in (b"", b"\xff\xfe", b"junk\n", newest(log).replace("600", "601").encode()):
        path.write_bytes(junk)
        with pytest.raises(Problem, match="not one of this ledger"):
            keep_outside(path, newest(log), VKEY)
        assert "kept outside of the database does not hold" in first(log, read_outside(path))


def test_the_first_of_several_alterations_is_named(log: Database) -> None:
    sql(log, "UPDATE decisions SET facts = 'Something else.'")
    sql(log, "UPDATE ledger_entries SET actor = 'staff:stf_9' WHERE idx = 400")
    rewrite(log, 300)
    assert first(log).startswith("entry 255 (decision.made")
    indexes = [finding.index for finding in report(log).findings]
    assert indexes == [255, 300, 400]


def test_progress_is_told(log: Database) -> None:
    seen: list[tuple[int, int]] = []
    with log.read() as tx:
        verify(tx, None, VKEY, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (600, 600)


# What an attacker can do with the database, and finally with the key ---------------------------


def rewrite(db: Database, index: int) -> None:
    """Alter an entry and its leaf, so that both fit each other."""
    change(db, "UPDATE ledger_entries SET kind = 'batch.forged' WHERE idx = %(index)s", index)
    with db.begin(WORKER) as tx:
        entry = entries(tx, index, index + 1)[0]
        tx.run(
            "UPDATE ledger_entries SET leaf = %(l)s WHERE idx = %(i)s", l=leaf_of(entry), i=index
        )


def change(db: Database, statement: str, index: int) -> None:
    with db.begin(WORKER) as tx:
        tx.run(statement, index=index)


def set_hash(db: Database, index: int) -> None:
    """Put the hash of the altered leaf into its tile."""
    with db.begin(WORKER) as tx:
        fresh = leaf_hash(entries(tx, index, index + 1)[0].leaf)
        tx.run(
            """UPDATE ledger_tiles SET hashes = overlay(hashes placing %(h)s from %(at)s)
               WHERE level = 0 AND idx = %(tile)s""",
            h=fresh, at=index % 256 * 32 + 1, tile=index // 256,
        )  # fmt: skip


def rebuild(db: Database) -> None:
    """Make all tiles anew from the leaves."""
    with db.begin(WORKER) as tx:
        hashes = [leaf_hash(entry.leaf) for entry in entries(tx, 0, 10**6)]
        for (level, index), tile in extend({}, 0, hashes)[0].items():
            tx.run(
                "UPDATE ledger_tiles SET hashes = %(h)s WHERE level = %(l)s AND idx = %(i)s",
                h=tile, l=level, i=index,
            )  # fmt: skip


def resign(db: Database) -> None:
    """Sign every head anew over the altered entries."""
    with db.begin(WORKER) as tx:
        hashes = [leaf_hash(entry.leaf) for entry in entries(tx, 0, 10**6)]
        for row in tx.rows("SELECT size FROM ledger_checkpoints"):
            root = root_of(hashes[: row["size"]])
            note = SIGNER.sign(Checkpoint(SIGNER.name, row["size"], root).text)
            tx.run(
                "UPDATE ledger_checkpoints SET root = %(r)s, note = %(n)s WHERE size = %(s)s",
                r=root, n=note, s=row["size"],
            )  # fmt: skip


def roll_back(db: Database) -> None:
    """Bring back the database as it was under the head of 500 entries."""
    with db.begin(WORKER) as tx:
        tx.run("DELETE FROM ledger_checkpoints WHERE size > 500")
        tx.run("DELETE FROM ledger_entries WHERE idx >= 500")
        hashes = [leaf_hash(entry.leaf) for entry in entries(tx, 0, 500)]
        tx.run("DELETE FROM ledger_tiles")
        verbs._store_tiles(tx, extend({}, 0, hashes)[0])
