"""Named queries: what is stored of a filing's way to the CyberTipline."""

from datetime import datetime

import msgspec

from openhaven.authorities.cybertip.body import Body
from openhaven.authorities.cybertip.machine import Attempt, Done
from openhaven.authorities.cybertip.wire import Account
from openhaven.storage import Tx

NAME = "ncmec"


def attempt(tx: Tx, filing: str) -> Attempt | None:
    """Return the latest attempt at a filing with its steps, None when there was none."""
    sql = """SELECT id, number, state, report FROM filing_attempts
             WHERE filing = %(f)s ORDER BY number DESC LIMIT 1"""
    found = tx.one(sql, Attempt, f=filing)
    return found and msgspec.structs.replace(found, steps=tuple(steps(tx, found.id)))


def attempts(tx: Tx, filing: str) -> list[Attempt]:
    """Return every attempt at a filing with its steps, the first one first."""
    sql = """SELECT id, number, state, report FROM filing_attempts
             WHERE filing = %(f)s ORDER BY number"""
    return [msgspec.structs.replace(one, steps=tuple(steps(tx, one.id)))
            for one in tx.all(sql, Attempt, f=filing)]  # fmt: skip


def steps(tx: Tx, attempt_id: str) -> list[Done]:
    """Return the steps of an attempt in the order in which they were intended."""
    sql = """SELECT id, step, item, sent, done_at IS NOT NULL AS done, code, file, md5
             FROM filing_steps WHERE attempt = %(a)s ORDER BY intended_at, id"""
    return tx.all(sql, Done, a=attempt_id)


def body(tx: Tx, filing: str) -> Body | None:
    """Return what a filing states; None when it was destroyed."""
    sealed = tx.value("SELECT body FROM filings WHERE id = %(f)s", f=filing)
    plain = None if sealed is None else tx.keys.open(filing, sealed)
    return None if plain is None else msgspec.json.decode(plain, type=Body)


def account(tx: Tx) -> Account | None:
    """Return the service's account with the authority; None when none is stored."""
    sealed = tx.value("SELECT credentials FROM authority_accounts WHERE authority = %(a)s", a=NAME)
    plain = None if sealed is None else tx.keys.open(f"authority:{NAME}", sealed)
    return None if plain is None else Account(*msgspec.json.decode(plain, type=tuple[str, str]))


def schemas(tx: Tx) -> list[bytes]:
    """Return the schemas that a report has to fit: the one relied on, and one that nobody saw yet.

    Empty when the server was never asked.
    """
    sql = """(SELECT body FROM authority_schemas WHERE authority = %(a)s AND accepted_at IS NOT NULL
              ORDER BY accepted_at DESC, seen_at DESC, id DESC LIMIT 1)
             UNION ALL
             (SELECT body FROM authority_schemas WHERE authority = %(a)s AND accepted_at IS NULL
              ORDER BY seen_at DESC, id DESC LIMIT 1)"""
    return [str(row["body"]).encode() for row in tx.rows(sql, a=NAME)]


def schema_seen(tx: Tx) -> datetime | None:
    """Return when the server was last asked for its schema and gave one."""
    sql = "SELECT max(seen_at) AS seen FROM authority_schemas WHERE authority = %(a)s"
    found: datetime | None = tx.value(sql, a=NAME)
    return found


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of the authority: no account, refused, a schema that nobody looked at."""

    account: bool
    trouble: str | None
    schema_seen: datetime | None
    schema_new: bool


def trouble(tx: Tx) -> Trouble:
    """Return whether reports can be sent at the moment, and what stands against it."""
    sql = """SELECT
        coalesce((SELECT credentials IS NOT NULL FROM authority_accounts
                  WHERE authority = %(a)s), false) AS account,
        (SELECT trouble FROM authority_accounts WHERE authority = %(a)s) AS trouble,
        (SELECT max(seen_at) FROM authority_schemas WHERE authority = %(a)s) AS schema_seen,
        EXISTS (SELECT 1 FROM authority_schemas
                WHERE authority = %(a)s AND accepted_at IS NULL) AS schema_new"""
    return tx.all(sql, Trouble, a=NAME)[0]
