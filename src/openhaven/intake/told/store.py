"""Reading what platforms said of the accounts and items of a batch."""

from collections.abc import Mapping, Sequence

import msgspec

from openhaven.intake.store import Claimed
from openhaven.intake.told.model import PARTS, Kept, Told, key_of
from openhaven.storage import Tx


class _Row(msgspec.Struct):
    platform: str
    account: str
    item: str
    subject: str
    data: bytes


def told_of(tx: Tx, batch: Sequence[Claimed], declared: Mapping[str, str]) -> Told:
    """Return what stands for a batch, with one statement; the names are those of the pack."""
    told = Told(declared, tx.now)
    keys = sorted({key for one in batch for part in PARTS if (key := key_of(one, part))})
    if not keys:
        return told
    sql = """SELECT t.platform, t.account, t.item, t.subject, t.data
             FROM unnest(%(platforms)b::text[], %(accounts)b::text[], %(items)b::text[])
               AS n (platform, account, item)
             JOIN told_labels t USING (platform, account, item) WHERE t.until > %(now)s"""
    platforms, accounts, items = (list(column) for column in zip(*keys, strict=True))
    rows = tx.all(sql, _Row, now=tx.now, platforms=platforms, accounts=accounts, items=items)
    tx.keys.load(row.subject for row in rows)
    for row in rows:
        plain = tx.keys.open(row.subject, row.data)
        if plain is not None:
            told.know(
                (row.platform, row.account, row.item), msgspec.msgpack.decode(plain, type=Kept)
            )
    return told
