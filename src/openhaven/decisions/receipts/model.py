"""The words of a receipt: what was decided, as the person it is about may see it. Pure."""

import re
from datetime import datetime

from openhaven.decisions.model import Decision
from openhaven.decisions.words import AUTOMATION, TITLE, it_of
from openhaven.decisions.words import what as what_of

# What would move the cursor or hide text when the words are shown; a line break is no harm.
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def recorded(service: str, made: Decision) -> str:
    """Return what is recorded about a decision, line by line, for the person to keep and show.

    It names neither a reporter nor a rule, list or member of staff, and holds no secret link: a
    receipt is made to be shown to others.
    """
    ground = "The law" if made.ground == "law" else "Our rules"
    title = "Something waits for a look" if made.held else TITLE[made.outcome]
    what = (
        f"We hold {it_of(made)} back for now."
        if made.held
        else what_of(made).format(it=it_of(made))
    )
    lines = [
        f"{service}: {title}",
        f"Decision: {made.id}",
        f"Decided: {_moment(made.decided_at)}",
        f"What happened: {what}",
        f"Item: {made.item}" if made.item else "",
        f"Account: {made.account}" if made.account else "",
        f"Why: {made.facts}",
        f"The rule: “{made.clause_title}” {made.clause_text}",
        f"On the ground of: {ground} ({made.ground_reference})",
        f"Where: {'everywhere' if '*' in made.scope else ', '.join(made.scope)}",
        f"From: {_moment(made.starts_at)}" if made.starts_at else "",
        f"Until: {'it is changed' if made.until is None else _moment(made.until)}",
        f"Who decided: {AUTOMATION[made.automated_detection, made.automated_decision]}",
        f"Appeal until: {_moment(made.appeal_until)}",
        f"What you can do: {made.redress}",
    ]
    return "".join(f"{_one(line)}\n" for line in lines if line)


def _one(line: str) -> str:
    """Return a line without signs that deceive; what stood on further lines is set in."""
    return _CONTROLS.sub(" ", line).strip().replace("\n", "\n    ")


def _moment(at: datetime) -> str:
    return f"{at.day} {at:%B %Y, %H:%M:%S} UTC"
