"""Telling the owner of a rule that it fell back: stored with the fall, sent until it is taken.

The message names the rule, its numbers and what to do; never an event, never a person.
"""

from openhaven.policy.standing.messages.actions import claim, finish, intend
from openhaven.policy.standing.messages.model import Message

__all__ = ["Message", "claim", "finish", "intend"]
