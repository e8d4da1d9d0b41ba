"""Where each statement of a report is from: an event, a decision, the settings, a specialist. Pure.

A source stands at a place of the report and holds for all that lies in it, unless something nearer
has one of its own.
"""

from openhaven.authorities.cybertip.compose_people import addresses, devices
from openhaven.authorities.cybertip.entered import Entered
from openhaven.authorities.facts import CaseFacts

_PERSON = "specialist"
_WHO = "/personOrUserReported[0]"


def sources(facts: CaseFacts, entered: Entered) -> dict[str, str]:
    """Return the source of each part of the report that a case and a specialist make."""
    event = f"event:{facts.seq}" if facts.seq is not None else f"case:{facts.case.id}"
    by_hand = entered.where or entered.room or entered.said or entered.where_notes or entered.urls
    found = {
        "/batchedReport": _PERSON,
        **_incident(facts, entered, event),
        "/internetDetails[0]": f"{event}, {_PERSON}" if by_hand else event,
        "/internetDetails": _PERSON,
        "/lawEnforcement": _PERSON,
        "/reporter": "settings",
        "/intendedRecipient": _PERSON,
        "/victim": _PERSON,
        "/additionalInfo": _PERSON,
        # What no place below names was entered by a person.
        _WHO: _PERSON,
        f"{_WHO}/espIdentifier": event,
        f"{_WHO}/espService": "settings",
        f"{_WHO}/ipCaptureEvent[0]": event if addresses(facts) else _PERSON,
        f"{_WHO}/deviceId[0]": event if devices(facts) else _PERSON,
        f"{_WHO}/priorCTReports": ", ".join([f"filing:{one.filing}" for one in facts.priors]
                                            + [_PERSON] * bool(entered.priors)),
    }  # fmt: skip
    if facts.disabled:
        for name in ("accountTemporarilyDisabled", "accountPermanentlyDisabled"):
            found[f"{_WHO}/{name}"] = f"decision:{facts.disabled.decision}"
    if entered.batch:
        found["/personOrUserReported"] = _PERSON
    return found


def _incident(facts: CaseFacts, entered: Entered, event: str) -> dict[str, str]:
    case, at = f"case:{facts.case.id}", "/incidentSummary"
    return {
        at: case,
        f"{at}/incidentType": _PERSON if entered.incident_type else case,
        f"{at}/platform": "settings",
        f"{at}/reportAnnotations": _PERSON if entered.tags else case,
        f"{at}/incidentDateTime": event,
        f"{at}/incidentDateTimeDescription": _PERSON if entered.when_words else case,
        f"{at}/escalateToHighPriority": _PERSON,
    }
