"""Reading labels: those on a batch of events, and those on one matter for the people who see it."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from openhaven.intake.store import Claimed
from openhaven.storage import Tx


class _Read(msgspec.Struct):
    at: int
    on_item: bool
    name: str


class Labels:
    """The labels on the accounts and items of a batch, as they stand while it is judged."""

    def __init__(self, batch: Sequence[Claimed]) -> None:
        self._on: dict[tuple[str, str, str], set[str]] = {}
        for claimed in batch:
            for whom in _keys(claimed):
                self._on.setdefault(whom, set())

    def of(self, claimed: Claimed) -> dict[str, list[str]]:
        """Return what rules read of an event's account and item; only what there is, in order."""
        account, item = _keys(claimed)
        found = {"account.labels": self._on[account]}
        if item[2]:
            found["item.labels"] = self._on[item]
        return {name: sorted(words) for name, words in found.items() if words}

    def add(self, claimed: Claimed, name: str, *, on_item: bool) -> None:
        """Note a label that is being given, so that later events of the batch see it."""
        self._on[_keys(claimed)[on_item]].add(name)


def _keys(claimed: Claimed) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Return what names the account and the item of an event; the item's is "" where none is."""
    event = claimed.event
    whose = claimed.platform, event.account.id
    return (*whose, ""), (*whose, event.item.id if event.item else "")


def labels_on(tx: Tx, batch: Sequence[Claimed]) -> Labels:
    """Return the labels that stand at this moment, with one statement for the whole batch."""
    labels = Labels(batch)
    if not batch:
        return labels
    keys = [_keys(claimed)[1] for claimed in batch]
    sql = """SELECT n.at, l.item <> '' AS on_item, l.name
             FROM unnest(%(platforms)b::text[], %(accounts)b::text[], %(items)b::text[])
               WITH ORDINALITY AS n (platform, account, item, at)
             JOIN labels l ON l.platform = n.platform AND l.account = n.account
               AND l.item IN ('', n.item) AND l.until > %(now)s"""
    columns = {
        "platforms": [key[0] for key in keys],
        "accounts": [key[1] for key in keys],
        "items": [key[2] for key in keys],
    }
    for row in tx.all(sql, _Read, now=tx.now, **columns):
        labels.add(batch[row.at - 1], row.name, on_item=row.on_item)
    return labels


class LabelLine(msgspec.Struct, frozen=True):
    """A label as staff sees it: what it says, on what it is, which rule gave it, until when."""

    name: str
    item: str
    rule: str
    given_at: datetime
    until: datetime


def labels_about(tx: Tx, platform: str, account: str | None, item: str | None) -> list[LabelLine]:
    """Return the labels that stand on an account, and on an item of it, by name."""
    sql = """SELECT name, item, rule, given_at, until FROM labels
             WHERE platform = %(p)s AND account = %(a)s AND item IN ('', %(i)s) AND until > %(now)s
             ORDER BY item, name"""
    return tx.all(sql, LabelLine, p=platform, a=account or "", i=item or "", now=tx.now)
