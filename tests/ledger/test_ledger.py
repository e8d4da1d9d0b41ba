"""Appending, sequencing, sealing and erasing on a real database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import msgspec
import psycopg
import pytest
from ledger_scene import NOW, SIGNER, VKEY, WORKER, decide, fill, ground, report, run, run_all

from openhaven.core import Actor, Problem
from openhaven.ledger import (
    New,
    ProofError,
    append,
    append_many,
    check_receipt,
    destroy_salt,
    destroy_salts,
    head,
    open_checkpoint,
    receipt,
    sequence,
    signer_from,
    store,
    tree,
    verify,
)
from openhaven.storage import Database


def test_an_entry_is_part_of_the_callers_transaction(db: Database) -> None:
    with db.begin(WORKER, NOW) as tx:
        append(tx, "batch.walked", {"events": "1"})
        tx.connection.rollback()
    assert run(db) == 0
    fill(db, 1)
    assert run(db) == 1


def test_the_leaf_holds_exactly_the_public_members(db: Database) -> None:
    ground(db)
    with db.begin(Actor("staff", "stf_1"), NOW) as tx:
        plain = append(tx, "media.revealed", {"media": "med_1", "case": "cas_1"})
        decision = decide(tx)
    with db.read() as tx:
        entry = store.entry(tx, plain)
        sealed = next(e for e in store.unsequenced(tx, "", 10) if e.row_id == decision)
    assert entry is not None
    assert entry.leaf == (
        b'{"actor":"staff:stf_1","at":"2026-11-21T20:00:00Z","id":"' + plain.encode()
        + b'","ids":{"case":"cas_1","media":"med_1"},"kind":"media.revealed","v":1}'
    )  # fmt: skip
    members = msgspec.json.decode(sealed.leaf)
    assert sealed.commitment is not None
    assert members["commitment"] == sealed.commitment.hex()
    assert members["row"] == f"decisions@2:{decision}"
    assert b"Posted" not in sealed.leaf


BAD = [
    New("Decision Made", {}),
    New("", {}),
    New("a..b", {}),
    New("a", {"note": "two words"}),
    New("a", {"mail": "someone@example.com"}),
    New("a", {"empty": ""}),
    New("a", {"long": "x" * 200}),
    New("a", {"nul": "a\0b"}),
    New("a", {"Bad Name": "x"}),
    New("a", {}, ("staff", "stf_1")),
    New("a", {}, ("decisions; drop table staff", "x")),
    New("a", {f"n{number}": "x" * 160 for number in range(500)}),
]


def test_texts_and_unknown_tables_never_reach_the_ledger(db: Database) -> None:
    for bad in BAD:
        with pytest.raises(ValueError, match=r"ledger|entry|id|table"), db.begin(WORKER) as tx:
            append_many(tx, [New("a", {}), bad])
    for actor in (Actor("staff", "Jo Doe"), Actor("person", "jo@example.com"), Actor("rule", "")):
        with pytest.raises(ValueError, match="actor"), db.begin(actor) as tx:
            append(tx, "a", {})
    assert report(db).pending == 0


def test_a_row_must_exist_to_be_sealed(db: Database) -> None:
    with pytest.raises(LookupError, match="dec_nowhere"), db.begin(WORKER) as tx:
        append(tx, "decision.made", {}, ("decisions", "dec_nowhere"))


def test_the_same_row_gets_another_commitment_each_time(db: Database) -> None:
    ground(db)
    with db.begin(WORKER, NOW) as tx:
        for _ in range(2):
            append(tx, "pack.loaded", {"pack": "f00d"}, ("packs", "f00d"))
        found = store.unsequenced(tx, "", 10)
    assert len({entry.commitment for entry in found}) == 2
    assert report(db).rows == 2


def test_order_is_gap_free_and_heads_continue_each_other(db: Database) -> None:
    notes = []
    for count in (1, 2, 254, 300, 3):
        fill(db, count)
        assert run(db) == count
        with db.read() as tx:
            newest = head(tx)
            assert newest is not None
            notes.append(open_checkpoint(newest.note, VKEY))
    with db.read() as tx:
        read = store.tree(tx)
        for old, new in pairwise(notes):
            proof = tree.consistency_proof(read, old.size, new.size)
            tree.verify_consistency(old.size, new.size, old.root, new.root, proof)
        assert [row["idx"] for row in tx.rows("SELECT idx FROM ledger_entries ORDER BY idx")] == (
            list(range(560))
        )
    assert report(db, None).ok


def test_a_small_limit_leaves_the_rest_for_the_next_turn(db: Database) -> None:
    fill(db, 25)
    assert [run(db, 10) for _ in range(4)] == [10, 10, 5, 0]
    found = report(db)
    assert found.ok
    assert (found.size, found.checkpoints) == (25, 4)


def test_an_idle_turn_writes_nothing_but_the_very_first_head(db: Database) -> None:
    assert run(db) == 0
    with db.read() as tx:
        first = head(tx)
    assert first is not None
    assert open_checkpoint(first.note, VKEY).size == 0
    assert run(db) == 0
    with db.read() as tx:
        assert tx.value("SELECT count(*) FROM ledger_checkpoints") == 1
        assert tx.value("SELECT count(*) FROM ledger_tiles") == 0
    assert report(db).ok


def test_an_entry_that_commits_late_gets_a_later_place(db: Database) -> None:
    early = threading.Event()
    done = threading.Event()

    def slow() -> str:
        with db.begin(WORKER, NOW) as tx:
            made = append(tx, "late", {})
            early.set()
            assert done.wait(300)
            return made

    with ThreadPoolExecutor() as pool:
        late = pool.submit(slow)
        assert early.wait(300)
        fill(db, 3)
        assert run(db) == 3
        done.set()
        made = late.result()
    assert run(db) == 1
    with db.read() as tx:
        entry = store.entry(tx, made)
    assert entry is not None
    assert entry.idx == 3
    assert report(db).ok


def test_two_sequencers_and_many_writers_at_once(db: Database) -> None:
    stop = threading.Event()

    def write(number: int) -> int:
        for _ in range(20):
            fill(db, 5, Actor("system", f"writer-{number}"))
        return 100

    def order() -> int:
        placed = 0
        while not stop.is_set():
            placed += run(db, 40)
        return placed

    with ThreadPoolExecutor() as pool:
        sequencers = [pool.submit(order) for _ in range(2)]
        written = sum(pool.map(write, range(3)))
        while True:
            with db.read() as tx:
                if tx.value("SELECT count(*) FROM ledger_entries WHERE idx IS NULL") == 0:
                    break
        stop.set()
        assert sum(each.result() for each in sequencers) == written == 300
    found = report(db)
    assert found.ok, str(found)
    assert found.size == 300


def test_a_sequencer_that_waits_for_another_does_nothing(db: Database) -> None:
    fill(db, 3)
    with db.begin(WORKER) as first, db.begin(WORKER) as second:
        assert sequence(first, SIGNER) == 3
        assert sequence(second, SIGNER) == 0


def test_the_sequencer_signs_nothing_over_an_altered_tree(db: Database) -> None:
    fill(db, 5)
    run(db)
    fill(db, 1)
    for attack in (
        "UPDATE ledger_tiles SET hashes = sha256(hashes) || substr(hashes, 33) WHERE level = 0",
        "DELETE FROM ledger_tiles",
        "UPDATE ledger_checkpoints SET root = sha256('x') WHERE size = 5",
        "UPDATE ledger_checkpoints SET note = replace(note, '5', '6') WHERE size = 5",
        "DELETE FROM ledger_checkpoints WHERE size = 5",
    ):
        with db.begin(WORKER) as tx:
            tx.run(attack)
            with pytest.raises(Problem, match="altered"):
                sequence(tx, SIGNER)
            tx.connection.rollback()
    assert run(db) == 1
    assert report(db).ok


def test_the_sequencer_refuses_another_key(db: Database) -> None:
    fill(db, 1)
    run(db)
    fill(db, 1)
    with pytest.raises(Problem, match="not signed by"), db.begin(WORKER) as tx:
        sequence(tx, signer_from(bytes(32)))


def test_an_erased_row_says_nothing_and_everything_still_verifies(db: Database) -> None:
    ground(db)
    with db.begin(WORKER, NOW) as tx:
        decisions = [decide(tx) for _ in range(3)]
    run(db)
    with db.begin(Actor("system", "retention"), NOW) as tx:
        assert destroy_salt(tx, "decisions", decisions[1]) == 1
        assert destroy_salt(tx, "decisions", decisions[1]) == 0
        tx.run("DELETE FROM decisions WHERE id = %(id)s", id=decisions[1])
    before = report(db)
    run_all(db)
    after = report(db)
    assert before.ok, str(before)
    assert after.ok, str(after)
    assert (after.size, after.rows, after.erased) == (4, 2, 1)
    with db.read() as tx:
        entry = store.entries(tx, 3, 4)[0]
        assert (entry.kind, entry.ids) == ("erasure", {"table": "decisions", "row": decisions[1]})
        assert tx.value("SELECT count(*) FROM ledger_entries WHERE salt IS NOT NULL") == 2
        check_receipt(receipt(tx, store.entries(tx, 1, 2)[0].id), VKEY)


def test_many_rows_are_erased_with_an_entry_each(db: Database) -> None:
    ground(db)
    with db.begin(WORKER, NOW) as tx:
        decisions = [decide(tx) for _ in range(5)]
        assert destroy_salts(tx, "decisions", decisions[:4]) == 4
    run(db)
    found = report(db)
    assert found.ok, str(found)
    assert (found.size, found.erased, found.rows) == (9, 4, 1)


def test_columns_that_may_change_do_not_disturb(db: Database) -> None:
    ground(db)
    with db.begin(WORKER, NOW) as tx:
        decide(tx)
        tx.run("UPDATE decisions SET state = 'expired'")
    assert report(db).ok


def test_time_zone_and_style_of_the_session_do_not_matter(db: Database) -> None:
    ground(db)
    with db.begin(WORKER, NOW) as tx:
        tx.run("SET LOCAL TimeZone = 'Asia/Kathmandu'")
        tx.run("SET LOCAL DateStyle = 'ISO, DMY'")
        tx.run("SET LOCAL bytea_output = 'escape'")
        decide(tx)
    assert report(db).rows == 1


def test_a_receipt_needs_nothing_but_the_public_key(db: Database) -> None:
    ids = fill(db, 300)
    run(db)
    with db.read() as tx:
        text = receipt(tx, ids[7])
    proven = check_receipt(text, VKEY)
    assert proven.fields["id"] == ids[7]
    assert proven.checkpoint.size == 300
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra ")
    without = "\n".join(line for line in text.split("\n") if not line.startswith("extra "))
    assert check_receipt(without, VKEY, proven.leaf) == proven
    assert check_receipt(text, VKEY, proven.leaf) == proven


def test_an_altered_receipt_proves_nothing(db: Database) -> None:
    ids = fill(db, 9)
    run(db)
    with db.read() as tx:
        text, other = receipt(tx, ids[3]), receipt(tx, ids[4])
    leaf = check_receipt(other, VKEY).leaf
    lines = text.split("\n")
    extra = next(line for line in lines if line.startswith("extra "))
    index = next(line for line in lines if line.startswith("index "))
    for bad in (
        "", "not a proof at all", "c2sp.org/tlog-proof@v1\n",
        text.replace("@v1", "@v2"),
        text.replace(index, "index 08"), text.replace(index, f"{index} "),
        text.replace(index, "index 100"), text.replace(index, "index notanumber"),
        text.replace(index, "index -1"),
        text.replace(extra, "extra !!"), text.replace(extra, f"{extra}\n{extra}"),
        text.replace(f"{extra}\n", ""), text.replace(f"{lines[3]}\n", ""),
        text.replace(lines[3], f"{lines[3]}\n{lines[3]}"), text.replace(lines[3], lines[3][:-4]),
        text.replace("\n\n", "\n", 1), text + "trailing\n", text[:-2], text.replace("\n", "\r\n"),
        text.replace(lines[3], f"{lines[3]}\n" * 70),
    ):  # fmt: skip
        with pytest.raises(ProofError):
            check_receipt(bad, VKEY)
    with pytest.raises(ProofError):
        check_receipt(text, signer_from(bytes(32)).vkey)
    with pytest.raises(ProofError):
        check_receipt(text, VKEY, leaf)


def test_no_receipt_before_the_entry_has_a_place(db: Database) -> None:
    made = fill(db, 1)[0]
    for entry, status in ((made, 409), ("led_nothing", 404)):
        with db.read() as tx, pytest.raises(Problem) as caught:
            receipt(tx, entry)
        assert caught.value.status == status


def test_verify_insists_on_an_unchanging_view(db: Database) -> None:
    with db.read() as tx:
        tx.value("SELECT 1")
        with pytest.raises(psycopg.Error):
            verify(tx, None, VKEY)
