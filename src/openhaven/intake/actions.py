"""Verbs of intake: accept the events and the media that platforms send."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from openhaven.core import Problem, canonical, new_id
from openhaven.intake.model import Account, Event, MediaFacts, Scalar
from openhaven.intake.store import Accepted, Result
from openhaven.storage import Blobs, Tx

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_WHOLE = 2.0**63
# One address and nothing else: no names, lists, quotes or hidden characters around it.
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,253}[\w]")


# Events ---------------------------------------------------------------------------------------


class New(msgspec.Struct):
    """An event that is to be stored, its digest, and the person whose key seals it."""

    event: Event
    digest: bytes
    subject: str


def accept(tx: Tx, platform: str, events: Sequence[Event], *, wake: bool = True) -> list[Accepted]:
    """Store events of one platform and say of each, in order, what became of it.

    The number of statements does not depend on the number of events. Call `check` on each before.
    Who judges them in the same transaction needs no worker for that: `wake=False`. Identifiers are
    left out: nothing of them is stored, not even in the digest.
    """
    events = [msgspec.structs.replace(one, identifiers=()) if one.identifiers else one
              for one in events]  # fmt: skip
    fresh: dict[str, New] = {}
    digests = [tx.keys.digest(canonical(_normal(event))) for event in events]
    for event, digest in zip(events, digests, strict=True):
        fresh.setdefault(event.id, New(event, digest, ""))
    stored = {row.id: row for row in _known(tx, platform, list(fresh))}
    for known in stored:
        fresh.pop(known)
    _give_subjects(tx, platform, fresh)
    stored |= {row.id: row for row in insert(tx, platform, list(fresh.values()))}
    if wake and fresh:
        tx.wake("line")
    # What is still missing was stored by another transaction in this very moment.
    missing = [event_id for event_id in fresh if event_id not in stored]
    stored |= {row.id: row for row in _known(tx, platform, missing)}
    results = []
    for event, digest in zip(events, digests, strict=True):
        row = stored[event.id]
        # The first of two equal ids in one batch is the new one; the second meets it as known.
        new = fresh.pop(event.id, None) is not None and row.digest == digest
        result: Result = "new" if new else "same" if row.digest == digest else "conflict"
        results.append(Accepted(event.id, row.seq, result, row.verdict))
    return results


def _normal(event: Event) -> Event:
    """Return the event in the form in which equal ones are equal: in UTC, 1 for 1.0."""
    account, target = _in_utc(event.account), event.target
    if target is not None and target.account is not None:
        target = msgspec.structs.replace(target, account=_in_utc(target.account))
    context = {name: _number(value) for name, value in event.context.items()}
    return msgspec.structs.replace(
        event, at=event.at.astimezone(UTC), account=account, target=target, context=context
    )


def _in_utc(account: Account) -> Account:
    if account.created_at is None or account.created_at.tzinfo is UTC:
        return account
    return msgspec.structs.replace(account, created_at=account.created_at.astimezone(UTC))


def _number(value: Scalar) -> Scalar:
    """Return a whole number without a point; JSON knows only one kind of number (RFC 8259)."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE
    return int(value) if whole and value is not None else value


def check(event: Event, now: datetime) -> None:
    """Refuse what parses but cannot be meant: absurd moments, a report about nobody."""
    target = event.target.account if event.target else None
    moments = [
        ("$.at", event.at),
        ("$.account.created_at", event.account.created_at),
        ("$.target.account.created_at", target.created_at if target else None),
    ]
    for path, moment in moments:
        if moment is not None and not EARLIEST <= moment <= now + timedelta(days=1):
            raise Problem(
                "event.time",
                "The moment is before 2000 or in the future.",
                f"at `{path}`",
                next_step="Send times in UTC, as 2026-11-21T20:00:00Z.",
            )
    about = event.target and (event.target.item or event.target.account)
    if event.kind == "report.create" and not about and event.item is None:
        # Else the only one named would be who reports, and be held to be the one reported.
        raise Problem("report.subject", "A report needs an item or an account.", "at `$.target`",
                      next_step="Name in `target` what was reported.")  # fmt: skip


class Known(msgspec.Struct):
    """An event as it is stored: enough to tell a repetition from a conflict."""

    id: str
    seq: int
    digest: bytes
    verdict: dict[str, object] | None


def _known(tx: Tx, platform: str, ids: list[str]) -> list[Known]:
    sql = """SELECT id, seq, digest, verdict FROM events
             WHERE platform = %(p)s AND id = ANY(%(ids)b)"""
    return tx.all(sql, Known, p=platform, ids=ids) if ids else []


class _Subject(msgspec.Struct):
    id: str
    subject: str
    age_band: str
    country: str | None
    language: str | None
    wrapped: bytes | None = None


def _give_subjects(tx: Tx, platform: str, fresh: dict[str, New]) -> None:
    """Find or make the accounts of the events, in id order so that two batches never deadlock."""
    accounts = {new.event.account.id: new.event.account for new in fresh.values()}
    if not accounts:
        return
    sql = """SELECT a.id, a.subject, a.age_band, a.country, a.language, k.wrapped FROM accounts a
             LEFT JOIN subject_keys k ON k.subject = a.subject AND k.destroyed_at IS NULL
             WHERE a.platform = %(p)s AND a.id = ANY(%(ids)b)"""
    known = {row.id: row for row in tx.all(sql, _Subject, p=platform, ids=list(accounts))}
    tx.keys.learn({row.subject: row.wrapped for row in known.values() if row.wrapped is not None})
    # All accounts that this transaction will change are taken here, in one order.
    named = {new.event.account.id for new in fresh.values() if _contact_in(new.event)}
    changed = [a for a in accounts.values() if a.id in named or _says_more(a, known.get(a.id))]
    for row in _upsert(tx, platform, sorted(changed, key=lambda a: a.id)):
        known[row.id] = row
    for new in fresh.values():
        new.subject = known[new.event.account.id].subject
    tx.keys.ensure(row.subject for row in known.values())


def _says_more(account: Account, known: _Subject | None) -> bool:
    if known is None:
        return True
    new_band = account.age_band not in ("unknown", known.age_band)
    moved = account.country not in (None, known.country)
    return new_band or moved or account.language not in (None, known.language)


def _upsert(tx: Tx, platform: str, accounts: list[Account]) -> list[_Subject]:
    if not accounts:
        return []
    # What an event says of an age is what the account declared; `protections` weighs it.
    sql = """WITH put AS (INSERT INTO accounts AS a (platform, id, subject, age_band, country,
               language, created_at, seen_at)
             SELECT %(p)s, n.*, %(now)s FROM unnest(%(ids)b::text[], %(subjects)b::text[],
               %(bands)b::text[], %(countries)b::text[], %(languages)b::text[],
               %(created)b::timestamptz[]) AS n
             ON CONFLICT (platform, id) DO UPDATE SET
               age_band = CASE WHEN excluded.age_band = 'unknown' THEN a.age_band
                               ELSE excluded.age_band END,
               country = coalesce(excluded.country, a.country),
               language = coalesce(excluded.language, a.language),
               created_at = coalesce(a.created_at, excluded.created_at),
               seen_at = excluded.seen_at
             RETURNING id, subject, age_band, country, language), said AS (
               INSERT INTO age_evidence (subject, source, band, day)
               SELECT put.subject, 'declared', n.band, %(now)s::date
               FROM put JOIN unnest(%(ids)b::text[], %(bands)b::text[]) AS n (id, band)
                 ON n.id = put.id WHERE n.band <> 'unknown'
               ON CONFLICT (subject, source, band) DO UPDATE SET day = excluded.day,
                 expires = NULL, writer = pg_current_xact_id())
             SELECT id, subject, age_band, country, language FROM put"""
    return tx.all(
        sql,
        _Subject,
        p=platform,
        now=tx.now,
        ids=[a.id for a in accounts],
        subjects=[new_id("per") for _ in accounts],
        bands=[a.age_band for a in accounts],
        countries=[a.country for a in accounts],
        languages=[a.language for a in accounts],
        created=[a.created_at for a in accounts],
    )


def insert(tx: Tx, platform: str, news: list[New]) -> list[Known]:
    """Store new events with one statement and wake the line; what is known already is left out."""
    if not news:
        return []
    # Numbered as they were sent, but stored by id: so two batches never wait for each other.
    sql = """WITH n AS MATERIALIZED (
               SELECT nextval('events_seq_seq') AS seq, g.*
               FROM unnest(%(ids)b::text[], %(kinds)b::text[], %(ats)b::timestamptz[],
                 %(accounts)b::text[], %(subjects)b::text[], %(items)b::text[],
                 %(digests)b::bytea[], %(bodies)b::bytea[])
                 AS g (id, kind, at, account, subject, item, digest, body))
             INSERT INTO events (seq, platform, id, kind, at, received_at, account, subject, item,
               digest, body) OVERRIDING SYSTEM VALUE
             SELECT n.seq, %(p)s, n.id, n.kind, n.at, %(now)s, n.account, n.subject, n.item,
               n.digest, n.body
             FROM n ORDER BY n.id
             ON CONFLICT (platform, id) DO NOTHING RETURNING id, seq, digest, verdict"""
    stored = tx.all(
        sql,
        Known,
        p=platform,
        now=tx.now,
        ids=[n.event.id for n in news],
        kinds=[n.event.kind for n in news],
        ats=[n.event.at for n in news],
        accounts=[n.event.account.id for n in news],
        subjects=[n.subject for n in news],
        items=[_item_of(n.event) for n in news],
        digests=[n.digest for n in news],
        bodies=[tx.keys.seal(n.subject, msgspec.json.encode(n.event)) for n in news],
    )
    # Who was late with the same id changes nothing.
    seqs = {row.id: row.seq for row in stored}
    taken = [new for new in news if new.event.id in seqs]
    _tie_media(tx, platform, taken, seqs)
    for new in taken:
        if _contact_in(new.event):
            _keep_contact(tx, platform, new)
    return stored


def _item_of(event: Event) -> str | None:
    if event.item is not None:
        return event.item.id
    return event.target.item.id if event.target and event.target.item else None


def _tie_media(tx: Tx, platform: str, news: list[New], seqs: dict[str, int]) -> None:
    """Note of each piece of media which event was the first to carry it."""
    firsts: dict[str, int] = {}
    for new in news:
        for ref in new.event.item.media if new.event.item else ():
            firsts.setdefault(ref.id, seqs[new.event.id])
    if not firsts:
        return
    sql = """WITH free AS MATERIALIZED (
               SELECT id FROM media WHERE platform = %(p)s AND id = ANY(%(ids)b) AND event IS NULL
               ORDER BY id FOR UPDATE)
             UPDATE media m SET event = n.event
             FROM free JOIN unnest(%(ids)b::text[], %(events)b::bigint[]) AS n (id, event)
               ON n.id = free.id
             WHERE m.id = free.id"""
    tx.run(sql, p=platform, ids=list(firsts), events=list(firsts.values()))


def _contact_in(event: Event) -> str | None:
    """Return the address for notices that an account event may bring as `context.email`."""
    email = event.context.get("email")
    told = event.kind in ("account.create", "account.update") and isinstance(email, str)
    return email_of(str(email)) if told else None


def email_of(text: str) -> str | None:
    """Return the e-mail address that `text` is, or None when it is something else."""
    return text.strip() if _EMAIL.fullmatch(text.strip()) else None


def _keep_contact(tx: Tx, platform: str, new: New) -> None:
    """Keep the address for notices, sealed for the person."""
    sql = "UPDATE accounts SET contact = %(c)s WHERE platform = %(p)s AND id = %(id)s"
    sealed = tx.keys.seal(new.subject, str(_contact_in(new.event)).encode())
    tx.run(sql, c=sealed, p=platform, id=new.event.account.id)


# Media ----------------------------------------------------------------------------------------


def accept_media(tx: Tx, blobs: Blobs, platform: str, data: bytes, facts: MediaFacts) -> MediaFacts:
    """Store the bytes, sealed, and what is known of them; return the facts under their new id.

    The blob is durable before the row exists, so a crash leaves at most a blob that no row names.
    """
    media = new_id("med")
    blobs.put(media, tx.keys.seal(f"media:{media}", data))
    tx.run(
        """INSERT INTO media (id, platform, sha256, sha1, md5, pdq, quality, others, reads, type,
             bytes, unknown, film, plugin_hashes, created_at)
           VALUES (%(id)s, %(p)s, %(sha256)s, %(sha1)s, %(md5)s, %(pdq)s, %(quality)s, %(others)s,
             %(reads)s, %(type)s, %(size)s, %(unknown)s, %(film)s, %(plugin_hashes)s, %(now)s)""",
        **msgspec.structs.asdict(facts)
        | {"id": media, "p": platform, "now": tx.now}
        | {"others": list(facts.others), "reads": list(facts.reads)}
        | {"plugin_hashes": list(facts.plugin_hashes)},
    )
    return msgspec.structs.replace(facts, id=media)
