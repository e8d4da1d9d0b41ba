"""Attempts to sign in with a password: slowed down, without a stranger locking anybody out.

Attempts are counted before anything is checked, by the name that was typed (whether somebody has it
or not) and by the place they come from. A browser in which its owner signed in before shows a token
and is counted by itself, so that whatever strangers do, it goes on working; so do passkeys, links
and other services, which have no password to guess.
"""

from openhaven.staff.attempts.actions import forget, know, succeeded, take

__all__ = ["forget", "know", "succeeded", "take"]
