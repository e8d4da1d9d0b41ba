"""What a reporter on Matrix wrote: which harm it is about, and what they hand over. Pure."""

import re

from openhaven.core import HARMS

# In the order of gravity: of two words the graver one counts.
_WORDS: tuple[tuple[str, str], ...] = (
    (r"csam|csem|child (?:sexual )?abuse|child porn\w*|paedo\w*|pedo\w*", "csam.known"),
    (r"groom\w*", "grooming"),
    (r"sextort\w*|blackmail\w*", "sextortion.minor"),
    (r"suicid\w*", "suicide"),
    (r"self[- ]?harm\w*|cutting", "self_harm"),
    (r"terror\w*", "terrorism"),
    (r"threat\w*|violen\w*", "violence.threat"),
    (r"revenge porn|intimate (?:image|picture)s?|nudes?", "ncii"),
    (r"dox+\w*", "doxxing"),
    (r"stalk\w*", "stalking"),
    (r"hate\w*|racis\w*|antisemit\w*|homophob\w*|transphob\w*", "hate"),
    (r"bully\w*|bullied", "bullying"),
    (r"harass\w*|abusive", "harassment"),
    (r"scam\w*|fraud\w*|phish\w*", "scam"),
    (r"impersonat\w*|pretend\w*", "impersonation"),
    (r"spam\w*|advert\w*", "spam"),
)
_PATTERNS = tuple((re.compile(rf"\b(?:{words})\b", re.IGNORECASE), code) for words, code in _WORDS)
_HANDED_OVER = re.compile(r"^\s*(?:plaintext|message text)\s*:", re.IGNORECASE | re.MULTILINE)


def category(reason: str) -> str:
    """Return the harm class that a reason names, `other` when it names none.

    A reason may begin with a class of ours and a colon (`scam: …`), as a client's menu would.
    """
    named = reason.partition(":")[0].strip().lower().replace(" ", "_")
    if named in HARMS:
        return named
    return next((code for pattern, code in _PATTERNS if pattern.search(reason)), "other")


def handed_over(reason: str) -> tuple[str, str | None]:
    """Split a reason into the reporter's own words and the text that they hand over, if any.

    From an encrypted room the homeserver cannot give us what was said. A reporter can, after a line
    that begins with `Plaintext:`; nobody can check it.
    """
    found = _HANDED_OVER.search(reason)
    if found is None:
        return reason.strip(), None
    return reason[: found.start()].strip(), reason[found.end() :].strip() or None
