"""Who may handle lawful requests, as the roles are at this moment."""

from openhaven.core import Problem, permits
from openhaven.storage import Tx


def only_handlers(tx: Tx) -> None:
    """Raise `Problem` 403 unless the actor works here and may handle requests of authorities."""
    sql = "SELECT roles FROM staff WHERE id = %(me)s AND disabled_at IS NULL FOR SHARE"
    roles = tx.value(sql, me=tx.actor.id) if tx.actor.kind == "staff" else ()
    if not permits(tuple(roles or ()), "requests.handle"):
        raise Problem("permission", "Your role does not handle requests of authorities.",
                      status=403, next_step="Ask a specialist or an administrator.")  # fmt: skip
