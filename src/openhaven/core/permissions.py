"""Which role may do what. Nothing is allowed that does not stand here."""

from collections.abc import Iterable
from typing import Literal

Role = Literal["moderator", "appeals", "auditor", "administrator"]
Permission = Literal[
    "queue.read",
    "task.work",
    "appeal.work",
    "media.reveal",
    "decision.read",
    "delivery.read",
    "delivery.replay",
    "ledger.read",
    "staff.manage",
]

GRANTS: dict[str, frozenset[str]] = {
    "moderator": frozenset(
        {"queue.read", "task.work", "media.reveal", "decision.read", "delivery.read"}
    ),
    "appeals": frozenset(
        {"queue.read", "appeal.work", "media.reveal", "decision.read", "delivery.read"}
    ),
    "auditor": frozenset({"decision.read", "delivery.read", "ledger.read"}),
    "administrator": frozenset(
        {"queue.read", "decision.read", "delivery.read", "delivery.replay", "ledger.read"}
        | {"staff.manage"}
    ),
}


def permits(roles: Iterable[str], permission: Permission) -> bool:
    """Say whether one of `roles` grants `permission`; an unknown role grants nothing."""
    return any(permission in GRANTS.get(role, frozenset()) for role in roles)
