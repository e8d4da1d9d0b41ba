"""The statement of a restriction for the DSA Transparency Database (Article 24(5) DSA).

Schema v2 of the database, in force since 1 July 2025. The statement is a projection of the decision
row and holds no personal data: no ids of accounts or items, and none of the free text that a
reviewer wrote, since such words may name people. The facts are composed from closed lists instead;
the full facts go to the person and to staff.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol

from openhaven.core import HARMS

_COUNTRIES = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
)
EEA = tuple(_COUNTRIES.split())

# The languages that the database knows, by its own codes (mostly ISO 639-1 in capitals).
_LANGUAGES = (
    "AB AA AF AK SQ AM AR AN HY AS AV AE AY AZ BM BA EU BE BN BH BI BS BR BG MY CA KM CH CE NY ZH "
    "CU CV KW CO CR HR CS DA DV NL DZ EN EO ET EE FO FJ FI FR FF GD GL LG KA DE KI EL KL GN GU HT "
    "HA HE HZ HI HO HU IS IO IG ID IA IE IU IK GA IT JA JV KN KR KS KK RW KV KG KO KJ KU KY LO LA "
    "LV LB LI LN LT LU MK MG MS ML MT GV MI MR MH RO MN NA NV ND NG NE SE NO NB NN II OC OJ OR OM "
    "OS PI PA PS FA PL PT QU RM RN RU SM SG SA SC SR SN SD SI SK SL SO ST NR ES SU SW SS SV TL TY "
    "TG TA TT TE TH BO TI TO TS TN TR TK TW UG UK UR UZ VE VI VO WA CY FY WO XH YI YO ZA ZU"
)
LANGUAGES = frozenset(_LANGUAGES.split())

_CONTENT = {
    "app": "CONTENT_TYPE_APP",
    "audio": "CONTENT_TYPE_AUDIO",
    "image": "CONTENT_TYPE_IMAGE",
    "product": "CONTENT_TYPE_PRODUCT",
    "synthetic_media": "CONTENT_TYPE_SYNTHETIC_MEDIA",
    "text": "CONTENT_TYPE_TEXT",
    "video": "CONTENT_TYPE_VIDEO",
}
_SOURCE = {
    "own_initiative": "SOURCE_VOLUNTARY",
    "report": "SOURCE_ARTICLE_16",
    "trusted_flagger": "SOURCE_TRUSTED_FLAGGER",
}
_SOURCE_WORDS = {
    "own_initiative": "We found it on our own initiative.",
    "report": "Somebody reported it to us.",
    "trusted_flagger": "A trusted flagger reported it to us.",
}
_AUTOMATION = {
    "fully": "AUTOMATED_DECISION_FULLY",
    "partially": "AUTOMATED_DECISION_PARTIALLY",
    "not": "AUTOMATED_DECISION_NOT_AUTOMATED",
}
_AUTOMATION_WORDS = {
    "fully": "The decision was made by automated means.",
    "partially": "The decision was prepared by automated means.",
    "not": "A person decided.",
}
_OUTCOME_WORDS = {
    "remove": "Content was removed",
    "block": "Content was refused before publication",
    "restrict": "Content or an account was restricted",
    "suspend": "An account was suspended",
}
_MEASURES = {
    "age_gate": "AGE_RESTRICTED",
    "demote": "DEMOTED",
    "label": "LABELLED",
    "no_interaction": "INTERACTION_RESTRICTED",
}
# The bounds that the database itself sets on dates.
_FIRST_CONTENT, _FIRST_APPLICATION, _LAST = date(2000, 1, 1), date(2020, 1, 1), date(2038, 1, 1)


class Restriction(Protocol):
    """What the projection reads of a decision row."""

    @property
    def id(self) -> str: ...
    @property
    def item(self) -> str | None: ...
    @property
    def outcome(self) -> str: ...
    @property
    def measure(self) -> str: ...
    @property
    def starts_at(self) -> datetime | None: ...
    @property
    def harm(self) -> str: ...
    @property
    def clause_title(self) -> str: ...
    @property
    def clause_text(self) -> str: ...
    @property
    def ground(self) -> str: ...
    @property
    def ground_reference(self) -> str: ...
    @property
    def scope(self) -> Sequence[str]: ...
    @property
    def until(self) -> datetime | None: ...
    @property
    def source(self) -> str: ...
    @property
    def automated_detection(self) -> bool: ...
    @property
    def automated_decision(self) -> str: ...
    @property
    def content_type(self) -> Sequence[str]: ...
    @property
    def content_at(self) -> datetime: ...
    @property
    def language(self) -> str | None: ...
    @property
    def decided_at(self) -> datetime: ...


def projection(decision: Restriction) -> dict[str, Any] | None:
    """Return the database's statement of `decision`, or None where none is due.

    None is due for a warning or no action, for a decision that does not hold in the EEA, and for an
    order of an authority (Article 17(5) DSA). The result follows the database's submission schema.
    """
    territory = territories(decision.scope)
    if decision.outcome not in _OUTCOME_WORDS or decision.source not in _SOURCE or not territory:
        return None
    statement = {
        "puid": decision.id,
        "decision_facts": _facts(decision),
        "territorial_scope": territory,
        "application_date": _day(decision.starts_at or decision.decided_at, _FIRST_APPLICATION),
        "source_type": _SOURCE[decision.source],
        "automated_detection": "Yes" if decision.automated_detection else "No",
        "automated_decision": _AUTOMATION[decision.automated_decision],
    }
    return statement | _restriction(decision) | _ground(decision) | _category(decision) | _content(decision)  # noqa: E501  # fmt: skip


def territories(scope: Sequence[str]) -> list[str]:
    """Return the countries of the EEA within `scope` (ISO 3166-1 alpha-2; `*` is everywhere)."""
    if "*" in scope:
        return list(EEA)
    given = {"GR" if code == "EL" else code for code in scope}
    return [code for code in EEA if code in given]


def _restriction(decision: Restriction) -> dict[str, Any]:
    end = None if decision.until is None else _day(decision.until, _FIRST_APPLICATION)
    if decision.outcome == "suspend":
        kind, ends = {"decision_account": "DECISION_ACCOUNT_SUSPENDED"}, "account"
        if end is None:
            kind = {"decision_account": "DECISION_ACCOUNT_TERMINATED"}
    elif decision.measure == "monetary":
        kind, ends = {"decision_monetary": "DECISION_MONETARY_SUSPENSION"}, "monetary"
    elif decision.measure == "service" or (
        decision.outcome == "restrict" and decision.item is None and not decision.measure
    ):
        kind = {"decision_provision": "DECISION_PROVISION_PARTIAL_SUSPENSION"}
        ends = "service"
    else:
        return _visibility(decision) | (
            {} if end is None else {"end_date_visibility_restriction": end}
        )
    return kind if end is None else kind | {f"end_date_{ends}_restriction": end}


def _visibility(decision: Restriction) -> dict[str, Any]:
    outcome = decision.outcome
    exact = "REMOVED" if outcome == "remove" else _MEASURES.get(decision.measure)
    if exact is not None:
        return {"decision_visibility": [f"DECISION_VISIBILITY_CONTENT_{exact}"]}
    # A platform carries out `restrict` in its own way (a notice in front, less reach), so that none
    # of the narrower words would be sure to be true.
    words = "Who can see it, or what it can do, was limited"
    return {
        "decision_visibility": ["DECISION_VISIBILITY_OTHER"],
        "decision_visibility_other": words if outcome == "restrict" else _OUTCOME_WORDS[outcome],
    }


def _ground(decision: Restriction) -> dict[str, str]:
    explanation = f"{decision.clause_title}: {decision.clause_text}"[:2000]
    reference = decision.ground_reference[:500]
    if decision.ground == "law":
        return {
            "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
            "illegal_content_legal_ground": reference,
            "illegal_content_explanation": explanation,
        }
    return {
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": reference,
        "incompatible_content_explanation": explanation,
    }


def _category(decision: Restriction) -> dict[str, Any]:
    harm = HARMS.get(decision.harm, HARMS["other"])
    members: dict[str, Any] = {
        "category": harm.dsa_category,
        "category_specification": [harm.dsa_keyword],
    }
    if harm.dsa_keyword == "KEYWORD_OTHER":
        members["category_specification_other"] = harm.words
    return members


def _content(decision: Restriction) -> dict[str, Any]:
    found = [_CONTENT.get(kind.lower().removeprefix("content_type_"), "CONTENT_TYPE_OTHER")
             for kind in decision.content_type] or ["CONTENT_TYPE_OTHER"]  # fmt: skip
    members: dict[str, Any] = {
        "content_type": sorted(set(found)),
        "content_date": _day(decision.content_at, _FIRST_CONTENT),
    }
    if "CONTENT_TYPE_OTHER" in found:
        members["content_type_other"] = "An account" if decision.item is None else "Other content"
    language = (decision.language or "").partition("-")[0].upper()
    return members | ({"content_language": language} if language in LANGUAGES else {})


def _facts(decision: Restriction) -> str:
    harm = HARMS.get(decision.harm, HARMS["other"])
    found = "Automated means" if decision.automated_detection else "People"
    return " ".join((
        f"{_OUTCOME_WORDS[decision.outcome]}. Kind of harm: {harm.words}.",
        _SOURCE_WORDS[decision.source],
        f"{found} detected it.",
        _AUTOMATION_WORDS[decision.automated_decision],
        f"It goes against: {decision.clause_title[:500]}.",
    ))  # fmt: skip


def _day(moment: datetime, first: date) -> str:
    """Return the UTC day of `moment`, moved into the span of days that the database accepts."""
    return min(max(moment.astimezone(UTC).date(), first), _LAST).isoformat()
