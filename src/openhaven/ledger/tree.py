"""The Merkle tree of RFC 6962: hashing, proofs, their verification, and growth by tiles. Pure.

A node is named by `(level, index)`: the hash over the leaves `index << level` up to
`(index + 1) << level`. Whoever can answer for such perfect subtrees (a `Reader`) can have every
root and every proof computed here, so that no function needs the whole tree in memory.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
EMPTY_ROOT = sha256(b"").digest()

Reader = Callable[[int, int], bytes]


class ProofError(ValueError):
    """A proof does not show what it claims to show."""


def leaf_hash(data: bytes) -> bytes:
    """Return the 32-byte hash of one entry (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node over its two children (RFC 6962, section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def split_at(size: int) -> int:
    """Return the largest power of two smaller than `size` (2 or more)."""
    return 1 << ((size - 1).bit_length() - 1)


class Frontier:
    """The roots of the perfect subtrees on the right edge of a growing tree, biggest first.

    It is all that is needed to add leaf hashes in order and to know the root at every size.
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def push(self, leaf: bytes) -> None:
        """Add one 32-byte leaf hash at the right."""
        peaks, size = self._peaks, self.size
        while size & 1:
            leaf = node_hash(peaks.pop(), leaf)
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root at the present size; of the empty tree, the hash of nothing."""
        if not self._peaks:
            return EMPTY_ROOT
        result = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            result = node_hash(peak, result)
        return result


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes given in order."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.push(leaf)
    return frontier.root()


def perfect_root(hashes: bytes) -> bytes:
    """Return the root over a power-of-two number of concatenated 32-byte hashes."""
    row = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        pairs = iter(row)
        row = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs)]  # noqa: B905
    return row[0]


def range_root(read: Reader, begin: int, end: int) -> bytes:
    """Return the root over the leaves `begin` to `end` (exclusive) of the tree that `read` answers.

    `begin` must be a multiple of the smallest power of two that is not below `end - begin`, as
    holds for every range that the proofs of RFC 9162 ask for.
    """
    if begin == end:
        return EMPTY_ROOT
    size = end - begin
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return read(level, begin >> level)
    middle = begin + split_at(size)
    return node_hash(range_root(read, begin, middle), range_root(read, middle, end))


def inclusion_proof(read: Reader, index: int, size: int) -> list[bytes]:
    """Return the hashes that lead from leaf `index` to the root at `size`, leaf's sibling first.

    RFC 9162, section 2.1.3.1. Raises `ProofError` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} entries has no entry {index}")
    begin, end = 0, size
    proof: list[bytes] = []
    while end - begin > 1:
        middle = begin + split_at(end - begin)
        if index < middle:
            proof.append(range_root(read, middle, end))
            end = middle
        else:
            proof.append(range_root(read, begin, middle))
            begin = middle
    return proof[::-1]


def consistency_proof(read: Reader, old: int, new: int) -> list[bytes]:
    """Return the hashes that show the tree of `old` leaves to be a prefix of that of `new`.

    RFC 9162, section 2.1.4.1. Raises `ProofError` unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ProofError(f"no consistency proof leads from {old} to {new}")
    begin, end, whole = 0, new, True
    proof: list[bytes] = []
    while end != old:
        middle = begin + split_at(end - begin)
        if old <= middle:
            proof.append(range_root(read, middle, end))
            end = middle
        else:
            proof.append(range_root(read, begin, middle))
            begin, whole = middle, False
    if not whole:
        proof.append(range_root(read, begin, end))
    return proof[::-1]


def _well_formed(hashes: Iterable[bytes]) -> None:
    if any(len(item) != HASH_BYTES for item in hashes):
        raise ProofError("a proof may hold 32-byte hashes only")


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf hash `leaf` stands at `index` of the tree with `size` leaves and `root`.

    RFC 9162, section 2.1.3.2. Raises `ProofError` otherwise, also for hashes left over.
    """
    _well_formed((leaf, root, *proof))
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} entries has no entry {index}")
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("the inclusion proof is too long")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the inclusion proof is too short")
    if result != root:
        raise ProofError("the inclusion proof leads to another root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree (`old`, `old_root`) is a prefix of the tree (`new`, `new_root`).

    RFC 9162, section 2.1.4.2. Raises `ProofError` otherwise. A size of 0 is refused: every tree
    begins with the empty one, so such a proof would show nothing.
    """
    _well_formed((old_root, new_root, *proof))
    if not 0 < old <= new:
        raise ProofError(f"no consistency proof leads from {old} to {new}")
    if old == new:
        if proof or old_root != new_root:
            raise ProofError("two trees of equal size are not the same")
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofError("the consistency proof is empty")
    _climb(old - 1, new - 1, path, old_root, new_root)


def _climb(node: int, last: int, path: list[bytes], old_root: bytes, new_root: bytes) -> None:
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for item in path[1:]:
        if last == 0:
            raise ProofError("the consistency proof is too long")
        if node & 1 or node == last:
            first, second = node_hash(item, first), node_hash(item, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, item)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the consistency proof is too short")
    if first != old_root:
        raise ProofError("the consistency proof does not lead to the old root")
    if second != new_root:
        raise ProofError("the consistency proof does not lead to the new root")
