"""Reading requests: by their code, which clocks run, what was decided, what is to be learned."""

from datetime import datetime
from typing import Any

import msgspec

from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.storage import Tx
from openhaven.survivors.model import Kind, Threat

# How many requests of a kind one network may send in a day; a school or a shelter behind one
# address stays under that. All together are limited only for the watch, where nobody waits for an
# answer in danger: for the others, that would be a way to lock everybody out. Beyond that number a
# network that has sent nothing today is still heard once, until there are five times as many.
A_DAY: dict[str, tuple[int, int | None]] = {
    "removal": (40, None),
    "watch": (30, 2_000),
    "threat": (40, None),
}


class Made(msgspec.Struct, frozen=True):
    """A fresh request: its id, and the code that is shown to whom it belongs, once."""

    id: str
    code: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is stored."""

    id: str
    kind: Kind
    platform: str
    subject: str
    body: bytes | None
    young: bool
    danger: bool
    regimes: tuple[str, ...]
    created_at: datetime
    due_at: datetime | None
    state: str
    ended_at: datetime | None
    why: str
    entry: int | None
    expires_at: datetime | None


class Part(msgspec.Struct, frozen=True):
    """One thing that a request is about, and what became of it.

    `outcome` is empty until it is decided; `done` says whether that was carried out; `named`
    whether anybody knows yet whom it is about.
    """

    item: str | None
    account: str | None
    state: str
    outcome: str
    done: bool
    named: bool = True


class Found(msgspec.Struct, frozen=True):
    """A match of a watch: when, and what a person said of it (empty while nobody has)."""

    at: datetime
    outcome: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever holds the code may know."""

    kind: Kind
    state: str
    why: str
    young: bool
    danger: bool
    created_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    parts: tuple[Part, ...]
    found: tuple[Found, ...]
    frozen: bool


class Running(msgspec.Struct, frozen=True):
    """A clock that runs."""

    id: str
    created_at: datetime
    due_at: datetime
    stage: int


class Learning(msgspec.Struct, frozen=True, kw_only=True):
    """An item of which the hashes are to be learned; for a watch, the bank and the entry."""

    report: str = ""
    platform: str = ""
    item: str = ""
    harm: str = ""
    young: bool = False
    bank: str | None = None
    entry: int | None = None
    expires: datetime | None = None


_ROW = """SELECT id, kind, platform, subject, body, young, danger, regimes, created_at, due_at,
            state, ended_at, why, entry, expires_at FROM survivor_requests """


# By the code ----------------------------------------------------------------------------------


def digest(tx: Tx, code: str) -> bytes:
    """Return what a code is stored as."""
    return tx.keys.digest(b"survivor:" + code.strip().lower().encode())


def by_code(tx: Tx, code: str) -> Row:
    """Return the request with this code, or raise `Problem` (404)."""
    found = tx.one(_ROW + "WHERE receipt = %(c)s", Row, c=digest(tx, code))
    if found is None:
        raise Problem("request.unknown", mark("There is nothing under this code."), status=404,
                      next_step=mark("Look again: it has five groups of four signs."))  # fmt: skip
    return found


def status(tx: Tx, code: str) -> Status:
    """Return what became of the request with this code, or raise `Problem` (404)."""
    row = by_code(tx, code)
    told = threat_of(tx, row)
    return Status(
        kind=row.kind, state=row.state, why=row.why, young=row.young, danger=row.danger,
        created_at=row.created_at, due_at=row.due_at, ended_at=row.ended_at,
        expires_at=row.expires_at,
        parts=parts(tx, row.id), found=found(tx, row) if row.entry is not None else (),
        frozen=told is not None and is_frozen(tx, row.platform, told.reporter, told.account),
    )  # fmt: skip


def threat_of(tx: Tx, row: Row) -> Threat | None:
    """Return what was told of a threat, opened; None for other requests and what was withdrawn."""
    if row.kind != "threat" or row.body is None:
        return None
    plain = tx.keys.open(row.subject, row.body)
    return None if plain is None else msgspec.json.decode(plain, type=Threat)


def is_frozen(tx: Tx, platform: str, account: str, other: str) -> bool:
    """Say whether contact between two accounts is frozen at the wish of the first."""
    sql = """SELECT 1 FROM contact_freezes WHERE platform = %(p)s AND account = %(a)s
               AND other = %(o)s AND ended_at IS NULL"""
    return tx.value(sql, p=platform, a=account, o=other) is not None


# A decision counts as carried out when the platform has taken over each act that takes it down.
_PARTS = """SELECT r.item, r.account, r.state, r.account IS DISTINCT FROM i.request AS named,
              coalesce(d.outcome, '') AS outcome,
              d.id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM acts a WHERE a.decision = d.id AND a.verb <> 'notify'
                  AND a.state NOT IN ('accepted', 'done')) AS done
            FROM survivor_items i JOIN reports r ON r.id = i.report
            LEFT JOIN LATERAL (SELECT d.id, CASE WHEN d.state <> 'overturned' THEN d.outcome
                WHEN d.outcome = 'allow' THEN 'allow' ELSE 'undone' END AS outcome FROM decisions d
              WHERE d.case_id = r.case_id AND r.decided_at IS NOT NULL
              ORDER BY d.decided_at DESC LIMIT 1) d ON true """


def parts(tx: Tx, request: str) -> tuple[Part, ...]:
    """Return what a request is about, with what became of each."""
    return tuple(tx.all(_PARTS + "WHERE i.request = %(r)s ORDER BY r.id", Part, r=request))


def found(tx: Tx, row: Row) -> tuple[Found, ...]:
    """Return the matches of a watch since it was asked for, the newest first, at most 100."""
    sql = """SELECT m.at, coalesce(j.outcome, '') AS outcome FROM bank_matches m
             LEFT JOIN judgements j ON j.task = m.task AND j.state <> 'withdrawn'
             WHERE m.entry = %(e)s AND m.noted = '' AND m.at >= %(since)s
             ORDER BY m.at DESC, m.id DESC LIMIT 100"""
    return tuple(tx.all(sql, Found, e=row.entry, since=row.created_at))


# Limits ---------------------------------------------------------------------------------------


def origin_of(tx: Tx, origin: str) -> bytes | None:
    """Return a digest of a network and the day, which tells nothing without our master key."""
    return tx.keys.digest(f"origin:{tx.now:%Y-%m-%d}:{origin}".encode()) if origin else None


def require_room(tx: Tx, kind: Kind, origin: str) -> None:
    """Raise `Problem` (429) when this network, or everybody, has sent too many of a kind today."""
    sql = """SELECT count(*) FILTER (WHERE origin = %(o)s) AS own, count(*) AS all_of_us
             FROM survivor_requests
             WHERE kind = %(k)s AND created_at > %(now)s - interval '1 day'"""
    row = tx.rows(sql, k=kind, o=origin_of(tx, origin), now=tx.now)[0]
    own, everybody = A_DAY[kind]
    if everybody is not None and row["all_of_us"] >= everybody:
        own = 1 if row["all_of_us"] < 5 * everybody else 0
    if row["own"] >= own:
        raise Problem(
            "request.many",
            mark("Many requests came today, so this one has to wait."),
            status=429,
            next_step=mark("Please send it again tomorrow. If you are in danger, call."),
        )


# Clocks and copies ----------------------------------------------------------------------------


def running(tx: Tx) -> list[Running]:
    """Return the clocks that have reached a further stage than was noted, the oldest first."""
    sql = """SELECT id, created_at, due_at, stage FROM survivor_requests
             WHERE kind = 'removal' AND state = 'open' AND stage < 3 AND %(now)s >= CASE stage
               WHEN 0 THEN created_at + interval '24 hours'
               WHEN 1 THEN due_at - interval '6 hours' ELSE due_at END
             ORDER BY due_at LIMIT 500"""
    return tx.all(sql, Running, now=tx.now)


def answered(tx: Tx) -> list[str]:
    """Return open removals and threats of which every part is decided and carried out."""
    sql = f"""SELECT q.id FROM survivor_requests q WHERE q.state = 'open' AND q.kind <> 'watch'
              AND NOT EXISTS (SELECT 1 FROM ({_PARTS} WHERE i.request = q.id) AS p
                WHERE p.state IN ('received', 'in_review') OR NOT (p.done OR p.outcome = ''))
              LIMIT 500"""  # noqa: S608 (one constant)
    return [str(row["id"]) for row in tx.rows(sql)]


_LEARNING = """SELECT r.id AS report, r.platform, r.item, r.category AS harm, q.young
               FROM survivor_items i JOIN reports r ON r.id = i.report
               JOIN survivor_requests q ON q.id = i.request
               JOIN LATERAL (SELECT d.state, d.outcome FROM decisions d
                 WHERE d.case_id = r.case_id ORDER BY d.decided_at DESC LIMIT 1) d ON true
               WHERE q.kind = 'removal' AND r.item IS NOT NULL AND i.learned = %(l)s """


def to_learn(tx: Tx) -> list[Learning]:
    """Return items that were taken down on request and whose copies are not looked for yet."""
    sql = _LEARNING + "AND d.state = 'in_force' AND d.outcome IN ('remove', 'block') LIMIT 100"
    return tx.all(sql, Learning, l="")


def to_unlearn(tx: Tx, cases: list[str] | None = None) -> list[Learning]:
    """Return items whose copies are looked for although their removal was overturned.

    `cases` are those that are looked at; all of them without.
    """
    sql = _LEARNING + "AND d.state = 'overturned' "
    if cases is None:
        return tx.all(sql + "LIMIT 100", Learning, l="learned")
    return tx.all(sql + "AND r.case_id = ANY(%(c)s)", Learning, l="learned", c=cases)


def hashes_of(tx: Tx, platform: str, item: str) -> dict[str, list[tuple[bytes, int | None]]]:
    """Return the hashes of the media of an item by kind of bank, each with PDQ's quality."""
    sql = """SELECT DISTINCT m.sha256, m.pdq, m.quality
             FROM events e JOIN media m ON m.event = e.seq
             WHERE e.platform = %(p)s AND e.item = %(i)s"""
    made: dict[str, list[tuple[bytes, int | None]]] = {}
    for row in tx.rows(sql, p=platform, i=item):
        made.setdefault("sha256", []).append((bytes(row["sha256"]), None))
        if row["pdq"] is not None and (row["quality"] or 0) >= 50:
            made.setdefault("pdq", []).append((bytes(row["pdq"]), int(row["quality"])))
    return made


def without_ground(tx: Tx, entries: list[int]) -> list[int]:
    """Return those of these entries that no removal rests on any more."""
    sql = """SELECT e.id FROM bank_entries e WHERE e.id = ANY(%(ids)s)
               AND NOT EXISTS (SELECT 1 FROM survivor_copies c WHERE c.entry = e.id)"""
    return [int(row["id"]) for row in tx.rows(sql, ids=entries)]


def long_withdrawn(tx: Tx, before: datetime, limit: int) -> list[int]:
    """Return entries of our banks that were withdrawn before a moment, and nothing waits for.

    An entry of which the claims of a source or words on their way tell is not only ours.
    """
    sql = """SELECT e.id FROM bank_entries e JOIN banks b ON b.id = e.bank
             WHERE b.owner = 'survivors' AND e.withdrawn_at < %(before)s
               AND NOT EXISTS (SELECT 1 FROM survivor_requests q
                               WHERE q.entry = e.id AND q.state = 'open')
               AND NOT EXISTS (SELECT 1 FROM bank_claims c WHERE c.entry = e.id)
               AND NOT EXISTS (SELECT 1 FROM bank_feedback f JOIN bank_outbox o ON o.feedback = f.id
                               WHERE f.entry = e.id)
             ORDER BY e.id LIMIT %(limit)s"""
    return [int(row["id"]) for row in tx.rows(sql, before=before, limit=limit)]


# For the console ------------------------------------------------------------------------------


def clocks(tx: Tx) -> dict[str, Any]:
    """Return what the console says first: people in danger, clocks that run out, calls that failed.

    `danger`, `late` and `soon` count open tasks, `uncalled` requests of which nobody was told.
    """
    sql = """SELECT count(*) FILTER (WHERE urgency = 2) AS danger,
               count(*) FILTER (WHERE clock_at <= %(now)s) AS late,
               count(*) FILTER (WHERE clock_at > %(now)s AND urgency = 1) AS soon,
               (SELECT count(DISTINCT a.request) FROM staff_alerts a
                WHERE (EXISTS (SELECT 1 FROM survivor_requests q
                               WHERE q.id = a.request AND q.state = 'open')
                       OR EXISTS (SELECT 1 FROM tasks t
                                  WHERE t.id = a.request AND t.state IN ('open', 'claimed')))
                  AND a.state IN ('failed', 'skipped') AND NOT EXISTS (
                  SELECT 1 FROM staff_alerts s WHERE s.request = a.request AND s.kind = a.kind
                    AND s.state IN ('sent', 'intended'))) AS uncalled
             FROM tasks WHERE state IN ('open', 'claimed')
               AND (urgency > 0 OR clock_at IS NOT NULL)"""
    return tx.rows(sql, now=tx.now)[0]
