"""May this happen? The answer to one question, from a snapshot alone. Pure, and quick.

It must never become a way to find children. What the sender is told depends on the sender, the
action and one bit, whether the other end is open to them; never on why it is not. A child, a block
and a setting are the same bit, are found by the same steps, and end in the same words.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Protocol

import msgspec
from msgspec.structs import replace

from openhaven.core import Problem
from openhaven.protections.ages import Age, resolve
from openhaven.protections.asking import ASKED, Asked
from openhaven.protections.defaults import Cell, Defaults
from openhaven.protections.floors import LAWFUL
from openhaven.protections.model import (
    BANDS,
    SCALES,
    Answer,
    Choices,
    Evidence,
    Part,
    Party,
    Profile,
    Question,
    Relation,
    Verdict,
)

# A moment further away than this is no `now` anywhere on Earth: a clock is wrong.
LATE = timedelta(days=1)
DENY, ASK, ALLOW = 0, 1, 2
_SAID: tuple[Verdict, ...] = ("deny", "ask", "allow")
NOBODY, CONNECTIONS, PEERS, ASKED_FIRST, EVERYONE = range(len(SCALES["audience"]))
_UNSET = Choices()
_AGE_PLACE = {band: place for place, band in enumerate(BANDS)}


class End(msgspec.Struct, frozen=True):
    """One end of a question: how old it is taken to be, what holds for it, what it chose."""

    age: Age
    cells: Mapping[str, Cell]
    choices: Mapping[str, Choices]
    country: str | None

    def level(self, feature: str) -> int:
        """Return the place on its scale that holds for a feature."""
        return effective(self.cells[feature], self.choices.get(feature, _UNSET), self.age)


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
# What a level of an audience says of strangers whose age is not looked at.
_TO_ANYBODY = (DENY, DENY, DENY, ASK, ALLOW)
_OWN = {DENY: "your_setting", ASK: "your_choice", ALLOW: "allowed"}


def effective(cell: Cell, chosen: Choices, age: Age) -> int:
    """Return the place on its scale that holds for an account of this age.

    The holder's choice counts instead of the default, but for a minor and at an unknown age one
    that opens only when it was explained. Carers (of whoever is no adult) and the operator can only
    lower it, and nothing goes above the ceiling.
    """
    level = cell.default
    if chosen.child is not None and not cell.fixed:
        free = chosen.explained or age.band == "18-plus" or chosen.child <= cell.default
        level = chosen.child if free else level
    if chosen.carer is not None and age.band != "18-plus":
        level = min(level, chosen.carer)
    if chosen.operator is not None:
        level = min(level, chosen.operator)
    return min(level, cell.ceiling)


def own_answer(
    defaults: Defaults, question: Question, asked: Asked, end: End
) -> tuple[int, str, str]:
    """Return the answer about one account alone, its code and the feature that decided."""
    if question.content in LAWFUL:
        return ALLOW, "allowed", ""
    feature = asked.own or asked.content.get(question.content, "")
    if not feature:
        return ALLOW, "allowed", ""
    verdict, code = _switch(end, feature)
    if (
        asked.night
        and verdict
        and not end.level(asked.night)
        and _is_night(defaults, question, end)
    ):
        return DENY, "night", asked.night
    return verdict, code, feature


def own_side(question: Question, asked: Asked, sender: End) -> tuple[int, str, str]:
    """Return what the sender's own settings say of an action between two accounts.

    Nothing of it may depend on the other end, not even its age: among strangers there are no peers.
    """
    feature = asked.own
    if not feature:
        return ALLOW, "allowed", ""
    if sender.cells[feature].scale == "switch":
        return (*_switch(sender, feature), feature)
    level = sender.level(feature)
    near = question.relation.connected and question.recipient is not None
    opened = _TO_ANYBODY[level] if not near else ALLOW if level else DENY
    return (
        opened,
        _closed_code(sender.cells[feature], level) if not opened else _OWN[opened],
        feature,
    )


def other_side(
    question: Question, asked: Asked, sender: End, recipient: End, *, timid: bool
) -> int:
    """Return whether the other end is open to the sender: closed, after asking, or at once.

    Who is `timid` reaches no stranger without asking.
    """
    if not asked.other:
        return ALLOW
    if _id(question.sender) == _id(question.recipient):
        return ALLOW
    level = recipient.level(asked.other)
    opened = openness(asked, level, question.relation, sender.age, recipient.age)
    asks = timid and asked.contact and not question.relation.connected
    return min(opened, ASK) if asks else opened


def openness(asked: Asked, level: int, relation: Relation, comer: Age, holder: Age) -> int:
    """Return how open an account with `level` is to another (`comer`) who stands so to it."""
    if relation.blocked:
        return DENY
    if relation.connected:
        if level == NOBODY:
            return DENY
        return ASK if asked.consent and level < EVERYONE else ALLOW
    if level == PEERS:
        return (ASK if asked.contact else ALLOW) if _may_meet(asked, comer, holder) else DENY
    return _TO_ANYBODY[level]


def _may_meet(asked: Asked, comer: Age, holder: Age) -> bool:
    """Say whether a stranger is a peer: minors of the same or the next band, adults to adults.

    To a known or probable minor, an account of unknown age is an adult. To an account of unknown
    age it may write, no more; and a minor may.
    """
    if holder.minor:
        near = comer.minor and abs(_AGE_PLACE[comer.band] - _AGE_PLACE[holder.band]) <= 1
        return bool(near)
    if holder.band == "unknown":
        return comer.minor or (comer.band == "unknown" and not asked.voice)
    return comer.band == "18-plus"


def _switch(end: End, feature: str) -> tuple[int, str]:
    level = end.level(feature)
    return level, _closed_code(end.cells[feature], level) if level == DENY else _OWN[level]


def _closed_code(cell: Cell, level: int) -> str:
    """Say whether the holder could open it: else it is not open at their age."""
    return "not_at_your_age" if cell.ceiling <= level or cell.fixed else "your_setting"


def _is_night(defaults: Defaults, question: Question, end: End) -> bool:
    """Say whether it is an hour of sleep there; a clock that cannot be right counts as night."""
    night = defaults.sleep.get(end.age.band)
    if night is None:
        return False
    if question.at is None:
        return True
    offset = question.at.utcoffset()
    least, most = defaults.offsets.get(end.country or "", (-720, 840))
    if offset is None or not least <= offset.total_seconds() / 60 <= most:
        return True
    return night.holds(question.at.hour)


_RELATIONS = {
    (connected, blocked): Relation(connected, blocked)
    for connected in (False, True)
    for blocked in (False, True)
}


def _stands(question: Question, sender: Profile, recipient: Profile) -> Relation:
    """Return how the two stand to each other: a freeze that either asked for is a block."""
    frozen = (_id(question.recipient) in sender.frozen) | (_id(question.sender) in recipient.frozen)
    return _RELATIONS[question.relation.connected, question.relation.blocked | frozen]


def _acts(question: Question, asked: Asked) -> bool:
    """Say whether the one account that this is about stands under `from`."""
    if question.sender is None and question.recipient is None:
        raise _missing(question.action)
    if question.sender is None or question.recipient is None:
        return question.sender is not None
    return asked.one == "from"


def _id(party: Party | None) -> str:
    return "" if party is None else party.id


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
