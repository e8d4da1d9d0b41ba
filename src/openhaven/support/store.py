"""Reading the directory: rows to values."""

from datetime import datetime

import msgspec

from openhaven.core import Problem
from openhaven.storage import Tx
from openhaven.support.directory import VERIFIED_DAYS, Directory
from openhaven.support.model import Kept

_COLUMNS = """id, country, name, languages, topics, age_from, age_to, hours, call, text, chat, web,
              cost, pair, verified_on, verified_by, source, withdrawn_at IS NOT NULL AS withdrawn"""


def kept(tx: Tx) -> list[Kept]:
    """Return every service by country and id, the withdrawn ones as well."""
    return tx.all(f"SELECT {_COLUMNS} FROM help_services ORDER BY country, id", Kept)  # noqa: S608


def one_kept(tx: Tx, service: str) -> Kept:
    """Return one service; raises `Problem` (404) when there is none."""
    sql = f"SELECT {_COLUMNS} FROM help_services WHERE id = %(id)s"  # noqa: S608 (own words)
    found = tx.one(sql, Kept, id=service)
    if found is None:
        raise Problem("support.unknown", "There is no service of this name.", service, status=404,
                      next_step="`openhaven support list` names them all.")  # fmt: skip
    return found


def directory(tx: Tx, *, days: int = VERIFIED_DAYS) -> Directory:
    """Return the directory as it stands now."""
    return Directory([one.plain() for one in kept(tx) if not one.withdrawn], tx.now.date(),
                     days=days)  # fmt: skip


def state(tx: Tx) -> str:
    """Return what changes whenever the directory does, with one small statement."""
    sql = """SELECT count(*) || ':' || coalesce(sum(hashtextextended(id || changed_at::text, 0)), 0)
             FROM help_services"""
    return str(tx.value(sql))


class Verification(msgspec.Struct, frozen=True):
    """Who saw that a service is as it is told, and on which day."""

    service: str
    seen_on: str
    seen_by: str


def verifications(tx: Tx, service: str) -> list[Verification]:
    """Return who verified a service, the latest first."""
    sql = """SELECT service, seen_on::text, seen_by FROM help_verifications
             WHERE service = %(id)s ORDER BY at DESC, id DESC LIMIT 50"""
    return tx.all(sql, Verification, id=service)


class Asked(msgspec.Struct, frozen=True):
    """When another directory was asked last, was read last, and what is wrong (empty: nothing)."""

    tried_at: datetime
    read_at: datetime | None
    error: str


def asked(tx: Tx, url: str) -> Asked | None:
    """Return how it stands with another directory; None when it was never asked."""
    sql = "SELECT tried_at, read_at, error FROM help_directories WHERE url = %(url)s"
    return tx.one(sql, Asked, url=url)
