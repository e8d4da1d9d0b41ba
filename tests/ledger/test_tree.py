"""The tree: published facts of RFC 6962 trees, and laws against a naive tree."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven.ledger import tree
from openhaven.ledger.tiles import Edge, Tiles, edge_root, edge_tiles, extend, reader, width_at
from openhaven.ledger.tree import ProofError

# Leaves and roots that implementations of Certificate Transparency have shared since RFC 6962.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION_5_OF_8 = [
    bytes.fromhex("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
    bytes.fromhex("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
    ROOTS[4],
]
CONSISTENCY_6_TO_8 = [
    bytes.fromhex("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"),
    bytes.fromhex("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
    ROOTS[4],
]

MOST = 300
HASHES = [tree.leaf_hash(str(number).encode()) for number in range(MOST)]


def naive(hashes: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word for word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sha256(b"\x01" + naive(hashes[:split]) + naive(hashes[split:])).digest()


def over(hashes: list[bytes]) -> tree.Reader:
    """A reader of a tree that is held in tiles."""
    tiles, _ = extend({}, 0, hashes)
    return reader(lambda level, index: tiles.get((level, index), b""))


NAIVE = [naive(HASHES[:size]) for size in range(MOST + 1)]
READ = over(HASHES)
index_and_size = st.integers(1, MOST).flatmap(
    lambda size: st.tuples(st.integers(0, size - 1), st.just(size))
)
old_and_new = st.integers(1, MOST).flatmap(lambda new: st.tuples(st.integers(1, new), st.just(new)))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert tree.root_of(map(tree.leaf_hash, LEAVES[:size])) == ROOTS[size]


def test_the_proofs_of_the_published_tree() -> None:
    read = over(list(map(tree.leaf_hash, LEAVES)))
    assert tree.inclusion_proof(read, 5, 8) == INCLUSION_5_OF_8
    assert tree.consistency_proof(read, 6, 8) == CONSISTENCY_6_TO_8
    tree.verify_inclusion(tree.leaf_hash(LEAVES[5]), 5, 8, INCLUSION_5_OF_8, ROOTS[8])
    tree.verify_consistency(6, 8, ROOTS[6], ROOTS[8], CONSISTENCY_6_TO_8)


def test_the_same_root_comes_from_leaves_tiles_and_the_edge_at_every_size() -> None:
    frontier, edge = tree.Frontier(), dict[int, bytes]()
    for size in range(MOST + 1):
        assert frontier.root() == NAIVE[size] == edge_root(edge, size)
        assert tree.range_root(READ, 0, size) == NAIVE[size]
        if size < MOST:
            frontier.push(HASHES[size])
            _, edge = extend(edge, size, [HASHES[size]])


@given(index_and_size)
def test_every_entry_can_be_proven_to_be_in_every_tree(place: tuple[int, int]) -> None:
    index, size = place
    proof = tree.inclusion_proof(READ, index, size)
    tree.verify_inclusion(HASHES[index], index, size, proof, NAIVE[size])


@given(old_and_new)
def test_every_tree_can_be_proven_to_continue_every_older_one(sizes: tuple[int, int]) -> None:
    old, new = sizes
    proof = tree.consistency_proof(READ, old, new)
    tree.verify_consistency(old, new, NAIVE[old], NAIVE[new], proof)


@given(index_and_size, st.data())
def test_a_changed_inclusion_proof_is_refused(place: tuple[int, int], data: st.DataObject) -> None:
    index, size = place
    proof = tree.inclusion_proof(READ, index, size)
    bad = data.draw(st.sampled_from(mangled(proof)))
    with pytest.raises(ProofError):
        tree.verify_inclusion(HASHES[index], index, size, bad, NAIVE[size])
    with pytest.raises(ProofError):
        tree.verify_inclusion(tree.leaf_hash(b"other"), index, size, proof, NAIVE[size])
    if size > 1:
        with pytest.raises(ProofError):
            tree.verify_inclusion(HASHES[index], (index + 1) % size, size, proof, NAIVE[size])


@given(old_and_new, st.data())
def test_a_changed_consistency_proof_is_refused(
    sizes: tuple[int, int], data: st.DataObject
) -> None:
    old, new = sizes
    proof = tree.consistency_proof(READ, old, new)
    bad = data.draw(st.sampled_from(mangled(proof)))
    for given_proof, first, second in (
        (bad, NAIVE[old], NAIVE[new]),
        (proof, HASHES[0][::-1], NAIVE[new]),
        (proof, NAIVE[old], HASHES[0][::-1]),
    ):
        with pytest.raises(ProofError):
            tree.verify_consistency(old, new, first, second, given_proof)


def mangled(proof: list[bytes]) -> list[list[bytes]]:
    """Proofs that are wrong in one thing."""
    bad = [[*proof, HASHES[0]], [HASHES[0], *proof], [*proof, b""], [*proof, b"short"]]
    if proof:
        flipped = bytes([proof[0][0] ^ 1]) + proof[0][1:]
        bad += [proof[1:], proof[:-1], [flipped, *proof[1:]]]
    if len(proof) > 1 and proof != proof[::-1]:
        bad.append(proof[::-1])
    return bad


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (0, 8), (3, 2), (-1, 4)])
def test_nothing_is_consistent_with_the_empty_or_a_longer_tree(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        tree.verify_consistency(old, new, NAIVE[max(old, 0)], NAIVE[new], [])
    with pytest.raises(ProofError):
        tree.consistency_proof(READ, old, new)


def test_two_trees_of_one_size_need_no_proof_and_take_none() -> None:
    tree.verify_consistency(5, 5, NAIVE[5], NAIVE[5], [])
    with pytest.raises(ProofError):
        tree.verify_consistency(5, 5, NAIVE[5], NAIVE[5], [HASHES[0]])
    with pytest.raises(ProofError):
        tree.verify_consistency(5, 5, NAIVE[5], NAIVE[6], [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_proof_of_an_entry_outside_of_the_tree(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        tree.inclusion_proof(READ, index, size)
    with pytest.raises(ProofError):
        tree.verify_inclusion(HASHES[0], index, size, [], NAIVE[size])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
def test_tiles_do_not_depend_on_how_the_log_grew(steps: list[int]) -> None:
    total = sum(steps)
    hashes = [tree.leaf_hash(number.to_bytes(4, "big")) for number in range(total)]
    tiles: Tiles = {}
    edge: Edge = {}
    size = 0
    for step in steps:
        fresh, edge = extend(edge, size, hashes[size : size + step])
        tiles |= fresh
        size += step
    assert tiles == extend({}, 0, hashes)[0]
    assert edge_root(edge, size) == tree.root_of(hashes)


def test_the_tiles_of_a_tree_of_70000_are_those_of_the_specification() -> None:
    tiles, _ = extend({}, 0, [bytes(32)] * 70_000)
    widths = {place: len(hashes) // 32 for place, hashes in tiles.items()}
    assert [widths[0, index] for index in (0, 272, 273)] == [256, 256, 112]
    assert [widths[1, index] for index in (0, 1)] == [256, 17]
    assert widths[2, 0] == 1
    assert len(widths) == 277
    assert edge_tiles(70_000) == [(0, 273), (1, 1), (2, 0)]
    assert all(width_at(level, index, 70_000) == width for (level, index), width in widths.items())


def test_a_tree_of_256_has_a_full_tile_and_one_hash_above() -> None:
    tiles, _ = extend({}, 0, HASHES[:256])
    assert {place: len(hashes) for place, hashes in tiles.items()} == {(0, 0): 8192, (1, 0): 32}
    assert tiles[1, 0] == NAIVE[256]


def test_an_edge_of_the_wrong_width_is_refused() -> None:
    _, edge = extend({}, 0, HASHES[:3])
    with pytest.raises(ValueError, match="should hold 4"):
        edge_root(edge, 4)


def test_a_missing_tile_is_named() -> None:
    with pytest.raises(LookupError, match="tile 0 of level 0"):
        tree.range_root(reader(lambda level, index: b""), 0, 5)
