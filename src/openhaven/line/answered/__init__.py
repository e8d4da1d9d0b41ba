"""What a person has answered about conduct: they are not asked the same again, only what is new.

Signs of behaviour go on for as long as somebody does what they do: a teacher whom a reviewer has
looked at writes to the class the next day as well. The signs of which a task told are remembered
with it; once it ended with "no action", they ask nobody for 30 days, until another sign joins them,
one becomes half as strong again, or something was done about the account after all.
"""

from openhaven.line.answered.actions import remember
from openhaven.line.answered.store import unasked

__all__ = ["remember", "unasked"]
