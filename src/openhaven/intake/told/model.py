"""Labels of platforms while a batch is judged: what stands, what comes in, what is to be kept."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from openhaven.intake.model import Event, ToldLabel
from openhaven.intake.store import Claimed

PARTS = ("account", "item", "target")
LONGEST = timedelta(days=400)
# An end that moves by less than this is not written again.
STEP = timedelta(hours=1)
# Of one account or item; those that end first are forgotten first.
MOST = 50
Value = str | int | float | bool
Kept = dict[str, tuple[Value, datetime]]
Key = tuple[str, str, str]
_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "int": (int,), "double": (float, int), "string": (str,),
}  # fmt: skip


def fits(value: object, kind: str) -> bool:
    """Say whether a value is of the declared type; a truth value is no number."""
    return isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))


def said_of(event: Event, declared: Mapping[str, str]) -> dict[str, Value]:
    """Return what an event says by itself, by declared name (`account.label.verified`). Pure.

    What has ended before the event, is taken back or is of another type than declared is missing.
    """
    found: dict[str, Value] = {}
    for part, labels in _labels(event):
        for label in labels:
            _put(found, f"{part}.label.{label.name}", _counting(label, event.at), declared)
    return found


class Told:
    """What is known of the accounts and items of a batch; `of` is asked in the events' order.

    `declared` has the type of each name that the pack reads, as `account.label.verified`.
    """

    def __init__(self, declared: Mapping[str, str], now: datetime) -> None:
        self.declared = declared
        self.changed: dict[Key, tuple[str, Kept]] = {}
        """What is to be written, with the subject that it is sealed for."""
        self._now = now
        self._kept: dict[Key, Kept] = {}

    def know(self, key: Key, kept: Kept) -> None:
        """Note what was kept of an account (its item is "") or an item."""
        self._kept[key] = kept

    def of(self, claimed: Claimed) -> dict[str, Value]:
        """Return what rules read of an event, and take in what it says for later ones."""
        found: dict[str, Value] = {}
        for part, labels in _labels(claimed.event):
            key = key_of(claimed, part)
            if key is None:
                continue
            for name, (value, until) in self._kept.get(key, {}).items():
                if until > self._now:
                    _put(found, f"{part}.label.{name}", value, self.declared)
            for label in labels:
                value_now = _counting(label, claimed.event.at)
                _put(found, f"{part}.label.{label.name}", value_now, self.declared)
                if self._is_kept(part, label.name):
                    self._take(key, claimed.subject, label)
        return found

    def _is_kept(self, part: str, name: str) -> bool:
        """Say whether a rule may read this later: of an account also when it is aimed at."""
        if part == "target":
            return False
        parts = ("account", "target") if part == "account" else (part,)
        return any(f"{one}.label.{name}" in self.declared for one in parts)

    def _take(self, key: Key, subject: str, label: ToldLabel) -> None:
        kept = self._kept.setdefault(key, {})
        before = kept.get(label.name)
        if label.value is None:
            if kept.pop(label.name, None) is not None:
                self.changed[key] = (subject, kept)
            return
        if label.until is None or label.until <= self._now:
            return
        until = min(label.until, self._now + LONGEST)
        if before and before[0] == label.value and abs(before[1] - until) < STEP:
            return
        kept[label.name] = (label.value, until)
        while len(kept) > MOST:
            del kept[min(kept, key=lambda name: kept[name][1])]
        self.changed[key] = (subject, kept)


def key_of(claimed: Claimed, part: str) -> Key | None:
    """Return what names the account, the item or the account aimed at; None where there is none."""
    event, platform = claimed.event, claimed.platform
    if part == "account":
        return platform, event.account.id, ""
    if part == "item":
        return (platform, event.account.id, event.item.id) if event.item else None
    target = event.target.account if event.target else None
    return (platform, target.id, "") if target else None


def _labels(event: Event) -> Iterator[tuple[str, tuple[ToldLabel, ...]]]:
    yield "account", event.account.labels
    if event.item is not None:
        yield "item", event.item.labels
    if event.target is not None and event.target.account is not None:
        yield "target", event.target.account.labels


def _counting(label: ToldLabel, at: datetime) -> Value | None:
    """Return what a label says at a moment; None when it has ended or is taken back."""
    return None if label.until is not None and label.until <= at else label.value


def _put(
    found: dict[str, Value], name: str, value: Value | None, declared: Mapping[str, str]
) -> None:
    """Let a value count, or nothing: what is of another type than declared is not known."""
    kind = declared.get(name)
    if kind is None:
        return
    found.pop(name, None)
    if value is not None and fits(value, kind):
        found[name] = float(value) if kind == "double" else value
