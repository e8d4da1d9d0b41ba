"""A house that does not hurry, so that a machine that stands still for seconds fails no test.

In service an answer has to come within two seconds, and what cannot be seen in time is unknown. A
test that is about these limits sets them itself; for all others a minute is allowed.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from openhaven import line
from openhaven.policy import measuring
from openhaven.policy.publishing import trying
from openhaven.signals import MediaHasher, asking
from openhaven.signals.hashes import child
from openhaven.staff.passwords import hashing
from openhaven.storage import database

_ANSWER = sys.modules["openhaven.line.answer"]
_DEFAULTS = MediaHasher.__init__.__kwdefaults__ or {}
IN_SERVICE_S = line.PATIENCE
PATIENT_S = 60.0


def answer_within(seconds: float) -> None:
    """Let whoever asks for a verdict wait this long for it."""
    line.PATIENCE = seconds
    vars(_ANSWER)["PATIENCE"] = seconds


def take_time() -> None:
    """Let every part of the house, in this process, have a minute for what takes milliseconds."""
    answer_within(PATIENT_S)
    asking.PATIENCE_S = PATIENT_S
    child.START_S = 10 * PATIENT_S
    measuring._PATIENCE_S = PATIENT_S
    trying._PATIENCE, trying._QUEUE = int(10 * PATIENT_S), 10 * PATIENT_S
    hashing._PATIENCE_S = 10 * PATIENT_S
    database.PATIENCE_S = 2 * PATIENT_S
    assert {"wall_s", "film_s"} <= _DEFAULTS.keys()
    _DEFAULTS.update(wall_s=10 * PATIENT_S, film_s=10 * PATIENT_S)


@contextmanager
def in_a_hurry() -> Iterator[None]:
    """Let an answer have as long as it has in service, for the while."""
    answer_within(IN_SERVICE_S)
    try:
        yield
    finally:
        answer_within(PATIENT_S)
