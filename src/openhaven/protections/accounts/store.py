"""Reading what is known of accounts: evidence of age, choices, carers."""

from collections.abc import Iterable
from datetime import date

import msgspec

from openhaven.core import AgeBand
from openhaven.protections.ages import Age, resolve
from openhaven.protections.defaults import Defaults
from openhaven.protections.model import (
    SCALES,
    STRANGER,
    Choice,
    Choices,
    Evidence,
    Profile,
    Role,
    Source,
)
from openhaven.storage import Tx

# An account in the tables of this room: its platform, and what that calls it.
Whose = tuple[str, str]
_PLACES = {value: place for scale in SCALES.values() for place, value in enumerate(scale)}


class _Row(msgspec.Struct):
    platform: str
    id: str
    subject: str
    country: str | None
    evidence: list[tuple[Source, AgeBand, date, date | None]]
    choices: list[tuple[str, Role, str, bool]]
    carers: int
    frozen: frozenset[str]


_PROFILES = """
  SELECT a.platform, a.id, a.subject, a.country,
    coalesce((SELECT jsonb_agg(jsonb_build_array(e.source, e.band, e.day, e.expires))
              FROM age_evidence e WHERE e.subject = a.subject), '[]') AS evidence,
    coalesce((SELECT jsonb_agg(jsonb_build_array(s.feature, s.role, s.value, s.explained))
              FROM protection_settings s WHERE s.subject = a.subject), '[]') AS choices,
    (SELECT count(*) FROM carers c WHERE c.child = a.subject) AS carers,
    array(SELECT f.other FROM contact_freezes f WHERE f.platform = a.platform AND f.account = a.id
          AND f.ended_at IS NULL) AS frozen
  FROM accounts a JOIN unnest(%(platforms)b::text[], %(ids)b::text[]) AS n (platform, id)
    ON a.platform = n.platform AND a.id = n.id"""


def profiles(tx: Tx, accounts: Iterable[Whose]) -> dict[Whose, Profile]:
    """Return what is known of these accounts, with one statement; unknown ones are left out."""
    wanted = sorted(set(accounts))
    rows = tx.all(
        _PROFILES, _Row, platforms=[one[0] for one in wanted], ids=[one[1] for one in wanted]
    )
    return {(row.platform, row.id): _profile(row) for row in rows}


def profile_of(tx: Tx, platform: str, account: str) -> Profile:
    """Return what is known of one account; one whom nobody has told us of is a stranger."""
    return profiles(tx, [(platform, account)]).get((platform, account), STRANGER)


def age_of(tx: Tx, defaults: Defaults, platform: str, account: str) -> Age:
    """Return how old an account is taken to be now."""
    return resolve(defaults, profile_of(tx, platform, account).evidence, tx.now.date())


def _profile(row: _Row) -> Profile:
    return Profile(
        subject=row.subject,
        country=row.country,
        evidence=tuple(Evidence(*one) for one in row.evidence),
        choices=gathered([Choice(*one) for one in row.choices]),
        carers=row.carers,
        frozen=row.frozen,
    )


def gathered(choices: Iterable[Choice]) -> dict[str, Choices]:
    """Return choices by feature, as places on their scales."""
    found: dict[str, Choices] = {}
    for one in choices:
        place = _PLACES.get(one.value, 0)
        more: dict[str, int | bool] = {one.role: place}
        if one.role == "child":
            more["explained"] = one.explained
        found[one.feature] = msgspec.structs.replace(found.get(one.feature, Choices()), **more)
    return found


class _Changed(msgspec.Struct):
    platform: str
    id: str


def changed(tx: Tx, since: int, platform: str | None = None, limit: int = 100_000) -> list[Whose]:
    """Return the accounts (of one platform) that a transaction from `since` on wrote about."""
    sql = """SELECT a.platform, a.id FROM accounts a WHERE a.subject IN (
               SELECT subject FROM age_evidence WHERE writer >= %(since)s::text::xid8
               UNION SELECT subject FROM protection_settings
                     WHERE writer >= %(since)s::text::xid8
               UNION SELECT b.subject FROM contact_freezes f JOIN accounts b
                     ON b.platform = f.platform AND b.id = f.account
                     WHERE f.writer >= %(since)s::text::xid8)
             AND (%(platform)s::text IS NULL OR a.platform = %(platform)s) LIMIT %(limit)s"""
    rows = tx.all(sql, _Changed, since=since, platform=platform, limit=limit)
    return [(row.platform, row.id) for row in rows]


def horizon(tx: Tx) -> int:
    """Return the oldest transaction that may still write; all before it have ended."""
    sql = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    return int(tx.value(sql))


class Carer(msgspec.Struct, frozen=True):
    """Whether two accounts care for each other, and how."""

    cares: bool
    is_cared_for: bool


def carer(tx: Tx, carer: str, child: str) -> Carer:
    """Return how two subjects stand to each other: does `carer` care for `child`, or vice versa."""
    sql = """SELECT EXISTS (SELECT 1 FROM carers WHERE carer = %(a)s AND child = %(b)s) AS cares,
                    EXISTS (SELECT 1 FROM carers WHERE carer = %(b)s AND child = %(a)s)
                      AS is_cared_for"""
    found = tx.one(sql, Carer, a=carer, b=child)
    assert found is not None
    return found
