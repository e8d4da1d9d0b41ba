"""What is counted about contact: a few numbers for one side, and a few for each pair.

Everything about one account stands in its own row of `history`, and everything about a pair in one
row, whoever of the two acts. Grown-ups among themselves are not counted at all, nor is family.
"""

from collections.abc import Callable

import msgspec

from openhaven.history import Counter, Key, Notes, Window
from openhaven.history.model import DAY, Kind
from openhaven.intake.model import Event
from openhaven.signals.behaviour.who import (
    APPROACHES,
    Meeting,
    cluster,
    inside,
    invites,
    meeting,
)

_SPANS = {"1h": 3_600, "1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}
_RARE = frozenset({"contact.request", "contact.accept", "contact.block"})
_SAID = frozenset({"contact.request", "contact.accept", "message.send", "comment.create"})
_Where = Callable[[Meeting, Event], bool]


def met(event: Event, notes: Notes) -> Meeting | None:
    """Return the meeting that an event is, worked out once; None where nothing is to be counted."""
    if "meeting" not in notes:
        found = meeting(event)
        notes["meeting"] = found if found is not None and _matters(found, event) else None
    known: Meeting | None = notes["meeting"]
    return known


def _matters(one: Meeting, event: Event) -> bool:
    blocks = event.kind == "contact.block" and one.by_protected
    return not one.close and (one.to_protected or one.by_minor or blocks)


def approacher(event: Event, one: Meeting) -> str:
    """Return the account whose conduct it is about: the grown-up of the two, else who acts.

    Who accepts, blocks or reports answers what the other one did.
    """
    answers = event.kind not in APPROACHES or one.from_below
    return one.to if answers else one.by


def _actor(event: Event, notes: Notes) -> tuple[Key, ...]:
    one = met(event, notes)
    return () if one is None else ((("account", one.by),),)


def _approacher(event: Event, notes: Notes) -> tuple[Key, ...]:
    one = met(event, notes)
    return () if one is None else ((("account", approacher(event, one)),),)


def _cluster(event: Event, notes: Notes) -> tuple[Key, ...]:
    one = met(event, notes)
    where = cluster(event) if one is not None else ""
    if one is None or not where or inside(event):
        return ()
    return ((("account", one.by), ("cluster", where)),)


def _pair(event: Event, notes: Notes) -> tuple[Key, ...]:
    one = met(event, notes)
    if one is None or not (event.kind in _RARE or _uneven(one, event)):
        return ()
    first, second = sorted((one.by, one.to))
    return ((("account", first), ("account", second)),)


_KEYS = {
    "behaviour.actor": _actor,
    "behaviour.approacher": _approacher,
    "behaviour.cluster": _cluster,
    "behaviour.pair": _pair,
}


def _to(event: Event, notes: Notes) -> tuple[tuple[str, str], ...]:
    one = met(event, notes)
    return () if one is None else (("account", one.to),)


def _by(event: Event, notes: Notes) -> tuple[tuple[str, str], ...]:
    one = met(event, notes)
    return () if one is None else (("account", one.by),)


_DIFFERENT = {"target.account.id": _to, "account.id": _by}


def _counter(
    name: str,
    kind: Kind,
    said: str,
    by: str,
    on: frozenset[str],
    where: _Where,
    within: tuple[str, ...],
    asked: frozenset[str] = APPROACHES,
    unit: int = 1,
) -> Counter:
    def meant(event: Event, notes: Notes) -> bool:
        one: Meeting | None = notes["meeting"]
        return one is not None and where(one, event)

    of = f"behaviour.{by}"
    declared = {kind: said, "by": [of], "on": sorted(on), "where": None,
                "in": [f"in_{one}" for one in within]}  # fmt: skip
    return Counter(
        name=f"behaviour.{name}",
        kind=kind,
        by=(of,),
        on=on,
        windows=tuple(Window(f"in_{one}", _SPANS[one]) for one in within),
        keys=_KEYS[of],
        value=_DIFFERENT.get(said),
        where=meant,
        unit=unit,
        declared=msgspec.json.encode(declared).decode(),
        asked=asked,
        only_with_key=True,
    )


def _private(event: Event) -> bool:
    return event.kind == "message.send" and event.private


def _turns_away(one: Meeting, event: Event) -> bool:
    # Anybody may report without a name, so that of reports only those of known minors count.
    return one.by_minor if event.kind == "report.create" else one.by_protected


def _approaches(one: Meeting, event: Event) -> bool:
    # What is said in a group is said to all of it, and both belong to it.
    talk = event.conversation
    among = event.kind == "comment.create" and talk is not None and talk.visibility == "group"
    return one.uneven and one.strangers and not among


def _of_accounts() -> list[Counter]:
    """Return what is counted for the one side of meetings."""
    days, to = ("1d", "7d", "30d"), "target.account.id"
    request = frozenset({"contact.request"})
    return [
        _counter("approached", "distinct", to, "actor", APPROACHES,
                 _approaches, ("1h", *days)),
        _counter("answered", "distinct", "account.id", "approacher",
                 frozenset({"contact.accept", "message.send"}),
                 lambda one, _: one.from_below, days),
        _counter("turned_away", "distinct", "account.id", "approacher",
                 frozenset({"contact.block", "report.create"}), _turns_away, ("7d",)),
        _counter("asked", "distinct", to, "actor", request,
                 lambda one, event: one.to_protected and one.strangers and not inside(event),
                 ("1h",), request),
        _counter("invited", "distinct", to, "actor", APPROACHES,
                 lambda one, event: one.to_protected and invites(event), ("1d", "7d")),
        _counter("asked_there", "distinct", to, "cluster", request,
                 lambda one, _: one.to_protected, ("1h", "1d"), request),
    ]  # fmt: skip


def _of_pairs() -> list[Counter]:
    """Return what is counted for pairs: first what is the same whoever acts."""
    message = frozenset({"message.send"})
    return [
        _counter("met", "first-seen", "minutes", "pair", _SAID, _uneven, ("90d",), message, 60),
        _counter("met_openly", "first-seen", "minutes", "pair", _SAID - {"contact.accept"},
                 lambda one, event: _uneven(one, event) and not _private(event), ("90d",),
                 message, 60),
        *_directed(later=False),
        *_directed(later=True),
    ]  # fmt: skip


def _uneven(one: Meeting, event: Event) -> bool:
    del event
    return one.uneven or one.from_below


def _directed(*, later: bool) -> list[Counter]:
    """Return what is counted for one of the two: the one whose name is later, or the other."""
    side = side_of(later=later)

    def acts(one: Meeting) -> bool:
        return (one.by > one.to) is later

    def private(one: Meeting, event: Event) -> bool:
        return acts(one) and _private(event) and _uneven(one, event)

    def said(one: Meeting, event: Event) -> bool:
        return acts(one) and (event.kind in _RARE or _uneven(one, event))

    message, request = frozenset({"message.send"}), frozenset({"contact.request"})
    return [
        _counter(f"private_{side}", "count", "events", "pair", message, private, ("30d",), message),
        _counter(f"asks_{side}", "count", "events", "pair", request,
                 lambda one, _: acts(one) and one.to_protected, ("30d",), request),
        _counter(f"said_{side}", "time-since", "seconds", "pair", _SAID, said, ("90d",)),
        _counter(f"blocked_{side}", "time-since", "seconds", "pair", frozenset({"contact.block"}),
                 lambda one, _: acts(one), ("90d",)),
    ]  # fmt: skip


def side_of(*, later: bool) -> str:
    """Return what the counters of one of a pair are called."""
    return "later" if later else "earlier"


COUNTERS: tuple[Counter, ...] = (*_of_accounts(), *_of_pairs())
"""All that is counted for behaviour; the names of their answers begin with `behaviour.`.

They are asked only where a sign reads them, and of a meeting that matters.
"""
