"""The harm classes, each with its place in the EU's tree of categories and the help it needs.

Categories and keywords are those of the DSA Transparency Database, schema v2 (in force since
1 July 2025). `severity` runs from 1 (nuisance) to 4 (danger to life or to a child).
"""

from typing import NamedTuple

from openhaven.core.problems import Problem
from openhaven.core.words import mark


class Harm(NamedTuple):
    """One class of harm: code, plain words, DSA category and keyword, severity, help topics."""

    code: str
    words: str
    dsa_category: str
    dsa_keyword: str
    severity: int
    help: tuple[str, ...]


_MINORS = "PROTECTION_OF_MINORS"
_CYBER = "CYBER_VIOLENCE"
_SCAM = "SCAMS_AND_FRAUD"
_ROWS: tuple[tuple[str, str, str, str, int, tuple[str, ...]], ...] = (
    ("csam.known", mark("Sexual abuse of a child"), _MINORS, "CHILD_SEXUAL_ABUSE_MATERIAL", 4,
     ("child-abuse",)),
    ("csam.ai_generated", mark("Sexual abuse of a child, made by a machine"), _MINORS,
     "CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE", 4, ("child-abuse",)),
    ("grooming", mark("An adult approaching a child sexually"), _MINORS,
     "GROOMING_SEXUAL_ENTICEMENT_MINORS", 4, ("child-abuse",)),
    ("sextortion.minor", mark("Threatening a child with pictures"), _MINORS,
     "GROOMING_SEXUAL_ENTICEMENT_MINORS", 4, ("sextortion", "child-abuse")),
    ("sadistic_exploitation", mark("Forcing a child to hurt themselves or others"),
     _MINORS, "OTHER", 4, ("child-abuse", "self-harm")),
    ("child_trafficking", mark("Trafficking of a child"), "VIOLENCE", "HUMAN_TRAFFICKING", 4,
     ("child-abuse",)),
    ("minor_privacy", mark("A child's private life shown in public"),
     _MINORS, "OTHER", 3, ("child",)),
    ("underage_account", mark("A child too young for this service"), _MINORS,
     "AGE_SPECIFIC_RESTRICTIONS_MINORS", 2, ("child",)),
    ("unsafe_challenge", mark("A dangerous dare"), _MINORS, "UNSAFE_CHALLENGES", 3, ("child",)),
    ("ncii", mark("An intimate picture shared without consent"),
     _CYBER, "NON_CONSENSUAL_IMAGE_SHARING", 3, ("intimate-images",)),
    ("ncii.deepfake", mark("A faked intimate picture"),
     _CYBER, "NON_CONSENSUAL_MATERIAL_DEEPFAKE", 3, ("intimate-images",)),
    ("bullying", mark("Bullying"), _CYBER, "CYBER_BULLYING_INTIMIDATION", 2, ("bullying",)),
    ("harassment", mark("Harassment"), _CYBER, "CYBER_HARASSMENT", 2, ("harassment",)),
    ("doxxing", mark("Publishing where somebody lives or can be reached"),
     _CYBER, "CYBER_HARASSMENT", 3, ("harassment",)),
    ("stalking", mark("Stalking"), _CYBER, "CYBER_STALKING", 3, ("harassment",)),
    ("hate", mark("Hatred against a group of people"),
     "ILLEGAL_OR_HARMFUL_SPEECH", "HATE_SPEECH", 3, ("hate",)),
    ("suicide", mark("Suicide"), "SELF_HARM", "SUICIDE", 4, ("suicide",)),
    ("self_harm", mark("Hurting oneself"), "SELF_HARM", "SELF_MUTILATION", 3, ("self-harm",)),
    ("eating_disorder", mark("Praising an eating disorder"), "SELF_HARM",
     "CONTENT_PROMOTING_EATING_DISORDERS", 3, ("eating-disorder",)),
    ("pornography.minor_exposed", mark("Sexual material where children can see it"),
     "OTHER_VIOLATION_TC", "ADULT_SEXUAL_MATERIAL", 2, ("child",)),
    ("terrorism", mark("Terrorism"), "RISK_FOR_PUBLIC_SECURITY", "TERRORIST_CONTENT", 4, ()),
    ("violence.threat", mark("A threat of violence"), "VIOLENCE", "INCITEMENT_VIOLENCE_HATRED", 3,
     ("harassment",)),
    ("scam", mark("Fraud"), _SCAM, "PHISHING", 2, ("fraud",)),
    ("impersonation", mark("Pretending to be somebody else"),
     _SCAM, "IMPERSONATION_ACCOUNT_HIJACKING", 2, ()),
    ("ban_evasion", mark("Coming back after a suspension"), _SCAM, "INAUTHENTIC_ACCOUNTS", 2, ()),
    ("spam", mark("Spam"), _SCAM, "INAUTHENTIC_ACCOUNTS", 1, ()),
    ("other", mark("Something else"), "OTHER_VIOLATION_TC", "OTHER", 1, ()),
)  # fmt: skip

HARMS: dict[str, Harm] = {
    code: Harm(code, words, f"STATEMENT_CATEGORY_{category}", f"KEYWORD_{keyword}", severity, help_)
    for code, words, category, keyword, severity, help_ in _ROWS
}


def harm(code: str) -> Harm:
    """Return the harm class with this code, or raise `Problem` when there is none."""
    found = HARMS.get(code)
    if found is None:
        raise Problem("harm.unknown", f"There is no harm class “{code}”.",
                      next_step="Use one of: " + ", ".join(sorted(HARMS)))  # fmt: skip
    return found
