"""What a case holds that may be told to an authority, read from where it stands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from openhaven import evidence, intake
from openhaven.core import Problem
from openhaven.evidence import Item, Viewing
from openhaven.intake import Event
from openhaven.storage import Tx


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case, by its row."""

    id: str
    platform: str
    platform_name: str
    item: str | None
    account: str | None
    harm: str
    opened_at: datetime


class Disabled(msgspec.Struct, frozen=True, kw_only=True):
    """The decision by which the account was suspended; without an end it is for good."""

    decision: str
    decided_at: datetime
    until: datetime | None


class Prior(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier report about the same account that an authority has."""

    filing: str
    reference: str
    case_id: str


class CaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of a case here, each with where it stands."""

    case: CaseRow
    seq: int | None = None
    event: Event | None = None
    country: str | None = None
    disabled: Disabled | None = None
    priors: tuple[Prior, ...] = ()
    items: Mapping[str, Item] = {}
    views: Mapping[str, Viewing] = {}

    @property
    def happened_at(self) -> datetime:
        """When it happened, as the platform says, or else when the case was opened."""
        return self.event.at if self.event else self.case.opened_at

    @property
    def countries(self) -> frozenset[str]:
        """The countries that the case is linked with, as far as it is known here."""
        given = {self.country, self.event.account.country if self.event else None}
        return frozenset(one for one in given if one)

    def context(self, *names: str) -> str | None:
        """Return what the platform said under one of these names beside the event."""
        said: Mapping[str, Any] = self.event.context if self.event else {}
        return next((str(said[name]) for name in names if said.get(name) not in (None, "")), None)


def case_row(tx: Tx, case: str) -> CaseRow:
    """Return a case; raises `Problem` 404."""
    sql = """SELECT c.id, c.platform, p.name AS platform_name, c.item, c.account, c.harm,
               c.opened_at
             FROM cases c JOIN platforms p ON p.id = c.platform WHERE c.id = %(id)s"""
    found = tx.one(sql, CaseRow, id=case)
    if found is None:
        raise Problem("case.unknown", "There is no such case.", status=404)
    return found


def facts_of(tx: Tx, case: str, authority: str = "") -> CaseFacts:
    """Return what is known of a case; `authority` is the one whose earlier reports count."""
    row = case_row(tx, case)
    seq = _event_of(tx, row)
    stored, event = (None, None) if seq is None else intake.open_event(tx, seq)
    about = row.account or (stored.account if stored else None)
    known = intake.account_of(tx, row.platform, about) if about else None
    items = {one.id: one for one in evidence.items(tx, case) if one.destroyed_at is None}
    return CaseFacts(
        case=msgspec.structs.replace(row, account=about),
        seq=seq,
        event=event,
        country=known.country if known else None,
        disabled=_disabled(tx, row.platform, about),
        priors=_priors(tx, row, about, authority),
        items=items,
        views=evidence.viewing_facts(tx, list(items)),
    )


def _event_of(tx: Tx, row: CaseRow) -> int | None:
    """Return the event that brought the case about, by its first task or its item."""
    sql = """SELECT event FROM tasks WHERE case_id = %(c)s AND event IS NOT NULL
             ORDER BY opened_at, id LIMIT 1"""
    found = tx.value(sql, c=row.id)
    if found is None and row.item is not None:
        latest = intake.latest_of_item(tx, row.platform, row.item)
        found = latest.seq if latest else None
    return None if found is None else int(found)


def _disabled(tx: Tx, platform: str, account: str | None) -> Disabled | None:
    sql = """SELECT id AS decision, decided_at, until FROM decisions
             WHERE platform = %(p)s AND account = %(a)s AND outcome = 'suspend'
             ORDER BY decided_at DESC LIMIT 1"""
    return tx.one(sql, Disabled, p=platform, a=account)


def _priors(tx: Tx, row: CaseRow, account: str | None, authority: str) -> tuple[Prior, ...]:
    """Return earlier reports about the same account, and those of the same case."""
    sql = """SELECT f.id AS filing, f.reference, f.case_id FROM filings f
             JOIN cases c ON c.id = f.case_id
             WHERE f.state = 'finished' AND f.authority = %(a)s AND NOT f.test
               AND (c.id = %(c)s OR (c.platform = %(p)s AND c.account = %(acc)s))
             ORDER BY f.finished_at LIMIT 100"""
    return tuple(tx.all(sql, Prior, a=authority, c=row.id, p=row.platform, acc=account))
