"""Verbs of intake: accept what is sent, claim it for the line, record what became of it."""

import base64
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from psycopg.types.json import Jsonb

from openhaven import ledger
from openhaven.core import HARMS, Problem, canonical, new_id
from openhaven.core.words import REVERSING
from openhaven.intake.model import Account, Event, Item, MediaFacts, Report, Scalar, Target
from openhaven.intake.store import Accepted, Claimed, Platform, Result, opened
from openhaven.storage import Blobs, Tx

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_WHOLE = 2.0**63
# One address and nothing else: no names, lists, quotes or hidden characters around it.
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,253}[\w]")
_WEBHOOK_VERBS = {"notify": False, "warn": False} | dict.fromkeys(
    [*REVERSING.keys(), *REVERSING.values()], True
)


# Platforms and keys ---------------------------------------------------------------------------


def add_platform(
    tx: Tx,
    name: str,
    *,
    webhook_url: str | None = None,
    connector: str = "webhook",
    verbs: dict[str, bool] | None = None,
    private_basis: str | None = None,
) -> tuple[str, str]:
    """Add a platform and return its id and its webhook secret (`whsec_…`, shown once).

    `verbs` says what the platform can carry out and whether it can undo it; a webhook platform is
    expected to keep what it removes until the appeal window has passed.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        raise Problem("platform.name", "A platform's name has small letters, digits and hyphens.")
    if tx.value("SELECT 1 FROM platforms WHERE name = %(n)s", n=name):
        raise Problem("platform.exists", f"There is already a platform “{name}”.", status=409)
    platform, secret = new_id("plt"), secrets.token_bytes(32)
    tx.run(
        """INSERT INTO platforms (id, name, connector, webhook_url, webhook_secret, verbs,
             private_basis, created_at)
           VALUES (%(id)s, %(name)s, %(connector)s, %(url)s, %(secret)s, %(verbs)s, %(basis)s,
             %(now)s)""",
        id=platform,
        name=name,
        connector=connector,
        url=webhook_url,
        secret=tx.keys.seal(platform, secret),
        verbs=Jsonb(verbs or _WEBHOOK_VERBS),
        basis=private_basis,
        now=tx.now,
    )
    ledger.append(tx, "platform.added", {"platform": platform})
    return platform, secret_text(secret)


def secret_text(secret: bytes) -> str:
    """Return a webhook secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secret).decode()


def set_private_basis(tx: Tx, platform: Platform, basis: str) -> None:
    """Record the legal basis on which the content of private conversations may be looked at."""
    sql = "UPDATE platforms SET private_basis = %(basis)s WHERE id = %(id)s"
    tx.run(sql, id=platform.id, basis=basis)
    ledger.append(tx, "platform.private_basis", {"platform": platform.id})


def create_key(tx: Tx, name: str, platform: Platform) -> str:
    """Create an API key and return it; only its digest is stored, so it is shown this once."""
    if tx.value("SELECT 1 FROM api_keys WHERE name = %(n)s AND revoked_at IS NULL", n=name):
        raise Problem(
            "key.exists",
            f"There is already a key “{name}”.",
            status=409,
            next_step=f"Choose another name, or: openhaven keys revoke {name}",
        )
    key_id, key = new_id("key"), f"oh_{secrets.token_urlsafe(32)}"
    tx.run(
        """INSERT INTO api_keys (id, platform, name, digest, created_at)
           VALUES (%(id)s, %(platform)s, %(name)s, %(digest)s, %(now)s)""",
        id=key_id,
        platform=platform.id,
        name=name,
        digest=tx.keys.digest(key.encode()),
        now=tx.now,
    )
    ledger.append(tx, "key.created", {"key": key_id, "platform": platform.id})
    return key


def revoke_key(tx: Tx, name: str) -> None:
    """Revoke the living key of this name; it stops working within a second."""
    sql = """UPDATE api_keys SET revoked_at = %(now)s
             WHERE name = %(n)s AND revoked_at IS NULL RETURNING id"""
    key_id = tx.value(sql, n=name, now=tx.now)
    if key_id is None:
        raise Problem("key.unknown", f"There is no living key “{name}”.", status=404)
    ledger.append(tx, "key.revoked", {"key": key_id})


# Events ---------------------------------------------------------------------------------------


class _New(msgspec.Struct):
    event: Event
    digest: bytes
    subject: str


def accept(tx: Tx, platform: str, events: Sequence[Event], *, wake: bool = True) -> list[Accepted]:
    """Store events of one platform and say of each, in order, what became of it.

    The number of statements does not depend on the number of events. Call `check` on each before.
    Who judges them in the same transaction needs no worker for that: `wake=False`.
    """
    fresh: dict[str, _New] = {}
    digests = [tx.keys.digest(canonical(_normal(event))) for event in events]
    for event, digest in zip(events, digests, strict=True):
        fresh.setdefault(event.id, _New(event, digest, ""))
    stored = {row.id: row for row in _known(tx, platform, list(fresh))}
    for known in stored:
        fresh.pop(known)
    _give_subjects(tx, platform, fresh)
    stored |= {row.id: row for row in _insert(tx, platform, list(fresh.values()))}
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
    """Refuse what parses but cannot be meant: absurd moments."""
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


class _Known(msgspec.Struct):
    id: str
    seq: int
    digest: bytes
    verdict: dict[str, object] | None


def _known(tx: Tx, platform: str, ids: list[str]) -> list[_Known]:
    sql = """SELECT id, seq, digest, verdict FROM events
             WHERE platform = %(p)s AND id = ANY(%(ids)b)"""
    return tx.all(sql, _Known, p=platform, ids=ids) if ids else []


class _Subject(msgspec.Struct):
    id: str
    subject: str
    age_band: str
    country: str | None


def _give_subjects(tx: Tx, platform: str, fresh: dict[str, _New]) -> None:
    """Find or make the accounts of the events, in id order so that two batches never deadlock."""
    accounts = {new.event.account.id: new.event.account for new in fresh.values()}
    if not accounts:
        return
    sql = """SELECT id, subject, age_band, country FROM accounts
             WHERE platform = %(p)s AND id = ANY(%(ids)b)"""
    known = {row.id: row for row in tx.all(sql, _Subject, p=platform, ids=list(accounts))}
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
    return new_band or account.country not in (None, known.country)


def _upsert(tx: Tx, platform: str, accounts: list[Account]) -> list[_Subject]:
    if not accounts:
        return []
    sql = """INSERT INTO accounts AS a (platform, id, subject, age_band, country, created_at,
               seen_at)
             SELECT %(p)s, n.*, %(now)s FROM unnest(%(ids)b::text[], %(subjects)b::text[],
               %(bands)b::text[], %(countries)b::text[], %(created)b::timestamptz[]) AS n
             ON CONFLICT (platform, id) DO UPDATE SET
               age_band = CASE WHEN excluded.age_band = 'unknown' THEN a.age_band
                               ELSE excluded.age_band END,
               country = coalesce(excluded.country, a.country),
               created_at = coalesce(a.created_at, excluded.created_at),
               seen_at = excluded.seen_at
             RETURNING id, subject, age_band, country"""
    return tx.all(
        sql,
        _Subject,
        p=platform,
        now=tx.now,
        ids=[a.id for a in accounts],
        subjects=[new_id("per") for _ in accounts],
        bands=[a.age_band for a in accounts],
        countries=[a.country for a in accounts],
        created=[a.created_at for a in accounts],
    )


def _insert(tx: Tx, platform: str, news: list[_New]) -> list[_Known]:
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
        _Known,
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


def _tie_media(tx: Tx, platform: str, news: list[_New], seqs: dict[str, int]) -> None:
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


def _keep_contact(tx: Tx, platform: str, new: _New) -> None:
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
        """INSERT INTO media (id, platform, sha256, md5, pdq, quality, type, bytes, unknown,
             created_at)
           VALUES (%(id)s, %(p)s, %(sha256)s, %(md5)s, %(pdq)s, %(quality)s, %(type)s, %(size)s,
             %(unknown)s, %(now)s)""",
        **msgspec.structs.asdict(facts) | {"id": media, "p": platform, "now": tx.now},
    )
    return msgspec.structs.replace(facts, id=media)


# Reports --------------------------------------------------------------------------------------


def accept_report(tx: Tx, platform: str, report: Report) -> str:
    """Store a report and its event and return the receipt code; who reports may stay unnamed.

    A report is never refused for its category: an unknown word is kept and counts as `other`.
    """
    if report.subject.item is None and report.subject.account is None:
        raise Problem("report.subject", "A report needs an item or an account.", "at `$.subject`")
    report_id = new_id("rep")
    receipt = "-".join(secrets.token_hex(2) for _ in range(5))
    event = _report_event(tx, report, report_id)
    subject = new_id("per")
    tx.keys.ensure([subject])
    body = msgspec.json.encode(report)
    seq = _insert(tx, platform, [_New(event, tx.keys.digest(body), subject)])[0].seq
    tx.wake("line")
    tx.run(
        """INSERT INTO reports (id, platform, receipt, event, item, account, category, subject,
             body, digest, anonymous, created_at)
           VALUES (%(id)s, %(p)s, %(receipt)s, %(event)s, %(item)s, %(account)s, %(category)s,
             %(subject)s, %(body)s, %(digest)s, %(anonymous)s, %(now)s)""",
        id=report_id,
        p=platform,
        receipt=tx.keys.digest(receipt.encode()),
        event=seq,
        item=report.subject.item,
        account=report.subject.account,
        category=str(event.context["category"]),
        subject=subject,
        body=tx.keys.seal(subject, body),
        digest=tx.keys.digest(body),
        anonymous=report.reporter is None and report.contact is None,
        now=tx.now,
    )
    ledger.append(tx, "report.received", {"report": report_id}, row=("reports", report_id))
    return receipt


def _report_event(tx: Tx, report: Report, report_id: str) -> Event:
    about = report.subject
    target = Target(
        account=Account(id=about.account) if about.account else None,
        item=Item(id=about.item) if about.item else None,
    )
    return Event(
        id=report_id,
        kind="report.create",
        at=tx.now,
        account=Account(id=report.reporter or report_id),
        target=target,
        context={"report": report_id, "category": category_of(report.category)},
    )


_PLAIN = {"csam": "csam.known", "child-abuse": "csam.known", "child_abuse": "csam.known",
          "child-safety": "csam.known", "intimate-image": "ncii", "self-harm": "self_harm",
          "eating-disorder": "eating_disorder", "threat": "violence.threat",
          "violence": "violence.threat", "fraud": "scam", "hate-speech": "hate"}  # fmt: skip


def category_of(word: str) -> str:
    """Return the harm class for a report's category; `other` for a word that we do not know."""
    plain = word.strip().lower().replace(" ", "-")
    candidates = (plain, plain.replace("-", "_"), _PLAIN.get(plain, "other"))
    return next((code for code in candidates if code in HARMS), "other")


# The line's own verbs -------------------------------------------------------------------------


class _Waiting(msgspec.Struct):
    seq: int
    platform: str
    id: str
    subject: str
    body: bytes | None
    private_basis: str | None


_WAITING = """SELECT e.seq, e.platform, e.id, e.subject, e.body,
                (SELECT p.private_basis FROM platforms p WHERE p.id = e.platform) AS private_basis
              FROM events e WHERE e.state = 'received' """
_NEXT = _WAITING + "ORDER BY e.seq LIMIT %(limit)s FOR UPDATE OF e SKIP LOCKED"
_ONE = _WAITING + "AND e.seq = %(only)s FOR UPDATE OF e SKIP LOCKED"


def _waiting(tx: Tx, limit: int) -> list[_Waiting]:
    """Lock the next events; the work does not grow with the number of those that wait.

    The planner believes that next to nothing waits and would sort it all, however much it is. The
    index has the order already.
    """
    tx.run("SET LOCAL enable_sort = off")
    rows = tx.all(_NEXT, _Waiting, limit=limit)
    tx.run("SET LOCAL enable_sort = on")
    return rows


def claim(tx: Tx, limit: int, *, only: int | None = None) -> list[Claimed]:
    """Lock up to `limit` events that nobody has judged yet, in their order, and open them.

    They stay locked until the transaction ends: a worker that dies gives them back at once. Events
    whose body can no longer be opened (erased meanwhile) are closed here without a verdict.
    """
    rows = _waiting(tx, limit) if only is None else tx.all(_ONE, _Waiting, only=only)
    tx.keys.load(row.subject for row in rows)
    claimed, gone = [], []
    for row in rows:
        event = opened(tx, row.subject, row.body)
        if event is None:
            gone.append(row.seq)
            continue
        content = event.content and _may_read(event, row.private_basis)
        claimed.append(Claimed(row.seq, row.platform, row.subject, event, content))
    if gone:
        tx.run(
            """UPDATE events SET state = 'done', outcome = 'allow', done_at = %(now)s,
                 verdict = jsonb_build_object('event', id, 'outcome', 'allow',
                   'reasons', '[]'::json, 'help', '[]'::json, 'decision', NULL, 'task', NULL,
                   'pack', '', 'erased', true)
               WHERE seq = ANY(%(gone)s)""",
            gone=gone,
            now=tx.now,
        )
    return claimed


def _may_read(event: Event, private_basis: str | None) -> bool:
    private = event.conversation is not None and event.conversation.visibility == "private"
    return not private or private_basis is not None


def record(tx: Tx, verdicts: Sequence[tuple[int, str, bytes]], *, tallied: bool) -> None:
    """Store the verdicts (event's number, outcome, JSON) of a batch with one statement."""
    sql = """UPDATE events e SET state = 'done', outcome = n.outcome, verdict = n.verdict,
               done_at = %(now)s, tallied = %(tallied)s
             FROM unnest(%(seqs)b::bigint[], %(outcomes)b::text[], %(verdicts)b::text[]::jsonb[])
               AS n (seq, outcome, verdict)
             WHERE e.seq = n.seq"""
    tx.run(
        sql,
        now=tx.now,
        tallied=tallied,
        seqs=[v[0] for v in verdicts],
        outcomes=[v[1] for v in verdicts],
        verdicts=[v[2].decode() for v in verdicts],
    )


class _Untallied(msgspec.Struct):
    pack: str
    outcome: str
    n: int


def tally(tx: Tx, limit: int) -> dict[str, dict[str, int]]:
    """Mark up to `limit` judged events as counted; return their counts by pack and outcome."""
    sql = """WITH fresh AS (
               UPDATE events SET tallied = true WHERE seq IN (
                 SELECT seq FROM events WHERE state = 'done' AND NOT tallied ORDER BY seq
                 LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
               RETURNING verdict ->> 'pack' AS pack, outcome)
             SELECT coalesce(nullif(pack, ''), 'none') AS pack, outcome, count(*) AS n
             FROM fresh GROUP BY 1, 2"""
    counts: dict[str, dict[str, int]] = {}
    for row in tx.all(sql, _Untallied, limit=limit):
        counts.setdefault(row.pack, {})[row.outcome] = row.n
    return counts


def stumble(tx: Tx, seq: int, limit: int = 3) -> bool:
    """Note that judging this event failed; after `limit` times it is set aside, for a person.

    Returns whether it is stuck now. A stuck event is on the console, in a metric and in the ledger.
    """
    sql = """UPDATE events SET attempts = attempts + 1,
               state = CASE WHEN attempts + 1 >= %(limit)s THEN 'stuck' ELSE state END
             WHERE seq = %(seq)s AND state = 'received' RETURNING state = 'stuck'"""
    stuck = bool(tx.value(sql, seq=seq, limit=limit))
    if stuck:
        ledger.append(tx, "event.stuck", {"event": str(seq)})
    return stuck


def retry_stuck(tx: Tx) -> int:
    """Give stuck events back to the line, which judges them again; return how many they were."""
    sql = """UPDATE events SET state = 'received', attempts = 0
             WHERE state = 'stuck' RETURNING seq"""
    freed = [str(row["seq"]) for row in tx.rows(sql)]
    ledger.append_many(tx, [ledger.New("event.retried", {"event": seq}) for seq in freed])
    if freed:
        tx.wake("line")
    return len(freed)
