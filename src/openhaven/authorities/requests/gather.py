"""What this service holds of the accounts in a scope, as files: no more than the scope names.

Who reported whom is never among it, and what somebody reported neither.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from openhaven import intake
from openhaven.authorities.requests.model import Subject, Wanted
from openhaven.core import Problem
from openhaven.review import lane
from openhaven.storage import Blobs, Tx

# Whoever asks for more than this asks for a whole life: it is narrowed.
MOST_EVENTS = 20_000
MOST_BYTES = 100_000_000


def gather(tx: Tx, blobs: Blobs, wanted: Wanted) -> dict[str, bytes]:
    """Return the files that a scope stands for, by their names; empty where nothing is held.

    Raises `Problem` 409 when it is more than a packet can hold.
    """
    found: dict[str, bytes] = {}
    for number, one in enumerate(dict.fromkeys(wanted.subjects), 1):
        for name, data in _of(tx, blobs, one, wanted):
            found[f"account-{number}/{name}"] = data
            require_room(len(part) for part in found.values())
    return found


def require_room(sizes: Iterable[int]) -> None:
    """Raise `Problem` 409 unless files of these sizes (in bytes) are few enough for a packet."""
    if sum(sizes) > MOST_BYTES:
        raise _too_much()


def _too_much() -> Problem:
    return Problem("request.large", "This is more than a packet can hold.", status=409,
                   next_step="Narrow the time, or the kinds of data.")  # fmt: skip


def _of(tx: Tx, blobs: Blobs, one: Subject, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    if "subscriber" in wanted.categories and (told := _subscriber(tx, one)):
        yield "subscriber.json", _json(told)
    if {"access", "traffic", "content"} & set(wanted.categories):
        yield from _events(tx, blobs, one, wanted)
    if "decisions" in wanted.categories and (made := _decisions(tx, one, wanted)):
        yield "decisions.json", _json(made)


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value))


def _subscriber(tx: Tx, one: Subject) -> dict[str, Any] | None:
    sql = """SELECT a.id AS account, p.name AS platform, a.subject, a.country, a.language,
               a.created_at, a.seen_at, a.contact
             FROM accounts a JOIN platforms p ON p.id = a.platform
             WHERE a.platform = %(p)s AND a.id = %(a)s"""
    rows = tx.rows(sql, p=one.platform, a=one.account)
    if not rows:
        return None
    row = rows[0]
    sealed, subject = row.pop("contact"), row.pop("subject")
    plain = None if sealed is None else tx.keys.open(str(subject), bytes(sealed))
    return row | {"contact": plain.decode() if plain else None}


def _events(tx: Tx, blobs: Blobs, one: Subject, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    access, traffic, content = [], [], []
    for seq in _seqs(tx, one, wanted):
        row, event = intake.open_event(tx, seq)
        when = {"id": row.id, "at": row.at}
        target = event.target.account.id if event and event.target and event.target.account else ""
        traffic.append(when | {"kind": row.kind, "item": row.item, "with": target})
        if event is None:
            continue
        if event.context.get("ip"):
            access.append(when | {"ip": event.context["ip"], "port": event.context.get("port")})
        if event.item is not None:
            content.append(when | {"kind": row.kind, "item": event.item})
            if "content" in wanted.categories:
                yield from _media(tx, blobs, [ref.id for ref in event.item.media])
    named = {"access": access, "traffic": traffic, "content": content}
    for name, rows in named.items():
        if name in wanted.categories and rows:
            yield f"{name}.json", _json(rows)


def _seqs(tx: Tx, one: Subject, wanted: Wanted) -> list[int]:
    sql = """SELECT seq FROM events WHERE platform = %(p)s AND account = %(a)s
               AND kind <> 'report.create' AND at >= %(since)s AND at < %(until)s
             ORDER BY seq LIMIT %(most)s"""
    rows = tx.rows(sql, p=one.platform, a=one.account, since=wanted.since, until=wanted.until,
                   most=MOST_EVENTS + 1)  # fmt: skip
    if len(rows) > MOST_EVENTS:
        raise _too_much()
    return [int(row["seq"]) for row in rows]


def _media(tx: Tx, blobs: Blobs, ids: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield media, but for those of the lane.

    What may show a child's abuse is sealed there. It is opened as evidence alone, which takes a
    second person for each item and is written down.
    """
    for media in ids:
        if lane.is_closed(tx, [media]):
            continue
        sealed = blobs.get(media)
        data = None if sealed is None else tx.keys.open(f"media:{media}", sealed)
        if data is not None:
            yield f"media/{media}", data


def _decisions(tx: Tx, one: Subject, wanted: Wanted) -> list[dict[str, Any]]:
    sql = """SELECT id, outcome, item, clause_title, facts, ground, ground_reference, decided_at,
               until, state
             FROM decisions WHERE platform = %(p)s AND account = %(a)s
               AND decided_at >= %(since)s AND decided_at < %(until)s ORDER BY decided_at, id"""
    return tx.rows(sql, p=one.platform, a=one.account, since=wanted.since, until=wanted.until)


class Sealed(msgspec.Struct, frozen=True):
    """An item of evidence that falls into a scope."""

    id: str
    case_id: str
    received_at: datetime
    bytes: int


def evidence_in(tx: Tx, wanted: Wanted) -> list[Sealed]:
    """Return the living items of evidence of cases about the accounts of a scope, oldest first.

    Copies that were kept for an authority are none of them: each has an account's whole life in it,
    of every kind and time, and no scope reaches that far.
    """
    if "evidence" not in wanted.categories:
        return []
    sql = """SELECT i.id, i.case_id, i.received_at, i.bytes FROM evidence_items i
             JOIN cases c ON c.id = i.case_id
             WHERE c.platform = %(p)s AND c.account = %(a)s AND i.destroyed_at IS NULL
               AND i.received_at >= %(since)s AND i.received_at < %(until)s
               AND NOT EXISTS (SELECT 1 FROM request_keeps k WHERE k.case_id = i.case_id)
             ORDER BY i.id"""
    return [
        item
        for one in dict.fromkeys(wanted.subjects)
        for item in tx.all(sql, Sealed, p=one.platform, a=one.account, since=wanted.since,
                           until=wanted.until)
    ]  # fmt: skip
