"""What a password must be, and what is known of somebody's."""

import re
import unicodedata
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import pairwise

import msgspec

from openhaven.core import Problem

SHORTEST, LONGEST = 12, 200
_LEET = str.maketrans("013457@$!", "oieastasi")


class Standing(msgspec.Struct, frozen=True):
    """Since when somebody has a password, and how many printed codes are left."""

    changed_at: datetime
    codes: int


class Kept(msgspec.Struct, frozen=True):
    """A password as it is checked, with the sealed second factor."""

    id: str
    hash: str
    factor: bytes
    step: int


def normal(password: str) -> bytes:
    """Return the password as it is hashed, so that every keyboard's form of it is the same one."""
    return unicodedata.normalize("NFKC", password).encode()


def check_password(password: str, *names: str) -> str:
    """Return a password that may be used; `names` are what a stranger would try first.

    Length matters, and that it is not among the first guesses; which characters it has does not
    (NIST SP 800-63B-4, 3.1.1.2). Raises `Problem` (400).
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise _weak(f"A password has {SHORTEST} to {LONGEST} characters.")
    plain = bare(password)
    own = [bare(name) for name in names if len(bare(name)) >= 4]
    left = plain
    for word in sorted([*common(), *own], key=len, reverse=True):
        left = left.replace(word, "")
    if len(left) < 5 or len(set(password.casefold())) < 5 or _is_run(password.casefold()):
        raise _weak("This password is among the first that anybody would try.")
    return password


def bare(text: str) -> str:
    """Return the letters of a text, where digits that stand for letters count as those."""
    lowered = unicodedata.normalize("NFKC", text).casefold().translate(_LEET)
    return re.sub(r"[\W\d_]", "", lowered)


@cache
def common() -> tuple[str, ...]:
    """Return what common passwords are made of."""
    text = (resources.files("openhaven.staff.passwords") / "common.txt").read_text("utf-8")
    return tuple(bare(line) for line in text.split() if line[:1] != "#")


def _is_run(text: str) -> bool:
    """Say whether the characters only follow one another, as in 123456789012 or abcdefghijkl."""
    steps = [ord(b) - ord(a) for a, b in pairwise(text)]
    return sum(step in (-1, 0, 1, -9, 9) for step in steps) >= len(steps) - 2


def _weak(detail: str) -> Problem:
    return Problem("password.weak", "This password is too easy to guess.", detail, status=400,
                   next_step="Take four or five words that have nothing to do with each other.",
                   )  # fmt: skip
