"""What each side's own settings say of a question: closed, after asking, or open. Pure.

Nothing of what a sender may do depends on the other end, and nothing of what the other end lets
happen depends on how the sender has set itself.
"""

from collections.abc import Mapping

import msgspec

from openhaven.protections.ages import Age
from openhaven.protections.asking import Asked
from openhaven.protections.defaults import Cell, Defaults
from openhaven.protections.floors import LAWFUL
from openhaven.protections.model import BANDS, SCALES, Choices, Party, Question, Relation

DENY, ASK, ALLOW = 0, 1, 2
NOBODY, CONNECTIONS, PEERS, ASKED_FIRST, EVERYONE = range(len(SCALES["audience"]))
_UNSET = Choices()
_AGE_PLACE = {band: place for place, band in enumerate(BANDS)}
# What a level of an audience says of strangers whose age is not looked at.
_TO_ANYBODY = (DENY, DENY, DENY, ASK, ALLOW)
_OWN = {DENY: "your_setting", ASK: "your_choice", ALLOW: "allowed"}


class End(msgspec.Struct, frozen=True):
    """One end of a question: how old it is taken to be, what holds for it, what it chose."""

    age: Age
    cells: Mapping[str, Cell]
    choices: Mapping[str, Choices]
    country: str | None

    def level(self, feature: str) -> int:
        """Return the place on its scale that holds for a feature."""
        return effective(self.cells[feature], self.choices.get(feature, _UNSET), self.age)


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
    if id_of(question.sender) == id_of(question.recipient):
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


def id_of(party: Party | None) -> str:
    """Return the platform's id of a party, "" for nobody."""
    return "" if party is None else party.id
