"""Verbs of the way to the CyberTipline: claim a filing, intend a step, store what came of it.

Every verb of the sender checks that it still has the filing: a sender that stood still for longer
than its lease finds that another one went on, and does nothing any more.
"""

import hashlib
from datetime import timedelta

import msgspec

from openhaven import evidence, ledger
from openhaven.authorities import duties
from openhaven.authorities.cybertip import store
from openhaven.authorities.cybertip.machine import Attempt, Done, Step
from openhaven.authorities.cybertip.store import NAME
from openhaven.authorities.cybertip.wire import Account, Answer
from openhaven.authorities.model import pause
from openhaven.core import new_id
from openhaven.storage import Tx

LEASE = timedelta(minutes=5)


class LeaseLostError(Exception):
    """Another sender has gone on with this filing."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A filing that one sender has, until `lease` ends."""

    id: str
    case_id: str
    lease: str
    state: str
    tries: int
    test: bool


def claim(tx: Tx, length: timedelta = LEASE) -> Job | None:
    """Take the next filing that is due, for the length of a lease; None when none is."""
    sql = """UPDATE filings SET lease = %(token)s, lease_until = %(until)s, tries = tries + 1
             WHERE id = (SELECT id FROM filings WHERE authority = %(a)s AND next_at <= %(now)s
                 AND (lease_until IS NULL OR lease_until <= %(now)s)
               ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
             RETURNING id, case_id, lease, state, tries, test"""
    return tx.one(sql, Job, a=NAME, token=new_id("lse"), now=tx.now, until=tx.now + length)


def hold_on(tx: Tx, job: Job, length: timedelta = LEASE) -> None:
    """Lengthen the lease; raises `LeaseLostError` when another sender has the filing."""
    sql = "UPDATE filings SET lease_until = %(until)s WHERE id = %(id)s AND lease = %(lease)s"
    if not tx.run(sql, id=job.id, lease=job.lease, until=tx.now + length):
        raise LeaseLostError


def intend(
    tx: Tx, job: Job, attempt: Attempt | None, step: Step, item: str | None, document: bytes = b"",
    seen: evidence.Viewing | None = None,
) -> tuple[Attempt, Done]:  # fmt: skip
    """Store that a step is about to be taken, before anything is sent; return where it stands.

    `document` is what is sent, of which the hash is kept, `seen` what it says of a file's viewing.
    """
    here = _begin(tx, job, attempt, document) if step == "submit" else attempt
    assert here is not None
    state = {"finish": "finishing", "retract": "retracting"}.get(step)
    if state:
        _set_state(tx, here.id, state)
    tx.run(
        """INSERT INTO filing_steps AS s (id, attempt, step, item, intended_at, document, viewed,
             exif_viewed)
           VALUES (%(id)s, %(a)s, %(step)s, %(item)s, %(now)s, %(hash)s, %(viewed)s, %(exif)s)
           ON CONFLICT (attempt, step, item) DO UPDATE SET sent = s.sent + 1,
             document = excluded.document, viewed = excluded.viewed,
             exif_viewed = excluded.exif_viewed""",
        id=new_id("fst"), a=here.id, step=step, item=item, now=tx.now,
        hash=hashlib.sha256(document).digest() if document else None,
        viewed=seen and (seen.viewed or seen.exif_viewed), exif=seen and seen.exif_viewed,
    )  # fmt: skip
    ids = {"filing": job.id, "attempt": here.id, "step": step}
    ledger.append(tx, "filing.step", ids | ({"item": item} if item else {}))
    again = store.attempt(tx, job.id)
    done = again.of(step, item) if again else None
    assert again is not None
    assert done is not None
    return again, done


def _begin(tx: Tx, job: Job, before: Attempt | None, document: bytes) -> Attempt:
    """Open a new attempt; one whose number never came is given up: the server deletes it."""
    if before is not None and before.state == "opening":
        _set_state(tx, before.id, "lost")
    number = before.number + 1 if before else 1
    made = new_id("fat")
    tx.run(
        """INSERT INTO filing_attempts (id, filing, number, document, opened_at, changed_at)
           VALUES (%(id)s, %(f)s, %(n)s, %(hash)s, %(now)s, %(now)s)""",
        id=made, f=job.id, n=number, hash=hashlib.sha256(document).digest(), now=tx.now,
    )  # fmt: skip
    return Attempt(id=made, number=number, state="opening")


def receive(tx: Tx, step: Done, answer: Answer, *, done: bool) -> None:
    """Store the receipt of a step: the code, what the server names, and its number of the call."""
    sql = """UPDATE filing_steps SET code = %(code)s, file = nullif(%(file)s, ''),
               md5 = nullif(%(md5)s, ''), request = nullif(%(request)s, ''),
               done_at = CASE WHEN %(done)s THEN %(now)s END WHERE id = %(id)s"""
    tx.run(sql, id=step.id, code=answer.code, file=answer.file, md5=answer.md5,
           request=answer.request, done=done, now=tx.now)  # fmt: skip


def opened(tx: Tx, job: Job, attempt: Attempt, report: str) -> None:
    """Store the number under which the report is open now.

    What was withdrawn while it was being opened is taken back, by whoever sends then.
    """
    sql = """UPDATE filings SET next_at = %(now)s WHERE id = %(id)s AND state = 'withdrawn'"""
    state = "retracting" if tx.run(sql, id=job.id, now=tx.now) else "open"
    sql = """UPDATE filing_attempts SET state = %(s)s, report = %(r)s, changed_at = %(now)s
             WHERE id = %(id)s"""
    tx.run(sql, id=attempt.id, s=state, r=report, now=tx.now)


def forget_step(tx: Tx, step: Done) -> None:
    """Take back an intent of which the server said that it had no effect."""
    tx.run("DELETE FROM filing_steps WHERE id = %(id)s", id=step.id)


def end_attempt(tx: Tx, job: Job, attempt: Attempt, state: str) -> None:
    """Note that an attempt is over, or is about to be taken back (`retracting`)."""
    _set_state(tx, attempt.id, state)
    ledger.append(tx, f"filing.attempt_{state}", {"filing": job.id, "attempt": attempt.id})


def rest(tx: Tx, job: Job, trouble: str) -> None:
    """Give a filing back until its pause is over; `trouble` says why, for staff."""
    sql = """UPDATE filings SET lease = NULL, lease_until = NULL,
               next_at = CASE WHEN state <> 'draft' THEN %(next)s::timestamptz END,
               trouble = %(trouble)s, failing_since = coalesce(failing_since, %(now)s)
             WHERE id = %(id)s AND lease = %(lease)s"""
    tx.run(sql, id=job.id, lease=job.lease, next=tx.now + pause(job.tries), trouble=trouble,
           now=tx.now)  # fmt: skip
    tx.wake("console")


def fail(tx: Tx, job: Job, trouble: str, *, go_on: bool) -> None:
    """Leave a filing to a person; with `go_on` the sender still takes its report back."""
    sql = """UPDATE filings SET state = 'failed', trouble = %(trouble)s,
               failing_since = coalesce(failing_since, %(now)s),
               next_at = CASE WHEN %(on)s THEN %(now)s END,
               lease = CASE WHEN %(on)s THEN lease END,
               lease_until = CASE WHEN %(on)s THEN lease_until END
             WHERE id = %(id)s AND lease = %(lease)s AND state IN ('filed', 'failed')"""
    if not tx.run(sql, id=job.id, lease=job.lease, trouble=trouble, now=tx.now, on=go_on):
        raise LeaseLostError
    ledger.append(tx, "filing.failed", {"filing": job.id, "case": job.case_id})
    tx.wake("console")


def at_rest(tx: Tx, job: Job) -> None:
    """Note that a failed filing has nothing left to be taken back."""
    sql = """UPDATE filings SET next_at = NULL, lease = NULL, lease_until = NULL
             WHERE id = %(id)s AND lease = %(lease)s"""
    tx.run(sql, id=job.id, lease=job.lease)


def finish(tx: Tx, job: Job, attempt: Attempt, trouble: str | None) -> None:
    """Store that the authority has the report: receipt, hold, releases, and the duty's end."""
    assert attempt.report is not None
    _set_state(tx, attempt.id, "finished")
    sql = """UPDATE filings SET state = 'finished', reference = %(ref)s, finished_at = %(now)s,
               next_at = NULL, lease = NULL, lease_until = NULL, failing_since = NULL,
               trouble = %(trouble)s
             WHERE id = %(id)s AND lease = %(lease)s"""
    if not tx.run(sql, id=job.id, lease=job.lease, ref=attempt.report, now=tx.now, trouble=trouble):
        raise LeaseLostError
    receipt = _receipt(tx, job, attempt)
    ids = {"filing": job.id, "case": job.case_id, "receipt": receipt}
    ledger.append(tx, "filing.finished", ids, row=("filing_receipts", receipt))
    for one in attempt.steps:
        if one.step == "upload" and one.item:
            evidence.released(tx, one.item, NAME, attempt.report)
    if not job.test:
        # The law keeps what was reported, for a year (18 U.S.C. 2258A(h)).
        evidence.hold(tx, job.case_id, "us.2258a", reference=attempt.report)
        duties.reported(tx, job.case_id, NAME, attempt.report)
    tx.wake("console")


def _receipt(tx: Tx, job: Job, attempt: Attempt) -> str:
    sql = """SELECT step, item, document, md5 FROM filing_steps WHERE attempt = %(a)s
             ORDER BY intended_at, id"""
    sent = hashlib.sha256()
    for row in tx.rows(sql, a=attempt.id):
        sent.update(bytes(row["document"] or b"") + str(row["md5"] or "").encode())
    made = new_id("frc")
    tx.run(
        """INSERT INTO filing_receipts (id, filing, authority, reference, test, sent, files,
             finished_at)
           VALUES (%(id)s, %(f)s, %(a)s, %(ref)s, %(test)s, %(sent)s, %(files)s, %(now)s)""",
        id=made, f=job.id, a=NAME, ref=attempt.report, test=job.test, sent=sent.digest(),
        files=sum(one.step == "upload" for one in attempt.steps), now=tx.now,
    )  # fmt: skip
    return made


def _set_state(tx: Tx, attempt: str, state: str) -> None:
    sql = """UPDATE filing_attempts SET state = %(s)s, changed_at = %(now)s WHERE id = %(id)s"""
    tx.run(sql, id=attempt, s=state, now=tx.now)


# The account and the schema ---------------------------------------------------------------------


def set_account(tx: Tx, account: Account) -> None:
    """Store user and password, sealed; what waits for them is tried at once."""
    sealed = tx.keys.seal(f"authority:{NAME}", msgspec.json.encode(account))
    sql = """INSERT INTO authority_accounts (authority, credentials, changed_at)
             VALUES (%(a)s, %(sealed)s, %(now)s)
             ON CONFLICT (authority) DO UPDATE SET credentials = excluded.credentials,
               changed_at = excluded.changed_at, trouble = NULL, trouble_at = NULL"""
    tx.run(sql, a=NAME, sealed=sealed, now=tx.now)
    tx.run("UPDATE filings SET next_at = %(now)s WHERE authority = %(a)s AND state = 'filed' "
           "AND lease IS NULL", a=NAME, now=tx.now)  # fmt: skip
    ledger.append(tx, "authority.account_set", {"authority": NAME})
    tx.wake("filings")


def note_account(tx: Tx, trouble: str | None) -> None:
    """Note why the authority does not know us, or that it does."""
    sql = """INSERT INTO authority_accounts (authority, trouble, trouble_at, changed_at)
             VALUES (%(a)s, %(t)s, %(now)s, %(now)s)
             ON CONFLICT (authority) DO UPDATE SET trouble = excluded.trouble,
               trouble_at = CASE WHEN excluded.trouble IS NULL THEN NULL
                 ELSE coalesce(authority_accounts.trouble_at, excluded.trouble_at) END
             WHERE authority_accounts.trouble IS DISTINCT FROM excluded.trouble"""
    if tx.run(sql, a=NAME, t=trouble, now=tx.now):
        tx.wake("console")


def keep_schema(tx: Tx, xsd: bytes, sha256: bytes) -> bool:
    """Keep a schema that the server gave; return whether it is another one than before.

    The first one is relied on at once. A later one that differs waits for somebody to look at it,
    and until then what is sent has to fit both.
    """
    sql = "SELECT count(*) FROM authority_schemas WHERE authority = %(a)s"
    first = not tx.value(sql, a=NAME)
    made = tx.run(
        """INSERT INTO authority_schemas (id, authority, sha256, body, fetched_at, seen_at,
             accepted_at, accepted_by)
           VALUES (%(id)s, %(a)s, %(hash)s, %(body)s, %(now)s, %(now)s, %(at)s, %(by)s)
           ON CONFLICT (authority, sha256) DO NOTHING""",
        id=new_id("sch"), a=NAME, hash=sha256, body=xsd.decode(), now=tx.now,
        at=tx.now if first else None, by=str(tx.actor) if first else None,
    )  # fmt: skip
    sql = (
        "UPDATE authority_schemas SET seen_at = %(now)s WHERE authority = %(a)s AND sha256 = %(h)s"
    )
    tx.run(sql, a=NAME, h=sha256, now=tx.now)
    if made:
        ledger.append(tx, "authority.schema", {"authority": NAME, "sha256": sha256.hex()})
        tx.wake("console")
    return bool(made) and not first


def accept_schema(tx: Tx) -> int:
    """Say that somebody has looked at the newest schema; return how many waited for that."""
    sql = """UPDATE authority_schemas SET accepted_at = %(now)s, accepted_by = %(by)s
             WHERE authority = %(a)s AND accepted_at IS NULL"""
    count = tx.run(sql, a=NAME, now=tx.now, by=str(tx.actor))
    if count:
        ledger.append(tx, "authority.schema_accepted", {"authority": NAME})
        tx.wake("console")
    return count
