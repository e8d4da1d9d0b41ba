"""Shares of a number, with how sure one may be of them. Pure."""

from math import sqrt

import msgspec

Z95 = 1.959964


class Share(msgspec.Struct, frozen=True):
    """A share of the number `of` with its 95 % interval; None where there is nothing."""

    hits: int
    of: int
    share: float | None
    low: float | None
    high: float | None


def wilson(hits: int, of: int) -> Share:
    """Return hits / of with the score interval at 95 %, each end from 0 to 1.

    After E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference,
    Journal of the American Statistical Association 22 (1927).
    """
    if not of:
        return Share(hits, of, None, None, None)
    share, weight = hits / of, Z95 * Z95 / of
    middle = (share + weight / 2) / (1 + weight)
    half = Z95 * sqrt(share * (1 - share) / of + weight / (4 * of)) / (1 + weight)
    return Share(hits, of, share, max(0.0, middle - half), min(1.0, middle + half))
