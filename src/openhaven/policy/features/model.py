"""Kept features: which answers are kept, and how they are written."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from openhaven.policy.model import Verdict
from openhaven.signals.model import Finding, Opinion

# The built-in signals whose answers about lists are worked out again from the text and the links.
REPEATABLE = frozenset({"terms", "links"})
_BUILT_IN = frozenset({"terms", "links", "media"})


class KeptFinding(msgspec.Struct, frozen=True, array_like=True):
    """A finding without its confidence's noise: what a rule can see, and which entry it was."""

    signal: str
    version: str
    subject: str
    value: str
    harm: str
    opinion: Opinion
    confidence: float
    unknown: str | None
    detail: dict[str, str | int | float]

    def finding(self) -> Finding:
        """Return it as the signal gave it."""
        return Finding(**{name: getattr(self, name) for name in self.__struct_fields__})


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of one event: findings, values of counters and labels, rules held back.

    `reined` are the rules that could only ask a person then, with the reason.
    """

    findings: tuple[KeptFinding, ...] = ()
    counters: dict[str, Any] = {}
    reined: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self.findings or self.counters or self.reined)


NOTHING = Kept()


def kept(findings: Iterable[Finding], counters: Mapping[str, Any], verdict: Verdict) -> Kept:
    """Return what is worth keeping of an event; most events have nothing.

    What a text or link list answered is left out, since it quotes the list and can be worked out
    again. Details of plugins are left out, since they may quote the event.
    """
    reined = dict.fromkeys(verdict.capped, "capped") | dict.fromkeys(verdict.fallen, "fallen")
    return Kept(
        tuple(_kept(finding) for finding in findings if not _dispensable(finding)),
        {name: value for name, value in counters.items() if value or not _is_label(name)},
        reined,
    )


def opened(data: bytes | None) -> Kept:
    """Return what was kept, from its plain bytes (None: nothing was)."""
    return NOTHING if data is None else msgspec.msgpack.decode(data, type=Kept)


def _kept(finding: Finding) -> KeptFinding:
    detail = finding.detail if finding.signal in _BUILT_IN else {}
    values = {name: getattr(finding, name) for name in KeptFinding.__struct_fields__}
    return KeptFinding(**{**values, "detail": detail})


def _dispensable(finding: Finding) -> bool:
    """Say whether this need not be kept: the same text and lists give it again."""
    if finding.opinion == "noted":
        return True  # Kept with the matches of banks; no rule can read it.
    if finding.signal not in REPEATABLE:
        return False
    if finding.unknown is not None:
        # A text that is too long stays so; a signal that failed or was late is about all of it.
        return finding.subject != "event"
    return finding.opinion in ("term", "link")


def _is_label(name: str) -> bool:
    return name in ("account.labels", "item.labels")
