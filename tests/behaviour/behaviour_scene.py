"""Meetings between accounts, and what the signs of behaviour say of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from openhaven.history import Replay
from openhaven.intake import Event
from openhaven.signals import Finding, behaviour

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
COUNTERS = behaviour.COUNTERS
TEENS = ("13-15", "16-17")


def met(
    kind: str, by: str, to: str, minutes: float = 0, *, where: str = "",
    ages: tuple[str, str] = ("18-plus", "13-15"), made: datetime | None = None, **context: Any,
) -> Event:  # fmt: skip
    """Return an event between two accounts, so many minutes after noon."""
    body: dict[str, Any] = {
        "id": f"{kind}-{by}-{to}-{minutes}",
        "kind": kind,
        "at": NOON + timedelta(minutes=minutes),
        "account": {"id": by, "age_band": ages[0], "created_at": made},
        "target": {"account": {"id": to, "age_band": ages[1]}},
        "context": context,
    }
    if where:
        body["conversation"] = {"id": "talk", "visibility": where}
    return msgspec.convert(body, Event)


def told(events: Sequence[Event]) -> list[list[Finding]]:
    """Return the signs that each of the events shows, in the order in which they come in."""
    replay = Replay(COUNTERS)
    return [behaviour.look(one, replay.take("p", one)) for one in events]


def signs(events: Sequence[Event]) -> set[str]:
    """Return the names of the signs that the last of the events shows."""
    return {one.value for one in told(events)[-1]}


def why(events: Sequence[Event], sign: str) -> str:
    """Return the sentence of a sign of the last event."""
    (found,) = [one for one in told(events)[-1] if one.value == sign]
    return str(found.detail["why"])
