"""Which role may do what. Nothing is allowed that does not stand here."""

from collections.abc import Iterable
from typing import Literal, get_args

Role = Literal["moderator", "senior", "appeals", "policy", "auditor", "administrator", "specialist"]
Permission = Literal[
    "queue.read",
    "task.work",
    "task.senior",
    "task.specialist",
    "quality.read",
    "quality.edit",
    "appeal.work",
    "media.reveal",
    "decision.read",
    "delivery.read",
    "delivery.replay",
    "strike.answer",
    "decision.second",
    "safety.second",
    "ledger.read",
    "filing.read",
    "filing.work",
    "network.work",
    "staff.manage",
    "policy.read",
    "policy.draft",
    "policy.publish",
    "bank.read",
    "bank.edit",
    "support.read",
    "support.edit",
    "returning.read",
    "returning.edit",
    "lane.work",
    "evidence.open",
    "requests.handle",
]

GRANTS: dict[str, frozenset[str]] = {
    "moderator": frozenset(
        {"queue.read", "task.work", "media.reveal", "decision.read", "delivery.read"}
        | {"decision.second", "policy.read", "bank.read", "support.read"}
    ),
    # Takes what others found hard, and says which answers are agreed to be right.
    "senior": frozenset(
        {"queue.read", "task.work", "task.senior", "quality.read", "quality.edit", "media.reveal"}
        | {
            "safety.second",
            "network.work",
            "decision.read",
            "delivery.read",
            "policy.read",
            "bank.read",
            "support.read",
        }
    ),
    "appeals": frozenset(
        {"queue.read", "appeal.work", "media.reveal", "decision.read", "delivery.read"}
        | {"decision.second", "policy.read", "bank.read", "support.read", "returning.read"}
    ),
    # Drafts and publishes rules and keeps banks; that two people are needed is not a role's matter.
    "policy": frozenset(
        {"queue.read", "decision.read", "policy.read", "policy.draft", "policy.publish"}
        | {"bank.read", "bank.edit", "support.read", "quality.read", "quality.edit"}
        | {"returning.read", "returning.edit"}
    ),
    "auditor": frozenset(
        {"filing.read", "decision.read", "delivery.read", "ledger.read", "policy.read", "bank.read"}
        | {"support.read", "quality.read", "returning.read"}
    ),
    "administrator": frozenset(
        {"queue.read", "decision.read", "delivery.read", "delivery.replay", "ledger.read"}
        | {"filing.read", "staff.manage", "policy.read", "policy.publish", "bank.read"}
        | {"support.read", "support.edit", "quality.read", "safety.second"}
        | {"returning.read", "returning.edit"}
        # Who answers for the house answers to authorities as well.
        | {"requests.handle"}
    ),
    # Child safety: decides where a child may be the one who was hurt.
    "specialist": frozenset(
        {"queue.read", "task.work", "task.specialist", "media.reveal", "decision.read"}
        | {"lane.work", "evidence.open", "requests.handle", "returning.read"}
        | {
            "delivery.read",
            "decision.second",
            "safety.second",
            "strike.answer",
            "filing.read",
            "filing.work",
            "network.work",
            "policy.read",
            "bank.read",
            "support.read",
        }
    ),
}


# What nobody takes in need: the giving of roles, a second person's word, and what the law leaves to
# specialists alone.
_NEVER_TAKEN = (
    "staff.manage",
    "decision.second",
    "safety.second",
    "lane.work",
    "evidence.open",
    "requests.handle",
    "filing.work",
)  # fmt: skip
TAKEABLE: tuple[str, ...] = tuple(one for one in get_args(Permission) if one not in _NEVER_TAKEN)
_TAKEN = "taken:"


def taken(permission: str) -> str:
    """Return what stands among somebody's roles while they have taken a permission in need."""
    return _TAKEN + permission


def permits(roles: Iterable[str], permission: Permission) -> bool:
    """Say whether one of `roles` grants `permission`; an unknown role grants nothing."""
    return any(
        permission in GRANTS.get(role, frozenset())
        or (role == taken(permission) and permission in TAKEABLE)
        for role in roles
    )
