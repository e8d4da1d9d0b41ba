"""Verbs on features: keep those of a batch, forget those that are past their time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from openhaven.intake import Claimed
from openhaven.policy.features.model import kept
from openhaven.policy.model import Verdict
from openhaven.signals.model import Finding
from openhaven.storage import Tx

_KEEP = """INSERT INTO event_features (event, subject, kept_at, data)
           SELECT event, subject, %(now)s, data
           FROM unnest(%(events)b::bigint[], %(subjects)b::text[], %(data)b::bytea[])
             AS new (event, subject, data)
           ON CONFLICT (event) DO UPDATE SET kept_at = excluded.kept_at, data = excluded.data"""
_ENCODE = msgspec.msgpack.Encoder().encode


def keep(
    tx: Tx,
    batch: Sequence[Claimed],
    findings: Sequence[Sequence[Finding]],
    counters: Sequence[Mapping[str, Any]],
    verdicts: Sequence[Verdict],
) -> None:
    """Keep what a later back-test of these events needs, with one statement; most need nothing.

    The sequences go together event by event; `counters` may be empty when nothing is counted.
    """
    told = counters or [{}] * len(batch)
    rows = [
        (claimed.seq, claimed.subject, tx.keys.seal(claimed.subject, _ENCODE(one)))
        for claimed, found, counted, verdict in zip(batch, findings, told, verdicts, strict=True)
        if (one := kept(found, counted, verdict))
    ]
    if rows:
        events, subjects, data = zip(*rows, strict=True)
        tx.run(_KEEP, now=tx.now, events=list(events), subjects=list(subjects), data=list(data))


def forget_features(tx: Tx, days: int, step: int) -> int:
    """Forget up to `step` events' features that are older than `days`; return how many.

    Notes since when features are complete, so that a back-test never takes "forgotten" for "none".
    """
    before = tx.now - timedelta(days=days)
    gone = tx.run(
        """DELETE FROM event_features WHERE event IN (SELECT event FROM event_features
             WHERE kept_at < %(before)s ORDER BY kept_at LIMIT %(step)s)""",
        before=before,
        step=step,
    )
    tx.run("UPDATE features_since SET since = %(b)s WHERE since < %(b)s AND %(gone)s > 0",
           b=before, gone=gone)  # fmt: skip
    return gone
