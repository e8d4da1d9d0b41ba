"""What a verification has to say: findings in the order of the log, and the report. Pure."""

import msgspec

from openhaven.ledger.model import Entry

MAX_FINDINGS = 100


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it was: the entry (when it is about one) and what differs."""

    what: str
    index: int | None = None
    kind: str = ""
    id: str = ""

    def __str__(self) -> str:
        if self.index is None and not self.id:
            return self.what
        place = "an entry without a place" if self.index is None else f"entry {self.index}"
        named = f" ({self.kind}, {self.id})" if self.id else ""
        return f"{place}{named}: {self.what}"


class Findings:
    """Collects findings with their place in the log, so that the first one can be named."""

    def __init__(self) -> None:
        self._found: list[tuple[float, Finding]] = []

    def about(self, entry: Entry, what: str) -> None:
        """Remember what is wrong with `entry`; one without a place comes after all others."""
        place = float("inf") if entry.idx is None else entry.idx
        self._add(place, Finding(what, entry.idx, entry.kind, entry.id))

    def at(self, index: int, what: str) -> None:
        """Remember what is wrong at a place that has no entry."""
        self._add(index, Finding(what, index))

    def of_log(self, before: float, what: str) -> None:
        """Remember what is wrong with the log itself, to be named after the entry `before`."""
        self._add(before + 0.5, Finding(what))

    def _add(self, place: float, finding: Finding) -> None:
        # Readers go forward, so what is dropped stands behind what is kept, but for a few.
        if len(self._found) < 10 * MAX_FINDINGS:
            self._found.append((place, finding))

    def sorted(self) -> tuple[Finding, ...]:
        """Return the first findings in the order of the log."""
        ordered = sorted(self._found, key=lambda pair: pair[0])
        return tuple(finding for _, finding in ordered[:MAX_FINDINGS])


class Report(msgspec.Struct, frozen=True):
    """What a verification saw.

    `size` entries with a place and `pending` without one; `checkpoints` read; `rows` that are as
    they were sealed, `erased` salts; `outside`: whether there was a copy to compare with;
    `findings` in the order of the log, the first 100 of them.
    """

    size: int
    root: bytes
    pending: int
    checkpoints: int
    rows: int
    erased: int
    outside: bool
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was altered."""
        return not self.findings

    @property
    def first(self) -> Finding | None:
        """The first thing that was altered, or None."""
        return self.findings[0] if self.findings else None

    def __str__(self) -> str:
        if self.first is not None:
            return f"The ledger was altered. First: {self.first}."
        copy = "and the copy outside of the database" if self.outside else "(no copy outside yet)"
        return (
            f"The ledger holds: {self.size} entries lead to {self.checkpoints} signed checkpoints "
            f"{copy}. {self.rows} sealed rows are unaltered, {self.erased} were erased, "
            f"{self.pending} entries wait for their place."
        )
