"""The rules that the documentation states and the schema does not know, for a whole report.

Source: the technical documentation of the CyberTipline Reporting API (page of 2025-06-11). Each
rule has an id, so that what is wrong can be named; those about people stand in `rules_people`.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from openhaven.authorities.cybertip.checking import (
    Fault,
    blank,
    find,
    is_ip,
    is_url,
    not_past,
    place,
    text,
    too_long,
)
from openhaven.authorities.cybertip.rules_people import PEOPLE
from openhaven.authorities.cybertip.xml import parse

Check = Callable[[Any, datetime], Iterator[Fault]]
MOST_ESCALATION = 3000


def judge(data: bytes, now: datetime) -> list[Fault]:
    """Return every rule that a report document breaks at `now`; empty when none is broken.

    Raises `ValueError` for what is no XML. That the schema holds is checked before, elsewhere.
    """
    root = parse(data)
    return [fault for check in RULES.values() for fault in check(root, now)]


def _reporter_email(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    if not find(root, "/report/reporter/reportingPerson/email[normalize-space()]"):
        words = "Who reports has to give an e-mail address."
        yield Fault("R01", "/report/reporter/reportingPerson", words)


def _incident(root: Any, now: datetime) -> Iterator[Fault]:
    yield from not_past(root, "R02", "/report/incidentSummary/incidentDateTime", now)


def _escalation(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    path = "/report/incidentSummary/escalateToHighPriority"
    yield from blank(root, "R03", path)
    yield from too_long(root, "R03", path, MOST_ESCALATION)


def _lengths(rule: str, path: str, most: int) -> Check:
    def check(root: Any, now: datetime) -> Iterator[Fault]:
        del now
        yield from too_long(root, rule, path, most)

    return check


def _account_lengths(rule: str, name: str, most: int) -> Check:
    """Check a length; of an associated account the documentation allows 256."""

    def check(root: Any, now: datetime) -> Iterator[Fault]:
        del now
        yield from too_long(root, rule, f"//{name}[not(parent::associatedAccount)]", most)
        yield from too_long(root, rule, f"//associatedAccount/{name}", 256)

    return check


def _incident_emails(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    known = {
        text(one).lower()
        for who in ("personOrUserReported", "intendedRecipient", "victim")
        for one in find(root, f"/report/{who}//email")
    }
    for one in find(root, "//emailIncident/emailAddress | //newsgroupIncident/emailAddress"):
        if text(one).lower() not in known:
            words = "This address has to be that of the reported, a recipient or a victim, too."
            yield Fault("R06", place(one), words)


def _urls(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    for one in find(root, "//webPageIncident/url | //profileUrl | /report/reporter/legalURL"):
        if not is_url(text(one)):
            yield Fault("R07", place(one), "This is no web address of at most 2083 characters.")


def _ips(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    for one in find(root, "//ipCaptureEvent/ipAddress"):
        if not is_ip(text(one)):
            yield Fault("R08", place(one), "This is no IPv4 or IPv6 address.")


def _ports(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    for one in find(root, "//ipCaptureEvent/port"):
        if not (text(one).isdecimal() and 1 <= int(text(one)) <= 65535):
            yield Fault("R09", place(one), "A port is a number from 1 to 65535.")


def _events(root: Any, now: datetime) -> Iterator[Fault]:
    yield from not_past(root, "R10", "//ipCaptureEvent/dateTime | //deviceId/dateTime", now)


def _devices(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    yield from blank(root, "R11", "//deviceId/idType | //deviceId/idValue")
    yield from too_long(root, "R11", "//deviceId/idType", 255)
    yield from too_long(root, "R11", "//deviceId/idValue", 2083)


def _one_reported(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    found = find(root, "/report/personOrUserReported")
    if len(found) > 1 and not find(root, "/report/batchedReport"):
        words = "Only a batch about one viral file reports several accounts."
        yield Fault("R17", place(found[1]), words)


def _batch(root: Any, now: datetime) -> Iterator[Fault]:
    """Check what a batch about one viral file may hold (B01, B02)."""
    del now
    if not find(root, "/report/batchedReport"):
        return
    for one in find(root, "/report/personOrUserReported/*[not(self::espIdentifier)]"):
        yield Fault("B01", place(one), "In a batch an account has its identifier and no more.")
    forbidden = ("incidentSummary/escalateToHighPriority", "internetDetails", "lawEnforcement",
                 "intendedRecipient", "victim", "additionalInfo")  # fmt: skip
    for path in forbidden:
        for one in find(root, f"/report/{path}"):
            yield Fault("B02", place(one), "This may not stand in a batch.")


RULES: dict[str, Check] = {
    "R01": _reporter_email,
    "R02": _incident,
    "R03": _escalation,
    "R04": _lengths("R04", "/report/incidentSummary/platform", 256),
    "R05": _lengths("R05", "/report/incidentSummary/incidentDateTimeDescription", 3000),
    "R06": _incident_emails,
    "R07": _urls,
    "R08": _ips,
    "R09": _ports,
    "R10": _events,
    "R11": _devices,
    "R17": _one_reported,
    "R18": _account_lengths("R18", "espIdentifier", 255),
    "R19": _account_lengths("R19", "espService", 100),
    "R20": _lengths("R20", "//screenName", 256),
    "R21": _lengths("R21", "//displayName", 255),
    "R22": _account_lengths("R22", "groupIdentifier", 255),
    **PEOPLE,
    "B01": _batch,
}
