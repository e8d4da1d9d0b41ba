"""Verbs on what platforms said: keep it, forget it."""

import msgspec

from openhaven.intake.told.model import Told
from openhaven.storage import Tx

_ENCODE = msgspec.msgpack.Encoder().encode


def keep_told(tx: Tx, told: Told) -> int:
    """Keep what changed while a batch was judged, with one statement; return of how many things.

    In one order; nobody else writes the same rows, since each account's events are judged by one
    worker at a time.
    """
    if not told.changed:
        return 0
    rows = []
    for key in sorted(told.changed):
        subject, kept = told.changed[key]
        ends = max((until for _, until in kept.values()), default=tx.now)
        rows.append((*key, subject, ends, tx.keys.seal(subject, _ENCODE(kept))))
    platforms, accounts, items, subjects, untils, data = (
        list(column) for column in zip(*rows, strict=True)
    )
    return tx.run(
        """INSERT INTO told_labels (platform, account, item, subject, until, data)
           SELECT * FROM unnest(%(platforms)b::text[], %(accounts)b::text[], %(items)b::text[],
             %(subjects)b::text[], %(untils)b::timestamptz[], %(data)b::bytea[])
           ON CONFLICT (platform, account, item) DO UPDATE SET
             subject = excluded.subject, until = excluded.until, data = excluded.data""",
        platforms=platforms,
        accounts=accounts,
        items=items,
        subjects=subjects,
        untils=untils,
        data=data,
    )


def forget_told(tx: Tx) -> int:
    """Forget what has ended; return of how many accounts and items."""
    return tx.run("DELETE FROM told_labels WHERE until <= %(now)s", now=tx.now)
