"""Who may have come back, on the line: tokens are looked up at the door, a person is asked here.

A sign-up that met something passes as its rules say. At most a person looks at it, or the platform
is told to ask the newcomer for more for a while; nothing here can refuse anybody.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from openhaven import review
from openhaven.core import HARMS
from openhaven.exchange import returning
from openhaven.exchange.returning import contests
from openhaven.exchange.returning.model import Answered, weigh
from openhaven.intake import Accepted, Claimed, Event
from openhaven.line.haven import Haven
from openhaven.policy import Verdict
from openhaven.storage import Tx

QUEUE = "returning"


def look_up(
    haven: Haven, tx: Tx, platform: str, events: Sequence[Event], stored: Sequence[Accepted]
) -> None:
    """Look up the identifiers of events that are new, in the transaction that stores them."""
    if any(event.identifiers for event in events):
        new = {one.id for one in stored if one.result == "new"}
        fresh = [event for event in events if event.id in new]
        returning.note(tx, platform, fresh, haven.settings.returning)


def greet(haven: Haven, tx: Tx, batch: Sequence[Claimed], verdicts: list[Verdict]) -> list[Verdict]:
    """Follow up on what sign-ups met; return the verdicts with what the platform is told of it."""
    met = returning.met(tx, batch)
    if not met:
        return verdicts
    return [
        _greet(haven, tx, claimed, verdict, met[claimed.seq]) if claimed.seq in met else verdict
        for claimed, verdict in zip(batch, verdicts, strict=True)
    ]


def _greet(haven: Haven, tx: Tx, claimed: Claimed, verdict: Verdict, met: returning.Met) -> Verdict:
    unknown = met.unknown is not None
    data = returning.setting()
    found = Answered("unknown") if unknown else weigh(met.hits, haven.settings.returning, data)
    task = review.open_task(tx, **_question(claimed, found)) if found.review else None
    returning.settle(tx, met.id, found, task)
    if task is not None:
        passed = "review" if verdict.outcome == "allow" else verdict.outcome
        verdict = replace(verdict, outcome=passed, task=verdict.task or task)
    if found.strength == "none":
        return verdict
    told: dict[str, Any] = {
        "strength": found.strength,
        "review": found.review,
        "friction": found.friction,
    }
    if found.friction:
        until = tx.now + timedelta(days=data.limits.friction_days)
        told["until"] = msgspec.to_builtins(until)
    if found.review or found.friction:
        # The link itself stands nowhere: who has only the database cannot write in their name.
        told["contest"] = met.id
    return replace(verdict, returning=told)


def linked(haven: Haven, verdict: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a verdict as the platform gets it, with the address of the newcomer's page."""
    told = (verdict or {}).get("returning") or {}
    if verdict is None or "contest" not in told:
        return verdict
    with haven.db.read() as tx:
        url = page_of(haven, tx, told["contest"])
    shown = {name: one for name, one in told.items() if name != "contest"}
    return verdict | {"returning": shown | {"contest_url": url}}


def page_of(haven: Haven, tx: Tx, sighting: str) -> str:
    """Return the address of the page on which the newcomer reads of it and contests it."""
    return f"{haven.settings.url}/returning/{contests.token(tx, sighting)}"


def _question(claimed: Claimed, found: Answered) -> dict[str, Any]:
    return {
        "platform": claimed.platform,
        "item": None,
        "account": claimed.event.account.id,
        "harm": "ban_evasion",
        # By what was done before: a child's safety does not wait as long as spam.
        "severity": min(3, HARMS[found.harm].severity),
        "queue": QUEUE,
        "event": claimed.seq,
    }
