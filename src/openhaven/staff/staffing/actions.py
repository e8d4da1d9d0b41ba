"""The verb of staffing: say how many people there are."""

from openhaven import ledger
from openhaven.core import Problem
from openhaven.staff.staffing.store import staffing
from openhaven.storage import Tx


def set_staffing(tx: Tx, profile: str) -> None:
    """Store what the settings say of the people here; a change of it is in the ledger."""
    if profile not in ("solo", "two", "team"):
        raise Problem("staffing.unknown", f"“{profile}” is no way of staffing.",
                      next_step="Use solo, two or team.")  # fmt: skip
    if staffing(tx) == profile:
        return
    tx.run(
        """INSERT INTO staffing (profile, since) VALUES (%(p)s, %(now)s)
           ON CONFLICT (one) DO UPDATE SET profile = excluded.profile, since = excluded.since""",
        p=profile, now=tx.now,
    )  # fmt: skip
    ledger.append(tx, "staff.staffing", {"profile": profile})
