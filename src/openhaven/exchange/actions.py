"""Verbs of sources: add and change one, store a page of it, note a failure, share a bank."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from openhaven import core
from openhaven.core import Problem, new_id
from openhaven.exchange import claims, store
from openhaven.exchange.model import Page, Source, Stored, Told
from openhaven.exchange.sending.store import undone
from openhaven.ledger import append
from openhaven.signals.banks import bank_named
from openhaven.signals.banks.model import AT_MOST, MODES, WIDEST_RADIUS
from openhaven.storage import Tx

CHANNEL = "exchange"
LEASE = timedelta(minutes=3)
_NAME = re.compile("[a-z0-9][a-z0-9-]{0,39}")
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
_ATTEMPTS = 12


# Sources --------------------------------------------------------------------------------------


def add_source(
    tx: Tx,
    name: str,
    *,
    kind: str,
    url: str,
    harm: str,
    owner: str,
    purpose: str,
    config: dict[str, Any] | None = None,
    credentials: dict[str, str] | None = None,
    mode: str = "shadow",
    at_most: str = "act",
    radius: int = 31,
    clause: str = "",
    interval_s: int = 3600,
    sends_feedback: bool = False,
) -> Source:
    """Add a source; its banks are made when its first entries come. Raises `Problem`.

    A new source is in trial (`shadow`) unless said otherwise: what it knows is noted, and people
    can look at that before it has consequences. Credentials are sealed.
    """
    core.harm(harm)
    _check(name, mode, at_most, radius, interval_s)
    source_id = new_id("src")
    sealed = tx.keys.seal(source_id, msgspec.json.encode(credentials)) if credentials else None
    sql = """INSERT INTO bank_sources (id, name, kind, url, config, credentials, harm, mode,
               at_most, radius, clause, owner, purpose, interval_s, sends_feedback, next_at,
               created_at)
             VALUES (%(id)s, %(name)s, %(kind)s, %(url)s, %(config)s, %(sealed)s, %(harm)s,
               %(mode)s, %(at_most)s, %(radius)s, %(clause)s, %(owner)s, %(purpose)s,
               %(interval)s, %(sends)s, %(now)s, %(now)s) ON CONFLICT (name) DO NOTHING"""
    if not tx.run(sql, id=source_id, name=name, kind=kind, url=url, config=Jsonb(config or {}),
                  sealed=sealed, harm=harm, mode=mode, at_most=at_most, radius=radius,
                  clause=clause, owner=owner, purpose=purpose, interval=interval_s,
                  sends=sends_feedback, now=tx.now):  # fmt: skip
        raise Problem("source.exists", f"There is or was a source “{name}” already.", status=409,
                      next_step="Choose another name.")  # fmt: skip
    ids = {"source": source_id, "kind": kind}
    append(tx, "source.added", ids, row=("bank_sources", source_id))
    tx.wake(CHANNEL)
    return store.source(tx, source_id)


def pause_source(tx: Tx, name: str, paused: bool) -> None:
    """Stop reading a source for a while, or go on; its entries stay as they are."""
    found = store.source(tx, name)
    sql = "UPDATE bank_sources SET paused_at = %(at)s, next_at = %(now)s WHERE id = %(id)s"
    tx.run(sql, id=found.id, at=tx.now if paused else None, now=tx.now)
    append(tx, "source.paused" if paused else "source.resumed", {"source": found.id})
    tx.wake(CHANNEL)


def remove_source(tx: Tx, name: str) -> int:
    """Remove a source and withdraw what it alone brought; return how many entries that were.

    Its credentials are destroyed, so that nothing of ours may be left there (`Problem` 409). What
    rested on its entries is put before a person again.
    """
    found = store.source(tx, name)
    tx.run("SELECT 1 FROM bank_sources WHERE id = %(id)s FOR UPDATE", id=found.id)
    if held := undone(tx, found.id):
        raise Problem("source.sent", f"“{name}” holds {held} entries of ours.", status=409,
                      next_step="Take them back first: openhaven bank take-back")  # fmt: skip
    sql = """UPDATE bank_sources SET removed_at = %(now)s, credentials = NULL,
               name = left(name, 10) || '-' || right(id, 26) WHERE id = %(id)s"""
    tx.run(sql, id=found.id, now=tx.now)
    tx.keys.destroy(found.id)
    gone = claims.drop_all(tx, found, "its source was removed")
    append(tx, "source.removed", {"source": found.id, "withdrawn": str(gone)})
    return gone


# Reading --------------------------------------------------------------------------------------


def claim(tx: Tx, name: str | None = None) -> tuple[Source, dict[str, str]] | None:
    """Take the source that is due (or the one that is named) for three minutes, or None.

    Returned with its credentials, opened. Nobody else fetches from it meanwhile.
    """
    due = "paused_at IS NULL AND next_at <= %(now)s" if name is None else "name = %(name)s"
    sql = f"""UPDATE bank_sources SET lease_until = %(until)s WHERE id = (
                SELECT id FROM bank_sources WHERE {due} AND removed_at IS NULL
                  AND (lease_until IS NULL OR lease_until <= %(now)s)
                ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"""  # noqa: S608
    found = tx.value(sql, now=tx.now, until=tx.now + LEASE, name=name)
    if found is None:
        return None
    return store.source(tx, str(found)), store.credentials(tx, str(found))


def store_page(tx: Tx, source: Source, page: Page, *, all_may_go: bool = False) -> Stored:
    """Store a page and the checkpoint after it, at once; return what it changed.

    Raises `Problem` 409 when the source was read on by somebody else since `source` was: then
    nothing is stored, and nothing is lost. A source that takes away more than half of what we had,
    by leaving it out of a listing or piece by piece within a day, is not believed (`Problem` 502)
    unless `all_may_go`.
    """
    sql = "SELECT checkpoint, listing_since FROM bank_sources WHERE id = %(id)s FOR UPDATE"
    row = tx.rows(sql, id=source.id)[0]
    if row["checkpoint"] != source.checkpoint:
        raise Problem("source.meanwhile", "Somebody else has read on meanwhile.", status=409)
    since: datetime | None = tx.now if page.starts else row["listing_since"]
    stored = claims.changes(tx, source, page)
    if page.ends and since is not None:
        gone = claims.sweep(tx, source, since, all_may_go=all_may_go)
        stored = stored._replace(withdrawn=stored.withdrawn + gone)
    claims.weigh(tx, source, stored.withdrawn, all_may_go=all_may_go)
    pause = timedelta(seconds=0 if page.more else source.interval_s)
    tx.run(
        """UPDATE bank_sources SET checkpoint = %(mark)s, listing_since = %(since)s,
             read_at = %(now)s, pages = pages + 1, failures = 0, failing_since = NULL,
             last_error = NULL, next_at = %(next)s, lease_until = %(lease)s,
             current_at = CASE WHEN %(more)s THEN current_at ELSE %(now)s END,
             refused = refused + %(refused)s,
             last_refused = coalesce(%(why)s, last_refused)
           WHERE id = %(id)s""",
        id=source.id, mark=page.checkpoint, since=None if page.ends else since, now=tx.now,
        next=tx.now + pause, lease=tx.now + LEASE if page.more else None, more=page.more,
        refused=stored.refused, why=page.faults[0][:300] if page.faults else None,
    )  # fmt: skip
    if stored.added or stored.withdrawn:
        ids = {"source": source.id, "added": str(stored.added)}
        append(tx, "source.page", ids | {"withdrawn": str(stored.withdrawn)})
    return stored


def note_failure(tx: Tx, source: Source, why: str, *, again: bool = False) -> None:
    """Note that a source could not be read; it is tried again later, and what it gave stays.

    With `again` its checkpoint is of no use any more, and it is read from its start.
    """
    pause = min(_FIRST_PAUSE * 2 ** min(source.failures, 20), _LONGEST_PAUSE)
    tx.run(
        """UPDATE bank_sources SET failures = failures + 1, last_error = %(why)s,
             failing_since = coalesce(failing_since, %(now)s), next_at = %(next)s,
             lease_until = NULL,
             checkpoint = CASE WHEN %(again)s THEN '' ELSE checkpoint END,
             listing_since = CASE WHEN %(again)s THEN NULL ELSE listing_since END
           WHERE id = %(id)s""",
        id=source.id, why=why[:500], now=tx.now, next=tx.now + pause, again=again,
    )  # fmt: skip


def let_go(tx: Tx, source: Source) -> None:
    """Give a source back that was claimed, to be read on as soon as somebody can."""
    sql = "UPDATE bank_sources SET lease_until = NULL WHERE id = %(id)s"
    tx.run(sql, id=source.id)


# Sending --------------------------------------------------------------------------------------


def claim_word(tx: Tx) -> tuple[store.Outgoing, Source, dict[str, str]] | None:
    """Take the next word that waits to be sent back, with its source; the attempt is counted."""
    sql = """UPDATE bank_outbox SET attempts = attempts + 1, next_at = %(later)s WHERE id = (
               SELECT o.id FROM bank_outbox o JOIN bank_sources s ON s.id = o.source
               WHERE o.state = 'intended' AND o.next_at <= %(now)s AND s.paused_at IS NULL
                 AND s.removed_at IS NULL
               ORDER BY o.next_at LIMIT 1 FOR UPDATE OF o SKIP LOCKED) RETURNING id"""
    box = tx.value(sql, now=tx.now, later=tx.now + LEASE)
    found = None if box is None else store.outgoing(tx, str(box))
    if found is None:
        return None
    source = store.source(tx, found.source)
    return found, source, store.credentials(tx, source.id)


def finish_word(tx: Tx, word: store.Outgoing, told: Told) -> None:
    """Store how a word arrived; after twelve attempts it has failed and staff sees it."""
    given_up = told.state == "retry" and word.attempts >= _ATTEMPTS
    state = {"sent": "sent", "failed": "failed"}.get(
        told.state, "failed" if given_up else "intended"
    )
    pause = min(_FIRST_PAUSE * 2 ** min(word.attempts, 20), _LONGEST_PAUSE)
    tx.run(
        """UPDATE bank_outbox SET state = %(state)s, last_error = %(error)s, next_at = %(next)s,
             ended_at = CASE WHEN %(state)s = 'intended' THEN NULL ELSE %(now)s END
           WHERE id = %(id)s AND state = 'intended'""",
        id=word.id, state=state, error=told.error[:500] or None, now=tx.now, next=tx.now + pause,
    )  # fmt: skip
    if state != "intended":
        append(tx, f"bank.feedback_{state}", {"word": word.id, "source": word.source})


# Sharing --------------------------------------------------------------------------------------


def share(tx: Tx, bank: str, key: str) -> None:
    """Let who holds this API key (by its name) read our own entries of a bank."""
    info = bank_named(tx, bank)
    sql = """INSERT INTO bank_shares (bank, key, at, by) VALUES (%(b)s, %(k)s, %(now)s, %(by)s)
             ON CONFLICT DO NOTHING"""
    key_id = _key_named(tx, key)
    if tx.run(sql, b=info.id, k=key_id, now=tx.now, by=str(tx.actor)):
        append(tx, "bank.shared", {"bank": info.id, "key": key_id})


def unshare(tx: Tx, bank: str, key: str) -> None:
    """Take back what `share` allowed; it counts at once."""
    info, key_id = bank_named(tx, bank), _key_named(tx, key)
    if tx.run("DELETE FROM bank_shares WHERE bank = %(b)s AND key = %(k)s", b=info.id, k=key_id):
        append(tx, "bank.unshared", {"bank": info.id, "key": key_id})


def _key_named(tx: Tx, name: str) -> str:
    sql = "SELECT id FROM api_keys WHERE name = %(n)s AND revoked_at IS NULL"
    found = tx.value(sql, n=name)
    if found is None:
        raise Problem("key.unknown", f"There is no living key “{name}”.", status=404,
                      next_step="Make one with: openhaven keys create")  # fmt: skip
    return str(found)


def _check(name: str, mode: str, at_most: str, radius: int, interval_s: int) -> None:
    faults: Sequence[tuple[bool, str, str]] = (
        (not _NAME.fullmatch(name), "name", "A name has up to 40 small letters, digits, hyphens."),
        (mode not in MODES, "mode", "Use one of: " + ", ".join(MODES)),
        (at_most not in AT_MOST, "at_most", "Use one of: " + ", ".join(AT_MOST)),
        (not 0 <= radius <= WIDEST_RADIUS, "radius", f"Use 0 to {WIDEST_RADIUS} bits."),
        (not 60 <= interval_s <= 2_592_000, "interval", "Use a minute to thirty days."),
    )
    for wrong, what, hint in faults:
        if wrong:
            raise Problem(f"source.{what}", f"This is no {what} of a source.", next_step=hint)
