"""What a filing states, in plain words: each statement with its place and its source. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from openhaven.authorities.cybertip.body import Body, FilePlan, details
from openhaven.authorities.cybertip.checking import Fault
from openhaven.authorities.cybertip.parts import Part
from openhaven.evidence import Item, Viewing

SECTIONS = {
    "batchedReport": "A report for many",
    "incidentSummary": "What happened",
    "internetDetails": "Where it happened",
    "lawEnforcement": "Police",
    "reporter": "Who reports",
    "personOrUserReported": "Who is reported",
    "intendedRecipient": "For whom it was meant",
    "victim": "The child",
    "additionalInfo": "Notes",
}
_WORDS = {
    "espIdentifier": "identifier of the account here",
    "espService": "service",
    "escalateToHighPriority": "why it is urgent",
    "incidentDateTime": "when",
    "incidentDateTimeDescription": "about that moment",
    "companyTemplate": "organisation",
    "legalURL": "legal process",
    "priorCTReports": "earlier report",
    "ipCaptureEvent": "address",
    "chatImIncident": "chat",
    "webPageIncident": "page",
    "emailIncident": "e-mail",
    "newsgroupIncident": "newsgroup",
    "cellPhoneIncident": "telephone",
    "nonInternetIncident": "place",
    "peer2peerIncident": "peer to peer",
    "thirdPartyHostedContent": "on somebody else's server",
    "agencyName": "police force",
    "caseNumber": "their number",
    "officerContact": "officer",
    "reportedToLe": "the police was told",
    "servedLegalProcessDomestic": "legal process was served",
    "servedLegalProcessInternational": "legal process of another country was served",
    "fleaCountry": "country",
    "contactPerson": "whom to call",
    "associatedAccount": "account that belongs to them",
    "compromisedAccount": "the account was taken over by somebody",
    "thirdPartyUserReported": "the account is one of another service",
    "personOrUserReportedPerson": "person",
    "intendedRecipientPerson": "person",
    "victimPerson": "child",
    "estimatedLocation": "seems to be in",
    "fileViewedByEsp": "viewed by us",
    "exifViewedByEsp": "camera data viewed by us",
    "publiclyAvailable": "everybody could see it",
    "fileRelevance": "it is",
    "industryClassification": "classification",
    "originalFileHash": "hash as it came",
    "uploadedToEspTimestamp": "uploaded",
    "locationOfFile": "where it was",
    "fileAnnotations": "it shows",
    "onlineGamingIncident": "game",
    "reportAnnotations": "about",
    "idType": "kind of id",
    "idValue": "id",
    "reason": "reason",
}
# What is wrong most often, in words that say what to do.
_HELP = {
    "R01": "An e-mail address of the reporting desk is missing: reporter_email under [authorities] "
    "in openhaven.toml.",
    "O5": "The report says neither who nor what nor where.",
}


class Said(NamedTuple):
    """One statement: in which section, what it is, its value, and where it is from."""

    section: str
    name: str
    value: str
    source: str


def stated(body: Body) -> list[Said]:
    """Return everything that a report states, in its order."""
    return list(_walk(body.report, "", body.sources))


# What a file states comes from the sealed item, from the event, or from the record of who saw it.
_FILE_SOURCES = {"originalFileName": "evidence", "originalFileHash": "evidence",
                 "fileViewedByEsp": "viewing", "exifViewedByEsp": "viewing",
                 "uploadedToEspTimestamp": "event"}  # fmt: skip


def stated_of_files(
    body: Body, items: Mapping[str, Item], views: Mapping[str, Viewing]
) -> list[Said]:
    """Return everything that is stated of the files which are sent, in the order of the report."""
    found: list[Said] = []
    for number, plan in enumerate(body.files, 1):
        item, seen = items.get(plan.item), views.get(plan.item)
        if item is None or seen is None:
            continue
        said = details(body, plan, item, seen, "1", "0")
        sources = {f"/file/{name}": f"{kind}:{item.id}" for name, kind in _FILE_SOURCES.items()}
        section = f"File {number} ({item.name or item.id})"
        found += [one._replace(section=section)
                  for one in _walk(said, "/file", {"/file": "specialist", **sources})
                  if one.name not in ("report id", "file id")]  # fmt: skip
    return found


def _walk(part: Part, at: str, sources: Mapping[str, str]) -> list[Said]:
    found: list[Said] = []
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        many = value if isinstance(value, tuple) else (value,)
        for number, one in enumerate(many):
            place = f"{at}/{field.encode_name}" + (f"[{number}]" if value is many else "")
            if isinstance(one, Part):
                found += _walk(one, place, sources)
            elif one is not None:
                found.append(_said(place, one, sources))
    return found


def _said(place: str, value: Any, sources: Mapping[str, str]) -> Said:
    first, *rest = [re.sub(r"\[\d+\]", "", name) for name in place.strip("/").split("/")]
    name = " – ".join(_word(one) for one in rest if one != "text") or "text"
    return Said(SECTIONS.get(first, first), name, _shown(value), source(place, sources))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return str(value)


def _word(name: str) -> str:
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return _WORDS.get(name, plain)


def source(place: str, sources: Mapping[str, str]) -> str:
    """Return where a statement is from, as it is noted at it or at what it lies in."""
    while place:
        if sources.get(place):
            return sources[place]
        place = place[: max(place.rfind("/"), place.rfind("["), 0)]
    return ""


def words(fault: Fault) -> str:
    """Return what is wrong, so that a tired person knows what to do."""
    if fault.rule in _HELP:
        return _HELP[fault.rule]
    names = [_word(re.sub(r"\[\d+\]", "", one)) for one in fault.place.strip("/").split("/")[1:]]
    place = " – ".join(name for name in names if name)
    lead = f"{place[0].upper()}{place[1:]}: " if place else ""
    return f"{lead}{fault.words} ({fault.rule})"


class File(NamedTuple):
    """A file as the form shows it: the item, the plan if it is sent, who saw it, what is said."""

    item: Item
    plan: FilePlan | None
    viewing: str
    said: str


def files(items: Mapping[str, Item], views: Mapping[str, Viewing], body: Body) -> list[File]:
    """Return every sealed item that may be sent, with what would be stated of its viewing."""
    plans = {plan.item: plan for plan in body.files}
    return [File(item, plans.get(item.id), *seen(views.get(item.id)))
            for item in items.values() if item.kind not in ("filing", "derived")]  # fmt: skip


def seen(viewing: Viewing | None) -> tuple[str, str]:
    """Return whether somebody was shown a file, and what a report will say of it."""
    if viewing is None or not (viewing.viewed or viewing.exif_viewed):
        return "Nobody was shown the whole of it.", "not viewed"
    exif = viewing.exif_viewed
    return ("Somebody was shown it" + (", and its camera data." if exif else "."),
            "viewed" + (", with camera data" if exif else ""))  # fmt: skip
