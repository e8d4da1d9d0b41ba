"""Who may open an item: a role, and for what may show a child's abuse a second person."""

from openhaven.core import Problem, permits
from openhaven.evidence.model import Item
from openhaven.storage import Tx


def may_open(tx: Tx, item: Item) -> None:  # noqa: ARG001
    """Raise `Problem` unless the actor may open an item now: 403 by role, 409 without a second.

    The machine itself opens what it sends to an authority; whoever asked it to was asked then.
    """
    if tx.actor.kind == "system":
        return
    if tx.actor.kind != "staff" or not permits(_roles(tx), "evidence.open"):
        raise Problem("permission", "Your role does not open evidence.", status=403,
                      next_step="Ask a specialist for child safety.")  # fmt: skip


def _roles(tx: Tx) -> tuple[str, ...]:
    sql = "SELECT roles FROM staff WHERE id = %(s)s AND disabled_at IS NULL"
    return tuple(tx.value(sql, s=tx.actor.id) or ())
