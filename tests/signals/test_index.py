"""The index finds exactly what a comparison with every hash finds, whatever is done to it."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from openhaven.signals.hashes import Matches, PdqIndex
from openhaven.signals.hashes.index import finding, segment

Hashes = NDArray[np.uint8]
Rows = list[tuple[int, int, int]]


def uniform(seed: int, count: int) -> Hashes:
    return np.random.default_rng(seed).integers(1, 256, (count, 32), dtype=np.uint8)


def flipped(hashes: Hashes, bits: NDArray[np.int64], seed: int) -> Hashes:
    """Return copies in which as many bits as told were turned round."""
    drawn = np.random.default_rng(seed).random((len(hashes), 256)).argsort(axis=1)
    return hashes ^ np.packbits(drawn < bits[:, None], axis=1)


def alike(seed: int, count: int) -> Hashes:
    """Return hashes that all lie within a few bits of one."""
    one = np.repeat(uniform(seed, 1), count, axis=0)
    return flipped(one, np.random.default_rng(seed).integers(0, 30, count), seed)


def doubled(seed: int, count: int) -> Hashes:
    """Return few hashes, each many times."""
    return uniform(seed, 5)[np.random.default_rng(seed).integers(0, 5, count)]


def skewed(seed: int, count: int) -> Hashes:
    """Return hashes of which most bits are the same in all."""
    hashes = uniform(seed, count)
    hashes[:, :24] = hashes[:1, :24]
    return hashes


def families(seed: int, count: int) -> Hashes:
    """Return hashes in groups of near relatives, 0 to 60 bits apart."""
    ancestors = uniform(seed, 7)[np.random.default_rng(seed).integers(0, 7, count)]
    return flipped(ancestors, np.random.default_rng(seed).integers(0, 61, count), seed)


KINDS: list[Callable[[int, int], Hashes]] = [uniform, alike, doubled, skewed, families]


def compared(hashes: Hashes, ids: NDArray[np.int64], queries: Hashes, radius: int) -> Rows:
    """Return what comparing everything with everything finds."""
    rows = set()
    for number, query in enumerate(queries):
        far = np.bitwise_count(hashes ^ query).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(far <= radius)
        rows |= {(number, int(far[row]), int(ids[row])) for row in near}
    return sorted(rows)


def rows_of(found: Matches) -> Rows:
    return list(zip(found.query.tolist(), found.distance.tolist(), found.id.tolist(), strict=True))


def queries_for(hashes: Hashes, radius: int, seed: int, count: int = 12) -> Hashes:
    """Return hashes near those given, at the radius, next to it, and anywhere below it."""
    chosen = hashes[np.random.default_rng(seed).integers(0, len(hashes), count)]
    bits = np.random.default_rng(seed).integers(0, radius + 2, count)
    bits[:4] = (radius, min(radius + 1, 256), 0, radius)
    return np.concatenate([flipped(chosen, bits, seed), uniform(seed + 1, 2)])


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    count=st.integers(1, 400),
    radius=st.integers(0, 60),
    chunks=st.sampled_from([None, 16, 18, 21, 29]),
    seed=st.integers(0, 2**32),
)
@example(kind=families, count=300, radius=31, chunks=16, seed=1)
@example(kind=uniform, count=1, radius=255, chunks=None, seed=1)
def test_every_radius_finds_exactly_what_a_scan_finds(
    kind: Callable[[int, int], Hashes], count: int, radius: int, chunks: int | None, seed: int
) -> None:
    hashes = kind(seed, count)
    ids = np.random.default_rng(seed).integers(-50, 2**40, count)
    queries = queries_for(hashes, radius, seed)
    index = PdqIndex.build(hashes, ids, chunks=chunks, threads=1)
    found = index.search(queries, radius, limit=1_000_000)
    assert rows_of(found) == compared(hashes, ids, queries, radius)
    assert found.capped.size == 0


@pytest.mark.parametrize("radius", [0, 8, 23, 31, 40, 47])
def test_wide_chunks_are_exact(radius: int) -> None:
    hashes = families(radius, 3_000)
    index = PdqIndex.build(hashes, chunks=12)
    queries = queries_for(hashes, radius, 5, 60)
    wanted = compared(hashes, np.arange(3_000), queries, radius)
    assert rows_of(index.search(queries, radius, threads=2)) == wanted


@pytest.mark.parametrize("heap", [1, 7, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_in_many_heaps_or_few_make_the_same_index(
    kind: Callable[[int, int], Hashes], heap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = kind(9, 900)
    for chunks in (12, 16, 32):
        plain = PdqIndex.build(hashes, chunks=chunks)._state.main
        with monkeypatch.context() as patched:
            patched.setattr(segment, "_HEAP", heap)
            heaped = PdqIndex.build(hashes, chunks=chunks)._state.main
        for one, other in zip(plain[1:], heaped[1:], strict=True):
            assert (one == other).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("radius", [0, 15, 31, 40])
def test_a_sweep_finds_what_single_lookups_find(
    kind: Callable[[int, int], Hashes], radius: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few queries, which read a part of the postings, and so many that all are read."""
    hashes = kind(3, 4_000)
    index = PdqIndex.build(hashes, chunks=16)
    for count in (20, 700):
        queries = queries_for(hashes, radius, 8, count)
        monkeypatch.setattr(finding, "SWEEP_QUERIES", 10_000)
        wanted = index.search(queries, radius, limit=50)
        monkeypatch.setattr(finding, "SWEEP_QUERIES", 2)
        monkeypatch.setattr(finding, "SWEEP_ROWS", 1)
        for threads in (1, 3):
            swept = index.search(queries, radius, threads=threads, limit=50)
            assert swept.capped.tolist() == wanted.capped.tolist()
            capped = np.isin(wanted.query, wanted.capped)
            assert [row for row in rows_of(swept) if row[0] not in wanted.capped] == [
                row for row, over in zip(rows_of(wanted), capped, strict=True) if not over
            ]


@settings(deadline=None, max_examples=30)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["add", "again", "remove", "merge"]), st.integers(0, 2**20)),
        min_size=1,
        max_size=12,
    ),
    radius=st.sampled_from([0, 15, 31, 47]),
)
def test_what_is_added_and_removed_counts_at_once(
    steps: list[tuple[str, int]], radius: int
) -> None:
    hashes = families(3, 40)
    living = [(one.tobytes(), number) for number, one in enumerate(hashes)]
    index = PdqIndex.build(hashes, threads=1)
    queries = queries_for(hashes, radius, 4)
    for verb, seed in steps:
        if verb == "merge":
            index.merge()
        elif verb == "remove":
            gone = np.random.default_rng(seed).integers(0, 90, 7)
            index.remove(gone)
            living = [pair for pair in living if pair[1] not in gone]
        else:
            more = families(3 if verb == "again" else seed, 9)
            ids = np.random.default_rng(seed).integers(0, 90, 9)
            assert index.add(more, ids) == ()
            living += [(one.tobytes(), int(number)) for one, number in zip(more, ids, strict=True)]
        now = np.frombuffer(b"".join(one for one, _ in living), np.uint8).reshape(-1, 32)
        wanted = compared(
            now, np.array([number for _, number in living], np.int64), queries, radius
        )
        assert rows_of(index.search(queries, radius)) == wanted
        kept, numbers = index.pairs()
        assert sorted((one.tobytes(), int(number)) for one, number in
                      zip(kept, numbers, strict=True)) == sorted(living)  # fmt: skip
        assert len(index) == len(living)


def test_queries_go_on_while_it_is_merged() -> None:
    hashes = uniform(1, 3_000)
    steady = flipped(hashes[:50], np.arange(50) % 32, 2)
    index = PdqIndex.build(hashes, threads=1)
    wanted = rows_of(index.search(steady))
    done, wrong = threading.Event(), []

    def ask() -> None:
        while not done.is_set():
            if rows_of(index.search(steady)) != wanted:
                wrong.append(1)

    def change(writer: int) -> None:
        for turn in range(12):
            ids = np.arange(20) + 100_000 * (writer + 1) + 20 * turn
            index.add(uniform(1000 * writer + turn + 9, 20), ids)
            if turn % 3 == 2:
                index.remove(ids[:10])
                index.merge()

    asking = [threading.Thread(target=ask) for _ in range(2)]
    changing = [threading.Thread(target=change, args=(writer,)) for writer in range(2)]
    for thread in asking + changing:
        thread.start()
    for thread in changing:
        thread.join()
    done.set()
    for thread in asking:
        thread.join()
    assert wrong == []
    assert len(index) == 3_000 + 2 * (12 * 20 - 4 * 10)


def test_it_merges_by_itself() -> None:
    index = PdqIndex.build(uniform(1, 100), merge_after=50)
    index.add(uniform(2, 60), np.arange(60) + 1000)
    for thread in threading.enumerate():
        if thread.name == "pdq-index-merge":
            thread.join()
    assert index.pending == 0
    assert len(index.match_hex(uniform(2, 60)[7].tobytes().hex())) == 1


@pytest.mark.parametrize("limit", [1, 10, 400])
def test_a_query_with_too_many_matches_says_so(limit: int) -> None:
    index = PdqIndex.build(np.concatenate([alike(1, 500), doubled(2, 500)]))
    index.add(alike(1, 200), np.arange(200) + 5_000)
    found = index.search(
        np.concatenate([alike(1, 1), uniform(77, 1), doubled(2, 1)]), 47, limit=limit
    )
    assert np.bincount(found.query).tolist() == [
        limit,
        0,
        min(limit, int((found.query == 2).sum())),
    ]
    assert 0 in found.capped
    assert 1 not in found.capped


def test_dead_entries_do_not_crowd_out_living_ones() -> None:
    hashes = alike(1, 300)
    index = PdqIndex.build(hashes)
    index.remove(np.arange(299))
    found = index.search(hashes[:1], 60, limit=5)
    assert found.id.tolist() == [299]
    assert found.capped.size == 0


def test_a_flood_of_one_kind_is_found_by_a_scan() -> None:
    """Everything shares two chunks with the query and nothing else: each would be looked at."""
    hashes = uniform(1, 40_000)
    query = uniform(2, 1)
    ring = PdqIndex.build(query, chunks=16)
    words = ring.pairs()[0]
    assert words.tobytes() == query.tobytes()
    near = flipped(np.repeat(query, 40_000, axis=0), np.full(40_000, 40), 3)
    near[::2] = hashes[::2]
    index = PdqIndex.build(near, chunks=16)
    assert rows_of(index.search(query, 39)) == compared(near, np.arange(40_000), query, 39)
    wanted = compared(near, np.arange(40_000), query, 40)
    assert rows_of(index.search(query, 40, limit=50_000)) == wanted


def test_useless_hashes_are_refused_with_a_reason() -> None:
    hashes = uniform(1, 4)
    hashes[2] = 0
    index = PdqIndex.build(hashes, [5, 6, 7, 8], quality=[50, 49, 100, 90])
    assert [(one.place, one.reason.split(";")[0]) for one in index.refused] == [
        (1, "quality 49 is under 50"),
        (2, "all bits are zero"),
    ]
    assert sorted(index.pairs()[1].tolist()) == [5, 8]
    assert [one.place for one in index.add(hashes, [1, 2, 3, 4])] == [2]
    assert len(index) == 5


def test_one_lookup_by_hexadecimal_digits() -> None:
    hashes = uniform(1, 1_000)
    index = PdqIndex.build(hashes, np.arange(1_000) + 7)
    (near,) = flipped(hashes[5:6], np.array([9]), 3)
    assert index.match_hex(near.tobytes().hex()) == [(12, 9)]
    assert index.match_hex(near.tobytes().hex().upper()) == [(12, 9)]
    assert index.match_hex(near.tobytes().hex(), radius=8) == []
    for wrong in ("", "ab", "zz" * 32, near.tobytes().hex() + "00"):
        with pytest.raises(ValueError, match=r"hex|digits"):
            index.match_hex(wrong)


def test_arrays_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        PdqIndex.build(np.zeros((3, 31), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        PdqIndex.build(np.zeros((3, 32), np.int64))
    with pytest.raises(ValueError, match="id"):
        PdqIndex.build(uniform(1, 3), [1, 2])
    with pytest.raises(ValueError, match="quality"):
        PdqIndex.build(uniform(1, 3), quality=[1])
    with pytest.raises(ValueError, match="chunks"):
        PdqIndex.build(uniform(1, 3), chunks=8)
    with pytest.raises(ValueError, match="radius"):
        PdqIndex.build(uniform(1, 3)).search(uniform(1, 1), 300)


def test_an_index_may_be_empty() -> None:
    index = PdqIndex.build(np.zeros((0, 32), np.uint8))
    assert index.search(uniform(1, 3)).id.size == 0
    assert index.search(np.zeros((0, 32), np.uint8)).id.size == 0
    index.merge()
    index.add(uniform(1, 1), [4])
    index.remove([4, 5])
    index.merge()
    assert len(index) == 0


def test_a_large_batch_is_swept_exactly() -> None:
    count = 210_000
    hashes = uniform(4, count)
    hashes[1_000:1_400] = alike(9, 400)
    hashes[2_000:2_100] = hashes[1_000]
    ids = np.random.default_rng(1).permutation(count).astype(np.int64) * 3
    index = PdqIndex.build(hashes, ids)
    assert index.nbytes / count < 150
    queries = flipped(hashes[:1_500], np.arange(1_500) % 33, 6)
    alone = [rows_of(index.search(queries[row : row + 1])) for row in range(0, 1_500, 50)]
    for threads in (1, 2):
        found = index.search(queries, threads=threads)
        assert sorted(zip(found.query, found.distance, found.id, strict=True)) == rows_of(found)
        for place, row in enumerate(range(0, 1_500, 50)):
            mine = [(0, far, one) for query, far, one in rows_of(found) if query == row]
            assert mine == alone[place]
    few = index.search(queries, limit=10)
    assert np.bincount(few.query, minlength=1_500).max() == 10
    assert few.capped.tolist() == np.flatnonzero(np.bincount(found.query) > 10).tolist()
    rows = [7, 1_000, 1_010, 1_499]
    wanted = compared(hashes, ids, queries[rows], 31)
    assert rows_of(index.search(queries[rows])) == wanted


def test_the_compiler_is_not_loaded_before_it_is_needed() -> None:
    code = """
import sys
import openhaven.main, openhaven.signals.hashes
assert "numba" not in sys.modules
openhaven.signals.hashes.PdqIndex
assert "numba" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


@pytest.mark.slow
def test_plain_code_finds_the_same() -> None:
    """On a processor without the vector instructions, and where nothing can be kept on disk."""
    chosen = "every_radius or added_and_removed or flood or hexadecimal"
    command = [sys.executable, "-m", "pytest", "-k", chosen, __file__]
    env = os.environ | {"OPENHAVEN_PLAIN": "1"}
    subprocess.run(command, check=True, env=env, timeout=300)


@pytest.mark.slow
def test_a_million_agrees_with_a_scan() -> None:
    hashes = uniform(11, 1_000_000)
    index = PdqIndex.build(hashes)
    assert index.nbytes <= 130 * 1_000_000
    chosen = np.random.default_rng(1).integers(0, 1_000_000, 2_000)
    queries = np.concatenate([flipped(hashes[chosen], np.arange(2_000) % 32, 3), uniform(12, 200)])
    found = index.search(queries, threads=2)
    scanned = index.search(queries[::20], 60)
    near = scanned.distance <= 31
    expected = sorted(zip(scanned.query[near] * 20, scanned.distance[near], scanned.id[near],
                          strict=True))  # fmt: skip
    assert [row for row in rows_of(found) if row[0] % 20 == 0] == expected
    assert set(zip(range(2_000), chosen.tolist(), strict=True)) <= set(
        zip(found.query.tolist(), found.id.tolist(), strict=True)
    )
