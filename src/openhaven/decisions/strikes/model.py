"""The strike, for how long it counts, and when it needs a specialist. Pure."""

from datetime import datetime, timedelta

import msgspec

from openhaven.core import HARMS
from openhaven.decisions.model import Decision

# By the severity of the harm, from 1 (nuisance) to 4 (danger to life or to a child).
_LIFE = {1: timedelta(days=90), 2: timedelta(days=180), 3: timedelta(days=365),
         4: timedelta(days=365)}  # fmt: skip

# Harms in which a child may be the one who was hurt, even where the child posted it.
CHILD_HARMS = frozenset({
    "csam.known", "csam.ai_generated", "grooming", "sextortion.minor", "sadistic_exploitation",
    "child_trafficking", "minor_privacy", "ncii", "ncii.deepfake",
})  # fmt: skip


class Strike(msgspec.Struct, frozen=True):
    """What a decision counts for: `counts`, `waits` for a specialist, or `lifted`."""

    decision: str
    platform: str
    account: str
    severity: int
    state: str
    given_at: datetime
    expires_at: datetime
    answered_by: str | None
    answered_at: datetime | None


def life(harm: str) -> timedelta:
    """Return for how long a strike for this harm counts."""
    return _LIFE[severity_of(harm)]


def severity_of(harm: str) -> int:
    """Return how grave a harm is, from 1 to 4. How often it was reported has no part in that."""
    return HARMS[harm].severity if harm in HARMS else 1


def gives_strike(made: Decision) -> bool:
    """Say whether a decision goes against an account.

    What is only held back does not, and copies count with the first decision. What an authority
    orders breaks no rule of ours.
    """
    against = made.account is not None and made.outcome != "allow" and made.source != "order"
    return against and not made.held and made.copy_of is None
