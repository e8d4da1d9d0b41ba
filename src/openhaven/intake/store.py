"""Reading what came in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import msgspec

from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.intake.model import Event, MediaFacts
from openhaven.storage import Tx

Result = Literal["new", "same", "conflict"]


class Platform(msgspec.Struct, frozen=True):
    """A platform: where its acts go, what it can undo, and why private content may be read."""

    id: str
    name: str
    connector: str
    webhook_url: str | None
    webhook_secret: bytes | None
    verbs: dict[str, bool]
    private_basis: str | None


class Accepted(msgspec.Struct, frozen=True):
    """What became of an event that was sent: stored now, known already, or in conflict."""

    id: str
    seq: int
    result: Result
    verdict: dict[str, Any] | None = None


class Claimed(msgspec.Struct, frozen=True):
    """An event under way: where it is stored, whose it is, and whether content may be looked at."""

    seq: int
    platform: str
    subject: str
    event: Event
    content: bool


class EventRow(msgspec.Struct, frozen=True):
    """A stored event without its body."""

    seq: int
    platform: str
    id: str
    kind: str
    at: datetime
    received_at: datetime
    account: str
    subject: str
    item: str | None
    state: str
    outcome: str | None
    verdict: dict[str, Any] | None
    body: bytes | None


_EVENT = """SELECT seq, platform, id, kind, at, received_at, account, subject, item, state, outcome,
                   verdict, body FROM events """


def platform_named(tx: Tx, name: str) -> Platform:
    """Return the platform with this name or id, or raise `Problem` (404)."""
    found = tx.one("SELECT * FROM platforms WHERE name = %(n)s OR id = %(n)s", Platform, n=name)
    if found is None:
        raise Problem(
            "platform.unknown",
            f"There is no platform “{name}”.",
            status=404,
            next_step="Add it with: openhaven platforms add NAME --webhook URL",
        )
    return found


def platform_names(tx: Tx) -> list[str]:
    """Return the names of all platforms, in order; of `default` only when it is in use."""
    sql = """SELECT name FROM platforms p WHERE name <> 'default'
               OR EXISTS (SELECT 1 FROM api_keys k WHERE k.platform = p.id AND k.revoked_at IS NULL)
               OR (SELECT count(*) FROM platforms) = 1
             ORDER BY name"""
    return [str(row["name"]) for row in tx.rows(sql)]


def event_of(tx: Tx, platform: str, event_id: str) -> EventRow | None:
    """Return the event that the platform calls `event_id`."""
    sql = _EVENT + "WHERE platform = %(p)s AND id = %(id)s"
    return tx.one(sql, EventRow, p=platform, id=event_id)


def open_event(tx: Tx, seq: int) -> tuple[EventRow, Event | None]:
    """Return a stored event and its opened body (None when it was erased or has expired)."""
    row = tx.one(_EVENT + "WHERE seq = %(seq)s", EventRow, seq=seq)
    if row is None:
        raise Problem("event.unknown", "There is no such event.", status=404)
    return row, opened(tx, row.subject, row.body)


def waiting(tx: Tx, limit: int) -> list[int]:
    """Return the numbers of the first events that nobody has judged yet, unopened and unlocked."""
    sql = "SELECT seq FROM events WHERE state = 'received' ORDER BY seq LIMIT %(limit)s"
    return [int(row["seq"]) for row in tx.rows(sql, limit=limit)]


def latest_of_item(tx: Tx, platform: str, item: str) -> EventRow | None:
    """Return the last event that carried the item's content, if any was ever sent."""
    sql = (
        _EVENT
        + """WHERE platform = %(p)s AND item = %(item)s
                      AND kind NOT IN ('report.create', 'item.delete') ORDER BY seq DESC LIMIT 1"""
    )
    return tx.one(sql, EventRow, p=platform, item=item)


def opened(tx: Tx, subject: str, body: bytes | None) -> Event | None:
    """Return the event in a sealed body, or None when it is gone."""
    plain = None if body is None else tx.keys.open(subject, body)
    return None if plain is None else msgspec.json.decode(plain, type=Event)


def media_facts(tx: Tx, platform: str, ids: Iterable[str]) -> dict[str, MediaFacts]:
    """Return what is known of these pieces of media, by id, with one statement."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    sql = """SELECT id, sha256, sha1, md5, type, bytes AS size, pdq, quality, others, reads,
               unknown, film, plugin_hashes
             FROM media WHERE platform = %(p)s AND id = ANY(%(ids)s)"""
    return {facts.id: facts for facts in tx.all(sql, MediaFacts, p=platform, ids=wanted)}


def media_of(tx: Tx, batch: Iterable[Claimed]) -> dict[str, MediaFacts]:
    """Return what is known of all media that claimed events carry, one statement a platform."""
    wanted: dict[str, set[str]] = {}
    for claimed in batch:
        if claimed.event.item is not None:
            refs = {ref.id for ref in claimed.event.item.media}
            wanted.setdefault(claimed.platform, set()).update(refs)
    facts: dict[str, MediaFacts] = {}
    for platform, ids in wanted.items():
        facts |= media_facts(tx, platform, ids)
    return facts


class AccountRow(msgspec.Struct, frozen=True):
    """What is known of an account."""

    id: str
    subject: str
    age_band: str
    country: str | None
    language: str | None
    contact: bytes | None


def account_of(tx: Tx, platform: str, account: str) -> AccountRow | None:
    """Return what is known of the platform's account."""
    sql = """SELECT id, subject, age_band, country, language, contact FROM accounts
             WHERE platform = %(p)s AND id = %(id)s"""
    return tx.one(sql, AccountRow, p=platform, id=account)


def report_of(tx: Tx, seq: int) -> str | None:
    """Return the id of the report that became this event, if it came in as one."""
    found = tx.value("SELECT id FROM reports WHERE event = %(seq)s", seq=seq)
    return None if found is None else str(found)


class ReportStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a reporter may know of their report.

    `outcome` is that of the decision; `undone` says that something was done and taken back later.
    """

    state: str
    created_at: datetime
    category: str
    decided_at: datetime | None = None
    outcome: str | None = None


def report_status(tx: Tx, receipt: str) -> ReportStatus:
    """Return the state of the report with this receipt code, or raise `Problem` (404)."""
    sql = """SELECT r.state, r.created_at, r.category, r.decided_at,
               (SELECT CASE WHEN d.state <> 'overturned' THEN d.outcome
                       WHEN d.outcome = 'allow' THEN 'allow' ELSE 'undone' END
                FROM decisions d WHERE d.case_id = r.case_id
                ORDER BY d.decided_at DESC LIMIT 1) AS outcome
             FROM reports r WHERE r.receipt = %(receipt)s"""
    found = tx.one(sql, ReportStatus, receipt=tx.keys.digest(receipt.strip().lower().encode()))
    if found is None:
        raise Problem(
            "report.unknown",
            mark("There is no report with this receipt code."),
            status=404,
            next_step=mark("Check the code; it was shown when the report was sent."),
        )
    if found.decided_at is None:
        return msgspec.structs.replace(found, outcome=None)
    return found
