"""Who is reported, for whom it was meant, the child, and the police, as the report states it. Pure.

Nothing stands here that the case or a specialist did not say: what is empty is left out.
"""

import msgspec

from openhaven.authorities.cybertip.checking import is_ip
from openhaven.authorities.cybertip.entered import Child, Entered, Police, Someone
from openhaven.authorities.cybertip.model import (
    Abroad,
    LawEnforcement,
    Recipient,
    Reported,
    Reporter,
    Victim,
)
from openhaven.authorities.cybertip.parts import (
    Address,
    Contact,
    Device,
    Disabled,
    Email,
    IpEvent,
    Location,
    Person,
    Phone,
)
from openhaven.authorities.facts import CaseFacts
from openhaven.storage.settings import Authorities

_PORTS = range(1, 65536)


def reporter(who: Authorities) -> Reporter:
    """Return who reports, and whom the authority may call, as the settings say."""
    person = Person(
        first_name=who.reporter_first_name or None,
        last_name=who.reporter_last_name or None,
        email=_emails(who.reporter_email),
    )
    contact = Contact(
        first_name=who.contact_first_name or None,
        last_name=who.contact_last_name or None,
        phone=_phones(who.contact_phone),
        email=_emails(who.contact_email),
    )
    return Reporter(
        reporting_person=person,
        contact_person=contact if contact != Contact() else None,
        company_template=who.company or None,
        terms_of_service=who.terms_of_service or None,
        legal_url=who.legal_url or None,
    )


def reported(facts: CaseFacts, entered: Entered, service: str) -> Reported:
    """Return the account that is reported, with all that is known of it and of its person."""
    some = entered.someone
    ours = (int(one.reference) for one in facts.priors if one.reference.isdecimal())
    person = _person(some, entered.emails)
    return Reported(
        person_or_user_reported_person=person if person != Person() else None,
        esp_identifier=facts.case.account,
        esp_service=service[:100],
        compromised_account=some.compromised,
        screen_name=entered.screen_name or None,
        display_name=some.display_names,
        profile_url=some.profiles,
        profile_bio=some.bio or None,
        ip_capture_event=tuple(dict.fromkeys((*addresses(facts), *entered.ips))),
        device_id=tuple(dict.fromkeys((*devices(facts), *some.devices))),
        third_party_user_reported=some.third_party,
        prior_ct_reports=tuple(dict.fromkeys((*ours, *entered.priors))),
        group_identifier=some.group or None,
        account_temporarily_disabled=_ended(facts, for_good=False),
        account_permanently_disabled=_ended(facts, for_good=True),
        estimated_location=_location(some),
        associated_account=entered.associated,
        additional_info=some.notes or None,
    )


def _person(some: Someone, emails: tuple[Email, ...]) -> Person:
    return Person(
        first_name=some.first_name or None,
        last_name=some.last_name or None,
        phone=some.phones,
        email=emails,
        address=(Address(address=some.address),) if some.address else (),
        age=some.age,
        date_of_birth=some.born,
    )


def _location(some: Someone) -> Location | None:
    if not (some.city or some.region or some.country):
        return None
    return Location(city=some.city or None, region=some.region or None,
                    country_code=some.country or None)  # fmt: skip


def addresses(facts: CaseFacts) -> tuple[IpEvent, ...]:
    """Return the address that the platform said beside the event, if it did."""
    address, port = facts.context("ip", "ip_address"), facts.context("port", "ip_port")
    if address is None or facts.event is None or not is_ip(address.strip()):
        return ()
    number = int(port) if port and port.isdecimal() and int(port) in _PORTS else None
    made = facts.event.kind in ("post.create", "media.upload", "item.create")
    return (IpEvent(ip_address=address.strip(), event_name="Upload" if made else "Other",
                    date_time=facts.event.at, port=number),)  # fmt: skip


def devices(facts: CaseFacts) -> tuple[Device, ...]:
    """Return the device that the platform said beside the event, if it did."""
    if facts.event is None or facts.event.device is None:
        return ()
    return (Device(id_type="device id of the service", id_value=facts.event.device.id,
                   date_time=facts.event.at),)  # fmt: skip


def _ended(facts: CaseFacts, *, for_good: bool) -> Disabled | None:
    found = facts.disabled
    if found is None or (found.until is None) != for_good:
        return None
    return Disabled(text=True, disabled_date=found.decided_at)


def victims(entered: Entered, service: str) -> tuple[Victim, ...]:
    """Return the child, and further ones, as far as a specialist has said something of them."""
    child = entered.child
    first = () if child == Child() else (
        Victim(
            victim_person=Person(age=child.age, email=_emails(child.email)),
            esp_identifier=child.account or None,
            esp_service=service[:100],
            screen_name=child.screen_name or None,
            school_name=child.school or None,
            additional_info=child.notes or None,
        ),
    )  # fmt: skip
    return first + tuple(
        msgspec.structs.replace(one, esp_service=service[:100]) for one in entered.children
    )


def recipients(entered: Entered, service: str) -> tuple[Recipient, ...]:
    """Return for whom it was meant; an account is one of this service."""
    return tuple(
        msgspec.structs.replace(one, esp_service=service[:100]) if one.esp_identifier else one
        for one in entered.recipients
    )


def police(given: Police) -> LawEnforcement | None:
    """Return the police force that knows of it; None when none was named."""
    if not given.agency:
        return None
    officer = Contact(first_name=given.first_name or None, last_name=given.last_name or None,
                      phone=_phones(given.phone), email=_emails(given.email))  # fmt: skip
    abroad = given.served_abroad
    return LawEnforcement(
        agency_name=given.agency,
        case_number=given.number or None,
        officer_contact=officer if officer != Contact() else None,
        reported_to_le=given.reported,
        served_legal_process_domestic=given.served,
        served_legal_process_international=(
            Abroad(text=True, flea_country=abroad) if abroad else None
        ),
    )


def _emails(text: str) -> tuple[Email, ...]:
    return (Email(text=text),) if text else ()


def _phones(text: str) -> tuple[Phone, ...]:
    return (Phone(text=text),) if text else ()
