"""The one door to PostgreSQL: transactions that know who acts and when."""

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from openhaven.core import Actor, Problem, system, utcnow
from openhaven.storage.seal import Sealer

T = TypeVar("T")
_READER = system("reader")
_TRUSTED_S = 0.5
PATIENCE_S = 15.0


class Tx:
    """One transaction: SQL with named parameters, the moment, the actor and the sealing keys."""

    def __init__(
        self,
        connection: psycopg.Connection[dict[str, Any]],
        actor: Actor,
        now: datetime,
        key: bytes,
    ) -> None:
        self.connection = connection
        self.actor = actor
        self.now = now
        self.keys = Sealer(self, key)
        self._wakes: set[str] = set()

    def all(self, sql: str, kind: type[T], **params: Any) -> list[T]:
        """Return every row as `kind` (a msgspec.Struct whose fields are the columns)."""
        rows = self.connection.execute(sql, params).fetchall()
        return [msgspec.convert(row, kind, strict=False, builtin_types=_NATIVE) for row in rows]

    def one(self, sql: str, kind: type[T], **params: Any) -> T | None:
        """Return the first row as `kind`, or None when there is none."""
        row = self.connection.execute(sql, params).fetchone()
        if row is None:
            return None
        return msgspec.convert(row, kind, strict=False, builtin_types=_NATIVE)

    def value(self, sql: str, **params: Any) -> Any:
        """Return the first column of the first row, or None."""
        row = self.connection.execute(sql, params).fetchone()
        return None if row is None else next(iter(row.values()))

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Return every row as a dict; for callers whose columns are not known beforehand."""
        return self.connection.execute(sql, params).fetchall()

    def run(self, sql: str, **params: Any) -> int:
        """Run a statement and return the number of rows that it touched."""
        return self.connection.execute(sql, params).rowcount

    def lock(self, name: str) -> bool:
        """Try to take the lock `name` until the end of this transaction; say whether we have it."""
        return bool(
            self.value("SELECT pg_try_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=name)
        )

    def wake(self, channel: str) -> None:
        """Tell listeners on `channel`, after the commit, that there is something to claim."""
        self._wakes.add(channel)

    def ring(self) -> None:
        """Send what `wake` collected, each channel once; the end of the transaction does this."""
        if self._wakes:
            sql = "SELECT pg_notify(channel, '') FROM unnest(%(channels)s::text[]) AS channel"
            self.run(sql, channels=sorted(self._wakes))
            self._wakes.clear()


_NATIVE: Sequence[type] = (bytes, datetime)


def _in_utc(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """Read moments in UTC, whatever clock a given server lives by: pages and notices name days."""
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


class _Connection(psycopg.Connection[dict[str, Any]]):
    """A connection that knows when it was used last."""

    used_at = -_TRUSTED_S


def _note_use(connection: _Connection) -> None:
    connection.used_at = time.monotonic()


def _still_there(connection: _Connection) -> None:
    """Make sure of a connection, so that one that died with its server is nobody's error.

    A server that ends says so before it closes. So a connection that was used half a second ago and
    has nothing to say is there; any other one is asked, which takes a round trip.
    """
    ear = select.poll()
    ear.register(connection.fileno(), select.POLLIN)
    if ear.poll(0) or time.monotonic() - connection.used_at > _TRUSTED_S:
        ConnectionPool.check_connection(connection)


class Database:
    """A pool of connections to one database."""

    def __init__(self, url: str, key: bytes, *, size: int = 8) -> None:
        """Connect lazily to `url`; `key` (32 bytes) wraps the sealing keys of all subjects."""
        self.url = url
        self._key = key
        self._pool: ConnectionPool[_Connection] = ConnectionPool(
            url,
            connection_class=_Connection,
            min_size=1,
            max_size=size,
            timeout=PATIENCE_S,
            kwargs={"row_factory": dict_row, "prepare_threshold": 3},
            configure=_in_utc,
            check=_still_there,
            reset=_note_use,
            open=True,
        )

    @contextmanager
    def begin(self, actor: Actor, now: datetime | None = None) -> Iterator[Tx]:
        """Open a transaction: it commits at the end of the block and rolls back on any error.

        Raises `Problem` (status 503) when no connection is to be had within `PATIENCE_S`.
        """
        try:
            with self._pool.connection() as connection:
                tx = Tx(connection, actor, now or utcnow(), self._key)
                yield tx
                tx.ring()
        except (psycopg.OperationalError, psycopg.errors.ConnectionTimeout) as error:
            raise Problem(
                "database.away",
                "The database does not answer.",
                type(error).__name__,
                status=503,
                next_step="Nothing was stored. Try again in a moment.",
            ) from error

    @contextmanager
    def read(self, now: datetime | None = None) -> Iterator[Tx]:
        """Open a transaction that only reads."""
        with self.begin(_READER, now) as tx:
            tx.connection.execute("SET TRANSACTION READ ONLY")
            yield tx

    def close(self) -> None:
        """Give all connections back to the server."""
        self._pool.close()
