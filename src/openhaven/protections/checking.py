"""May this happen? The answer to one question, from a snapshot alone. Pure, and quick.

It must never become a way to find children. What the sender is told depends on the sender, the
action and one bit, whether the other end is open to them; never on why it is not. A child, a block
and a setting are the same bit, are found by the same steps, and end in the same words.
"""

from datetime import date, datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from openhaven.core import Problem
from openhaven.protections.ages import resolve
from openhaven.protections.asking import ASKED, Asked
from openhaven.protections.defaults import Defaults
from openhaven.protections.model import (
    Answer,
    Evidence,
    Part,
    Party,
    Profile,
    Question,
    Relation,
    Verdict,
)
from openhaven.protections.sides import (
    ALLOW,
    ASK,
    DENY,
    End,
    id_of,
    other_side,
    own_answer,
    own_side,
)

# A moment further away than this is no `now` anywhere on Earth: a clock is wrong.
LATE = timedelta(days=1)
_SAID: tuple[Verdict, ...] = ("deny", "ask", "allow")


class Speaks(Protocol):
    """Where the sentences come from."""

    def part(self, language: str, side: str, code: str, *, young: bool) -> Part:
        """Return what one side (`sender` or `recipient`) is told, in a language or in English."""

    def reason(self, language: str, code: str, *, young: bool) -> str:
        """Return why a setting is as it is."""


class Check:
    """Answers questions from the data and the words alone."""

    def __init__(self, defaults: Defaults, words: Speaks) -> None:
        self.defaults = defaults
        self.words = words

    def end(self, party: Party | None, profile: Profile, today: date) -> End:
        """Return what holds for one end. What the question says of its age is what it declared."""
        evidence, country = profile.evidence, profile.country
        if party is not None:
            country = party.country or country
            if party.age_band != "unknown":
                evidence = (*evidence, Evidence("declared", party.age_band, today))
        age = resolve(self.defaults, evidence, today)
        return End(age, self.defaults.cells(age.band, country), profile.choices, country)

    def answer(
        self,
        question: Question,
        sender: Profile,
        recipient: Profile,
        now: datetime,
        *,
        own: Profile | None = None,
    ) -> Answer:
        """Return the answer; the profiles are those of `from` and `to`.

        `own` holds instead of `sender` for what it may do itself, where that has to be told from
        whom it approaches as: of somebody who is not known, the protective half of each.

        Raises `Problem` (400) for a question that names nobody, or not both ends where it must.
        """
        asked = ASKED[question.action]
        today = now.date()
        comer = self.end(question.sender, sender, today)
        does = comer if own is None else self.end(question.sender, own, today)
        other = self.end(question.recipient, recipient, today)
        if asked.one:
            return self._alone(question, asked, (does, other))
        if question.sender is None or (question.recipient is None and asked.other):
            raise _missing(question.action)
        # Always worked out, so that it takes as long whoever is at the other end.
        question = replace(question, relation=_stands(question, sender, recipient))
        return self._between(question, asked, does, comer, other)

    def _alone(self, question: Question, asked: Asked, ends: tuple[End, End]) -> Answer:
        """Answer what is about one account: `from` or `to`, as usual for the action, or as given.

        The other end is told nothing.
        """
        acts = _acts(question, asked)
        end = ends[0] if acts else ends[1]
        verdict, code, feature = own_answer(self.defaults, question, asked, end)
        side, silent = ("sender", "recipient") if acts else ("recipient", "sender")
        party = question.sender if acts else question.recipient
        part = self._part(question, party, side, code, end)
        other = self.words.part(question.language, silent, "silent", young=False)
        pair = (part, other) if acts else (other, part)
        return self._made(verdict, *pair, _clause(end, feature))

    def _between(
        self, question: Question, asked: Asked, own: End, sender: End, recipient: End
    ) -> Answer:
        """Answer what is between two accounts. Both halves are always worked out, in one order."""
        first, code, feature = own_side(question, asked, own)
        second = other_side(question, asked, sender, recipient, timid=own.age.minor)
        verdict = min(first, second)
        mine = code if first <= second and first < ALLOW else _SENDER[second]
        if mine == "asks_first" and sender.age.band == "unknown" and asked.contact:
            mine = "asks_first_text"
        known = question.relation.connected or question.relation.blocked
        theirs = _RECIPIENT[verdict, asked.contact and not known]
        return self._made(
            verdict,
            self._part(question, question.sender, "sender", mine, sender),
            self._part(question, question.recipient, "recipient", theirs, recipient),
            _clause(own, feature) if first < second else _clause(recipient, asked.other),
        )

    def _part(
        self, question: Question, party: Party | None, side: str, code: str, end: End
    ) -> Part:
        language = (party.language if party else None) or question.language
        return self.words.part(language, side, code, young=end.age.minor)

    def _made(self, verdict: int, sender: Part, recipient: Part, clause: str) -> Answer:
        return Answer(_SAID[verdict], sender, recipient, clause, self.defaults.fingerprint)


# What the sender is told, by whether the other end is open; and the other end, by the answer and
# whether it was a stranger, not somebody blocked, who wanted to reach it.
_SENDER = {DENY: "not_available", ASK: "asks_first", ALLOW: "allowed"}
_RECIPIENT = {
    (DENY, True): "kept_away",
    (DENY, False): "silent",
    (ASK, True): "asked",
    (ASK, False): "asked",
    (ALLOW, True): "allowed",
    (ALLOW, False): "allowed",
}
_RELATIONS = {
    (connected, blocked): Relation(connected, blocked)
    for connected in (False, True)
    for blocked in (False, True)
}


def _stands(question: Question, sender: Profile, recipient: Profile) -> Relation:
    """Return how the two stand to each other: a freeze that either asked for is a block."""
    one, other = id_of(question.sender), id_of(question.recipient)
    # Both are looked up, always: see `answer`.
    frozen = (other in sender.frozen) | (one in recipient.frozen)
    return _RELATIONS[question.relation.connected, question.relation.blocked | frozen]


def _acts(question: Question, asked: Asked) -> bool:
    """Say whether the one account that this is about stands under `from`."""
    if question.sender is None and question.recipient is None:
        raise _missing(question.action)
    if question.sender is None or question.recipient is None:
        return question.sender is not None
    return asked.one == "from"


def _clause(end: End, feature: str) -> str:
    return f"{feature}: {end.cells[feature].clause}" if feature else ""


def _missing(action: str) -> Problem:
    return Problem(
        "check.nobody",
        "The question does not say whom it is about.",
        f"action {action}",
        next_step="Name the accounts in `from` and `to`.",
    )


def check_time(at: datetime | None, now: datetime, place: int = 0) -> None:
    """Raise `Problem` (400) for a moment that cannot be now; `place` is that of the question."""
    if at is not None and abs(at - now) > LATE:
        raise Problem("check.time", "The moment is not today.", f"at `$[{place}].at`",
                      next_step="Send the local time of the account with its offset, such as "
                      "2026-11-21T20:00:00+01:00; or leave it out.")  # fmt: skip
