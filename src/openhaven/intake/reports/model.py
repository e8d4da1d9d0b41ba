"""Which harm a word for a report's category means: ours, plain ones, and those of other systems.

Where a foreign word means several harms, the gravest counts: a person looks anyway. Pure.
"""

from openhaven.core import HARMS

_PLAIN = {"csam": "csam.known", "child-abuse": "csam.known", "child_abuse": "csam.known",
          "child-safety": "csam.known", "intimate-image": "ncii", "self-harm": "self_harm",
          "eating-disorder": "eating_disorder", "threat": "violence.threat",
          "violence": "violence.threat", "fraud": "scam", "hate-speech": "hate"}  # fmt: skip

# Reasons for a report in the AT Protocol (the lexicon tools.ozone.report.defs), after `reason`.
_OZONE = {
    "childsafetycsam": "csam.known", "childsafetygroom": "grooming",
    "childsafetyother": "sadistic_exploitation", "violencetrafficking": "child_trafficking",
    "childsafetyprivacy": "minor_privacy", "selfharmstunts": "unsafe_challenge",
    "sexualncii": "ncii", "sexualdeepfake": "ncii.deepfake", "childsafetyharassment": "bullying",
    "harassmenttargeted": "stalking", "harassmentdoxxing": "doxxing",
    "harassmenthatespeech": "hate", "selfharmcontent": "suicide", "selfharmed": "eating_disorder",
    "sexualunlabeled": "pornography.minor_exposed", "violenceextremistcontent": "terrorism",
    "violencethreats": "violence.threat", "misleadingscam": "scam",
    "misleadingimpersonation": "impersonation", "rulebanevasion": "ban_evasion",
    "misleadingspam": "spam",
}  # fmt: skip
_REASON = "tools.ozone.report.defs#reason"


def category_of(word: str) -> str:
    """Return the harm class for a report's category; `other` for a word that we do not know.

    Known are our own classes, some plain words, the keywords of the DSA Transparency Database
    (`KEYWORD_…`) and the reasons of the AT Protocol (`tools.ozone.report.defs#reason…`).
    """
    plain = word.strip().lower().replace(" ", "-")
    if plain.startswith(_REASON):
        return _OZONE.get(plain.removeprefix(_REASON), "other")
    if plain.startswith("keyword_"):
        return _of_keyword(plain.upper())
    candidates = (plain, plain.replace("-", "_"), _PLAIN.get(plain, "other"))
    return next((code for code in candidates if code in HARMS), "other")


def _of_keyword(keyword: str) -> str:
    found = [harm for harm in HARMS.values() if harm.dsa_keyword == keyword]
    if keyword == "KEYWORD_OTHER" or not found:
        return "other"
    return max(found, key=lambda harm: harm.severity).code
