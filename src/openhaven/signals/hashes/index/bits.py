"""Hashes as the index keeps them: four 64-bit words, with the bits in one fixed other order.

Neighbouring bits of a real PDQ hash go together (they are neighbouring frequencies of one picture),
and a chunk of sixteen of them would fill some buckets far more than others. In any other order
every distance stays the same and the buckets are nearly even. The order is part of the file format.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openhaven.signals.hashes.index.posting import shuffle

Words = NDArray[np.uint64]
BYTES = 32
_BITS = 256
_MANY = 100_000
_SEED = 0x9E3779B97F4A7C15


def words_of(hashes: NDArray[np.uint8], threads: int = 1) -> Words:
    """Return hashes, (n, 32) bytes, as (n, 4) words in the index's order of bits."""
    words = np.empty((len(hashes), 4), np.uint64)
    view = np.ascontiguousarray(hashes)[:]
    view.flags.writeable = False  # compiled code is made for one kind of array
    if threads < 2 or len(view) < _MANY:
        shuffle(view, _tables(), words)
        return words
    edges = np.linspace(0, len(view), threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        for begin, end in pairwise(edges):
            pool.submit(shuffle, view[begin:end], _tables(), words[begin:end])
    return words


def words_of_one(raw: bytes) -> Words:
    """Return one hash, 32 bytes, as (1, 4) words in the index's order of bits."""
    words = np.empty((1, 4), np.uint64)
    shuffle(np.frombuffer(raw, np.uint8).reshape(1, BYTES), _tables(), words)
    return words


def hashes_of(words: Words) -> NDArray[np.uint8]:
    """Return the hashes, (n, 32) bytes, that (n, 4) words stand for."""
    bits = np.unpackbits(
        words.astype("<u8").view(np.uint8).reshape(-1, BYTES), axis=1, bitorder="little"
    )
    back = np.empty_like(bits)
    back[:, :] = bits[:, order()]
    return np.packbits(back, axis=1)


def checked(hashes: ArrayLike) -> NDArray[np.uint8]:
    """Return an array of hashes, or raise `ValueError` for another type or shape."""
    array = np.asarray(hashes)
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != BYTES:
        raise ValueError(f"hashes are uint8 (n, 32), not {array.dtype} {array.shape}")
    return array


@lru_cache(maxsize=1)
def order() -> NDArray[np.int64]:
    """Return where each bit of a hash goes: 256 different places."""
    places, state = list(range(_BITS)), _SEED
    for last in range(_BITS - 1, 0, -1):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        other = (state >> 33) % (last + 1)
        places[last], places[other] = places[other], places[last]
    return np.array(places, np.int64)


@lru_cache(maxsize=1)
def _tables() -> NDArray[np.uint64]:
    tables = np.zeros((BYTES, 256, 4), np.uint64)
    values = np.arange(256)
    for bit, place in enumerate(order().tolist()):
        held = values[(values >> (7 - bit % 8)) & 1 == 1]
        tables[bit // 8, held, place // 64] |= np.uint64(1 << place % 64)
    return tables
