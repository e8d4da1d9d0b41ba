"""Banks on a real database: what is added matches, what is withdrawn does not, nothing is lost."""

import random
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven.core import Problem, system
from openhaven.signals.banks import (
    BankInfo,
    Banks,
    NewEntry,
    Row,
    Snapshot,
    add_entries,
    create_bank,
    set_mode,
    withdraw_entry,
)
from openhaven.signals.banks import snapshot as snapshot_module
from openhaven.storage import Database

ME = system("test")


def value(seed: int, size: int = 32) -> bytes:
    return random.Random(seed).randbytes(size)


def flipped(original: bytes, bits: int, seed: int = 1) -> bytes:
    number = int.from_bytes(original, "big")
    for place in random.Random(seed).sample(range(256), bits):
        number ^= 1 << place
    return number.to_bytes(32, "big")


def bank(db: Database, name: str, kind: str = "pdq", **more: object) -> BankInfo:
    with db.begin(ME) as tx:
        return create_bank(
            tx, name, kind=kind, harm="other", owner="test", purpose="a test", **more
        )  # type: ignore[arg-type]


def put(db: Database, name: str, *values: bytes) -> None:
    with db.begin(ME) as tx:
        add_entries(tx, name, [NewEntry(one, None, "test") for one in values])


def refreshed(db: Database, banks: Banks) -> Banks:
    with db.read() as tx:
        banks.refresh(tx)
    return banks


def test_an_entry_matches_within_the_radius_of_its_bank(db: Database) -> None:
    bank(db, "wide", radius=31)
    bank(db, "narrow", radius=4)
    put(db, "wide", value(1))
    put(db, "narrow", value(1))
    banks = refreshed(db, Banks())
    assert [m.bank for m in banks.match("pdq", value(1))] == ["wide", "narrow"]
    near = banks.match("pdq", flipped(value(1), 31))
    assert [(m.bank, m.distance, m.provenance) for m in near] == [("wide", 31, "test")]
    assert banks.match("pdq", flipped(value(1), 32)) == []


@pytest.mark.parametrize(("kind", "size"), [("sha256", 32), ("md5", 16), ("link", 20)])
def test_exact_kinds_match_byte_by_byte(db: Database, kind: str, size: int) -> None:
    bank(db, "exact", kind=kind)
    put(db, "exact", *(value(seed, size) for seed in range(50)))
    banks = refreshed(db, Banks())
    (match,) = banks.match(kind, value(17, size))  # type: ignore[arg-type]
    assert (match.bank, match.distance) == ("exact", 0)
    assert banks.match(kind, value(99, size)) == []  # type: ignore[arg-type]


def test_a_value_that_ends_in_zeros_is_not_its_beginning(db: Database) -> None:
    bank(db, "exact", kind="md5")
    put(db, "exact", b"abcd" + bytes(12))
    banks = refreshed(db, Banks())
    assert len(banks.match("md5", b"abcd" + bytes(12))) == 1
    assert banks.match("md5", b"abcd") == []


def test_changes_are_followed_without_reading_everything(db: Database) -> None:
    bank(db, "followed")
    put(db, "followed", value(1))
    banks = refreshed(db, Banks())
    put(db, "followed", value(2))
    started = time.thread_time()
    refreshed(db, banks)
    assert time.thread_time() - started < 15
    assert len(banks.match("pdq", value(2))) == 1
    with db.begin(ME) as tx:
        withdraw_entry(tx, "followed", value(1))
    refreshed(db, banks)
    assert banks.match("pdq", value(1)) == []
    put(db, "followed", value(1))
    assert len(refreshed(db, banks).match("pdq", value(1))) == 1
    with db.read() as tx:
        assert banks.refresh(tx) is False


def test_a_bank_that_is_off_does_not_match(db: Database) -> None:
    bank(db, "moody")
    put(db, "moody", value(1))
    banks = refreshed(db, Banks())
    for mode, count in (("off", 0), ("shadow", 1), ("live", 1)):
        with db.begin(ME) as tx:
            set_mode(tx, "moody", mode)
        matches = refreshed(db, banks).match("pdq", value(1))
        assert [match.mode for match in matches] == [mode] * count


def test_a_change_that_commits_late_is_not_lost(db: Database) -> None:
    """The slow writer takes the lower number and commits after the quick one was read."""
    bank(db, "late")
    banks = refreshed(db, Banks())
    with db.begin(ME) as slow:
        add_entries(slow, "late", [NewEntry(value(1))])
        put(db, "late", value(2))
        refreshed(db, banks)
        assert banks.match("pdq", value(1)) == []
        assert len(banks.match("pdq", value(2))) == 1
        refreshed(db, banks)
    assert len(refreshed(db, banks).match("pdq", value(1))) == 1


def test_a_writer_that_was_at_work_at_the_start_is_not_lost(db: Database) -> None:
    bank(db, "early")
    with db.begin(ME) as slow:
        add_entries(slow, "early", [NewEntry(value(1))])
        put(db, "early", value(2))
        banks = refreshed(db, Banks())
    assert len(refreshed(db, banks).match("pdq", value(1))) == 1


def test_many_writers_and_one_reader_agree_in_the_end(db: Database) -> None:
    bank(db, "busy")
    banks = refreshed(db, Banks())
    done = threading.Event()

    def write(writer: int) -> None:
        for turn in range(15):
            put(db, "busy", value(1000 * writer + turn))
            if turn % 5 == 4:
                with db.begin(ME) as tx:
                    withdraw_entry(tx, "busy", value(1000 * writer + turn - 1))

    def read() -> None:
        while not done.is_set():
            refreshed(db, banks)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    refreshed(db, banks)
    fresh = refreshed(db, Banks())
    for writer in range(4):
        for turn in range(15):
            one = value(1000 * writer + turn)
            expected = 0 if turn % 5 == 3 else 1
            assert len(banks.match("pdq", one)) == len(fresh.match("pdq", one)) == expected


def test_changes_of_a_restored_database_are_not_read_for_ever(db: Database) -> None:
    bank(db, "restored")
    with db.begin(ME) as tx:
        tx.run("UPDATE bank_changes SET writer = '99999999999'::xid8")
    banks = refreshed(db, Banks())
    with db.read() as tx:
        assert banks.refresh(tx) is False


def test_what_cannot_be_used_is_refused_one_by_one(db: Database) -> None:
    bank(db, "strict")
    given_ = [
        NewEntry(value(1), 80),
        NewEntry(bytes(32), 80),
        NewEntry(value(2), 49),
        NewEntry(value(3, 31), 80),
        NewEntry(value(1), 80),
        NewEntry(value(4), None),
    ]
    with db.begin(ME) as tx:
        result = add_entries(tx, "strict", given_)
    assert (result.added, result.known) == (2, 1)
    assert [(one.place, one.reason.split(";")[0]) for one in result.refused] == [
        (1, "all bytes are the same"),
        (2, "quality 49 is under 50"),
        (3, "pdq has 32 bytes, this has 31"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "photo"}, {"harm": "rudeness"}, {"opinion": "sure"}, {"radius": 48}, {"mode": "on"}],
)
def test_a_bank_needs_known_words(db: Database, wrong: dict[str, object]) -> None:
    words: dict[str, object] = {"kind": "pdq", "harm": "other"} | wrong
    with db.begin(ME) as tx, pytest.raises(Problem):
        create_bank(tx, "wrong", owner="test", purpose="", **words)  # type: ignore[arg-type]


def test_names_are_plain_and_taken_once(db: Database) -> None:
    bank(db, "one")
    for name in ("one", "Two", "a b", "", "-a", "x" * 80):
        with db.begin(ME) as tx, pytest.raises(Problem):
            create_bank(tx, name, kind="pdq", harm="other", owner="", purpose="")


def test_withdrawing_what_is_not_there_is_a_problem(db: Database) -> None:
    bank(db, "empty")
    with db.begin(ME) as tx, pytest.raises(Problem, match="no such entry"):
        withdraw_entry(tx, "empty", value(1))
    with db.begin(ME) as tx, pytest.raises(Problem, match="no bank"):
        withdraw_entry(tx, "nowhere", value(1))


def test_every_verb_is_in_the_ledger(db: Database) -> None:
    bank(db, "told")
    put(db, "told", value(1))
    with db.begin(ME) as tx:
        set_mode(tx, "told", "shadow")
        withdraw_entry(tx, "told", value(1))
    with db.read() as tx:
        kinds = [row["kind"] for row in tx.rows("SELECT kind FROM ledger_entries ORDER BY id")]
    told = ["bank.created", "bank.entries_added", "bank.entry_withdrawn", "bank.mode"]
    assert sorted(kinds) == told


INFO = BankInfo("bnk_1", "one", "pdq", "other", "positive", 31, "live")
SMALL = BankInfo("bnk_2", "two", "pdq", "other", "positive", 7, "live")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 1)), max_size=40),
    st.integers(0, 12),
)
def test_a_snapshot_that_was_changed_equals_one_built_anew(
    steps: list[tuple[int, bool, int]], merge_after: int
) -> None:
    infos = [INFO, SMALL]
    before = snapshot_module.MERGE_AFTER
    snapshot_module.MERGE_AFTER = merge_after
    try:
        state: dict[int, Row] = {}
        shot = Snapshot.of(infos, [])
        for seed, there, which in steps:
            number = 2 * seed + which
            row = Row(number, infos[which].id, value(seed), None, "p")
            if there:
                state[number] = row
            else:
                state.pop(number, None)
            shot = shot.changed(infos, {number}, [row] if there else [])
    finally:
        snapshot_module.MERGE_AFTER = before
    anew = Snapshot.of(infos, state.values())
    assert len(shot) == len(anew) == len(state)
    for seed in range(31):
        asked = flipped(value(seed), seed % 12, seed)
        assert shot.match("pdq", asked) == anew.match("pdq", asked)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(0, 2**32))
def test_the_scan_finds_what_counting_bits_finds(bits: int, seed: int) -> None:
    rows = [Row(number, "bnk_1", value(number), None, "p") for number in range(60)]
    asked = flipped(rows[seed % 60].value, bits, seed)
    expected = sorted(
        (distance, row.id)
        for row in rows
        if (
            distance := (
                int.from_bytes(row.value, "big") ^ int.from_bytes(asked, "big")
            ).bit_count()
        )
        <= 31
    )
    found = Snapshot.of([INFO], rows).match("pdq", asked)
    assert [(match.distance, match.entry) for match in found] == expected
