"""A CyberTipline report and the details of its files, in the order of the schema."""

from datetime import date, datetime
from typing import Literal

import msgspec

from openhaven.authorities.cybertip.parts import (
    Address,
    Contact,
    Device,
    Disabled,
    Email,
    IpEvent,
    Location,
    Part,
    Person,
    Phone,
)

IncidentType = Literal[
    "Child Pornography (possession, manufacture, and distribution)",
    "Child Sex Trafficking",
    "Child Sex Tourism",
    "Child Sexual Molestation",
    "Misleading Domain Name",
    "Misleading Words or Digital Images on the Internet",
    "Online Enticement of Children for Sexual Acts",
    "Unsolicited Obscene Material Sent to a Child",
]
# True or absent: the schema knows no `false` here, and to say nothing is something else than no.
Tag = Literal[True] | None


class Batch(Part, frozen=True, kw_only=True):
    """That the report stands for many about one viral file."""

    attributes = frozenset({"reason"})
    reason: Literal["VIRAL_POTENTIAL_MEME"]


class ReportTags(Part, frozen=True, kw_only=True):
    """What the report is about besides its type."""

    sextortion: Tag = None
    csam_solicitation: Tag = None
    minor_to_minor_interaction: Tag = None
    spam: Tag = None
    sadistic_online_exploitation: Tag = None


class Incident(Part, frozen=True, kw_only=True):
    """What happened and when; a text under `escalate_to_high_priority` makes it urgent."""

    incident_type: IncidentType
    platform: str | None = None
    escalate_to_high_priority: str | None = None
    report_annotations: ReportTags | None = None
    incident_date_time: datetime
    incident_date_time_description: str | None = None


class WebPage(Part, frozen=True, kw_only=True):
    """Where on the web it happened."""

    attributes = frozenset({"thirdPartyHostedContent"})
    third_party_hosted_content: bool | None = None
    url: tuple[str, ...] = ()
    additional_info: str | None = None


class Chat(Part, frozen=True, kw_only=True):
    """In which conversation it happened, and what was said there."""

    chat_client: str | None = None
    chat_room_name: str | None = None
    content: str | None = None
    additional_info: str | None = None


class Mail(Part, frozen=True, kw_only=True):
    """With which e-mail it happened."""

    email_address: tuple[Email, ...] = ()
    content: str | None = None
    additional_info: str | None = None


class Game(Part, frozen=True, kw_only=True):
    """In which game it happened."""

    game_name: str | None = None
    console: str | None = None
    content: str | None = None
    additional_info: str | None = None


class Newsgroup(Part, frozen=True, kw_only=True):
    """In which newsgroup it happened."""

    name: str | None = None
    email_address: tuple[Email, ...] = ()
    content: str | None = None
    additional_info: str | None = None


class CellPhone(Part, frozen=True, kw_only=True):
    """That it happened by telephone."""

    phone_number: Phone | None = None
    additional_info: str | None = None


class Place(Part, frozen=True, kw_only=True):
    """That it happened outside of any network."""

    location_name: str | None = None
    additional_info: str | None = None


class PeerToPeer(Part, frozen=True, kw_only=True):
    """That files were shared directly, and with which program."""

    client: str | None = None
    file_names: str | None = None
    additional_info: str | None = None


class Internet(Part, frozen=True, kw_only=True):
    """Where it happened: exactly one of these."""

    web_page_incident: WebPage | None = None
    email_incident: Mail | None = None
    newsgroup_incident: Newsgroup | None = None
    chat_im_incident: Chat | None = None
    online_gaming_incident: Game | None = None
    cell_phone_incident: CellPhone | None = None
    non_internet_incident: Place | None = None
    peer2peer_incident: PeerToPeer | None = None


class Abroad(Part, frozen=True, kw_only=True):
    """Whether an authority of another country has served legal process, and of which."""

    attributes = frozenset({"fleaCountry"})
    text: bool
    flea_country: str | None = None


class LawEnforcement(Part, frozen=True, kw_only=True):
    """A police force that knows of it already, or asked."""

    agency_name: str
    case_number: str | None = None
    officer_contact: Contact | None = None
    reported_to_le: bool | None = None
    served_legal_process_domestic: bool | None = None
    served_legal_process_international: Abroad | None = None


class Reporter(Part, frozen=True, kw_only=True):
    """Who reports."""

    reporting_person: Person
    contact_person: Contact | None = None
    company_template: str | None = None
    terms_of_service: str | None = None
    legal_url: str | None = msgspec.field(default=None, name="legalURL")


class Associated(Part, frozen=True, kw_only=True):
    """Another account that belongs to who is reported, here or elsewhere."""

    attributes = frozenset({"type"})
    type: Literal["Billing", "Linked", "Business", "Creator", "Parent/Guardian", "Other"]
    approximate_age: int | None = None
    date_of_birth: date | None = None
    phone: tuple[Phone, ...] = ()
    email: tuple[Email, ...] = ()
    address: tuple[Address, ...] = ()
    esp_service: str | None = None
    esp_identifier: str | None = None
    profile_url: tuple[str, ...] = ()
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    group_identifier: str | None = None
    compromised_account: bool | None = None
    account_temporarily_disabled: Disabled | None = None
    account_permanently_disabled: Disabled | None = None
    ip_capture_event: tuple[IpEvent, ...] = ()
    device_id: tuple[Device, ...] = ()
    prior_ct_report: tuple[int, ...] = msgspec.field(default=(), name="priorCTReport")
    additional_info: str | None = None


class Reported(Part, frozen=True, kw_only=True):
    """The person or account that is reported."""

    person_or_user_reported_person: Person | None = None
    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_url: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_capture_event: tuple[IpEvent, ...] = ()
    device_id: tuple[Device, ...] = ()
    third_party_user_reported: bool | None = None
    prior_ct_reports: tuple[int, ...] = msgspec.field(default=(), name="priorCTReports")
    group_identifier: str | None = None
    account_temporarily_disabled: Disabled | None = None
    account_permanently_disabled: Disabled | None = None
    estimated_location: Location | None = None
    associated_account: tuple[Associated, ...] = ()
    additional_info: str | None = None


class Recipient(Part, frozen=True, kw_only=True):
    """For whom it was meant."""

    intended_recipient_person: Person | None = None
    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_url: tuple[str, ...] = ()
    ip_capture_event: tuple[IpEvent, ...] = ()
    device_id: tuple[Device, ...] = ()
    additional_info: tuple[str, ...] = ()


class Victim(Part, frozen=True, kw_only=True):
    """The child, as far as known. Nothing that is not needed to find and help it."""

    victim_person: Person
    esp_identifier: str | None = None
    esp_service: str | None = None
    screen_name: str | None = None
    ip_capture_event: tuple[IpEvent, ...] = ()
    school_name: str | None = None
    additional_info: str | None = None


class Report(Part, frozen=True, kw_only=True):
    """A whole report, without its files."""

    batched_report: Batch | None = None
    incident_summary: Incident
    internet_details: tuple[Internet, ...] = ()
    law_enforcement: LawEnforcement | None = None
    reporter: Reporter
    person_or_user_reported: tuple[Reported, ...] = ()
    intended_recipient: tuple[Recipient, ...] = ()
    victim: tuple[Victim, ...] = ()
    additional_info: str | None = None


class FileTags(Part, frozen=True, kw_only=True):
    """What a file shows, as the schema names it."""

    anime_drawing_virtual_hentai: Tag = None
    potential_meme: Tag = None
    viral: Tag = None
    possible_self_production: Tag = None
    physical_harm: Tag = None
    violence_gore: Tag = None
    bestiality: Tag = None
    live_streaming: Tag = None
    infant: Tag = None
    generative_ai: Tag = None


class Hash(Part, frozen=True, kw_only=True):
    """A hash of the file as it was uploaded to the service."""

    attributes = frozenset({"hashType"})
    text: str
    hash_type: str


class FileDetails(Part, frozen=True, kw_only=True):
    """What is stated of one file that was sent along."""

    report_id: int
    file_id: str
    original_file_name: str | None = None
    uploaded_to_esp_timestamp: datetime | None = None
    location_of_file: str | None = None
    file_viewed_by_esp: bool | None = None
    exif_viewed_by_esp: bool | None = None
    publicly_available: bool | None = None
    file_relevance: Literal["Reported", "Supplemental Reported"] | None = None
    file_annotations: FileTags | None = None
    industry_classification: Literal["A1", "A2", "B1", "B2"] | None = None
    original_file_hash: tuple[Hash, ...] = ()
    ip_capture_event: IpEvent | None = None
    device_id: tuple[Device, ...] = ()
    additional_info: tuple[str, ...] = ()
