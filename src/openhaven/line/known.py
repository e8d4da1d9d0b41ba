"""What banks know of an event, as it is kept. Pure."""

from collections.abc import Sequence

from openhaven.intake import Claimed
from openhaven.policy import Verdict
from openhaven.signals import Finding
from openhaven.signals.banks.matches import Seen

_BY_BANKS = ("media", "links", "texts", "films", "link-hashes", "plugin-hashes")
_OF_BANKS = ("positive", "investigate", "noted")


def seen(
    batch: Sequence[Claimed], findings: Sequence[Sequence[Finding]], verdicts: Sequence[Verdict]
) -> list[Seen]:
    """Return every match of a bank in a batch, with the task or decision that came of its event."""
    return [
        _seen(claimed.seq, finding, verdict)
        for claimed, found, verdict in zip(batch, findings, verdicts, strict=True)
        for finding in found
        if _is_match(finding)
    ]


def _is_match(finding: Finding) -> bool:
    by_bank = finding.signal in _BY_BANKS and finding.opinion in _OF_BANKS
    return by_bank and finding.unknown is None and isinstance(finding.detail.get("entry"), int)


def _seen(event: int, finding: Finding, verdict: Verdict) -> Seen:
    detail, noted = finding.detail, finding.opinion == "noted"
    cleared = detail.get("cleared_by", detail.get("disputed_by"))
    return Seen(
        event=event,
        bank=finding.value,
        entry=int(detail["entry"]),
        subject=finding.subject,
        opinion=finding.opinion,
        distance=int(detail.get("distance", 0)),
        noted=str(detail["noted"]) if noted else "",
        cleared_by=None if cleared is None else int(cleared),
        task=None if noted else verdict.task,
        decision=None if noted else verdict.decision,
    )
