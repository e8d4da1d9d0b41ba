"""A large bank is laid into a ring while it is scanned, and answers the same before and after."""

import threading

import numpy as np

from openhaven.signals.banks import index as banks_index
from openhaven.signals.banks.index import Columns, Found, Near


def entries(count: int) -> Columns:
    hashes = np.random.default_rng(1).integers(1, 256, (count, 32), dtype=np.uint8)
    hashes[1:40] = hashes[0]
    hashes[np.arange(1, 40), np.arange(1, 40) % 32] ^= np.arange(1, 40, dtype=np.uint8)
    return Columns(
        hashes.reshape(-1).view("S32"),
        np.arange(count) + 7,
        np.zeros(count, np.int32),
        np.full(count, 90, np.int16),
        np.zeros(count, np.int32),
    )


def pairs(found: Found) -> list[tuple[int, int]]:
    return sorted(zip(found.places.tolist(), found.far.tolist(), strict=True))


def test_a_ring_answers_as_the_scan_does() -> None:
    columns = entries(banks_index.RING_FROM)
    near = Near(columns, lay=True)
    raw = columns.keys.view(np.uint8).reshape(-1, 32)
    keys = [raw[0].tobytes(), raw[500].tobytes(), bytes(range(32))]
    wanted = {(key, radius): pairs(near._scanned(key, radius)) for key in keys
              for radius in range(48)}  # fmt: skip
    assert len(wanted[keys[0], 31]) == 40
    for thread in threading.enumerate():
        if thread.name == "bank-ring":
            thread.join()
    assert near.ring is not None
    for (key, radius), rows in wanted.items():
        assert pairs(near.find(key, radius)) == rows


def test_a_small_bank_needs_no_ring() -> None:
    near = Near(entries(100), lay=True)
    assert near.ring is None
    assert len(near.find(near.entries.keys.view(np.uint8)[:32].tobytes(), 31).places) == 40
