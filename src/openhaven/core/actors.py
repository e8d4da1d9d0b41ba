"""Who does something. Every write of the system is a verb with an actor."""

from typing import Literal

import msgspec

ActorKind = Literal["platform", "staff", "person", "rule", "system"]


class Actor(msgspec.Struct, frozen=True):
    """One who acts: a platform's key, a member of staff, a person, a rule or the system itself.

    `id` is our own id of it (never a platform's account id), so that it may stand in the ledger.
    """

    kind: ActorKind
    id: str
    roles: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def system(name: str) -> Actor:
    """Return the actor for the system's own work; `name` says which part, such as `worker`."""
    return Actor("system", name)
