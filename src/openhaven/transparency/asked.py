"""Counting what authorities asked for: by kind, country and outcome, small numbers withheld."""

from collections.abc import Callable

from openhaven.authorities.requests import counts
from openhaven.authorities.requests.public_words import GROUND_WORDS, KIND_WORDS, OUTCOME_WORDS
from openhaven.core.words import mark
from openhaven.storage import Tx
from openhaven.transparency.model import SMALLEST, RequestFigures, Table, withhold


def tables(tx: Tx) -> tuple[Table, ...]:
    """Return the tables of requests: by kind, by the country of the authority, by outcome."""
    return (
        _table(tx, "kind", mark("Requests of authorities, by kind"), _kind),
        _table(tx, "country", mark("Requests of authorities, by country"), str),
        _table(tx, "outcome", mark("What became of requests of authorities"), _outcome),
    )


def _table(tx: Tx, what: str, title: str, words: Callable[[str], str]) -> Table:
    found = [(one.key, words(one.key), one.n) for one in counts.by(tx, what)]
    return withhold(f"requests_{what}", title, found)


def _kind(key: str) -> str:
    return KIND_WORDS[key]


def _outcome(key: str) -> str:
    ground = key.removeprefix("refused_")
    return OUTCOME_WORDS[key] if key in OUTCOME_WORDS else GROUND_WORDS[ground]


def figures(tx: Tx) -> RequestFigures:
    """Return what else is said of requests: accounts, the median time, words that were put off.

    Of fewer than five answered requests no median is said, as of any other work.
    """
    found = counts.sums(tx)
    median = found.median_hours if found.answered >= SMALLEST else None
    return RequestFigures(_shown(found.accounts), median, _shown(found.delayed))


def _shown(n: int) -> int | None:
    return None if 0 < n < SMALLEST else n
