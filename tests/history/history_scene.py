"""Counters from text, events and batches for the tests of this room."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from openhaven.core.actors import system
from openhaven.core.words import EVENT_KINDS
from openhaven.history import Counter, Values, count
from openhaven.intake import Claimed, Event
from openhaven.policy.counters import read_counters
from openhaven.policy.places import PackError, Source
from openhaven.storage import Database

HISTORY_PACK = {
    "pack.toml": 'name = "counting-posts"\nversion = "1.0.0"\nowner = "The tests"\n'
    'languages = ["en"]\njurisdictions = ["*"]\n',
    "policy.md": "# Rules\n\n## Be brief {#brief}\nGround: terms, a rule\n\nPlease.\n",
    "rules.yaml": "- {id: many, clause: brief, on: [post.create], mode: shadow,"
    " when: counters.posts.in_1d >= 3, then: {outcome: review, harm: spam}}\n",
    "counters.yaml": "posts: {count: events, by: account.id, on: [post.create], in: 1d}\n",
}
"""A small pack that counts the posts of each account."""
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ME = system("worker")


def counters(text: str, asked: Sequence[str] = EVENT_KINDS) -> tuple[Counter, ...]:
    """Return the counters of a counters.yaml, read by rules for these kinds of events."""
    errors: list[PackError] = []
    found = read_counters(Source("counters.yaml", text), errors, {})
    assert errors == []
    return tuple(msgspec.structs.replace(one, asked=frozenset(asked)) for one in found)


def event(after: float = 0, kind: str = "message.send", **parts: Any) -> Event:
    """Return an event that happened so many seconds after noon."""
    at = (NOON + timedelta(seconds=after)).isoformat()
    given = {"id": "e", "kind": kind, "at": at, "account": {"id": "a1"}, **parts}
    return msgspec.convert(given, Event)


def to(account: str, **known: Any) -> dict[str, Any]:
    """Return the part of an event that says at whom it is aimed."""
    return {"target": {"account": {"id": account, **known}}}


def batch(events: Sequence[Event], first: int = 1) -> list[Claimed]:
    """Return claimed events in their order."""
    return [Claimed(first + at, "p", "per", one, True) for at, one in enumerate(events)]


def counted(
    db: Database, found: Sequence[Counter], events: Sequence[Event], first: int = 1,
    now: datetime = NOON + timedelta(days=400),
) -> list[Values]:  # fmt: skip
    """Count events as one batch in a transaction of its own."""
    with db.begin(ME, now) as tx:
        return count(tx, batch(events, first), found)
