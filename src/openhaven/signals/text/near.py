"""Texts that are nearly the same, by sketches that keep nothing of the text.

A sketch has 256 bits, one for each of 256 ways to choose a piece of five letters of the text (A.
Broder, "On the resemblance and containment of documents", 1997), of which one bit of its hash is
kept (P. Li, A. König, "b-Bit Minwise Hashing", WWW 2010). Two texts that share a part J of their
pieces differ in about 128·(1 - J) bits, so that the index of picture hashes finds them: 31 bits are
some three quarters in common, and unrelated texts differ in 128, give or take 8.

The 256 choices are made together (S. Dahlgaard, M. Knudsen, M. Thorup, "Fast Similarity Sketching",
FOCS 2017): in each round every piece falls into a bin at random, and a bin chooses in the first
round in which one falls into it. A long text needs one round, a short one some twenty.
"""

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.text.skeleton import folded

BITS = 256
LEAST = 60  # letters; some twenty words
LONGEST = 2_000
SHORT = f"the text is too short to be compared: it takes {LEAST} letters, some twenty words"
_PIECE = 5
_AT_ONCE = 3_000
_NONE = np.uint64((1 << 64) - 1)
_STEP = np.uint64(0x9E3779B97F4A7C15)

_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())

Numbers = NDArray[np.uint64]


def sketch(text: str) -> bytes | None:
    """Return the 32 bytes that stand for a text as a reader takes it, or None for a short one.

    Capitals, accents, look-alikes, spaces and punctuation do not matter. Only the first 2,000
    characters count.
    """
    letters = _letters(text[:LONGEST])
    if len(letters) < LEAST:
        return None
    pieces = _pieces(letters)
    least = np.full(BITS, _NONE)
    many = max(_AT_ONCE // len(pieces), 1)
    first = 1
    while bool((least == _NONE).any()):
        rounds = np.arange(first, first + many, dtype=np.uint64)[:, None]
        hashes = _mixed(pieces + rounds * _STEP)
        # Earlier rounds count as less than any hash of a later one.
        values = (rounds << np.uint64(44)) | (hashes & np.uint64((1 << 44) - 1))
        np.minimum.at(least, (hashes >> np.uint64(56)).astype(np.intp).ravel(), values.ravel())
        first += many
    return np.packbits(_mixed(least).astype(np.uint8) & np.uint8(1)).tobytes()


def similarity(distance: int) -> float:
    """Return about which part of their pieces two texts share, from the bits they differ in."""
    return max(1 - 2 * distance / BITS, 0.0)


def _letters(text: str) -> str:
    """Return the letters and digits of a folded text; one in ASCII needs no look at each."""
    if text.isascii():
        return text.encode().lower().translate(None, _NO_LETTERS).decode()
    return "".join(filter(str.isalnum, folded(text)))


def _pieces(letters: str) -> Numbers:
    """Return a hash of every five letters in a row, each once."""
    codes = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), np.uint32)
    last = len(codes) - _PIECE + 1
    found = np.zeros(last, np.uint64)
    for at in range(_PIECE):
        found *= _STEP
        found += codes[at : at + last]
    return np.unique(_mixed(found))


def _mixed(values: Numbers) -> Numbers:
    """Return 64-bit numbers stirred, each bit depending on all (the finalizer of SplitMix64)."""
    out = values ^ (values >> np.uint64(30))
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(27)
    out *= np.uint64(0x94D049BB133111EB)
    out ^= out >> np.uint64(31)
    return out
