"""Whose turn a task is: the one formula, in one place. Pure.

Within one urgency (2: somebody may be in danger now; 1: a legal clock is in its last hours; 0: all
else) the task with the smallest rank comes first. A rank is a moment:

    rank = opened + (due - opened) * share

`due` follows from the severity (`model.DUE`) and every legal clock; the number of reports is not in
it. `share` is 1, and less for what children and trusted flaggers report, and for reporters who were
right before. It is never more than 1, so a reporter who was wrong before costs a task nothing but
the head start.

Nothing waits for ever: a task is only overtaken by what has a smaller rank, and a rank is never
before its task was opened. So once the moment of its rank is over, nothing that comes in later and
is not urgent goes before it (earliest deadline first; Liu and Layland, "Scheduling Algorithms for
Multiprogramming in a Hard-Real-Time Environment", J. ACM 20(1), 1973). The database computes the
same number in the column `tasks.rank`, and a test holds the two together.
"""

from datetime import UTC, datetime

LEAST, MOST = 0.25, 1.0
# What children and trusted flaggers report has half of the time.
FIRST = 0.5
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def share(*, first: bool = False, right: int = 0, wrong: int = 0) -> float:
    """Return how much of its time (0.25 to 1) a task is given before its turn.

    `first` says that a child or a trusted flagger reported it; `right` and `wrong` count earlier
    reports of the same reporter after which something was done, and nothing was. An unknown
    reporter counts as right in half of the cases (Laplace's rule of succession).
    """
    accuracy = (right + 1) / (right + wrong + 2)
    return min(MOST, max(LEAST, (FIRST if first else 1.0) * (1.25 - 0.5 * accuracy)))


def rank(opened: datetime, due: datetime, share: float) -> float:
    """Return the rank of a task in seconds since 2020; the smallest comes first."""
    return (opened - _EPOCH).total_seconds() + (due - opened).total_seconds() * share
