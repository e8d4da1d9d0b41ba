"""Incitement: what is removed as such on the ground of the law rests on six answers.

They are those of the Rabat Plan of Action (A/HRC/22/17/Add.4, paragraph 29): context, speaker,
intent, content and form, extent, likelihood. Where they are missing, whoever or whatever wanted to
remove it hides it for a while, and a senior reviewer answers them. The database refuses the rest.
"""

from openhaven.decisions.rabat.actions import asks_six, waits
from openhaven.decisions.rabat.model import needs_six, softened
from openhaven.decisions.rabat.store import six_of

__all__ = ["asks_six", "needs_six", "six_of", "softened", "waits"]
