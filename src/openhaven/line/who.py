"""Events as rules may see them: without content that nobody may look at, with ages as believed."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from openhaven import signals
from openhaven.intake import Claimed, Event
from openhaven.line.haven import Haven
from openhaven.policy.features import Known, as_known, difference
from openhaven.protections.meetings import Both, Pair, between
from openhaven.signals.behaviour import KINDS
from openhaven.storage import Tx


def recognise(haven: Haven, tx: Tx, batch: Sequence[Claimed]) -> list[Claimed]:
    """Return a batch as rules may see it, with at most one statement.

    Content that there is no ground to look at is gone. Where two accounts meet, their age bands are
    those that all evidence adds up to, and `context.relation` is `family` for carers and children.
    """
    seen = [signals.visible(claimed.event, claimed.content) for claimed in batch]
    pairs = [_pair(claimed.platform, event) for claimed, event in zip(batch, seen, strict=True)]
    told = between(tx, [pair for pair in pairs if pair is not None])
    return [
        replace(claimed, event=_known(haven, tx, event, told.get(pair) if pair else None))
        for claimed, event, pair in zip(batch, seen, pairs, strict=True)
    ]


def noted(
    batch: Sequence[Claimed], seen: Sequence[Claimed], past: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return what was counted for each event, with what was known of its accounts besides."""
    return [
        {**counted, **more} if (more := difference(told.event, known.event)) else counted
        for told, known, counted in zip(batch, seen, past, strict=True)
    ]


def _pair(platform: str, event: Event) -> Pair | None:
    target = event.target.account if event.target else None
    if target is None or event.kind not in KINDS:
        return None
    account = event.account
    return platform, account.id, target.id, account.age_band, target.age_band


def _known(haven: Haven, tx: Tx, event: Event, both: Both | None) -> Event:
    target = event.target.account if event.target else None
    if both is None or target is None:
        return event
    said = (event.account.age_band, target.age_band)
    by, to = both.bands(haven.protections.defaults, said, tx.now.date())
    return as_known(event, Known(by, to, both.family))
