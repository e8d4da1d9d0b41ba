"""From a case, and what a specialist adds, to a report: every statement with its source. Pure."""

from datetime import datetime

import msgspec

from openhaven.authorities.cybertip.body import Body, FilePlan, original_name
from openhaven.authorities.cybertip.compose_people import (
    police,
    recipients,
    reported,
    reporter,
    victims,
)
from openhaven.authorities.cybertip.compose_sources import sources
from openhaven.authorities.cybertip.compose_where import where
from openhaven.authorities.cybertip.entered import Entered, kept
from openhaven.authorities.cybertip.model import (
    Batch,
    FileTags,
    Incident,
    IncidentType,
    Report,
    Reported,
    ReportTags,
)
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


def compose(facts: CaseFacts, entered: Entered, who: Authorities, service: str) -> Body:
    """Return the filing that a case and what was entered make, with the source of each statement.

    It may not be complete yet: `check` says what is missing. `service` is the name under which
    people know the platform.
    """
    if entered.batch:
        return _batch(facts, entered, who, service)
    made = Report(
        incident_summary=_incident(facts, entered, service),
        internet_details=where(facts, entered, service),
        law_enforcement=police(entered.police),
        reporter=reporter(who),
        person_or_user_reported=(reported(facts, entered, service),),
        intended_recipient=recipients(entered, service),
        victim=victims(entered, service),
        additional_info=entered.notes or None,
    )
    return Body(report=made, files=_files(facts, entered), sources=sources(facts, entered),
                entered=kept(entered))  # fmt: skip


def _incident(facts: CaseFacts, entered: Entered, service: str) -> Incident:
    return Incident(
        incident_type=entered.incident_type or TYPES.get(facts.case.harm, ENTICEMENT),
        platform=service[:256],
        escalate_to_high_priority=entered.urgent or None,
        report_annotations=entered.tags or TAGS.get(facts.case.harm),
        incident_date_time=facts.happened_at,
        incident_date_time_description=entered.when_words
        or (None if facts.event else "When the case was opened here."),
    )


def _files(facts: CaseFacts, entered: Entered) -> tuple[FilePlan, ...]:
    if entered.files is not None:
        return entered.files
    generated = FileTags(generative_ai=True) if facts.case.harm == "csam.ai_generated" else None
    return tuple(
        FilePlan(item=one.id, name=original_name(one), uploaded_at=_uploaded(facts),
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
        reporter=reporter(who),
        person_or_user_reported=tuple(Reported(esp_identifier=one) for one in accounts),
    )
    return Body(report=made, files=viral, sources=sources(facts, entered), entered=kept(entered))


def _only_viral(tags: FileTags | None) -> FileTags:
    meme = bool(tags and tags.potential_meme)
    return FileTags(potential_meme=True if meme else None, viral=None if meme else True)
