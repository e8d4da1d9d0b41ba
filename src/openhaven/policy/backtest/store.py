"""Reads of back-tests: the tests themselves, the events of a period, what people said and took."""

from contextlib import suppress
from datetime import date, datetime, timedelta

import msgspec

from openhaven.core import Problem
from openhaven.policy.backtest.model import SILENCE, Backtest, Example, Human, Plan
from openhaven.policy.backtest.progress import Progress, unpacked
from openhaven.policy.backtest.stored import Row
from openhaven.policy.pack import Pack
from openhaven.policy.places import BrokenPack
from openhaven.policy.store import pack_as_it_stood
from openhaven.storage import Tx

PAGE = 400
_HANDLED = timedelta(days=90)
_SHOWN = """SELECT id, label, pack, against, since, until, platform, purpose, started_by,
              created_at, state, attempts, heard_at, begun_at, begun_done, done, total,
              cancel_asked, ended_at, error, figures
            FROM backtests """


class Span(msgspec.Struct, frozen=True):
    """The events of a period: how many, from which number and moment on, judged by which packs."""

    total: int
    first: int
    last: int
    begin: datetime | None
    packs: tuple[str, ...]


def find(tx: Tx, number: str) -> Backtest:
    """Return a back-test, or raise `Problem` (404)."""
    found = tx.one(_SHOWN + "WHERE id = %(id)s", Backtest, id=number)
    if found is None:
        raise Problem("backtest.unknown", "There is no such back-test.", number[:80], status=404,
                      next_step="List them with: openhaven pack backtests")  # fmt: skip
    return found


def latest(tx: Tx, limit: int = 50) -> list[Backtest]:
    """Return the latest back-tests, the newest first."""
    return tx.all(_SHOWN + "ORDER BY created_at DESC, id DESC LIMIT %(limit)s", Backtest,
                  limit=limit)  # fmt: skip


def waits(tx: Tx) -> bool:
    """Say whether a process could take a back-test now, or has to see to one whose process died."""
    sql = """SELECT EXISTS (SELECT 1 FROM backtests WHERE state = 'running' AND heard_at < %(b)s)
               OR (EXISTS (SELECT 1 FROM backtests WHERE state = 'waiting')
                   AND NOT EXISTS (SELECT 1 FROM backtests WHERE state = 'running'))"""
    return bool(tx.value(sql, b=tx.now - SILENCE))


def plan(tx: Tx, number: str) -> Plan:
    """Return what is to be done for a back-test that is under way."""
    sql = """SELECT id, files, against_files, since, until, platform, attempts FROM backtests
             WHERE id = %(id)s"""
    found = tx.one(sql, Plan, id=number)
    if found is None:
        raise Problem("backtest.unknown", "There is no such back-test.", number[:80], status=404)
    return found


def progress(tx: Tx, number: str) -> Progress | None:
    """Return how far a process that is gone had come; None when there is nothing to go on from."""
    data = tx.value("SELECT data FROM backtest_progress WHERE backtest = %(id)s", id=number)
    return None if data is None else unpacked(data)


def examples(tx: Tx, number: str) -> list[Example]:
    """Return the events that a back-test names, with the platforms' names and ids for them."""
    sql = """SELECT x.seq, x.change, x.rules, x.was, x.would,
               coalesce((SELECT name FROM platforms p WHERE p.id = e.platform), '') AS platform,
               coalesce(e.id, '') AS event
             FROM backtests b, jsonb_to_recordset(b.examples)
               AS x (seq bigint, change text, rules jsonb, was text, would text)
             LEFT JOIN events e ON e.seq = x.seq AND e.account <> ''
             WHERE b.id = %(id)s AND b.examples IS NOT NULL ORDER BY x.change, x.seq"""
    return tx.all(sql, Example, id=number)


# The events ------------------------------------------------------------------------------------

_PERIOD = """received_at >= %(since)s AND received_at < %(until)s
             AND (%(platform)s::text IS NULL OR platform = %(platform)s)"""


def span(tx: Tx, since: datetime, until: datetime, platform: str | None) -> Span:
    """Return what events there are in a period."""
    sql = f"""SELECT count(*) AS total,
                coalesce(min(seq), 0) AS first, coalesce(max(seq), 0) AS last,
                min(done_at) AS begin,
                coalesce(array_agg(DISTINCT coalesce(verdict ->> 'pack', '')), '{{}}') AS packs
              FROM events WHERE {_PERIOD}"""  # noqa: S608 (constants)
    found = tx.one(sql, Span, since=since, until=until, platform=platform)
    return found or Span(0, 0, 0, None, ())


def edges(tx: Tx) -> tuple[datetime | None, datetime | None]:
    """Return when the first and the last stored event came in."""
    row = tx.rows("SELECT min(received_at) AS first, max(received_at) AS last FROM events")
    return row[0]["first"], row[0]["last"]


def page(
    tx: Tx, after: int, last: int, since: datetime, until: datetime, platform: str | None
) -> list[Row]:
    """Return the next events of a period after number `after`, in their order."""
    sql = f"""SELECT e.seq, e.platform, e.kind, e.received_at, e.done_at, e.account, e.subject,
                e.outcome, e.verdict::text AS verdict, e.body,
                (SELECT f.data FROM event_features f WHERE f.event = e.seq) AS features,
                (SELECT k.wrapped FROM subject_keys k
                 WHERE k.subject = e.subject AND k.destroyed_at IS NULL) AS wrapped
              FROM events e WHERE e.seq > %(after)s AND e.seq <= %(last)s AND {_PERIOD}
              ORDER BY e.seq LIMIT %(page)s"""  # noqa: S608 (constants)
    rows = tx.rows(sql, after=after, last=last, since=since, until=until, platform=platform,
                   page=PAGE)  # fmt: skip
    return [Row(**row) for row in rows]


def bases(tx: Tx) -> dict[str, str | None]:
    """Return the ground on which private content may be read, by platform."""
    return {row["id"]: row["private_basis"]
            for row in tx.rows("SELECT id, private_basis FROM platforms")}  # fmt: skip


# How far back things are known ------------------------------------------------------------------


def features_since(tx: Tx) -> datetime:
    """Return since when the features of every event that had any are kept."""
    found: datetime = tx.value("SELECT since FROM features_since")
    return found


def history_since(tx: Tx, lead: datetime, until: datetime) -> datetime | None:
    """Return since when all events are readable; None when none is missing since `lead`.

    Events of people who were erased are not missing: nothing of theirs is counted any more.
    """
    gone: datetime | None = tx.value(
        """SELECT max(received_at) FROM events WHERE body IS NULL AND account <> ''
           AND received_at >= %(lead)s AND received_at < %(until)s""", lead=lead, until=until,
    )  # fmt: skip
    counted: date | None = tx.value(
        "SELECT max(day) FROM daily_counts WHERE measure = 'events' AND day >= %(day)s",
        day=lead.date(),
    )
    deleted = None
    if counted is not None:
        deleted = datetime(counted.year, counted.month, counted.day, tzinfo=lead.tzinfo)
        deleted += timedelta(days=1)
    return max((at for at in (gone, deleted) if at is not None), default=None)


def old_pack(tx: Tx, fingerprint: str) -> Pack | None:
    """Return a pack as it stood, or None when it is not kept or is none for this version."""
    with suppress(Problem, BrokenPack):
        return pack_as_it_stood(tx, fingerprint)
    return None


# What people said -------------------------------------------------------------------------------

_JUDGED = """SELECT t.id AS task, t.event, j.outcome <> 'allow' AS broken
             FROM judgements j JOIN tasks t ON t.id = j.task
             WHERE t.kind = 'review' AND t.opened_at >= %(since)s AND j.state <> 'withdrawn'"""
_APPEALED = """SELECT d.event, j.outcome = 'rejected' AS broken
               FROM appeals a JOIN decisions d ON d.id = a.decision
                 JOIN judgements j ON j.id = a.judgement
               WHERE d.event BETWEEN %(first)s AND %(last)s ORDER BY j.at"""


def human(tx: Tx, span: Span, since: datetime) -> Human:
    """Return what people found about the events of a span; an appeal has the last word."""
    tasks: dict[str, bool] = {}
    events: dict[int, bool] = {}
    for row in tx.rows(_JUDGED, since=since):
        tasks[row["task"]] = row["broken"]
        if row["event"] is not None:
            events[row["event"]] = row["broken"]
    for row in tx.rows(_APPEALED, first=span.first, last=span.last):
        events[row["event"]] = row["broken"]
    return Human(events, tasks)


def minutes(tx: Tx) -> dict[str, float]:
    """Return the median minutes from taking a task to judging it, by queue, of the last 90 days."""
    sql = """SELECT t.queue, percentile_cont(0.5) WITHIN GROUP (
               ORDER BY extract(epoch FROM j.at - c.at)) / 60 AS minutes
             FROM judgements j JOIN tasks t ON t.id = j.task
             JOIN LATERAL (SELECT max(l.at) AS at FROM ledger_entries l
               WHERE l.kind = 'task.claimed' AND l.ids ->> 'task' = t.id AND l.at <= j.at) c
               ON c.at IS NOT NULL
             WHERE j.at >= %(since)s AND j.state <> 'withdrawn' GROUP BY t.queue"""
    return {row["queue"]: float(row["minutes"]) for row in tx.rows(sql, since=tx.now - _HANDLED)}
