"""From a case, and what a specialist adds, to a report: every statement with its source. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from openhaven.authorities.cybertip.body import Body, FilePlan
from openhaven.authorities.cybertip.checking import is_ip, is_url
from openhaven.authorities.cybertip.model import (
    Associated,
    Batch,
    Chat,
    FileTags,
    Game,
    Incident,
    IncidentType,
    Internet,
    Mail,
    Report,
    Reported,
    Reporter,
    ReportTags,
    Victim,
    WebPage,
)
from openhaven.authorities.cybertip.parts import Device, Disabled, Email, IpEvent, Person
from openhaven.authorities.facts import CaseFacts
from openhaven.storage.settings import Authorities

PICTURES: IncidentType = "Child Pornography (possession, manufacture, and distribution)"
ENTICEMENT: IncidentType = "Online Enticement of Children for Sexual Acts"
# The project's own mapping of harm classes; the specialist may choose another type.
TYPES: dict[str, IncidentType] = {
    "csam.known": PICTURES,
    "csam.ai_generated": PICTURES,
    "grooming": ENTICEMENT,
    "sextortion.minor": ENTICEMENT,
    "sadistic_exploitation": ENTICEMENT,
    "child_trafficking": "Child Sex Trafficking",
}
TAGS: dict[str, ReportTags] = {
    "sextortion.minor": ReportTags(sextortion=True),
    "sadistic_exploitation": ReportTags(sadistic_online_exploitation=True),
}
Where = Literal["chat", "web", "game", "email"]
_PORTS = range(1, 65536)


class Entered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a specialist adds to what the case says by itself."""

    incident_type: IncidentType | None = None
    urgent: str = ""
    tags: ReportTags | None = None
    where: Where | None = None
    room: str = ""
    said: str = ""
    urls: tuple[str, ...] = ()
    screen_name: str = ""
    emails: tuple[str, ...] = ()
    ips: tuple[IpEvent, ...] = ()
    priors: tuple[int, ...] = ()
    associated: tuple[Associated, ...] = ()
    victim_age: int | None = None
    victim_account: str = ""
    notes: str = ""
    files: tuple[FilePlan, ...] | None = None
    # The other accounts that shared one viral file; then this is a batch.
    batch: tuple[str, ...] = ()


def compose(facts: CaseFacts, entered: Entered, who: Authorities, service: str) -> Body:
    """Return the filing that a case and what was entered make, with the source of each statement.

    It may not be complete yet: `check` says what is missing. `service` is the name under which
    people know the platform.
    """
    if entered.batch:
        return _batch(facts, entered, who, service)
    made = Report(
        incident_summary=_incident(facts, entered, service),
        internet_details=_where(facts, entered, service),
        reporter=_reporter(who),
        person_or_user_reported=(_reported(facts, entered, service),),
        victim=_victim(entered, service),
        additional_info=entered.notes or None,
    )
    return Body(report=made, files=_files(facts, entered), sources=_sources(facts, entered),
                entered=kept(entered))  # fmt: skip


def kept(entered: Entered) -> dict[str, Any]:
    """Return what was entered in the form in which a draft keeps it."""
    found: dict[str, Any] = msgspec.to_builtins(entered)
    return found


def entered_in(given: Mapping[str, Any]) -> Entered:
    """Return what a draft keeps of what was entered."""
    return msgspec.convert(given, Entered, strict=False)


def _incident(facts: CaseFacts, entered: Entered, service: str) -> Incident:
    return Incident(
        incident_type=entered.incident_type or TYPES.get(facts.case.harm, ENTICEMENT),
        platform=service[:256],
        escalate_to_high_priority=entered.urgent or None,
        report_annotations=entered.tags or TAGS.get(facts.case.harm),
        incident_date_time=facts.happened_at,
        incident_date_time_description=None if facts.event else "When the case was opened here.",
    )


def _where(facts: CaseFacts, entered: Entered, service: str) -> tuple[Internet, ...]:
    event = facts.event
    kind: Where = entered.where or ("chat" if event and event.conversation else "web")
    said = entered.said or None
    if kind == "web":
        given = event.item.url if event and event.item else None
        own = (given,) if given and is_url(given) else ()
        said = said or (f"Address as the service names it: {given}" if given and not own else None)
        page = WebPage(url=tuple(dict.fromkeys((*own, *entered.urls))), additional_info=said)
        return (Internet(web_page_incident=page),)
    if kind == "email":
        addresses = tuple(Email(text=one) for one in entered.emails)
        return (Internet(email_incident=Mail(email_address=addresses, content=said)),)
    if kind == "game":
        return (Internet(online_gaming_incident=Game(game_name=service, content=said)),)
    room = entered.room or (event.conversation.id if event and event.conversation else None)
    chat = Chat(chat_client=service, chat_room_name=room, content=said)
    return (Internet(chat_im_incident=chat),)


def _reporter(who: Authorities) -> Reporter:
    person = Person(
        first_name=who.reporter_first_name or None,
        last_name=who.reporter_last_name or None,
        email=(Email(text=who.reporter_email),) if who.reporter_email else (),
    )
    return Reporter(reporting_person=person, company_template=who.company or None,
                    legal_url=who.legal_url or None)  # fmt: skip


def _reported(facts: CaseFacts, entered: Entered, service: str) -> Reported:
    emails = tuple(Email(text=one) for one in entered.emails)
    ours = (int(one.reference) for one in facts.priors if one.reference.isdecimal())
    return Reported(
        person_or_user_reported_person=Person(email=emails) if emails else None,
        esp_identifier=facts.case.account,
        esp_service=service[:100],
        screen_name=entered.screen_name or None,
        ip_capture_event=tuple(dict.fromkeys((*_ip(facts), *entered.ips))),
        device_id=_device(facts),
        prior_ct_reports=tuple(dict.fromkeys((*ours, *entered.priors))),
        account_temporarily_disabled=_ended(facts, for_good=False),
        account_permanently_disabled=_ended(facts, for_good=True),
        associated_account=entered.associated,
    )


def _ip(facts: CaseFacts) -> tuple[IpEvent, ...]:
    """Return the address that the platform said beside the event, if it did."""
    address, port = facts.context("ip", "ip_address"), facts.context("port", "ip_port")
    if address is None or facts.event is None or not is_ip(address.strip()):
        return ()
    number = int(port) if port and port.isdecimal() and int(port) in _PORTS else None
    made = facts.event.kind in ("post.create", "media.upload", "item.create")
    return (IpEvent(ip_address=address.strip(), event_name="Upload" if made else "Other",
                    date_time=facts.event.at, port=number),)  # fmt: skip


def _device(facts: CaseFacts) -> tuple[Device, ...]:
    if facts.event is None or facts.event.device is None:
        return ()
    return (Device(id_type="device id of the service", id_value=facts.event.device.id,
                   date_time=facts.event.at),)  # fmt: skip


def _ended(facts: CaseFacts, *, for_good: bool) -> Disabled | None:
    found = facts.disabled
    if found is None or (found.until is None) != for_good:
        return None
    return Disabled(text=True, disabled_date=found.decided_at)


def _victim(entered: Entered, service: str) -> tuple[Victim, ...]:
    if entered.victim_age is None and not entered.victim_account:
        return ()
    person = Person(age=entered.victim_age)
    return (Victim(victim_person=person, esp_identifier=entered.victim_account or None,
                   esp_service=service[:100]),)  # fmt: skip


def _files(facts: CaseFacts, entered: Entered) -> tuple[FilePlan, ...]:
    if entered.files is not None:
        return entered.files
    generated = FileTags(generative_ai=True) if facts.case.harm == "csam.ai_generated" else None
    return tuple(
        FilePlan(item=one.id, name=one.name[:2056] or None, uploaded_at=_uploaded(facts),
                 tags=generated)
        for one in facts.items.values() if one.kind == "media"
    )  # fmt: skip


def _uploaded(facts: CaseFacts) -> datetime | None:
    return facts.event.at if facts.event else None


def _batch(facts: CaseFacts, entered: Entered, who: Authorities, service: str) -> Body:
    """Return the report of many accounts that shared one viral file, which says little else."""
    accounts = dict.fromkeys((*filter(None, (facts.case.account,)), *entered.batch))
    incident = msgspec.structs.replace(
        _incident(facts, entered, service), escalate_to_high_priority=None
    )
    plan = _files(facts, entered)[:1]
    viral = tuple(
        FilePlan(item=one.item, uploaded_at=one.uploaded_at,
                 publicly_available=one.publicly_available, classification=one.classification,
                 tags=_only_viral(one.tags))
        for one in plan
    )  # fmt: skip
    made = Report(
        batched_report=Batch(reason="VIRAL_POTENTIAL_MEME"),
        incident_summary=incident,
        reporter=_reporter(who),
        person_or_user_reported=tuple(Reported(esp_identifier=one) for one in accounts),
    )
    return Body(report=made, files=viral, sources=_sources(facts, entered), entered=kept(entered))


def _only_viral(tags: FileTags | None) -> FileTags:
    meme = bool(tags and tags.potential_meme)
    return FileTags(potential_meme=True if meme else None, viral=None if meme else True)


def _entered_where(entered: Entered) -> bool:
    return bool(entered.where or entered.room or entered.said or entered.urls)


def _sources(facts: CaseFacts, entered: Entered) -> dict[str, str]:
    """Return where each part of the report is from; what a specialist entered says so."""
    event = f"event:{facts.seq}" if facts.seq is not None else f"case:{facts.case.id}"
    who, person = "/personOrUserReported[0]", "specialist"
    found = {
        "/batchedReport": person,
        "/incidentSummary": f"case:{facts.case.id}",
        "/incidentSummary/incidentDateTime": event,
        "/incidentSummary/escalateToHighPriority": person,
        "/internetDetails": f"{event}, {person}" if _entered_where(entered) else event,
        "/reporter": "settings",
        "/victim": person,
        "/additionalInfo": person,
        f"{who}/espIdentifier": event,
        f"{who}/espService": "settings",
        f"{who}/screenName": person,
        f"{who}/personOrUserReportedPerson": person,
        f"{who}/ipCaptureEvent": person,
        f"{who}/ipCaptureEvent[0]": event if _ip(facts) else person,
        f"{who}/deviceId": event,
        f"{who}/priorCTReports": ", ".join([f"filing:{one.filing}" for one in facts.priors]
                                           + [person] * bool(entered.priors)),
        f"{who}/associatedAccount": person,
    }  # fmt: skip
    if facts.disabled:
        for name in ("accountTemporarilyDisabled", "accountPermanentlyDisabled"):
            found[f"{who}/{name}"] = f"decision:{facts.disabled.decision}"
    if entered.batch:
        found["/personOrUserReported"] = person
    return found
