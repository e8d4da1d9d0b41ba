"""A stored event as a back-test reads it: what it said, what became of it, what was kept of it."""

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from openhaven.intake.model import Event
from openhaven.policy.features import Kept, opened
from openhaven.policy.model import Verdict
from openhaven.policy.within import outcome_within
from openhaven.storage import Tx


class Row(msgspec.Struct, frozen=True):
    """A row of the page, as the database gives it; `verdict` is its JSON."""

    seq: int
    platform: str
    kind: str
    received_at: datetime
    done_at: datetime | None
    account: str
    subject: str
    outcome: str | None
    verdict: str | None
    body: bytes | None
    features: bytes | None
    wrapped: bytes | None


class Said(msgspec.Struct, frozen=True):
    """One reason of a side: the rule and its clause."""

    rule: str
    clause: str


class Was(msgspec.Struct, frozen=True):
    """What a stored verdict tells of what happened."""

    pack: str = ""
    reasons: tuple[Said, ...] = ()
    task: str | None = None


class Past(msgspec.Struct, frozen=True):
    """A stored event, opened. `missing` says why it cannot be evaluated; then `event` is None."""

    row: Row
    was: Was
    event: Event | None
    content: bool
    kept: Kept
    missing: str = ""


class Side(msgspec.Struct, frozen=True):
    """What one side says of an event: what happened, or what a pack says."""

    outcome: str
    reasons: tuple[Said, ...]
    queue: str = ""
    shadow: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def rules(self) -> frozenset[str]:
        """The rules that spoke and act."""
        return frozenset(said.rule for said in self.reasons)


_WAS = msgspec.json.Decoder(Was)
_EVENT = msgspec.json.Decoder(Event)


def open_page(tx: Tx, rows: Iterable[Row], bases: dict[str, str | None]) -> list[Past]:
    """Open the bodies and features of a page; `bases` are the platforms' grounds to read."""
    page = list(rows)
    tx.keys.learn({row.subject: row.wrapped for row in page if row.wrapped is not None})
    return [_past(tx, row, bases.get(row.platform)) for row in page]


def _past(tx: Tx, row: Row, basis: str | None) -> Past:
    was = Was() if row.verdict is None else _WAS.decode(row.verdict)
    event, missing = _event(tx, row)
    if event is None:
        return Past(row, was, None, content=False, kept=opened(None), missing=missing)
    data = None if row.features is None else tx.keys.open(row.subject, row.features)
    return Past(row, was, event, event.may_be_read(basis), opened(data))


def _event(tx: Tx, row: Row) -> tuple[Event | None, str]:
    if row.done_at is None or row.outcome is None:
        return None, "not judged"
    if not row.account or row.wrapped is None:
        return None, "erased"
    if row.body is None:
        return None, "expired"
    plain = tx.keys.open(row.subject, row.body)
    return (None, "erased") if plain is None else (_EVENT.decode(plain), "")


def happened(past: Past, queues: Callable[[str, str], str]) -> Side:
    """Return what happened; `queues(pack, rule)` names the queue that a rule asked for."""
    was, outcome = past.was, past.row.outcome or "allow"
    queue = ""
    if outcome == "review":
        queue = queues(was.pack, was.reasons[0].rule) if was.reasons else "reports"
    return Side(outcome, was.reasons, queue)


def said(past: Past, verdict: Verdict) -> Side:
    """Return what a pack says; whatever it says, a report always reaches a person."""
    report = past.row.kind == "report.create"
    return Side(
        "review" if report else outcome_within(verdict),
        tuple(Said(reason.rule, reason.clause) for reason in verdict.reasons),
        verdict.queue or ("reports" if report else ""),
        tuple(reason.rule for reason in verdict.shadow),
        verdict.unknown,
    )
