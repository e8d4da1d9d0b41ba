"""The calls to Openhaven as values, the same for both clients. No I/O."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec

from openhaven.client.model import Subject
from openhaven.client.wire import Request
from openhaven.core.words import AgeBand
from openhaven.protections.handed import Wanted

By = Literal["child", "holder", "carer", "operator"]
Source = Literal["declared", "estimate", "carer"]


def snapshot(accounts: Sequence[str], data: str, since: int | None) -> Request:
    """Ask for profiles, for what changed, and for the data if it is another."""
    wanted = Wanted(accounts=list(accounts), data=data, since=since)
    return Request("POST", "/v1/protections/snapshot", msgspec.json.encode(wanted))


def settings(account: str, language: str) -> Request:
    """Ask what holds for an account."""
    return Request("GET", f"{_about(account)}?{urlencode({'language': language})}")


def set_setting(
    account: str, feature: str, value: str, by: By, carer: str | None, *, explained: bool
) -> Request:
    """Set one protection."""
    body = {"value": value, "by": by, "explained": explained, "carer": carer}
    return _put(account, f"/settings/{quote(feature, safe='')}", body)


def note_age(
    account: str, source: Source, band: AgeBand, day: date | None, expires: date | None,
    carer: str | None,
) -> Request:  # fmt: skip
    """Say what a source says of an age."""
    body = {"source": source, "band": band, "day": day, "expires": expires, "carer": carer}
    return _put(account, "/age", body)


def appeal_age(account: str, band: AgeBand, text: str, language: str) -> Request:
    """Say that an age is wrong, in the person's own words."""
    body = msgspec.json.encode({"band": band, "text": text, "language": language})
    return Request("POST", f"{_about(account)}/age/appeals", body)


def carer(account: str, carer: str, *, cares: bool) -> Request:
    """Say that an account cares for another, or no longer does."""
    path = f"{_about(account)}/carers/{quote(carer, safe='')}"
    return Request("PUT" if cares else "DELETE", path, after=account)


def event(body: Mapping[str, Any], *, wait: bool) -> Request:
    """Tell what happened; `wait` for the verdict."""
    path = "/v1/events?wait=verdict" if wait else "/v1/events"
    return Request("POST", path, msgspec.json.encode(body))


def report(subject: Subject, category: str, text: str, more: Mapping[str, str | None]) -> Request:
    """Pass on what a person reported."""
    body = {"subject": subject, "category": category, "text": text}
    given = {name: value for name, value in more.items() if value is not None}
    return Request("POST", "/v1/reports", msgspec.json.encode({**body, **given}))


def support(asked: Mapping[str, str | None]) -> Request:
    """Ask who helps; what somebody searches for (`query`) stands in no address."""
    given = {name: value for name, value in asked.items() if value}
    if "query" not in given:
        return Request("GET", f"/v1/support?{urlencode(given)}")
    topics = [given.pop("topic")] if "topic" in given else []
    return Request("POST", "/v1/support", msgspec.json.encode({**given, "topics": topics}))


def _put(account: str, path: str, body: Mapping[str, Any]) -> Request:
    given = {name: value for name, value in body.items() if value is not None}
    return Request("PUT", _about(account) + path, msgspec.json.encode(given), after=account)


def _about(account: str) -> str:
    return f"/v1/protections/{quote(account, safe='')}"
