"""Beside python-threatexchange's own index (needs the extra `bench`, so not in `make test`)."""

import io

import numpy as np
import pytest
from threatexchange.signal_type.pdq import pdq_index as theirs


def test_it_answers_as_the_index_it_replaces() -> None:
    from openhaven.signals.hashes.index.threatexchange import RingPDQIndex

    drawn = np.random.default_rng(1)
    hashes = drawn.integers(1, 256, (500, 32), dtype=np.uint8)
    hashes[100:130] = hashes[100]
    hashes[100:130, 3] = range(30)
    entries = [(one.tobytes().hex(), {"number": place}) for place, one in enumerate(hashes)]
    old, new = theirs.PDQIndex.build(entries[:400]), RingPDQIndex.build(entries[:400])
    for index in (old, new):
        index.add(*entries[400])
        index.add_all(entries[401:])
    kept = io.BytesIO()
    new.serialize(kept)
    kept.seek(0)
    again = RingPDQIndex.deserialize(kept)
    assert len(old) == len(new) == len(again) == 500

    def found(index: object, digits: str) -> list[tuple[int, int]]:
        rows = index.query(digits)  # type: ignore[attr-defined]
        return sorted((one.metadata["number"], one.similarity_info.distance) for one in rows)

    for digits, _ in entries[90:140:3] + entries[395:405]:
        assert found(new, digits) == found(again, digits) == found(old, digits)
    with pytest.raises(ValueError, match="hex"):
        new.add("zz", {})
