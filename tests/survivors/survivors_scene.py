"""People who ask for help in a house with a platform, and a worker that is stepped by hand."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from line_scene import Scene, event

from openhaven import intake, survivors
from openhaven.core import Actor, new_id, utcnow
from openhaven.intake import MediaFacts, Platform, accept_media
from openhaven.survivors.store import Made

ANYBODY = Actor("person", "anybody")
DICE = random.Random(5)


def a_hash() -> bytes:
    """Return 32 bytes of which half of the bits are set, as in a PDQ hash."""
    bits = [1] * 128 + [0] * 128
    DICE.shuffle(bits)
    return int("".join(map(str, bits)), 2).to_bytes(32)


@dataclass
class Town(Scene):
    """What these tests need at hand."""

    def the_platform(self) -> Platform:
        with self.haven.db.read() as tx:
            return intake.platform_named(tx, "here")

    def posted(self, pdq: bytes | None = None, **changes: Any) -> str:
        """Post something, with a picture that has this hash if one is given; return the item."""
        body = event(**changes)
        if pdq is not None:
            facts = MediaFacts(id="", sha256=DICE.randbytes(32), md5=DICE.randbytes(16),
                               type="image/png", pdq=pdq, quality=100, size=10)  # fmt: skip
            with self.haven.db.begin(self.actor) as tx:
                kept = accept_media(tx, self.haven.blobs, self.platform, DICE.randbytes(40), facts)
            body["item"]["media"] = [{"id": kept.id}]
        self.accept(body)
        self.work()
        return str(body["item"]["id"])

    def removal(self, *items: str, at: datetime | None = None, **more: Any) -> Made:
        """Ask for items to be removed."""
        asked = survivors.Removal(items=items, **({"shows": True, "consent": True} | more))
        with self.haven.db.begin(ANYBODY, at) as tx:
            return survivors.ask_removal(tx, self.the_platform(), asked, "192.0.2.1")

    def watch(self, pdq: bytes, origin: str = "192.0.2.1", **more: Any) -> Made:
        """Ask to look for a picture with this hash."""
        asked = survivors.Watch(pdq=pdq, **({"quality": 100, "mine": True} | more))
        with self.haven.db.begin(ANYBODY) as tx:
            made = survivors.ask_watch(tx, self.the_platform(), asked, origin)
        with self.haven.db.read() as tx:
            self.haven.banks.refresh(tx)
        return made

    def threat(self, **more: Any) -> Made:
        """Tell of a threat."""
        with self.haven.db.begin(ANYBODY) as tx:
            told = survivors.Threat(**more)
            return survivors.tell_threat(tx, self.the_platform(), told, "192.0.2.1")

    def tend(self, after: timedelta = timedelta()) -> None:
        """Let the line and the clocks work, as if `after` had passed."""
        self.work()
        survivors.tend(self.haven.db, utcnow() + after)
        survivors.keep_watches(self.haven.db, utcnow() + after)
        with self.haven.db.read() as tx:
            self.haven.banks.refresh(tx)

    def status(self, made: Made) -> survivors.Status:
        with self.haven.db.read() as tx:
            return survivors.status(tx, made.code)

    def tasks(self) -> list[dict[str, Any]]:
        """Return the open tasks in the order of the queue."""
        from openhaven.review import store

        with self.haven.db.read() as tx:
            return [
                {
                    "id": one.id,
                    "item": one.item,
                    "account": one.account,
                    "queue": one.queue,
                    "urgency": one.urgency,
                    "clock": one.clock_at,
                    "severity": one.severity,
                    "reports": one.reports,
                    "harm": one.harm,
                }
                for one in store.queue(tx, lane=True)
            ]

    def said(self, kind: str) -> int:
        """Count the ledger's entries of a kind."""
        sql = "SELECT count(*) AS n FROM ledger_entries WHERE kind = %(k)s"
        return int(self.rows(sql, k=kind)[0]["n"])

    def person(self) -> Actor:
        return self.reviewer(new_id("p"), "moderator")
