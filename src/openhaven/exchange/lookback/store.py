"""Reading for looking back: its runs, the entries that are new, and pages of hashes of media."""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from openhaven.core import Problem
from openhaven.exchange.lookback.model import KINDS, OF_EVENTS, LookBack
from openhaven.storage import Tx

# Additions rest so long before they are looked at, but no batch waits longer than the second.
QUIET = timedelta(seconds=60)
LONGEST = timedelta(minutes=10)
LEAST_QUALITY = 50

_RUN = """SELECT l.*, b.name FROM look_backs l JOIN banks b ON b.id = l.bank """
# What a change must be to count: an addition that every reader can see by now.
_NEWS = """SELECT at FROM bank_changes c WHERE c.bank = %(bank)s AND c.op = 'add'
             AND c.writer >= %(since)s::xid8
             AND c.writer < pg_snapshot_xmin(pg_current_snapshot())"""
# One column of media, as rows of (id, value); PDQ has further readings, and frames of films.
_VALUES = {
    "sha256": "SELECT id, sha256 AS v FROM page",
    "sha1": "SELECT id, sha1 AS v FROM page WHERE sha1 IS NOT NULL",
    "md5": "SELECT id, md5 AS v FROM page",
    "pdq": """SELECT id, pdq AS v FROM page WHERE pdq IS NOT NULL AND quality >= 50
              UNION ALL SELECT id, unnest(others) FROM page WHERE others <> '{}'
              UNION ALL SELECT id, substring(film FROM 36 * n + 1 FOR 32) FROM page,
                LATERAL generate_series(0, octet_length(film) / 36 - 1) AS n WHERE film <> ''""",
}


class Due(msgspec.Struct, frozen=True):
    """A bank to which something was added, and from which transaction on; None: from the first."""

    bank: str
    since: str | None


class Page(NamedTuple):
    """Values of a page of media one behind the other, whose each is, and the page's last id."""

    values: bytes
    ids: str
    number: int
    last: str


class Piece(msgspec.Struct, frozen=True):
    """What matched, a piece of media or an event: where it is from, which event it is of."""

    id: str
    platform: str
    event: int
    private_basis: str | None


def look_back(tx: Tx, run: str) -> LookBack:
    """Return a run by its id; raises `Problem` (404)."""
    found = tx.one(_RUN + "WHERE l.id = %(id)s", LookBack, id=run)
    if found is None:
        raise Problem("look_back.none", "There is no such look back.", status=404)
    return found


def look_backs(tx: Tx, bank: str, limit: int = 10) -> list[LookBack]:
    """Return the latest runs over a bank (by its id), the newest first."""
    sql = "WHERE l.bank = %(bank)s ORDER BY l.created_at DESC, l.id DESC LIMIT %(limit)s"
    return tx.all(_RUN + sql, LookBack, bank=bank, limit=limit)


def due(tx: Tx) -> list[Due]:
    """Return the banks whose additions have come to rest, or have waited for long enough.

    How far was looked is known by transactions, since numbers become visible out of order. A
    database that was brought back from a copy begins anew: its transactions are others.
    """
    sql = """SELECT b.id AS bank, CASE WHEN l.until_writer <= pg_snapshot_xmax(
                 pg_current_snapshot()) THEN l.until_writer::text END AS since
             FROM banks b LEFT JOIN LATERAL (SELECT until_writer FROM look_backs
               WHERE bank = b.id ORDER BY created_at DESC, id DESC LIMIT 1) AS l ON true
             WHERE (b.harm LIKE 'csam%%' OR b.harm LIKE 'ncii%%') AND b.mode <> 'off'
               AND b.opinion <> 'negative' AND b.kind = ANY(%(kinds)s)
               AND NOT EXISTS (SELECT 1 FROM look_backs o WHERE o.bank = b.id
                               AND o.state IN ('waiting', 'running'))"""
    return [one for one in tx.all(sql, Due, kinds=list(KINDS)) if _at_rest(tx, one)]


def _at_rest(tx: Tx, one: Due) -> bool:
    since = one.since or "0"
    first = tx.value(_NEWS + " ORDER BY c.writer, c.seq LIMIT 1", bank=one.bank, since=since)
    if first is None:
        return False
    sql = _NEWS + " ORDER BY c.writer DESC, c.seq DESC LIMIT 1"
    last: datetime = tx.value(sql, bank=one.bank, since=since)
    return bool(tx.now - last >= QUIET or tx.now - first >= LONGEST)


def entries(tx: Tx, run: str, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Return id and value of the next living entries that a run is about, in order of their ids."""
    sql = """SELECT e.id, e.value FROM look_backs l JOIN bank_entries e ON e.bank = l.bank
             WHERE l.id = %(run)s AND e.living AND e.id > %(after)s
               AND (l.from_writer IS NULL OR EXISTS (
                 SELECT 1 FROM bank_changes c WHERE c.bank = l.bank AND c.entry = e.id
                   AND c.op = 'add' AND c.writer >= l.from_writer AND c.writer < l.until_writer))
             ORDER BY e.id LIMIT %(limit)s"""
    found = tx.rows(sql, run=run, after=after, limit=limit)
    return [(int(row["id"]), bytes(row["value"])) for row in found]


def count_entries(tx: Tx, run: str) -> int:
    """Return how many entries a run is about."""
    sql = """SELECT CASE WHEN l.from_writer IS NULL
               THEN (SELECT count(*) FROM bank_entries e WHERE e.bank = l.bank AND e.living)
               ELSE (SELECT count(DISTINCT e.id) FROM bank_changes c
                     JOIN bank_entries e ON e.id = c.entry AND e.living
                     WHERE c.bank = l.bank AND c.op = 'add' AND c.writer >= l.from_writer
                       AND c.writer < l.until_writer) END
             FROM look_backs l WHERE l.id = %(run)s"""
    return int(tx.value(sql, run=run))


_COUNT = "SELECT count(*) FROM media WHERE created_at >= %(since)s AND event IS NOT NULL"
_COUNT_EVENTS = """SELECT count(*) FROM events WHERE received_at >= %(since)s AND item IS NOT NULL
                     AND kind <> 'report.create'"""


def count_things(tx: Tx, kind: str, since: datetime) -> int:
    """Return how many things (media, films or events) a bank of this kind is compared with."""
    if kind in OF_EVENTS:
        return int(tx.value(_COUNT_EVENTS, since=since))
    films = " AND film <> ''" if kind == "video" else ""
    return int(tx.value(_COUNT + films, since=since))


class Film(msgspec.Struct, frozen=True):
    """A film with its frames, 36 bytes each."""

    id: str
    film: bytes


class Told(msgspec.Struct, frozen=True):
    """A sealed event."""

    seq: int
    subject: str
    body: bytes | None
    private_basis: str | None


def has_films(tx: Tx, since: datetime) -> bool:
    """Say whether a film was seen since then."""
    sql = "SELECT EXISTS (SELECT 1 FROM media WHERE film <> '' AND created_at >= %(since)s)"
    return bool(tx.value(sql, since=since))


def films(tx: Tx, since: datetime, after: str, size: int) -> list[Film]:
    """Return the next films that were carried by an event, in the order of their ids."""
    sql = """SELECT id, film FROM media WHERE film <> '' AND id > %(after)s
               AND created_at >= %(since)s AND event IS NOT NULL ORDER BY id LIMIT %(size)s"""
    return tx.all(sql, Film, since=since, after=after, size=size)


def events(tx: Tx, since: datetime, after: int, size: int) -> list[Told]:
    """Return the next judged events with an item, in their order; reports are none."""
    sql = """SELECT e.seq, e.subject, e.body, (SELECT p.private_basis FROM platforms p
                 WHERE p.id = e.platform) AS private_basis
             FROM events e WHERE e.seq > %(after)s AND e.received_at >= %(since)s
               AND e.state = 'done' AND e.item IS NOT NULL AND e.kind <> 'report.create'
             ORDER BY e.seq LIMIT %(size)s"""
    return tx.all(sql, Told, since=since, after=after, size=size)


def page(tx: Tx, kind: str, since: datetime, after: str, size: int) -> Page | None:
    """Return what a bank of this kind is compared with of the next `size` pieces of media, or None.

    The database lays the values one behind the other, so that millions cost seconds here.
    """
    sql = f"""WITH page AS MATERIALIZED (
                SELECT id, sha256, sha1, md5, pdq, quality, others, film FROM media
                WHERE id > %(after)s AND created_at >= %(since)s AND event IS NOT NULL
                ORDER BY id LIMIT %(size)s)
              SELECT coalesce(string_agg(v, ''::bytea), '') AS values,
                coalesce(string_agg(id, ','), '') AS ids,
                (SELECT count(*) FROM page) AS number, (SELECT max(id) FROM page) AS last
              FROM ({_VALUES[kind]}) AS given"""  # noqa: S608 (one of four constants)
    (row,) = tx.rows(sql, after=after, since=since, size=size)
    return (
        Page(bytes(row["values"]), row["ids"], row["number"], row["last"]) if row["last"] else None
    )


def pieces(tx: Tx, ids: list[str]) -> list[Piece]:
    """Return these pieces of media, in the order of their events."""
    sql = """SELECT m.id, m.platform, m.event, p.private_basis FROM media m
             JOIN platforms p ON p.id = m.platform WHERE m.id = ANY(%(ids)s) AND m.event IS NOT NULL
             ORDER BY m.event, m.id"""
    return tx.all(sql, Piece, ids=ids)


def pieces_of_events(tx: Tx, seqs: list[str]) -> list[Piece]:
    """Return these events as what matched, in their order."""
    sql = """SELECT e.seq::text AS id, e.platform, e.seq AS event, p.private_basis FROM events e
             JOIN platforms p ON p.id = e.platform WHERE e.seq = ANY(%(seqs)s::bigint[])
             ORDER BY e.seq"""
    return tx.all(sql, Piece, seqs=seqs)


def known(tx: Tx, events: list[int], entries: list[int]) -> set[tuple[int, int, str]]:
    """Return which of these are kept as matches already: event, entry and subject."""
    sql = """SELECT event, entry, subject FROM bank_matches
             WHERE event = ANY(%(events)s) AND entry = ANY(%(entries)s)"""
    found = tx.rows(sql, events=events, entries=entries)
    return {(row["event"], row["entry"], row["subject"]) for row in found}
