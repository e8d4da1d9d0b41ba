"""What an event leaves out of the two whom it concerns, and what is noted of that to be kept. Pure.

A platform says how old it takes an account to be; carers, estimates and reviewers may have said
more. The line asks its rules with what is believed, and keeps the difference, so that a back-test
asks the same.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from openhaven.core import AgeBand
from openhaven.intake.model import Event

_BY, _TO, _RELATION = "account.age_band", "target.age_band", "context.relation"


class Known(msgspec.Struct, frozen=True):
    """How old the two are believed to be, and whether they are family."""

    by: AgeBand
    to: AgeBand
    family: bool = False


def as_known(event: Event, known: Known) -> Event:
    """Return the event with what is known of its two accounts."""
    target = event.target
    if event.account.age_band != known.by:
        event = replace(event, account=replace(event.account, age_band=known.by))
    if target is not None and target.account is not None and target.account.age_band != known.to:
        to = replace(target.account, age_band=known.to)
        event = replace(event, target=replace(target, account=to))
    if known.family and event.context.get("relation") != "family":
        event = replace(event, context={**event.context, "relation": "family"})
    return event


def difference(told: Event, seen: Event) -> dict[str, str]:
    """Return what is to be kept of an event that was seen otherwise than it was told."""
    if told.account is seen.account and told.context is seen.context and told.target is seen.target:
        return {}
    noted: dict[str, str] = {}
    if told.account.age_band != seen.account.age_band:
        noted[_BY] = seen.account.age_band
    if (band := _to(seen)) != _to(told):
        noted[_TO] = band
    if told.context.get("relation") != seen.context.get("relation"):
        noted[_RELATION] = str(seen.context["relation"])
    return noted


def again(event: Event, noted: Mapping[str, Any]) -> Event:
    """Return a stored event as the line saw it; `noted` is what was kept of it."""
    if not (_BY in noted or _TO in noted or _RELATION in noted):
        return event
    by, to = noted.get(_BY, event.account.age_band), noted.get(_TO, _to(event))
    return as_known(event, Known(by, to, noted.get(_RELATION) == "family"))


def _to(event: Event) -> AgeBand:
    target = event.target.account if event.target else None
    return "unknown" if target is None else target.age_band
