"""The documented rules about people and accounts: addresses, numbers, ages, what was disabled."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from openhaven.authorities.cybertip.checking import (
    Fault,
    attribute_not_past,
    blank,
    day,
    find,
    is_email,
    moment,
    place,
    text,
    too_long,
)

_STATES = """AK AL AR AZ CA CO CT DC DE FL GA GU HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC
  ND NE NH NJ NM NV NY OH OK OR PA PR RI SC SD TN TX UT VA VI VT WA WI WV WY"""
STATES = frozenset(_STATES.split())
_LARGEST_REPORT = 2**63 - 1


def _verified(one: Any, rule: str, now: datetime) -> Iterator[Fault]:
    if one.get("verificationDate") is None:
        return
    if one.get("verified") not in ("true", "1"):
        words = "A date of verification is only for what was verified."
        yield Fault(rule, place(one), words)
    yield from attribute_not_past(one, rule, "verificationDate", now)


def _emails(root: Any, now: datetime) -> Iterator[Fault]:
    for one in find(root, "//email | //emailAddress"):
        if not is_email(text(one)):
            yield Fault("R12", place(one), "This has not the form of an e-mail address.")
        yield from _verified(one, "R12", now)


def _phones(root: Any, now: datetime) -> Iterator[Fault]:
    for one in find(root, "//phone | //phoneNumber"):
        code = one.get("countryCallingCode")
        if not text(one) or len(text(one)) > 50:
            yield Fault("R13", place(one), "A telephone number has 1 to 50 characters.")
        if code and text(one).startswith((code, code.lstrip("+"))):
            yield Fault("R13", place(one), "The calling code stands apart, not in the number.")
        if len(one.get("extension") or "") > 10:
            yield Fault("R13", place(one), "An extension has 10 digits at most.")
        yield from _verified(one, "R13", now)


def _locations(root: Any, now: datetime) -> Iterator[Fault]:
    for one in find(root, "//estimatedLocation"):
        country, region, city = (
            (one.findtext(name) or "").strip() for name in ("countryCode", "region", "city")
        )
        if not country:
            yield Fault("R14", place(one), "A location needs its country.")
        if country == "US" and (region or city) and region not in STATES:
            yield Fault("R14", place(one), "A place in the US needs the code of its state.")
        yield from attribute_not_past(one, "R14", "timestamp", now)


def _temporarily(root: Any, now: datetime) -> Iterator[Fault]:
    yield from _disabled(root, "R15", "accountTemporarilyDisabled", now)
    for one in find(root, "//accountTemporarilyDisabled[@reenabledDate]"):
        disabled, enabled = moment(one.get("disabledDate")), moment(one.get("reenabledDate"))
        if disabled is None or enabled is None or enabled <= disabled:
            yield Fault("R15", place(one), "An account is enabled again after it was disabled.")


def _permanently(root: Any, now: datetime) -> Iterator[Fault]:
    yield from _disabled(root, "R16", "accountPermanentlyDisabled", now)


def _disabled(root: Any, rule: str, name: str, now: datetime) -> Iterator[Fault]:
    for one in find(root, f"//{name}"):
        yield from attribute_not_past(one, rule, "disabledDate", now)
        yield from attribute_not_past(one, rule, "userNotifiedDate", now)
        disabled, told = moment(one.get("disabledDate")), moment(one.get("userNotifiedDate"))
        if disabled and told and told < disabled:
            yield Fault(rule, place(one), "The user was told before the account was disabled.")


def _associated(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    for one in find(root, "//associatedAccount[approximateAge and dateOfBirth]"):
        yield Fault("R23", place(one), "Give an age or a date of birth, not both.")
    yield from _ages(root, "R23", "//approximateAge")


def _age(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    yield from _ages(root, "R24", "//age")


def _ages(root: Any, rule: str, path: str) -> Iterator[Fault]:
    for one in find(root, path):
        if not (text(one).isdecimal() and int(text(one)) <= 150):
            yield Fault(rule, place(one), "An age is from 0 to 150 years.")


def _births(root: Any, now: datetime) -> Iterator[Fault]:
    for one in find(root, "//dateOfBirth"):
        born = day(text(one))
        if born is None or born >= now.date():
            yield Fault("R25", place(one), "A date of birth is in the past.")


def _police(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    yield from blank(root, "R26", "//lawEnforcement/agencyName")
    yield from too_long(root, "R26", "//lawEnforcement/agencyName", 255)
    yield from too_long(root, "R26", "//lawEnforcement/caseNumber", 100)


def _prior(root: Any, now: datetime) -> Iterator[Fault]:
    del now
    for one in find(root, "//priorCTReports | //priorCTReport"):
        if not (text(one).isdecimal() and 0 < int(text(one)) <= _LARGEST_REPORT):
            yield Fault("R27", place(one), "This is no number of a CyberTipline report.")


PEOPLE = {
    "R12": _emails,
    "R13": _phones,
    "R14": _locations,
    "R15": _temporarily,
    "R16": _permanently,
    "R23": _associated,
    "R24": _age,
    "R25": _births,
    "R26": _police,
    "R27": _prior,
}
