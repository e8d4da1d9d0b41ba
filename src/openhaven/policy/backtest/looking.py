"""Looking at the events that a back-test names: only who may, and it stands in the ledger."""

import msgspec

from openhaven import ledger
from openhaven.core import Problem, permits
from openhaven.intake.store import opened
from openhaven.policy.backtest import store
from openhaven.policy.backtest.model import Example
from openhaven.signals import visible
from openhaven.storage import Tx


class Look(msgspec.Struct, frozen=True):
    """A named event with its text, as the line may see it (None: gone, or no ground to look)."""

    example: Example
    kind: str
    text: str | None
    links: tuple[str, ...]


def look_at(tx: Tx, number: str) -> list[Look]:
    """Return the events that a back-test names, with what they say; who looked is in the ledger.

    Raises `Problem` (403) unless the one who asks may work on rules and on the queue.
    """
    roles = tx.actor.roles
    if not (permits(roles, "policy.draft") and permits(roles, "queue.read")):
        raise Problem("staff.forbidden", "Your roles do not allow to look at these events.",
                      "It needs policy.draft and queue.read.", status=403,
                      next_step="Ask an administrator.")  # fmt: skip
    store.find(tx, number)
    ledger.append(tx, "backtest.looked", {"backtest": number})
    grounds = store.bases(tx)
    return [_look(tx, one, grounds) for one in store.examples(tx, number) if one.event]


_ONE = "SELECT kind, platform, subject, body FROM events WHERE seq = %(seq)s"


def _look(tx: Tx, example: Example, grounds: dict[str, str | None]) -> Look:
    row = tx.rows(_ONE, seq=example.seq)[0]
    event = opened(tx, row["subject"], row["body"])
    if event is None:
        return Look(example, row["kind"], None, ())
    shown = visible(event, event.may_be_read(grounds.get(row["platform"])))
    item = shown.item
    return Look(example, row["kind"], item.text if item else None, item.links if item else ())
