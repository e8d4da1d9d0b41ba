"""A house with specialists and a case that has to be reported."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from openhaven import intake, review, staff
from openhaven.core import Actor, new_id, system
from openhaven.intake import Event
from openhaven.line import Haven

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
OPERATOR = system("operator")
ME = system("test")


@dataclass
class Desk:
    """What the tests of reports to authorities need at hand."""

    haven: Haven
    platform: str
    ada: Actor
    ben: Actor

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        with self.haven.db.read() as tx:
            return tx.rows(sql, **params)


def desk(haven: Haven) -> Desk:
    """Add a platform and two specialists to the house."""
    some = new_id("s")[-8:]
    with haven.db.begin(OPERATOR) as tx:
        platform, _ = intake.add_platform(tx, f"here-{some}")
        ada, ben = (staff.create(tx, f"{name}-{some}", ("specialist",)) for name in ("ada", "ben"))
    actors = (Actor("staff", one.id, one.roles) for one in (ada, ben))
    return Desk(haven, platform, *actors)


def a_case(desk: Desk, harm: str = "csam.known", **changes: Any) -> str:
    """Open a case about a picture that somebody posted, and return its id."""
    body = {
        "id": new_id("e"), "kind": "post.create", "at": "2026-11-21T19:00:00Z",
        "account": {"id": "a1", "country": "GB"},
        "item": {"id": new_id("i"), "type": "post", "text": "A placeholder.",
                 "url": "https://here.example/i/1"},
        "context": {"ip": "192.0.2.10", "port": 4711},
    } | changes  # fmt: skip
    event = msgspec.convert(body, Event)
    with desk.haven.db.begin(Actor("platform", desk.platform)) as tx:
        (accepted,) = intake.accept(tx, desk.platform, [event])
        assert accepted is not None
        case = new_id("cas")
        tx.run("""INSERT INTO cases (id, platform, item, account, harm, opened_at)
                  VALUES (%(id)s, %(p)s, %(i)s, %(a)s, %(h)s, %(now)s)""", id=case,
               p=desk.platform, i=body["item"]["id"], a=body["account"]["id"], h=harm,
               now=tx.now)  # fmt: skip
    return case


__all__ = ["ME", "NOW", "OPERATOR", "Desk", "a_case", "desk", "review", "timedelta"]
