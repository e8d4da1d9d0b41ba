"""Verbs of history: count a batch, forget a person, forget what no longer counts."""

from collections.abc import Iterable, Sequence

from openhaven.history.book import Book, Row, last_day, packed, unpacked
from openhaven.history.model import DAY, Counter
from openhaven.history.tallies import Values
from openhaven.intake import Claimed
from openhaven.storage import Tx

_STEP = 5_000


def count(tx: Tx, batch: Sequence[Claimed], counters: Sequence[Counter]) -> list[Values]:
    """Count the events of a batch and return, for each, what its rules may read, by name.

    What an event reads includes itself, the events of the batch that were stored before it, and
    everything that was committed before. One statement reads and one writes, whatever the number
    of events and counters. The rows stay locked until the transaction ends; all lock them in one
    order. Content that must not be looked at has to be gone from the events already.
    """
    if not counters or not batch:
        return [{} for _ in batch]
    book = Book(counters, tx.keys.digest)
    looks = [book.look(claimed.platform, claimed.event, tx.now) for claimed in batch]
    written = sorted({key for look in looks for key in look.written})
    asked = {key for look in looks for key in look.read}
    if not written and not asked:
        return [book.take(look) for look in looks]
    book.rows.update(_taken(tx, book, written, sorted(asked.difference(written))))
    values: list[Values] = [{} for _ in batch]
    for place in sorted(range(len(batch)), key=lambda place: batch[place].seq):
        values[place] = book.take(looks[place])
    if written:
        _write(tx, {key: book.rows[key] for key in written})
    return values


def _taken(tx: Tx, book: Book, written: list[bytes], asked: list[bytes]) -> dict[bytes, Row]:
    """Lock the rows that will be written and return what is known of these and the others."""
    named = [book.named[key] for key in written]
    sql = """SELECT key, state FROM take_history(%(written)b::bytea[], %(ones)b::bytea[],
               %(others)b::bytea[],
               array_fill(%(today)s::date, ARRAY[cardinality(%(written)b::bytea[])]),
               %(asked)b::bytea[])"""
    rows = tx.rows(
        sql,
        written=written,
        ones=[one for one, _ in named],
        others=[other for _, other in named],
        today=tx.now.date(),
        asked=asked,
    )
    return {row["key"]: unpacked(row["state"]) for row in rows}


def _write(tx: Tx, rows: dict[bytes, Row]) -> None:
    today = int(tx.now.timestamp()) // DAY
    tx.run(
        """UPDATE history h SET state = n.state, until = '1970-01-01'::date + n.days
           FROM unnest(%(keys)b::bytea[], %(states)b::bytea[], %(days)b::int[])
             AS n (key, state, days)
           WHERE h.key = n.key""",
        keys=list(rows),
        states=[packed(row, today) for row in rows.values()],
        days=[last_day(row) for row in rows.values()],
    )


def begin(tx: Tx, counters: Iterable[Counter]) -> None:
    """Note that these are counted from now on, and no others; those that are so already stay.

    One that was counted in former times begins anew, since it missed what happened between.
    """
    found = sorted(counters, key=lambda one: one.id)
    tx.run(
        """WITH gone AS (
             UPDATE counters SET ended = %(now)s
             WHERE ended IS NULL AND NOT id = ANY(%(ids)b::bigint[]))
           INSERT INTO counters AS c (id, name, declared, since)
           SELECT n.id, n.name, n.declared::jsonb, %(now)s FROM unnest(%(ids)b::bigint[],
             %(names)b::text[], %(declared)b::text[]) AS n (id, name, declared)
           ON CONFLICT (id) DO UPDATE SET ended = NULL,
             since = CASE WHEN c.ended IS NULL THEN c.since ELSE excluded.since END""",
        now=tx.now,
        ids=[one.id for one in found],
        names=[one.name for one in found],
        declared=[one.declared for one in found],
    )


def forget(tx: Tx, platform: str, account: str) -> None:
    """Forget what was counted for an account, alone or together with something else.

    In the counts of others it stays a number that says nothing, until their windows have passed.
    """
    digest = Book((), tx.keys.digest).hashed(platform, (("account", account),))
    tx.run(
        """DELETE FROM history WHERE key IN (
             SELECT key FROM history WHERE key = %(d)s OR one = %(d)s OR other = %(d)s
             ORDER BY key FOR UPDATE)""",
        d=digest,
    )


def expire(tx: Tx) -> int:
    """Forget up to 5,000 rows in which nothing counts any more; return how many they were."""
    sql = """DELETE FROM history WHERE key IN (
               SELECT key FROM history WHERE until <= %(today)s ORDER BY until LIMIT %(step)s
               FOR UPDATE SKIP LOCKED)"""
    return tx.run(sql, today=tx.now.date(), step=_STEP)
