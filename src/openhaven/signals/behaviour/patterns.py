"""The signs themselves: from an event, and from what was counted before, to findings. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from openhaven.intake.model import Event
from openhaven.signals.behaviour import words
from openhaven.signals.behaviour.counting import side_of
from openhaven.signals.behaviour.who import (
    APPROACHES,
    Meeting,
    cluster,
    inside,
    invites,
    meeting,
)
from openhaven.signals.model import Finding

NAME, VERSION = "behaviour", "1"
NEW_DAYS = 14
MANY = {"1d": 8, "7d": 15, "30d": 25}
ENOUGH_TO_JUDGE, FEW_ANSWERS = 6, 1 / 3
QUICK_MINUTES = 60
ASKED_AGAIN, ASKED_IN_VAIN = 2, 3
BURST_HOUR, BURST_DAY, BURST_ANYWHERE = 10, 20, 15
TURNED_AWAY = 3
LONG, LONG_EACH = 40, 10
INVITED_DAY, INVITED_WEEK = 5, 3


class Sign(NamedTuple):
    """What a sign says of an event: how sure it is (0 to 1), and why, in a sentence."""

    confidence: float
    why: str


class Seen(msgspec.Struct, frozen=True):
    """An event with its meeting and with what was counted until then, this event included."""

    event: Event
    met: Meeting
    values: Mapping[str, Any]

    def number(self, name: str) -> int:
        """Return a number that was counted, such as `approached.in_1d`."""
        return int(self.values[f"behaviour.{name}"])

    def ago(self, name: str) -> int | None:
        """Return how long ago something was, in the unit of its counter; None: never."""
        if not self.values[f"behaviour.{name}.known"]:
            return None
        return int(self.values[f"behaviour.{name}"])

    @property
    def mine(self) -> str:
        """How the counters of a pair call the one who acts."""
        return side_of(later=self.met.by > self.met.to)

    @property
    def theirs(self) -> str:
        """How the counters of a pair call the one that it is aimed at."""
        return side_of(later=self.met.to > self.met.by)


def look(event: Event, values: Mapping[str, Any]) -> list[Finding]:
    """Return the signs that an event shows, given what `COUNTERS` answered to it.

    Nothing between family, between grown-ups, or of an account that answers, accepts or blocks.
    Where the counters did not answer, it is *unknown*, once for the event.
    """
    if event.kind not in APPROACHES:
        return []
    met = meeting(event)
    if met is None or met.close or not met.to_protected:
        return []  # Nothing is counted of these either.
    if _ASKED not in values:
        return [_unknown("nothing was counted for it")]
    seen = Seen(event, met, values)
    return [_finding(name, sign) for name, one in SIGNS.items() if (sign := one(seen))]


_ASKED = "behaviour.approached.in_1d"


def _unknown(why: str) -> Finding:
    return Finding(
        signal=NAME,
        version=VERSION,
        subject="event",
        value="",
        harm="other",
        opinion="pattern",
        confidence=0.0,
        unknown=why,
    )


def _finding(name: str, sign: Sign) -> Finding:
    return Finding(
        signal=NAME,
        version=VERSION,
        subject="event",
        value=name,
        harm="grooming",
        opinion="pattern",
        confidence=sign.confidence,
        detail={"why": sign.why},
    )


def _sure(number: int, threshold: int) -> float:
    """Return 0.5 at the threshold, more beyond it, 0.95 at most."""
    return min(0.95, 0.5 * number / threshold)


# Of one who approaches children --------------------------------------------------------------


def many_children(seen: Seen) -> Sign | None:
    """Fan-out: a grown-up approached many different children whom nothing had brought together."""
    if not (seen.met.uneven and seen.met.strangers):
        return None
    found = [(span, seen.number(f"approached.in_{span}"), most) for span, most in MANY.items()]
    over = [(span, number, _sure(number, most)) for span, number, most in found if number >= most]
    if not over:
        return None
    span, number, confidence = max(over, key=lambda one: one[2])
    return Sign(confidence, words.many_children(number, span))


def few_answers(seen: Seen) -> Sign | None:
    """Reciprocity: of the children who were approached within a week, few answered.

    Who was approached within the last hour may yet answer, and does not count.
    """
    approached = seen.number("approached.in_7d") - seen.number("approached.in_1h")
    answered = min(seen.number("answered.in_7d"), approached)
    if not seen.met.uneven or approached < ENOUGH_TO_JUDGE:
        return None
    if answered >= approached * FEW_ANSWERS:
        return None
    return Sign(0.6, words.few_answers(answered, approached))


def turned_away(seen: Seen) -> Sign | None:
    """Reciprocity: several young accounts have blocked or reported it within a week."""
    number = seen.number("turned_away.in_7d")
    # Of a child who turns to a grown-up, the number is that of the grown-up.
    if number < TURNED_AWAY or seen.met.from_below:
        return None
    return Sign(_sure(number, TURNED_AWAY), words.turned_away(number))


def new_account(seen: Seen) -> Sign | None:
    """A grown-up's account of a few days approaches a child as a stranger."""
    made = seen.event.account.created_at
    if made is None or not (seen.met.uneven and seen.met.strangers):
        return None
    days = max(0, (seen.event.at - made).days)
    return Sign(0.5, words.new_account(days)) if days < NEW_DAYS else None


def cluster_burst(seen: Seen) -> Sign | None:
    """Many requests within an hour or a day to one school-like group, from outside of it.

    Whatever age the account has said: who extorts often says to be of the same age.
    """
    if seen.event.kind != "contact.request" or not seen.met.strangers or inside(seen.event):
        return None
    if cluster(seen.event):
        hour, day = seen.number("asked_there.in_1h"), seen.number("asked_there.in_1d")
        if hour >= BURST_HOUR:
            return Sign(_sure(hour, BURST_HOUR), words.cluster_burst(hour, "1h"))
        if day >= BURST_DAY:
            return Sign(_sure(day, BURST_DAY), words.cluster_burst(day, "1d"))
    anywhere = seen.number("asked.in_1h")
    if anywhere < BURST_ANYWHERE:
        return None
    return Sign(_sure(anywhere, BURST_ANYWHERE), words.burst(anywhere))


# Of a pair -----------------------------------------------------------------------------------


def age_gap(seen: Seen) -> Sign | None:
    """A grown-up, or one of unknown age, and a child under 16; or 16 to 17 and under 13."""
    if not seen.met.wide:
        return None
    known = 0.4 if seen.met.by_band == "unknown" else 0.7
    return Sign(known, words.age_gap(seen.met.by_band, seen.met.to_band))


def quick_to_private(seen: Seen) -> Sign | None:
    """A private message to a child, within an hour of the first contact, which was not private."""
    if not (seen.event.kind == "message.send" and seen.event.private and seen.met.uneven):
        return None
    if seen.met.relation == "organisation" or seen.ago("met_openly") is None:
        return None
    minutes = seen.ago("met")
    if minutes is None or minutes > QUICK_MINUTES:
        return None
    return Sign(0.5, words.quick_to_private(minutes))


def asks_again(seen: Seen) -> Sign | None:
    """Contact after a block that the other one did not lift, or requests that nobody answers.

    Among peers only requests count: what they write is not counted, so that nobody knows whether
    the other one has begun again.
    """
    if not seen.met.uneven and seen.event.kind != "contact.request":
        return None
    answered = seen.ago(f"said_{seen.theirs}")
    asks = seen.event.kind == "contact.request"
    asked = seen.number(f"asks_{seen.mine}.in_30d") if asks else 0
    blocked = seen.ago(f"blocked_{seen.theirs}")
    if blocked and (answered is None or answered >= blocked):
        # One request after a quarrel is none that is repeated.
        return None if asks and asked < ASKED_AGAIN else Sign(0.8, words.after_block(blocked))
    if asks and answered is None and seen.met.uneven and asked >= ASKED_IN_VAIN:
        return Sign(0.6, words.asked_in_vain(asked))
    return None


def invites_elsewhere(seen: Seen) -> Sign | None:
    """A grown-up invites a child to another service."""
    if not (invites(seen.event) and seen.met.uneven):
        return None
    return Sign(0.5, words.invites_elsewhere())


def invites_many(seen: Seen) -> Sign | None:
    """Several children were invited to another service within a week; among peers, many in a day.

    It still holds while the account goes on to contact children.
    """
    week, day = seen.number("invited.in_7d"), seen.number("invited.in_1d")
    if seen.met.uneven and week >= INVITED_WEEK:
        return Sign(_sure(week, INVITED_WEEK), words.invites_many(week, "7d"))
    if day >= INVITED_DAY:
        return Sign(_sure(day, INVITED_DAY), words.invites_many(day, "1d"))
    return None


def long_private(seen: Seen) -> Sign | None:
    """Weeks of private messages, both ways, between a grown-up and a child who were strangers."""
    if not (seen.event.kind == "message.send" and seen.event.private and seen.met.uneven):
        return None
    if seen.met.relation == "organisation":
        return None
    mine, theirs = (seen.number(f"private_{one}.in_30d") for one in (seen.mine, seen.theirs))
    if mine + theirs < LONG or min(mine, theirs) < LONG_EACH:
        return None
    return Sign(0.5, words.long_private(mine + theirs))


SIGNS: dict[str, Callable[[Seen], Sign | None]] = {
    one.__name__: one
    for one in (
        many_children,
        few_answers,
        turned_away,
        new_account,
        cluster_burst,
        age_gap,
        quick_to_private,
        asks_again,
        invites_elsewhere,
        invites_many,
        long_private,
    )
}
"""The signs by name, as rules read them: `behaviour.many_children`."""

OF_PAIRS = frozenset(
    {"age_gap", "quick_to_private", "asks_again", "invites_elsewhere", "long_private"}
)
"""Those that are about two accounts; the others are about the whole conduct of one."""
