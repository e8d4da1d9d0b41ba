"""From words in a file or an answer to a service, or to what is wrong with them. Pure.

Whatever stands in the directory is shown to people in pain, opened in spreadsheets by staff, and
dialled: so everything is checked, and nothing is guessed.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from urllib.parse import urlsplit

from openhaven.support.model import ANYWHERE, COSTS, EVERYTHING, OLDEST, Service
from openhaven.support.places import COUNTRIES
from openhaven.support.topics import TOPICS

ID = re.compile(r"[a-z0-9][a-z0-9-]{1,59}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9][0-9 ()./-]{0,28}[0-9]", re.ASCII)
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}", re.ASCII)
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST = {"name": 120, "hours": 120, "verified_by": 80, "pair": 60}
COLUMNS = (
    "id", "country", "name", "languages", "topics", "ages", "hours", "call", "text", "chat", "web",
    "cost", "pair", "verified_on", "verified_by",
)  # fmt: skip
NEEDED = ("id", "country", "name", "topics")
_ABSENT = {"ages": "all", "cost": "unknown"}


class Wrong(ValueError):  # noqa: N818 (it is a sentence, not a failure of the program)
    """What is wrong with one field, in words."""


def service_of(told: Mapping[str, str], today: date) -> tuple[Service | None, list[str]]:
    """Return a service from its fields as text, or every complaint about them (`field: why`).

    `languages` and `topics` are parted by spaces, `ages` is `all`, `13-17`, `under 19` or `18+`. A
    verification on a later day than `today` is refused.
    """
    read: dict[str, object] = {}
    wrong: list[str] = []
    for name, reader in _READERS.items():
        given = told.get(name, "").strip() or _ABSENT.get(name, "")
        try:
            read |= reader(name, given)
        except Wrong as why:
            wrong.append(f"{name}: {why}")
    if not wrong:
        wrong = _together(read, today)
    return (None, wrong) if wrong else (Service(**read), [])  # type: ignore[arg-type]


def _together(read: Mapping[str, object], today: date) -> list[str]:
    """Return what is wrong with fields that are right one by one."""
    if not any(read[name] for name in ("call", "text", "chat", "web")):
        return ["call: give at least one way to reach it: call, text, chat or web"]
    on = read["verified_on"]
    if (on is None) == bool(read["verified_by"]):
        return ["verified_by: give both the day and who verified it, or neither"]
    if isinstance(on, date) and on > today:
        return [f"verified_on: {on} has not come yet"]
    return []


def _id(name: str, given: str) -> dict[str, object]:
    if not ID.fullmatch(given):
        raise Wrong("two to sixty small letters, digits and hyphens")
    return {name: given}


def _country(name: str, given: str) -> dict[str, object]:
    if given not in COUNTRIES and given not in (ANYWHERE, "EU"):
        raise Wrong(f"“{given[:20]}” is no country (ISO 3166, such as GB), nor EU or *")
    return {name: given}


def _text(name: str, given: str) -> dict[str, object]:
    """Take words for people: one line, and nothing that a spreadsheet would run."""
    text = unicodedata.normalize("NFC", given)
    if any(unicodedata.category(one) in ("Cc", "Cf", "Co", "Cn", "Cs") for one in text):
        raise Wrong("it holds characters that cannot be seen")
    if text.startswith(_FORMULA):
        raise Wrong(f"it begins with “{text[0]}”, as a formula does")
    if len(text) > _LONGEST[name]:
        raise Wrong(f"it is longer than {_LONGEST[name]} characters")
    if name == "name" and not text:
        raise Wrong("it is missing")
    return {name: text}


def _languages(name: str, given: str) -> dict[str, object]:
    found = tuple(dict.fromkeys(given.split()))
    for one in found:
        if not _LANGUAGE.fullmatch(one):
            raise Wrong(f"“{one[:20]}” is no language (BCP 47, such as en or pt-BR)")
    return {name: found}


def _topics(name: str, given: str) -> dict[str, object]:
    found = tuple(dict.fromkeys(given.split()))
    if not found:
        raise Wrong("it is missing; “all” stands for everything")
    for one in found:
        if one not in TOPICS and one != EVERYTHING:
            raise Wrong(f"“{one[:40]}” is no topic; there are all, {', '.join(TOPICS)}")
    return {name: found}


def _ages(name: str, given: str) -> dict[str, object]:
    del name
    if given == "all":
        return {"age_from": 0, "age_to": OLDEST}
    if found := re.fullmatch(r"under ([0-9]{1,3})", given):
        least, most = 0, int(found[1]) - 1
    elif found := re.fullmatch(r"([0-9]{1,3})\+", given):
        least, most = int(found[1]), OLDEST
    elif found := re.fullmatch(r"([0-9]{1,3})-([0-9]{1,3})", given):
        least, most = int(found[1]), int(found[2])
    else:
        raise Wrong("one of: all, under 19, 13-17, 18+")
    if not 0 <= least <= most <= OLDEST:
        raise Wrong("these are no ages of people")
    return {"age_from": least, "age_to": most}


def _number(name: str, given: str) -> dict[str, object]:
    if given and not _NUMBER.fullmatch(given):
        raise Wrong("this is no number that can be dialled")
    return {name: given}


def _address(name: str, given: str) -> dict[str, object]:
    """Take an https address with a name, without a password: nothing else is ever a link."""
    if not given:
        return {name: ""}
    try:
        parts = urlsplit(given)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Wrong("this is no web address") from None
    if parts.scheme != "https" or not _HOST.fullmatch(host) or parts.username is not None:
        raise Wrong("a web address begins with https:// and a name, without a password")
    if port is not None or len(given) > 300 or not given.isascii() or not given.isprintable():
        raise Wrong("a web address has no port, and at most 300 plain characters")
    if set(given) & set('\\"<> `{}|^'):
        raise Wrong("this is no web address")
    return {name: given}


def _cost(name: str, given: str) -> dict[str, object]:
    if given not in COSTS:
        raise Wrong("one of: " + ", ".join(COSTS))
    return {name: given}


def _day(name: str, given: str) -> dict[str, object]:
    if not given:
        return {name: None}
    try:
        # Only one way of writing a day: `20261122` could be anything.
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given, re.ASCII):
            raise ValueError
        return {name: date.fromisoformat(given)}
    except ValueError:
        raise Wrong("a day is written as 2026-11-22") from None


_READERS = {
    "id": _id, "country": _country, "name": _text, "languages": _languages, "topics": _topics,
    "ages": _ages, "hours": _text, "call": _number, "text": _number, "chat": _address,
    "web": _address, "cost": _cost, "pair": _text, "verified_on": _day, "verified_by": _text,
}  # fmt: skip


def unpaired(services: list[Service]) -> list[str]:
    """Return the ids of services that are paired with nobody: a word of it must be mistyped."""
    seen: dict[tuple[str, str], list[str]] = {}
    for one in services:
        if one.pair:
            seen.setdefault((one.country, one.pair), []).append(one.id)
    return [ids[0] for ids in seen.values() if len(ids) < 2]
