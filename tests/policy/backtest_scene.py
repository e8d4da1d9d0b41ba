"""Packs in force without a second person, wishes, and a back-test worked on in this process."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from openhaven.core import system, utcnow
from openhaven.line import Haven
from openhaven.policy import Pack, backtest, in_force, load, register
from openhaven.policy.backtest import Backtest, Candidate, Wish

ME = system("tests")
RULES = """- id: bad-words
  clause: kind
  on: [post.create]
  when: terms.bad
  then: {outcome: review, harm: harassment, queue: care}
"""
HERE = "here"


def run_with(haven: Haven, pack: Pack) -> Pack:
    """Put a pack in force in this process."""
    with haven.db.begin(ME) as tx:
        register(tx, pack)
    haven.packs.swap(in_force(pack, haven.banks))
    return pack


def wish(pack: Pack | Path, **other: Any) -> Wish:
    """Return the wish to try a pack over the last hour."""
    now = utcnow()
    tried = pack if isinstance(pack, Pack) else load(pack)
    given = {"tried": Candidate.of("a draft", tried), "purpose": "to see what would change",
             "since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}  # fmt: skip
    return Wish(**{**given, **other})


def tried(haven: Haven, asked: Wish) -> Backtest:
    """Start a back-test, work on it here, and return it as it ended."""
    number = begun(haven, asked)
    backtest.run(haven.db, number, HERE)
    return found(haven, number)


def begun(haven: Haven, asked: Wish) -> str:
    """Start a back-test and take it; return its id."""
    with haven.db.begin(ME) as tx:
        number = backtest.start(tx, asked, HERE)
        assert backtest.claim(tx, HERE, number) == number
    return number


def found(haven: Haven, number: str) -> Backtest:
    with haven.db.read() as tx:
        return backtest.find(tx, number)


def figures(haven: Haven, asked: Wish) -> dict[str, Any]:
    """Return the figures of a back-test, which must have come to its end."""
    done = tried(haven, asked)
    assert done.state == "done", done.error
    assert done.figures is not None
    return done.figures
