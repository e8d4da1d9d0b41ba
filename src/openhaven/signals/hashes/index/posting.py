"""The compiled loops that lay hashes into the ring: put bits in order, sort chunk by chunk.

Written at random into all postings, ten million rows would wait for memory at each of them. So
`post` deals them out by their value's high bits first, to as many heaps as the nearest cache can
take lines of, and then sorts each heap, which fits the second cache.
"""

from typing import Any

import numpy as np

from openhaven.signals.hashes.index.fields import row_at, take
from openhaven.signals.hashes.index.machine import compiled, inlined

_KEY, _SKETCH = np.uint64(48), np.uint64(32)  # places in a dealt word, above the row


@compiled
def shuffle(given: Any, tables: Any, words: Any) -> Any:
    """Write the bits of each hash, (n, 32) bytes, in another order, by a table for each byte."""
    for row in range(len(given)):
        a = b = c = d = np.uint64(0)
        for place in range(32):
            entry = np.int64(given[row, place])
            a |= tables[place, entry, 0]
            b |= tables[place, entry, 1]
            c |= tables[place, entry, 2]
            d |= tables[place, entry, 3]
        words[row, 0] = a
        words[row, 1] = b
        words[row, 2] = c
        words[row, 3] = d


@compiled
def post(hashes: Any, place: Any, offsets: Any, posts: Any, sketches: Any, room: Any) -> Any:
    """Sort the rows of one chunk by its value: offsets of the buckets, rows and sketches in order.

    `place` holds the chunk's first bit and width, its sketch's, the place of its offsets, that of
    its postings, the bytes of one, and how many high bits (of at least width - 16) make a heap.
    `room` is for a word a row.
    """
    width, base, high = place[1], place[4], place[7]
    low = width - high
    starts = np.zeros((1 << high) + 1, np.int64)
    for row in range(len(hashes)):
        a, b, c, d = hashes[row, 0], hashes[row, 1], hashes[row, 2], hashes[row, 3]
        starts[np.int64(take(a, b, c, d, place[0], width) >> np.uint64(low)) + 1] += 1
    largest = starts.max()
    for heap in range(1 << high):
        starts[heap + 1] += starts[heap]
    _deal(hashes, place, starts[:-1].copy(), room)
    ends = np.empty((1 << low) + 1, np.int64)
    heaped = np.empty(largest, np.uint64)
    for heap in range(1 << high):
        first, last = starts[heap], starts[heap + 1]
        _sort(room, first, last, ends, offsets, base + (heap << low), heaped)
        _write(heaped, last - first, place[5] + first, place[6], sketches, posts)
    offsets[base + (1 << width)] = len(hashes)


@inlined
def _deal(hashes: Any, place: Any, heads: Any, room: Any) -> Any:
    """Write (low bits of the value, sketch, row) of every row behind the head of its heap."""
    start, width, follows, cover = place[0], place[1], place[2], place[3]
    low = np.uint64(width - place[7])
    mask = (np.uint64(1) << low) - np.uint64(1)
    for row in range(len(hashes)):
        a, b, c, d = hashes[row, 0], hashes[row, 1], hashes[row, 2], hashes[row, 3]
        value = take(a, b, c, d, start, width)
        sketch = take(a, b, c, d, follows, cover)
        heap = np.int64(value >> low)
        room[heads[heap]] = (value & mask) << _KEY | sketch << _SKETCH | np.uint64(row)
        heads[heap] += 1


@inlined
def _sort(room: Any, first: Any, last: Any, ends: Any, offsets: Any, here: Any, heaped: Any) -> Any:
    """Sort one heap by value into `heaped`, rows in order; write the offsets of its buckets."""
    ends[:] = 0
    for at in range(first, last):
        ends[np.int64(room[at] >> _KEY) + 1] += 1
    total = first
    for bucket in range(len(ends) - 1):  # each end is moved on by what is put into its bucket
        number = ends[bucket + 1]
        offsets[here + bucket] = total
        ends[bucket + 1] = total - first
        total += number
    for at in range(first, last):
        word = room[at]
        bucket = int(word >> _KEY) + 1
        heaped[ends[bucket]] = word
        ends[bucket] += 1


@inlined
def _write(heaped: Any, count: Any, begin: Any, size: Any, sketches: Any, posts: Any) -> Any:
    for number in range(count):
        sketches[begin + number] = np.uint16(heaped[number] >> _SKETCH)
    at = begin * size
    if size == 3:
        for number in range(count):
            word = np.uint32(heaped[number])
            posts[at] = word & 255
            posts[at + 1] = (word >> 8) & 255
            posts[at + 2] = (word >> 16) & 255
            at += 3
    else:
        for number in range(count):
            word = np.uint32(heaped[number])
            posts[at] = word & 255
            posts[at + 1] = (word >> 8) & 255
            posts[at + 2] = (word >> 16) & 255
            posts[at + 3] = word >> 24
            at += 4


@compiled
def doubtful(offsets: Any, buckets: Any, posts: Any, size: Any, sketches: Any, rows: Any) -> Any:
    """Write the rows that share the first chunk's bucket and sketch with another; return how many.

    All hashes that are the same are among them.
    """
    seen = np.zeros(65536, np.uint8)
    count = 0
    for bucket in range(buckets):
        begin, finish = np.int64(offsets[bucket]), np.int64(offsets[bucket + 1])
        again = False
        for place in range(begin, finish):
            old = seen[sketches[place]]
            again |= old == 1
            seen[sketches[place]] = min(old + 1, 2)
        if again:
            for place in range(begin, finish):
                if seen[sketches[place]] == 2:
                    rows[count] = row_at(posts, size, place)
                    count += 1
        for place in range(begin, finish):
            seen[sketches[place]] = 0
    return count
