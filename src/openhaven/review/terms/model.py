"""What can be said besides an outcome, and what cannot be meant. Pure."""

import re
from datetime import timedelta
from typing import Literal

import msgspec

from openhaven.core import Problem
from openhaven.core.words import Measure as Measure

Exception_ = Literal["child-safety", "legal-order"]

# How something is restricted; the first one is in the platform's own way.
MEASURES: dict[str, str] = {
    "": "In the platform's own way",
    "age_gate": "Only adults see it",
    "demote": "It is shown to fewer people",
    "label": "A notice stands at it",
    "no_interaction": "Nobody can answer or share it",
    "monetary": "It earns no money",
    "service": "A part of the service is closed to the account",
}

# Harms whose removal on the ground of the law is one as incitement. A threat against somebody is
# none: it says what its speaker will do, and does not stir up others.
INCITEMENT = frozenset({"hate"})

# The threshold test of the Rabat Plan of Action (A/HRC/22/17/Add.4, paragraph 29).
QUESTIONS: dict[str, str] = {
    "context": "Context: what was going on where and when it was said?",
    "speaker": "Speaker: what standing has the person with those who hear it?",
    "intent": "Intent: did the person mean to stir up, rather than report, ask or joke?",
    "content": "Content and form: how direct is the call, and in which form was it made?",
    "extent": "Extent: how many could it reach, and by what means?",
    "likelihood": "Likelihood: how probable is it that somebody acts on it, and how soon?",
}

LONGEST_START = timedelta(days=90)
LONGEST_LATER = 90
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


class Later(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a person shall be told later: why, under which reference, and after how many days."""

    kind: Exception_
    reference: str
    days: int


class Six(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The six answers of the Rabat test; each says something."""

    context: str
    speaker: str
    intent: str
    content: str
    extent: str
    likelihood: str


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said besides the outcome. `starts_days` is in how many days it begins.

    `six` names where the six answers are kept.
    """

    measure: Measure = ""
    scope: tuple[str, ...] = ("*",)
    starts_days: int = 0
    later: Later | None = None
    six: str | None = None


NO_TERMS = Terms()


def check(terms: Terms, outcome: str, days: int | None) -> None:
    """Raise `Problem` for terms that do not go with the outcome, or cannot be meant."""
    if terms.measure and outcome != "restrict":
        raise _wrong("measure", "How it is restricted is only said of Restrict.",
                     "Choose Restrict, or leave it in the platform's own way.")  # fmt: skip
    _check_scope(terms.scope)
    acts = outcome in ("restrict", "remove", "block", "suspend")
    if not acts and (terms.scope != ("*",) or terms.starts_days):
        raise _wrong("terms", "A warning, or no action, has neither place nor beginning.",
                     "Leave both empty.")  # fmt: skip
    if not 0 <= terms.starts_days <= LONGEST_START.days:
        raise _wrong(
            "starts", "It begins within 90 days, or at once.", "Write 1 to 90, or nothing."
        )
    if days is not None and terms.starts_days and days <= terms.starts_days:
        raise _wrong("starts", "It would end before it begins.", "Let it last longer.")
    if terms.later is not None:
        _check_later(terms.later, outcome)


def _check_scope(scope: tuple[str, ...]) -> None:
    everywhere = scope == ("*",)
    named = 0 < len(scope) <= 250 and len(set(scope)) == len(scope)
    if not everywhere and not (named and all(map(_COUNTRY.fullmatch, scope))):
        raise _wrong("scope", "This says not where it holds.",
                     "Name countries by two capital letters, or leave it empty.")  # fmt: skip


def _check_later(later: Later, outcome: str) -> None:
    if outcome == "allow":
        raise _wrong("later", "Of no action nobody has to be told later.", "Leave it out.")
    if not 1 <= len(later.reference.strip()) <= 200:
        raise _wrong("later", "Name the investigation or the order.",
                     "Write its reference, up to 200 characters.")  # fmt: skip
    if not 1 <= later.days <= LONGEST_LATER:
        raise _wrong("later", "A person is told after 90 days at the latest.", "Write 1 to 90.")


def _wrong(code: str, title: str, next_step: str) -> Problem:
    return Problem(f"terms.{code}", title, next_step=next_step)
