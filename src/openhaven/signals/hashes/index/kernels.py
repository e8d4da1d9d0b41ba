"""The compiled loops: look a batch up in the ring, sweep a large one through it, scan.

All of them write what they find into columns of fixed length, as (query, row, distance), and say
when these are full, so that the caller comes back with longer ones. A row is written once: a hash
that can be reached from several chunks counts for the first of them only.

Numbers read from a file (offsets, rows) are bounded before they are used: a damaged file may give
wrong answers until it is checked, never a wild read.
"""

from typing import Any

import numpy as np

from openhaven.signals.hashes.index.fields import ALL, row_at, take
from openhaven.signals.hashes.index.layout import (
    COVER,
    NEXT,
    OFFSET,
    PROBE,
    PROBES,
    START,
    THRESHOLD,
    TOTAL,
    WIDTH,
)
from openhaven.signals.hashes.index.machine import (
    LANES,
    WIDE,
    compiled,
    fetch,
    inlined,
    lowest,
    ones,
    screen,
    screen2,
)

AHEAD = 12
EARLY = 20  # more fetches than the processor has room for are as good as none
SLOTS = 16  # a power of two above AHEAD
LEAD = 7  # a sweep that reads everything asks for a 128th of it ahead
HELD = 4096  # survivors that are looked at together
FULL = -1


@inlined
def _earlier(ring: Any, chunk: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Say whether an earlier chunk finds a pair with these differing bits as well."""
    for other in range(chunk):
        if ring[other, THRESHOLD] < 0:
            continue
        far = ones(take(a, b, c, d, ring[other, START], ring[other, WIDTH]))
        if far > ring[other, THRESHOLD]:
            continue
        far += ones(take(a, b, c, d, ring[other, NEXT], ring[other, COVER]))
        if far <= ring[other, TOTAL]:
            return True
    return False


@compiled
def look_up(
    hashes: Any,
    offsets: Any,
    posts: Any,
    sketches: Any,
    ring: Any,
    chunks: Any,
    masks: Any,
    limits: Any,
    queries: Any,
    sizes: Any,
    out: Any,
    far: Any,
    capped: Any,
) -> Any:
    """Look up queries one after another; return the next query and the number of matches.

    `sizes` holds: first query, end, matches so far, radius, most matches a query, stride of a
    chunk's postings, bytes of a posting, most survivors of a query before everything is scanned.
    `out` is (2, length): query and row. The next query is before the end when `out` was full.
    """
    first, end, count, radius, most = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]
    stride, size, patience = sizes[5], sizes[6], sizes[7]
    rows, flat = len(hashes), hashes.reshape(-1)
    probes = len(chunks)
    keys = np.empty(len(ring), np.int64)
    wants = np.empty(len(ring), np.uint64)
    begins = np.zeros(SLOTS, np.int64)
    ends = np.zeros(SLOTS, np.int64)
    found = np.empty(HELD + LANES, np.int64)
    near = np.empty(HELD + LANES, np.int64)
    for query in range(first, end):
        a, b, c, d = queries[query, 0], queries[query, 1], queries[query, 2], queries[query, 3]
        for chunk in range(len(ring)):
            key = np.int64(take(a, b, c, d, ring[chunk, START], ring[chunk, WIDTH]))
            keys[chunk] = key + ring[chunk, OFFSET]
            wants[chunk] = take(a, b, c, d, ring[chunk, NEXT], ring[chunk, COVER])
        for probe in range(min(probes, EARLY)):
            chunk = chunks[probe]
            base = ring[chunk, OFFSET]
            fetch(offsets, base + ((keys[chunk] - base) ^ masks[probe]))
        before, held, survivors, state = count, 0, 0, 0
        for step in range(probes + AHEAD):
            if step + EARLY < probes:
                chunk = chunks[step + EARLY]
                base = ring[chunk, OFFSET]
                fetch(offsets, base + ((keys[chunk] - base) ^ masks[step + EARLY]))
            if step < probes:
                chunk = chunks[step]
                base = ring[chunk, OFFSET]
                bucket = base + ((keys[chunk] - base) ^ masks[step])
                begin = min(np.int64(offsets[bucket]), rows) + chunk * stride
                finish = min(np.int64(offsets[bucket + 1]), rows) + chunk * stride
                begins[step & (SLOTS - 1)] = begin
                ends[step & (SLOTS - 1)] = finish
                for line in range(begin & -LANES, min(finish, begin + 16 * LANES), LANES):
                    fetch(sketches, line)
            probe = step - AHEAD
            if probe < 0:
                continue
            begin, finish = begins[probe & (SLOTS - 1)], ends[probe & (SLOTS - 1)]
            want, limit = wants[chunks[probe]], np.uint64(limits[probe])
            for line in range(begin & -LANES, finish, LANES):
                mask = screen(sketches, line, want, limit)
                if mask == np.uint64(0):
                    continue
                if line < begin:
                    mask &= ALL << np.uint64(begin - line)
                if finish - line < LANES:
                    mask &= ALL >> np.uint64(64 - (finish - line))
                while mask != np.uint64(0):
                    place = line + lowest(mask)
                    mask &= mask - np.uint64(1)
                    fetch(posts, place * size)
                    found[held] = place
                    held += 1
                if held >= HELD:
                    survivors += held
                    count, state = _look_at(
                        hashes, flat, posts, ring, found, near, held, stride, size, query,
                        a, b, c, d, radius, before + most, count, out, far,
                    )  # fmt: skip
                    held = 0
                    if survivors > patience:
                        state = 3
                    if state != 0:
                        break
            if state != 0:
                break
        if state == 0:
            count, state = _look_at(
                hashes, flat, posts, ring, found, near, held, stride, size, query, a, b, c, d,
                radius, before + most, count, out, far,
            )  # fmt: skip
        if state == 3:
            count, state = _scan_rows(
                hashes, query, a, b, c, d, radius, before + most, before, out, far
            )
        if state == 1:
            return query, before
        capped[query] = state == 2
    return end, count


@inlined
def _look_at(
    hashes: Any, flat: Any, posts: Any, ring: Any, found: Any, near: Any, held: Any, stride: Any,
    size: Any, query: Any, a: Any, b: Any, c: Any, d: Any, radius: Any, most: Any, count: Any,
    out: Any, far: Any,
) -> Any:  # fmt: skip
    """Compare whole hashes; return the number of matches, and 1 if `out` is full, 2 for the cap."""
    for number in range(held):
        row = min(row_at(posts, size, found[number]), len(hashes) - 1)
        near[number] = row
        fetch(flat, 4 * row)
    for number in range(held):
        row = near[number]
        w = hashes[row, 0] ^ a
        x = hashes[row, 1] ^ b
        y = hashes[row, 2] ^ c
        z = hashes[row, 3] ^ d
        distance = ones(w) + ones(x) + ones(y) + ones(z)
        if distance > radius or _earlier(ring, found[number] // stride, w, x, y, z):
            continue
        if count >= most:
            return count, 2
        if count >= out.shape[1]:
            return count, 1
        out[0, count] = query
        out[1, count] = row
        far[count] = distance
        count += 1
    return count, 0


@inlined
def _scan_rows(
    hashes: Any, query: Any, a: Any, b: Any, c: Any, d: Any, radius: Any, most: Any, count: Any,
    out: Any, far: Any,
) -> Any:  # fmt: skip
    for row in range(len(hashes)):
        distance = ones(hashes[row, 0] ^ a) + ones(hashes[row, 1] ^ b)
        distance += ones(hashes[row, 2] ^ c) + ones(hashes[row, 3] ^ d)
        if distance > radius:
            continue
        if count >= most:
            return count, 2
        if count >= out.shape[1]:
            return count, 1
        out[0, count] = query
        out[1, count] = row
        far[count] = distance
        count += 1
    return count, 0


@compiled
def scan(hashes: Any, queries: Any, sizes: Any, out: Any, far: Any, capped: Any) -> Any:
    """Compare queries with every hash; what comes in and goes out is as for `look_up`."""
    first, end, count, radius, most = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]
    for query in range(first, end):
        a, b, c, d = queries[query, 0], queries[query, 1], queries[query, 2], queries[query, 3]
        before = count
        count, state = _scan_rows(hashes, query, a, b, c, d, radius, before + most, count, out, far)
        if state == 1:
            return query, before
        capped[query] = state == 2
    return end, count


@compiled
def scan_words(
    words: Any, rows: Any, alive: Any, queries: Any, sizes: Any, out: Any, far: Any, capped: Any
) -> Any:
    """Scan hashes that lie word by word, (4, length), skipping those that are not alive."""
    first, end, count, radius, most = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]
    for query in range(first, end):
        a, b, c, d = queries[query, 0], queries[query, 1], queries[query, 2], queries[query, 3]
        before, state = count, 0
        for line in range(0, rows, WIDE):
            mask = screen2(words[0], words[1], line, a, b, np.uint64(radius))
            if rows - line < WIDE:
                mask &= ALL >> np.uint64(64 - (rows - line))
            while mask != np.uint64(0):
                row = line + lowest(mask)
                mask &= mask - np.uint64(1)
                distance = ones(words[0, row] ^ a) + ones(words[1, row] ^ b)
                distance += ones(words[2, row] ^ c) + ones(words[3, row] ^ d)
                if distance > radius or not alive[row]:
                    continue
                if count - before >= most:
                    state = 2
                elif count >= out.shape[1]:
                    return query, before
                else:
                    out[0, count] = query
                    out[1, count] = row
                    far[count] = distance
                    count += 1
            if state == 2:
                break
        capped[query] = state == 2
    return end, count


@compiled
def sweep(
    hashes: Any, offsets: Any, posts: Any, sketches: Any, ring: Any, masks: Any, limits: Any,
    queries: Any, sizes: Any, out: Any, far: Any, survivors: Any, pairs: Any,
) -> Any:  # fmt: skip
    """Look up a batch chunk by chunk, so that each chunk streams once through the cache.

    `sizes` as for `look_up`, but with the first chunk and the end in place of queries. `pairs` has
    room for every probe of every query in one chunk. A query with too many survivors is given up:
    `survivors` counts them. Returns the number of matches, or -1 when `out` was full.
    """
    first, end, count, radius = sizes[0], sizes[1], sizes[2], sizes[3]
    stride, size, patience = sizes[5], sizes[6], sizes[7]
    rows, flat = len(hashes), hashes.reshape(-1)
    found = np.empty(HELD + LANES, np.int64)
    whose = np.empty(HELD + LANES, np.int64)
    near = np.empty(HELD + LANES, np.int64)
    begins = np.zeros(SLOTS, np.int64)
    ends = np.zeros(SLOTS, np.int64)
    for chunk in range(first, end):
        if ring[chunk, THRESHOLD] < 0:
            continue
        number = _pair_up(ring, chunk, masks, limits, queries, pairs)
        held, asked = 0, 0
        lines = rows // LANES + 1
        buckets = 1 << ring[chunk, WIDTH]
        every = number * (rows // buckets + LANES) >= rows  # nearly every line is going to be read
        for step in range(number + AHEAD):
            if step < number:
                bucket = ring[chunk, OFFSET] + np.int64(pairs[step] >> np.uint64(42))
                if step + AHEAD < number:
                    later = np.int64(pairs[step + AHEAD] >> np.uint64(42))
                    fetch(offsets, ring[chunk, OFFSET] + later)
                begin = min(np.int64(offsets[bucket]), rows) + chunk * stride
                finish = min(np.int64(offsets[bucket + 1]), rows) + chunk * stride
                begins[step & (SLOTS - 1)] = begin
                ends[step & (SLOTS - 1)] = finish
                if every:  # in their order, which memory likes best
                    due = min((step + (number >> LEAD)) * lines // number + 1, lines)
                    while asked < due:
                        fetch(sketches, chunk * stride + asked * LANES)
                        asked += 1
                else:
                    for line in range(begin & -LANES, min(finish, begin + 8 * LANES), LANES):
                        fetch(sketches, line)
            pair = step - AHEAD
            if pair < 0:
                continue
            word = pairs[pair]
            query = np.int64(word & np.uint64(0xFFFFF))
            if survivors[query] > patience:
                continue
            want = (word >> np.uint64(20)) & np.uint64(0xFFFF)
            limit = (word >> np.uint64(36)) & np.uint64(0x3F)
            begin, finish = begins[pair & (SLOTS - 1)], ends[pair & (SLOTS - 1)]
            for line in range(begin & -LANES, finish, LANES):
                mask = screen(sketches, line, want, limit)
                if mask == np.uint64(0):
                    continue
                if line < begin:
                    mask &= ALL << np.uint64(begin - line)
                if finish - line < LANES:
                    mask &= ALL >> np.uint64(64 - (finish - line))
                while mask != np.uint64(0):
                    place = line + lowest(mask)
                    mask &= mask - np.uint64(1)
                    fetch(posts, place * size)
                    found[held] = place
                    whose[held] = query
                    survivors[query] += 1
                    held += 1
                if held >= HELD:
                    count = _settle(
                        hashes, flat, posts, ring, found, whose, near, held, chunk, size, queries,
                        radius, count, out, far,
                    )  # fmt: skip
                    held = 0
                    if count == FULL:
                        return FULL
        count = _settle(
            hashes, flat, posts, ring, found, whose, near, held, chunk, size, queries, radius,
            count, out, far,
        )  # fmt: skip
        if count == FULL:
            return FULL
    return count


@inlined
def _pair_up(ring: Any, chunk: Any, masks: Any, limits: Any, queries: Any, pairs: Any) -> Any:
    """Write (key, limit, sketch, query) of every probe, in order of the keys' high bits."""
    first, probes = ring[chunk, PROBE], ring[chunk, PROBES]
    shift = max(ring[chunk, WIDTH] - 8, 0)
    places = np.zeros(257, np.int64)
    for query in range(len(queries)):
        a, b, c, d = queries[query, 0], queries[query, 1], queries[query, 2], queries[query, 3]
        key = np.int64(take(a, b, c, d, ring[chunk, START], ring[chunk, WIDTH]))
        for probe in range(first, first + probes):
            places[((key ^ masks[probe]) >> shift) + 1] += 1
    for part in range(256):
        places[part + 1] += places[part]
    for query in range(len(queries)):
        a, b, c, d = queries[query, 0], queries[query, 1], queries[query, 2], queries[query, 3]
        key = np.int64(take(a, b, c, d, ring[chunk, START], ring[chunk, WIDTH]))
        want = take(a, b, c, d, ring[chunk, NEXT], ring[chunk, COVER])
        rest = want << np.uint64(20) | np.uint64(query)
        for probe in range(first, first + probes):
            here = key ^ masks[probe]
            part = here >> shift
            word = np.uint64(here) << np.uint64(42) | np.uint64(limits[probe]) << np.uint64(36)
            pairs[places[part]] = word | rest
            places[part] += 1
    return len(queries) * probes


@inlined
def _settle(
    hashes: Any, flat: Any, posts: Any, ring: Any, found: Any, whose: Any, near: Any, held: Any,
    chunk: Any, size: Any, queries: Any, radius: Any, count: Any, out: Any, far: Any,
) -> Any:  # fmt: skip
    """Compare whole hashes of several queries; return the number of matches, or -1 when full."""
    for number in range(held):
        row = min(row_at(posts, size, found[number]), len(hashes) - 1)
        near[number] = row
        fetch(flat, 4 * row)
    for number in range(held):
        row, query = near[number], whose[number]
        w = hashes[row, 0] ^ queries[query, 0]
        x = hashes[row, 1] ^ queries[query, 1]
        y = hashes[row, 2] ^ queries[query, 2]
        z = hashes[row, 3] ^ queries[query, 3]
        distance = ones(w) + ones(x) + ones(y) + ones(z)
        if distance > radius or _earlier(ring, chunk, w, x, y, z):
            continue
        if count >= out.shape[1]:
            return FULL
        out[0, count] = query
        out[1, count] = row
        far[count] = distance
        count += 1
    return count
