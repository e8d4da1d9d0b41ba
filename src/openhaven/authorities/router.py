"""Who must be told of a case, by when and under which law; and whose report counts for whom. Pure.

The law is data (`data/jurisdictions.json`), each row with its clause, its wording of the time, its
source and how well that was read. A service tells the authority of the country where it is
established; the United Kingdom asks for what has a link to it from a service anywhere, but not for
what was reported under a comparable law already (Online Safety Act 2023, section 66).
"""

from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

# The countries in which the Digital Services Act holds (the Union's members).
_UNION = """AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"""
UNION = frozenset(_UNION.split())


class Law(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row of the table: whose law, who is told, when, and where it was read."""

    jurisdiction: str
    authority: str
    concerns: Literal["established", "linked", "danger"]
    harms: tuple[str, ...]
    law: str
    wording: str
    clock: Literal["law", "ours"]
    usual: timedelta
    danger: timedelta
    hold: str
    hold_law: str
    covers: tuple[str, ...]
    source: str
    confidence: Literal["read", "secondary", "recalled"]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a case says whose law concerns it.

    `countries` are those that it is linked with (of the account, of addresses), `since` is when
    the service learned of it, `danger` whether a child may be in danger now.
    """

    harm: str
    since: datetime
    countries: frozenset[str] = frozenset()
    danger: bool = False


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A duty that a case brings: who is told, until when, why, and whose report covers it."""

    jurisdiction: str
    authority: str
    due_at: datetime
    why: str
    covered_by: str = ""


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    comment: str
    rows: tuple[Law, ...]


@cache
def laws() -> tuple[Law, ...]:
    """Return the table of laws, as it is shipped."""
    text = files("openhaven.authorities").joinpath("data/jurisdictions.json").read_bytes()
    return msgspec.json.decode(text, type=_Table).rows


def route(facts: Facts, established: str, told: tuple[str, ...] = ()) -> list[Told]:
    """Return who must be told of a case by a service that is established in a country.

    `told` are further jurisdictions in which the service has registered and reports of its own
    will. An empty `established` brings no duty of establishment: then only links count.
    """
    concerned = [law for law in laws() if _concerns(law, facts, established, told)]
    covering = {other: law.jurisdiction for law in concerned for other in law.covers}
    # Who is established there reports there; the other law is no alternative then.
    covering.pop(established, None)
    return [_told(law, facts, covering.get(law.jurisdiction, "")) for law in concerned]


def _concerns(law: Law, facts: Facts, established: str, told: tuple[str, ...]) -> bool:
    if facts.harm not in law.harms:
        return False
    if law.concerns == "danger":
        union = established in UNION or bool(UNION & facts.countries)
        return facts.danger and (union or law.jurisdiction in told)
    here = law.jurisdiction == established or law.jurisdiction in told
    return here or (law.concerns == "linked" and law.jurisdiction in facts.countries)


def _told(law: Law, facts: Facts, covered_by: str) -> Told:
    time = law.danger if facts.danger else law.usual
    why = f"{law.law}: {law.wording}."
    if law.clock == "ours":
        why += f" The law names no hours; this service's own target is {hours(time)}."
    if covered_by:
        why += f" A report made under the law of {covered_by} is not repeated here."
    return Told(jurisdiction=law.jurisdiction, authority=law.authority, due_at=facts.since + time,
                why=why, covered_by=covered_by)  # fmt: skip


def hours(time: timedelta) -> str:
    """Return a length of time in words: `24 hours`."""
    number = round(time.total_seconds() / 3600)
    return f"{number} hour" if number == 1 else f"{number} hours"
