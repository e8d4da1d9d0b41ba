"""Who may open an item: a role, and for what may show a child's abuse a second person."""

from datetime import timedelta

from openhaven.core import Problem, permits
from openhaven.evidence.model import Item
from openhaven.staff import approvals
from openhaven.storage import Tx

KIND = "evidence-opening"
# So long after a second person agreed may an item be opened.
AGREED = timedelta(hours=24)


def may_open(tx: Tx, item: Item) -> None:
    """Raise `Problem` unless the actor may open an item now: 403 by role, 409 without a second.

    The machine itself opens what it sends to an authority; whoever asked it to was asked then.
    """
    if tx.actor.kind == "system":
        return
    _require_role(tx)
    if item.exploitation and not agreed(tx, item.id):
        raise Problem(
            "evidence.second", "A second person has to agree before this is opened.", status=409,
            next_step="Ask for it on the page of the case, and say why it is needed.",
        )  # fmt: skip


def ask(tx: Tx, item: Item, reason: str) -> str:
    """Ask a second person whether an item may be opened; return the request's id.

    Where nobody else works here, and the operator said so, it may be opened at once. Raises
    `Problem`: 403 by role, 409 when the same is being asked already.
    """
    _require_role(tx)
    return approvals.ask(tx, KIND, item.id, reason)


def agreed(tx: Tx, item: str) -> bool:
    """Say whether a second person agreed to the opening of an item within the last day."""
    if not approvals.approved(tx, KIND, item):
        return False
    sql = """SELECT max(answered_at) FROM approvals WHERE kind = %(k)s AND matter = %(i)s"""
    answered = tx.value(sql, k=KIND, i=item)
    return answered is not None and answered > tx.now - AGREED


def _require_role(tx: Tx) -> None:
    if tx.actor.kind != "staff" or not permits(_roles(tx), "evidence.open"):
        raise Problem("permission", "Your role does not open evidence.", status=403,
                      next_step="Ask a specialist for child safety.")  # fmt: skip


def _roles(tx: Tx) -> tuple[str, ...]:
    sql = "SELECT roles FROM staff WHERE id = %(s)s AND disabled_at IS NULL"
    return tuple(tx.value(sql, s=tx.actor.id) or ())
