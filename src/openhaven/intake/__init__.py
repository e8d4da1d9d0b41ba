"""How things come in: platforms and their keys, accounts, events, media and reports of users.

Everything is stored before it is answered; the same event sent again gives the same answer. A
report becomes an event, too, so that there is one line and one place where work begins.
"""

from openhaven.intake.actions import accept, accept_media, check, email_of
from openhaven.intake.claiming import claim, record, retry_stuck, stumble, tally
from openhaven.intake.labels import (
    Labels,
    Note,
    give_labels,
    labels_about,
    labels_on,
    remove_labels,
)
from openhaven.intake.model import (
    Account,
    Conversation,
    Device,
    Event,
    Item,
    MediaFacts,
    MediaRef,
    Report,
    ReportSubject,
    Target,
)
from openhaven.intake.platforms import (
    add_platform,
    create_key,
    revoke_key,
    set_private_basis,
    set_webhook,
)
from openhaven.intake.reports import accept_report, category_of
from openhaven.intake.store import (
    Accepted,
    Claimed,
    EventRow,
    Platform,
    account_of,
    event_of,
    latest_of_item,
    media_facts,
    media_of,
    open_event,
    platform_named,
    platform_names,
    report_of,
    report_status,
    waiting,
)

__all__ = [
    "Accepted",
    "Account",
    "Claimed",
    "Conversation",
    "Device",
    "Event",
    "EventRow",
    "Item",
    "Labels",
    "MediaFacts",
    "MediaRef",
    "Note",
    "Platform",
    "Report",
    "ReportSubject",
    "Target",
    "accept",
    "accept_media",
    "accept_report",
    "account_of",
    "add_platform",
    "category_of",
    "check",
    "claim",
    "create_key",
    "email_of",
    "event_of",
    "give_labels",
    "labels_about",
    "labels_on",
    "latest_of_item",
    "media_facts",
    "media_of",
    "open_event",
    "platform_named",
    "platform_names",
    "record",
    "remove_labels",
    "report_of",
    "report_status",
    "retry_stuck",
    "revoke_key",
    "set_private_basis",
    "set_webhook",
    "stumble",
    "tally",
    "waiting",
]
