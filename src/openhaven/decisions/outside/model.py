"""What a platform says of a decision that it made, and what cannot be meant. Pure."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from openhaven.core import Problem, harm
from openhaven.core.shapes import Id, Language, Moment
from openhaven.decisions.model import DecisionOutcome, Source
from openhaven.review.terms import Measure, Six

Place = Annotated[str, msgspec.Meta(max_length=2)]
Content = Literal["TEXT", "IMAGE", "VIDEO", "AUDIO", "PRODUCT", "SYNTHETIC_MEDIA", "APP", "OTHER"]

LONGEST = timedelta(days=3650)
INTERIM = timedelta(days=7)
_LATEST_START = timedelta(days=90)
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


class Outside(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A decision made outside, with everything that a statement of reasons needs (Article 17 DSA).

    `id` is the platform's own: the same decision sent again is the same. `clause` is an anchor in
    the rules in force here, or in the pack with the fingerprint `pack`. `scope` are countries (ISO
    3166-1 alpha-2), `*` means everywhere. `carried_out` says that it is done already, `measure` how
    something is restricted, `starts_at` when it begins if that is later. `six` are the answers (of
    the Rabat Plan of Action) without which nothing is removed as incitement by law. `interim` says
    that an item is hidden for seven days at most, before anybody decides.
    """

    id: Id
    outcome: DecisionOutcome
    harm: Id
    clause: Id
    facts: Annotated[str, msgspec.Meta(min_length=1, max_length=5_000)]
    source: Source
    automated_detection: bool
    automated_decision: Literal["fully", "partially", "not"]
    content_type: Annotated[list[Content], msgspec.Meta(min_length=1, max_length=8)]
    content_at: Moment
    item: Id | None = None
    account: Id | None = None
    pack: Id | None = None
    scope: Annotated[tuple[Place, ...], msgspec.Meta(min_length=1, max_length=250)] = ("*",)
    until: Moment | None = None
    language: Language | None = None
    carried_out: bool = False
    measure: Measure = ""
    starts_at: Moment | None = None
    six: Six | None = None
    interim: bool = False


def check(given: Outside, now: datetime) -> None:
    """Raise `Problem` (400) for what parses but is not complete, or cannot be meant."""
    harm(given.harm)
    if given.item is None and given.account is None:
        raise _wrong("subject", "A decision is about an item or an account.", "$.item",
                     "Name at least one of them.")  # fmt: skip
    if given.outcome in ("warn", "suspend") and given.account is None:
        raise _wrong("account", "It is not said whose account this is.", "$.account",
                     "Name the account, or choose an outcome that is about the item.")  # fmt: skip
    if not given.facts.strip():
        raise _wrong("facts", "Say what was found.", "$.facts", "The person will read it.")
    if given.measure and given.outcome != "restrict":
        raise _wrong("measure", "How it is restricted is only said of a restriction.", "$.measure",
                     "Leave it out.")  # fmt: skip
    _check_scope(given.scope)
    _check_times(given, now)
    if given.outcome == "suspend":
        _check_suspension(given)
    if given.interim:
        _check_interim(given, now)


def _check_scope(scope: tuple[str, ...]) -> None:
    everywhere = scope == ("*",)
    named = len(set(scope)) == len(scope) and all(map(_COUNTRY.fullmatch, scope))
    if not everywhere and not named:
        raise _wrong("scope", "This says not where it holds.", "$.scope",
                     "Name countries by two capital letters, each once, or * alone.")  # fmt: skip


def _check_times(given: Outside, now: datetime) -> None:
    if not _FIRST <= given.content_at <= now + timedelta(days=1):
        raise _wrong("content_at", "The moment is before 2000 or in the future.", "$.content_at",
                     "Send when the content was posted.")  # fmt: skip
    if given.starts_at is not None:
        _check_start(given, now)
    if given.until is None:
        return
    if given.outcome in ("allow", "warn"):
        raise _wrong("until", "A warning, or no action, does not last.", "$.until", "Leave it out.")
    if not now < given.until <= now + LONGEST:
        raise _wrong("until", "It ends in the past, or in more than ten years.", "$.until",
                     "Leave it out for what holds until it is changed.")  # fmt: skip


def _check_start(given: Outside, now: datetime) -> None:
    acts = given.outcome not in ("allow", "warn") and not given.carried_out
    if not acts or given.starts_at is None or not now < given.starts_at <= now + _LATEST_START:
        raise _wrong("starts_at", "It begins within 90 days, and only what takes effect begins.",
                     "$.starts_at", "Leave it out for what holds from now on.")  # fmt: skip
    if given.until is not None and given.until <= given.starts_at:
        raise _wrong("starts_at", "It would end before it begins.", "$.starts_at",
                     "Let it last longer.")  # fmt: skip


def _check_interim(given: Outside, now: datetime) -> None:
    hides = given.outcome == "restrict" and given.item is not None and not given.measure
    ends = given.until is not None and given.until <= now + INTERIM
    if not hides or not ends or given.starts_at is not None:
        raise _wrong("interim", "Hiding something before it is decided is a restriction of an item "
                     "that begins now and ends within seven days.", "$.interim",
                     "Send outcome restrict, the item, and until.")  # fmt: skip
    if given.automated_decision == "fully":
        raise _wrong("interim", "A person hides something before it is decided.",
                     "$.automated_decision", "Let a rule hold it back instead.")  # fmt: skip


def _check_suspension(given: Outside) -> None:
    if given.automated_decision == "fully":
        raise _wrong("automated", "No computer alone takes an account away.",
                     "$.automated_decision", "Let a person decide.")  # fmt: skip
    if given.until is None:
        raise _wrong("two_people", "Ending an account for good needs two people.", "$.until",
                     "Name the day on which the suspension ends, or let it be decided in the "
                     "console.")  # fmt: skip


def _wrong(code: str, title: str, path: str, next_step: str) -> Problem:
    return Problem(f"decision.{code}", title, f"at `{path}`", next_step=next_step)
