"""Who may report to authorities: specialists for child safety, as the roles are at this moment."""

from openhaven.core import Problem, permits
from openhaven.storage import Tx


def only_specialists(tx: Tx) -> None:
    """Raise `Problem` 403 unless the actor works here and may report to authorities."""
    sql = "SELECT roles FROM staff WHERE id = %(me)s AND disabled_at IS NULL FOR SHARE"
    roles = tx.value(sql, me=tx.actor.id) if tx.actor.kind == "staff" else ()
    if not permits(tuple(roles or ()), "filing.work"):
        raise Problem("permission", "Your role does not report to authorities.", status=403,
                      next_step="Ask a specialist for child safety.")  # fmt: skip
