"""The shape of one line in the table of URLs, and the gates that a line may stand behind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from openhaven.core import Permission
from openhaven.web.call import Answer, Call

Handler = Callable[[Call], Answer]
Takes = Literal["nothing", "json", "form", "bytes", "upload"]
JSON_LIMIT = 8_000_000
FORM_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may call: everybody, a platform's key, signed-in staff, or a Matrix homeserver.

    A Matrix homeserver shows a token that the connector itself knows, so its handler checks it.
    """

    kind: Literal["public", "key", "signed in", "matrix"]
    permission: Permission | None = None

    def __str__(self) -> str:
        return f"staff: {self.permission}" if self.permission else self.kind


PUBLIC = Gate("public")
KEY = Gate("key")
SIGNED_IN = Gate("signed in")
MATRIX = Gate("matrix")


def staff(permission: Permission) -> Gate:
    """Return the gate for signed-in staff with this permission."""
    return Gate("signed in", permission)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One URL: what it is, who may call it, what it takes (`limit` bytes at most) and answers.

    `request` and `answer` are types for the description of the API; `answer` may be a content type
    instead, and `also` holds further statuses with their types. `rate` names the bucket that limits
    how often one client may call. `query` maps parameters to their meaning. A `limit` of 0 stands
    for the usual limit of what is taken: the operator's `media_limit` for bytes, and for an
    `upload` (a form with a file). `reads` names what staff are shown of somebody's there
    (`staff.reads.KINDS`): that they looked is recorded before they see it.
    """

    method: str
    path: str
    handler: Handler
    gate: Gate
    summary: str
    takes: Takes = "nothing"
    request: Any = None
    answer: Any = "text/html"
    status: int = 200
    also: tuple[tuple[int, Any], ...] = ()
    limit: int = 0
    rate: str = ""
    query: tuple[tuple[str, str], ...] = ()
    quick: Callable[[Call], Answer | None] | None = None
    reads: str = ""

    def size(self, media_limit: int) -> int:
        """Return the largest body in bytes that this route takes."""
        usual = {"nothing": 0, "json": JSON_LIMIT, "form": FORM_LIMIT, "bytes": media_limit,
                 "upload": media_limit}  # fmt: skip
        return self.limit or usual[self.takes]
