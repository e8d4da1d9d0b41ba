"""A platform with a key on a wired house, and a worker that can be stepped by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from openhaven import intake, review, staff
from openhaven.core import Actor, new_id, system
from openhaven.intake import Event
from openhaven.line import Haven, jobs

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
OPERATOR = system("operator")


def event(**changes: Any) -> dict[str, Any]:
    """Return the body of a harmless post, with changes."""
    body = {
        "id": new_id("e"),
        "kind": "post.create",
        "at": "2026-11-21T20:00:00Z",
        "account": {"id": "a1", "age_band": "unknown", "country": "GB"},
        "item": {"id": new_id("i"), "type": "post", "text": "What a nice day at the lake."},
    }
    return body | changes


def post(text: str, **changes: Any) -> dict[str, Any]:
    """Return the body of a post with this text."""
    return event(item={"id": new_id("i"), "type": "post", "text": text}, **changes)


@dataclass
class Scene:
    """What the tests of the line need at hand."""

    haven: Haven
    platform: str
    key: str

    @property
    def actor(self) -> Actor:
        return Actor("platform", self.platform)

    def accept(self, *bodies: dict[str, Any]) -> list[intake.Accepted]:
        events = [msgspec.convert(body, Event) for body in bodies]
        with self.haven.db.begin(self.actor) as tx:
            return intake.accept(tx, self.platform, events)

    def work(self) -> None:
        """Let the worker do everything that waits, once."""
        while jobs.settle_judgements(self.haven) + jobs.judge_events(self.haven):
            pass
        while jobs.carry_act(self.haven):
            pass
        self.haven.sequencer.tick()

    def verdict(self, event_id: str) -> dict[str, Any]:
        with self.haven.db.read() as tx:
            row = intake.event_of(tx, self.platform, event_id)
        assert row is not None
        assert row.verdict is not None
        return row.verdict

    def reviewer(self, name: str, *roles: str) -> Actor:
        with self.haven.db.begin(OPERATOR) as tx:
            member = staff.create(tx, name, roles or ("moderator", "appeals"))
        return Actor("staff", member.id, member.roles)

    def judge(self, who: Actor, task: str, outcome: str, **values: Any) -> str:
        pack = self.haven.packs.current
        clause = values.pop("clause", next(iter(pack.clauses)))
        facts = values.pop("facts", "It says what the rule forbids.")
        with self.haven.db.begin(who) as tx:
            review.claim(tx, task)
        with self.haven.db.begin(who) as tx:
            return review.judge(tx, task, outcome=outcome, clause=clause, pack=pack.fingerprint,
                                facts=facts, **values)  # fmt: skip

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        with self.haven.db.read() as tx:
            return tx.rows(sql, **params)


def scene(haven: Haven, webhook: str | None = None) -> Scene:
    """Add a platform with a key to the house."""
    with haven.db.begin(OPERATOR) as tx:
        platform, _ = intake.add_platform(tx, "here", webhook_url=webhook)
        key = intake.create_key(tx, "here", intake.platform_named(tx, "here"))
    return Scene(haven, platform, key)
