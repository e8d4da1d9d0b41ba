"""The sender is killed at every step, and each report is finished exactly once."""

import pytest
from bench.chaos_filing import chaos


@pytest.mark.slow
def test_killed_anywhere_there_is_one_report() -> None:
    tally = chaos(runs=6, seed=11)
    assert tally.kills > 0
    assert (tally.finished_once, tally.finished_twice, tally.lost) == (6, 0, 0)
    assert (tally.incomplete, tally.unsealed_bytes_seen) == (0, 0)
