"""The synchronous answer: may this be posted? The same walk, in the caller's process."""

import time
from datetime import datetime
from typing import Any

import structlog

from openhaven import intake
from openhaven.core import Actor, Problem
from openhaven.intake import Accepted, Event
from openhaven.line import returning
from openhaven.line.haven import Haven
from openhaven.line.walk import walk

log = structlog.get_logger("answer")
PATIENCE = 2.0
_LEAST = 0.1
MOST_BEFORE = 400
"""How many events of the same account are judged along with one, since they come before it."""


def answer(
    haven: Haven,
    actor: Actor,
    now: datetime,
    platform: str,
    event: Event,
    patience: float | None = None,
) -> tuple[Accepted, dict[str, Any] | None]:
    """Store an event and judge it in the same transaction; return what became of it.

    The verdict is None when there was none within `patience` seconds (`PATIENCE` by default), or
    when judging failed: the event is durable all the same and the worker takes it up. Raises
    `Problem` (503) when nothing was stored.
    """
    end = time.monotonic() + (PATIENCE if patience is None else patience)
    try:
        accepted, verdict = _judge_now(haven, actor, now, platform, event, end)
    except Exception as error:  # Storing must not depend on judging: the event is stored alone.
        log.error(
            "answer.failed", error=type(error).__name__, exc_info=not isinstance(error, Problem)
        )
        with haven.db.begin(actor, now) as tx:
            accepted = intake.accept(tx, platform, [event])[0]
            returning.look_up(haven, tx, platform, [event], [accepted])
        verdict = None if accepted.result == "conflict" else accepted.verdict
    if verdict is None and accepted.result != "conflict":
        verdict = _wait(haven, platform, event.id, end)
    return accepted, returning.linked(haven, verdict)


def _judge_now(
    haven: Haven, actor: Actor, now: datetime, platform: str, event: Event, end: float
) -> tuple[Accepted, dict[str, Any] | None]:
    with haven.db.begin(actor, now) as tx:
        tx.run(f"SET LOCAL statement_timeout = {max(1, int((end - time.monotonic()) * 1000))}")
        accepted = intake.accept(tx, platform, [event], wake=False)[0]
        returning.look_up(haven, tx, platform, [event], [accepted])
        if accepted.verdict is not None or accepted.result == "conflict":
            return accepted, accepted.verdict
        # What came before from the same account is judged first, and is taken along.
        batch = intake.claim_up_to(tx, accepted.seq, MOST_BEFORE)
        left = end - time.monotonic()
        if not batch or left < _LEAST:
            # The worker has the time to ask every signal; here some would be unknown for haste.
            tx.wake("line")
            return accepted, None
        # What follows from the findings has to be stored in time as well: a quarter is for that.
        verdicts = walk(haven, tx, batch, tally=False, together_s=left * 0.75)
        if batch[-1].seq != accepted.seq:
            tx.wake("line")
            return accepted, None
        return accepted, verdicts[-1].public()


def _wait(haven: Haven, platform: str, event_id: str, end: float) -> dict[str, Any] | None:
    """Wait until `end` for a verdict that another process is working on."""
    while time.monotonic() < end:
        with haven.db.read() as tx:
            row = intake.event_of(tx, platform, event_id)
        if row is not None and row.verdict is not None:
            return row.verdict
        time.sleep(0.05)
    return None
