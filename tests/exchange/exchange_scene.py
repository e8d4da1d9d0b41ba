"""A database with sources, and steps of the work that is done on them."""

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from openhaven.connectors import Http
from openhaven.core import system
from openhaven.exchange import add_source, jobs, store
from openhaven.exchange.model import Source
from openhaven.signals.banks import Banks
from openhaven.storage import Database

ME = system("operator")


def hexed(seed: int, size: int = 16) -> str:
    """Return a made-up hash of this many bytes."""
    return random.Random(seed).randbytes(size).hex()


@dataclass
class Scene:
    """What these tests need at hand."""

    db: Database
    http: Http = field(default_factory=Http)

    def connect(self, name: str, kind: str, url: str, **more: Any) -> Source:
        values: dict[str, Any] = {"harm": "csam.known", "owner": "us", "purpose": "a test"}
        with self.db.begin(ME) as tx:
            return add_source(tx, name, kind=kind, url=url, **(values | {"mode": "live"} | more))

    def fetch(self, name: str, **more: Any) -> int:
        return jobs.fetch_now(self.db, self.http, name, **more)

    def source(self, name: str) -> Source:
        with self.db.read() as tx:
            (found,) = (one for one in store.sources(tx) if one.name == name)
            return found

    def alive(self, bank: str) -> set[str]:
        """Return the living values of a bank, in hexadecimal."""
        sql = """SELECT encode(value, 'hex') AS value FROM bank_entries e JOIN banks b
                   ON b.id = e.bank WHERE b.name = %(b)s AND e.living"""
        return {row["value"] for row in self.rows(sql, b=bank)}

    def banks(self) -> Banks:
        found = Banks()
        with self.db.read() as tx:
            found.refresh(tx)
        return found

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        with self.db.read() as tx:
            return tx.rows(sql, **params)

    def run(self, sql: str, **params: Any) -> None:
        with self.db.begin(ME) as tx:
            tx.run(sql, **params)


def due(scene: Scene, name: str, at: datetime | None = None) -> None:
    """Let a source be due now, and free."""
    scene.run("UPDATE bank_sources SET next_at = coalesce(%(at)s, now()), lease_until = NULL "
              "WHERE name = %(n)s", n=name, at=at)  # fmt: skip
