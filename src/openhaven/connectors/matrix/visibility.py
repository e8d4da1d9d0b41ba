"""Who can read along in a room, in the three words of the line."""

from openhaven.core import Visibility


def visibility(join_rule: str, history: str) -> Visibility:
    """Return how open a room is, from its join rule and its history visibility.

    `public`: everybody may join or read. `group`: who belongs to a given other room may join.
    `private`: one has to be let in by somebody, however many are inside; such a conversation is
    between people who were chosen for it, and is looked at only on a recorded legal basis. A rule
    that we do not know counts as private (Matrix 1.11, 11.4.2 and 11.8).
    """
    if join_rule == "public" or history == "world_readable":
        return "public"
    if join_rule in ("restricted", "knock_restricted"):
        return "group"
    return "private"
