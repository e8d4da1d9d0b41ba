"""Ids: a prefix that names the kind, then 26 characters that sort by time."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """Return a fresh id such as `dec_01hxy…`: 48 bits of Unix milliseconds, then 82 random bits.

    Ids sort by creation time to the millisecond and cannot be guessed from one another.
    The characters are Crockford's base 32 in lower case, so that an id can be read aloud.
    """
    number = (time.time_ns() // 1_000_000) << 82 | secrets.randbits(82)
    return prefix + "_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
