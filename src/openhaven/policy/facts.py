"""What the conditions are asked about: the event and the findings, as values by declared name."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from openhaven.core import HARMS, Harm
from openhaven.intake.model import Event, Item
from openhaven.intake.told import said_of
from openhaven.policy.model import FROM_BANK, FROM_REPORT
from openhaven.policy.vocabulary import BEHAVIOUR, COUNTERS, LABELS, NONE, TOLD, Vocabulary
from openhaven.signals.model import Finding

_BANKS = ("banks.positive", "banks.investigate", "banks.harms")
_OWED: dict[str, tuple[str, ...]] = {
    "terms": ("terms.",),
    "links": ("links.", "banks."),
    "media": ("banks.",),
    "behaviour": (BEHAVIOUR,),
}
_OWED_BY_SUBJECT: dict[str, tuple[str, ...]] = {
    "text": ("terms.", "links."),
    "link": ("links.", "banks."),
    "media": ("banks.",),
}
_ORDER = {code: number for number, code in enumerate(HARMS)}
_DAY = timedelta(days=1)
_SCALARS = frozenset({str, int, float, bool, type(None)})
_NOTHING: Mapping[str, Any] = MappingProxyType({})
PLATFORM = "platform"
"""The signal in whose name stands what a platform said."""


class Facts(msgspec.Struct, frozen=True):
    """The values by name, the findings behind them, and which values are only partly known.

    `doubtful` has the names that a failed signal might have answered otherwise. A list of terms
    that was found is not among them: it was found, whatever else failed.
    """

    values: dict[str, Any]
    found: dict[str, tuple[Finding, ...]]
    failed: dict[str, tuple[Finding, ...]]
    doubtful: frozenset[str]

    def behind(self, names: frozenset[str]) -> tuple[Finding, ...]:
        """Return what gave these names their values: findings, each once, and what was counted."""
        counted = [name for name in sorted(names & self.values.keys()) if name.startswith(COUNTERS)]
        said = [name for name in sorted(names & self.values.keys()) if _is_said(name)]
        return (
            *_of(self.found, names),
            *(_counted(name, self.values[name]) for name in counted),
            *(_said(name, self.values[name]) for name in said),
        )

    def missing(self, names: frozenset[str]) -> tuple[Finding, ...]:
        """Return the findings *unknown* that leave these names in doubt, each once."""
        return _of(self.failed, names & self.doubtful)

    def harm(self, said: str) -> Harm:
        """Return the harm that a rule means: the one it names, or the bank's, or the report's."""
        if said == FROM_BANK:
            banked = [HARMS[code] for code in self.values["banks.harms"] if code in HARMS]
            return min(banked, key=_gravest, default=HARMS["other"])
        code = self.values["report.category"] if said == FROM_REPORT else said
        return HARMS.get(code, HARMS["other"])

    def empty(self, name: str) -> Any:
        """Return what `name` is when nothing was found."""
        return [] if name in _BANKS else False


def _counted(name: str, number: Any) -> Finding:
    """Return what a counter answered, for people to see."""
    return Finding(
        signal="history",
        version="1",
        subject="event",
        value=f"{name.removeprefix(COUNTERS)}: {number}",
        harm="other",
        opinion="noted",
        confidence=1.0,
    )


def _is_said(name: str) -> bool:
    return name.startswith(TOLD) and not name.endswith(".known")


def _said(name: str, value: Any) -> Finding:
    """Return what a platform said in a label, for people to see; never its words."""
    return Finding(
        signal=PLATFORM,
        version="1",
        subject="event",
        value=name if isinstance(value, str) else f"{name}: {value}",
        harm="other",
        opinion="noted",
        confidence=1.0,
    )


def gather(
    event: Event,
    findings: Iterable[Finding],
    vocabulary: Vocabulary,
    counters: Mapping[str, Any] = _NOTHING,
) -> Facts:
    """Return the facts about one event: from itself, from what signals found, and from before."""
    ordered = sorted(findings, key=_order)
    failed = [finding for finding in ordered if finding.unknown is not None]
    values = {**vocabulary.blank, **event_values(event)}
    for name in LABELS:
        values[name] = list(counters.get(name, ()))
    for name in vocabulary.counted & counters.keys():
        values[COUNTERS + name] = counters[name]
    if vocabulary.told:
        values.update(_told(event, vocabulary.told, counters))
    found: dict[str, list[Finding]] = {}
    for finding in ordered:
        for name in _names(finding):
            if name in vocabulary.types:
                found.setdefault(name, []).append(finding)
    for name, ones in found.items():
        values[name] = _value(name, ones)
    values["signals.unknown"] = list(dict.fromkeys(finding.signal for finding in failed))
    return _facts(values, found, failed, vocabulary)


def _told(event: Event, declared: Mapping[str, str], counters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what platforms said in labels: with the event, else before; and whether they did."""
    said: dict[str, Any] = {**{name: counters[name] for name in declared.keys() & counters.keys()},
                            **said_of(event, declared)}  # fmt: skip
    whole = {name: _whole(one) if isinstance(one, str) else one for name, one in said.items()}
    return whole | {f"{name}.known": name in said for name in declared}


def _facts(
    values: dict[str, Any],
    found: dict[str, list[Finding]],
    failed: list[Finding],
    vocabulary: Vocabulary,
) -> Facts:
    missing: dict[str, list[Finding]] = {}
    for finding in failed:
        for name in _in_doubt(finding, vocabulary):
            missing.setdefault(name, []).append(finding)
    doubtful = frozenset(name for name in missing if values[name] is not True)
    behind = {name: tuple(ones) for name, ones in found.items()}
    if failed:
        behind["signals.unknown"] = tuple(failed)
    return Facts(values, behind, {name: tuple(ones) for name, ones in missing.items()}, doubtful)


def not_answered() -> Finding:
    """Return the finding for a condition that met a missing or wrong value in the event itself."""
    return Finding(
        signal="policy",
        version="1",
        subject="event",
        value="",
        harm="other",
        opinion="investigate",
        confidence=0.0,
        unknown="the event lacks a value that this rule asks for",
    )


def event_values(event: Event) -> dict[str, Any]:
    """Return what the event itself says; what it does not say is `none`, `unknown`, "" or -1."""
    account, item, talk = event.account, event.item, event.conversation
    aimed = event.target.account if event.target else None
    return {
        "event.kind": event.kind,
        "account.age_band": account.age_band,
        "account.age_days": _age_days(event),
        "account.country": account.country or "",
        "item.type": _whole(item.type) if item else NONE,
        "item.text": _whole(item.text or "") if item else "",
        "item.language": (item.language or "") if item else "",
        "item.has_media": bool(item and item.media),
        "item.has_link": item is not None and _has_link(item),
        "target.age_band": aimed.age_band if aimed else NONE,
        "conversation.visibility": talk.visibility if talk else NONE,
        "conversation.encrypted": bool(talk and talk.encrypted),
        "report.category": _category(event),
        "context": _whole_context(event.context),
    }


def _has_link(item: Item) -> bool:
    """Say whether an item has a link of its own or one that is written out in its text."""
    text = item.text or ""
    return bool(item.links) or "://" in text or "www." in text


def _whole(text: str) -> str:
    """Return `text` without the character 0, at which the CEL library stops reading.

    Whoever writes it before a threat would otherwise be seen by no condition.
    """
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _whole_context(context: dict[str, Any]) -> dict[str, Any]:
    """Return the context with whole texts, and without what is no single value.

    No platform can send such a thing. Were one made in here, the CEL library could break on a list
    that holds itself; without it, what a rule asks of it is unknown.
    """
    if all(type(one) in _SCALARS and "\0" not in key for key, one in context.items()) and not any(
        type(one) is str and "\0" in one for one in context.values()
    ):
        return context
    return {
        _whole(key): _whole(one) if isinstance(one, str) else one
        for key, one in context.items()
        if isinstance(one, str | int | float | None)
    }


def _age_days(event: Event) -> int:
    """Return the whole days from the making of the account to the event; -1 when not known."""
    made = event.account.created_at
    return -1 if made is None else max(0, (event.at - made) // _DAY)


def _category(event: Event) -> str:
    category = event.context.get("category")
    told = event.kind == "report.create" and isinstance(category, str)
    return _whole(str(category)) if told else NONE


def _value(name: str, findings: list[Finding]) -> list[str] | bool:
    """Return what `name` is by these findings: the banks or harms, each once, or true."""
    if name not in _BANKS:
        return True
    said = (one.harm if name == "banks.harms" else one.value for one in findings)
    return list(dict.fromkeys(said))


def _names(finding: Finding) -> tuple[str, ...]:
    """Return the names to which a finding belongs; none when the signal could not tell."""
    if finding.unknown is not None:
        return ()
    match finding.opinion:
        case "positive":
            return ("banks.positive", "banks.harms")
        case "investigate":
            return ("banks.investigate",)
        case "term":
            return (f"terms.{finding.value}",)
        case "link":
            return (f"links.{finding.value}",)
        case "pattern":
            return (f"{BEHAVIOUR}{finding.value}",)
        case "noted":
            return ()


def _in_doubt(finding: Finding, vocabulary: Vocabulary) -> list[str]:
    """Return the names whose answer a failed signal owes: its own, else its subject's, else all."""
    part = finding.subject.partition(":")[0]
    heads = _OWED.get(finding.signal) or _OWED_BY_SUBJECT.get(part, ("terms.", "links.", "banks."))
    return [name for name in vocabulary.types if name.startswith(heads)]


def _gravest(harm: Harm) -> tuple[int, int]:
    """Order harms by severity; among equals, by their place in the table."""
    return (-harm.severity, _ORDER[harm.code])


def _of(by_name: dict[str, tuple[Finding, ...]], names: frozenset[str]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for name in sorted(names & by_name.keys()):
        found += [finding for finding in by_name[name] if finding not in found]
    return tuple(found)


def _order(finding: Finding) -> tuple[str, str, str, str, float, str]:
    return (
        finding.subject,
        finding.signal,
        finding.opinion,
        finding.value,
        -finding.confidence,
        finding.unknown or "",
    )
