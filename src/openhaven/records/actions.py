"""Verbs of records: forget what is past its time."""

from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from openhaven import history, policy, survivors
from openhaven.intake.told import forget_told
from openhaven.storage import Tx
from openhaven.storage.settings import Retention

_STEP = 2_000


def forget(tx: Tx, kind: str, kept: Retention) -> list[str]:
    """Forget up to 2,000 things of one kind that are past their retention.

    Returns the ids of the blobs that are to be deleted after the commit, or one empty id for each
    thing without a blob; an empty list means that nothing of this kind is left to do.
    """
    return _FORGET[kind](tx, kept)


def _bodies(tx: Tx, kept: Retention) -> list[str]:
    """Forget what events said, unless a task, an appeal window or an open report still needs it."""
    sql = """UPDATE events SET body = NULL WHERE seq IN (
               SELECT e.seq FROM events e WHERE e.received_at < %(before)s AND e.body IS NOT NULL
                 AND e.state <> 'received'
                 AND NOT EXISTS (SELECT 1 FROM kept_copies k WHERE k.event = e.seq)
                 AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.event = e.seq
                                 AND t.state IN ('open', 'claimed'))
               ORDER BY e.received_at LIMIT %(step)s)"""
    return [""] * tx.run(sql, before=tx.now - timedelta(days=kept.event_bodies), step=_STEP)


class _Gone(msgspec.Struct):
    day: date
    platform: str
    outcome: str
    n: int


def _events(tx: Tx, kept: Retention) -> list[str]:
    """Forget events that had no consequence; their number stays, by day."""
    sql = """WITH gone AS (
               DELETE FROM events WHERE seq IN (
                 SELECT e.seq FROM events e WHERE e.received_at < %(before)s AND e.state = 'done'
                   AND e.tallied
                   AND e.verdict ->> 'decision' IS NULL AND e.verdict ->> 'task' IS NULL
                   AND NOT EXISTS (SELECT 1 FROM kept_copies k WHERE k.event = e.seq)
                   AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.event = e.seq)
                   AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.event = e.seq)
                   AND NOT EXISTS (SELECT 1 FROM reports r WHERE r.event = e.seq)
                 ORDER BY e.received_at LIMIT %(step)s)
               RETURNING received_at, platform, outcome)
             SELECT received_at::date AS day, platform, outcome, count(*) AS n
             FROM gone GROUP BY 1, 2, 3"""
    gone = tx.all(sql, _Gone, before=tx.now - timedelta(days=kept.events), step=_STEP)
    tx.run(
        """INSERT INTO daily_counts AS c (day, platform, measure, key, n)
           SELECT d, p, 'events', o, n FROM unnest(%(days)s::date[], %(platforms)s::text[],
             %(outcomes)s::text[], %(ns)s::bigint[]) AS g (d, p, o, n)
           ON CONFLICT (day, platform, measure, key) DO UPDATE SET n = c.n + excluded.n""",
        days=[row.day for row in gone],
        platforms=[row.platform for row in gone],
        outcomes=[row.outcome for row in gone],
        ns=[row.n for row in gone],
    )
    return [""] * sum(row.n for row in gone)


def _media(tx: Tx, kept: Retention) -> list[str]:
    """Forget pictures that no event carries, or that nothing needs any more."""
    sql = """UPDATE media SET deleted_at = %(now)s WHERE id IN (
               SELECT m.id FROM media m WHERE m.deleted_at IS NULL
                 AND m.created_at < CASE WHEN m.event IS NULL THEN %(unused)s ELSE %(used)s END
                 AND NOT EXISTS (SELECT 1 FROM kept_copies k WHERE k.media = m.id)
                 AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.event = m.event
                                 AND t.state IN ('open', 'claimed'))
               ORDER BY m.created_at LIMIT %(step)s)
             RETURNING id"""
    unused = tx.now - timedelta(days=kept.unused_media)
    used = tx.now - timedelta(days=kept.media)
    gone = [
        str(row["id"]) for row in tx.rows(sql, now=tx.now, unused=unused, used=used, step=_STEP)
    ]
    for media in gone:
        tx.keys.destroy(f"media:{media}")
    return gone


def _hashes(tx: Tx, kept: Retention) -> list[str]:
    """Forget what is known of pictures that are gone themselves, as are the events with them."""
    sql = """DELETE FROM media WHERE id IN (
               SELECT m.id FROM media m WHERE m.deleted_at IS NOT NULL
                 AND m.created_at < %(before)s
                 AND NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = m.event)
               LIMIT %(step)s)"""
    return [""] * tx.run(sql, before=tx.now - timedelta(days=kept.events), step=_STEP)


def _accounts(tx: Tx, kept: Retention) -> list[str]:
    """Forget accounts of which nothing is kept any more; one that comes back is a new person.

    What protects somebody, a stronger source of an age or a choice, is kept while it counts. The
    sealing key stays: an event of theirs may be coming in at this very moment.
    """
    sql = """DELETE FROM accounts WHERE (platform, id) IN (
               SELECT a.platform, a.id FROM accounts a WHERE a.seen_at < %(before)s
                 AND NOT EXISTS (SELECT 1 FROM events e
                                 WHERE e.platform = a.platform AND e.account = a.id)
                 AND NOT EXISTS (SELECT 1 FROM decisions d
                                 WHERE d.platform = a.platform AND d.account = a.id)
                 AND NOT EXISTS (SELECT 1 FROM labels l
                                 WHERE l.platform = a.platform AND l.account = a.id)
                 AND NOT EXISTS (SELECT 1 FROM told_labels t
                                 WHERE t.platform = a.platform AND t.account = a.id)
                 AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.state = 'open'
                                 AND c.platform = a.platform AND c.account = a.id)
                 AND NOT EXISTS (SELECT 1 FROM age_evidence v WHERE v.subject = a.subject
                                 AND v.source <> 'declared' AND v.expires > %(now)s::date)
                 AND NOT EXISTS (SELECT 1 FROM protection_settings s WHERE s.subject = a.subject)
                 AND NOT EXISTS (SELECT 1 FROM age_appeals g WHERE g.subject = a.subject
                                 AND g.state = 'open')
                 AND NOT EXISTS (SELECT 1 FROM contact_freezes f WHERE f.platform = a.platform
                                 AND f.account = a.id AND f.ended_at IS NULL)
               LIMIT %(step)s)"""
    before = tx.now - timedelta(days=kept.events)
    return [""] * tx.run(sql, before=before, now=tx.now, step=_STEP)


def _copies(tx: Tx, kept: Retention) -> list[str]:
    """Let go of copies that can no longer be contested; the other kinds then take their content."""
    del kept
    sql = """DELETE FROM kept_copies k USING decisions d WHERE d.id = k.decision
             AND k.keep_until < %(now)s AND NOT EXISTS (
               SELECT 1 FROM appeals a WHERE a.decision = d.id AND a.state = 'open')"""
    tx.run(sql, now=tx.now)
    return []


def _features(tx: Tx, kept: Retention) -> list[str]:
    """Forget what signals and counters answered about events, and what back-tests named."""
    gone = policy.forget_features(tx, kept.features, _STEP)
    return [""] * (gone or policy.backtest.forget_examples(tx, kept.features))


def _matters(tx: Tx, kept: Retention) -> list[str]:
    """Forget the words, and the hashes people gave us, of matters that ended long ago."""
    before = tx.now - timedelta(days=kept.decided)
    n = tx.run("""UPDATE notices SET body = NULL WHERE id IN (SELECT id FROM notices
                    WHERE body IS NOT NULL AND created_at < %(b)s LIMIT %(step)s)""",
               b=before, step=_STEP)  # fmt: skip
    n += tx.run("""UPDATE appeals SET body = NULL WHERE id IN (SELECT id FROM appeals
                     WHERE body IS NOT NULL AND decided_at < %(b)s LIMIT %(step)s)""",
                b=before, step=_STEP)  # fmt: skip
    n += tx.run("""UPDATE age_appeals SET body = NULL, reasons = NULL WHERE id IN (
                     SELECT id FROM age_appeals WHERE decided_at < %(b)s
                     AND (body IS NOT NULL OR reasons IS NOT NULL) LIMIT %(step)s)""",
                b=before, step=_STEP)  # fmt: skip
    n += tx.run("""UPDATE survivor_requests SET body = NULL WHERE id IN (
                     SELECT id FROM survivor_requests
                     WHERE body IS NOT NULL AND ended_at < %(b)s LIMIT %(step)s)""",
                b=before, step=_STEP)  # fmt: skip
    n += survivors.forget_hashes(tx, before, _STEP)
    n += tx.run("""UPDATE task_notes SET body = NULL WHERE id IN (
                     SELECT n.id FROM task_notes n JOIN tasks t ON t.id = n.task
                     WHERE n.body IS NOT NULL AND t.done_at < %(b)s LIMIT %(step)s)""",
                b=before, step=_STEP)  # fmt: skip
    n += tx.run("""UPDATE reports SET body = NULL WHERE id IN (SELECT id FROM reports
                     WHERE body IS NOT NULL AND decided_at < %(b)s LIMIT %(step)s)""",
                b=before, step=_STEP)  # fmt: skip
    return [""] * n


def _sessions(tx: Tx, kept: Retention) -> list[str]:
    before = tx.now - timedelta(days=kept.sessions)
    tx.run("DELETE FROM sessions WHERE expires_at < %(b)s", b=before)
    tx.run("DELETE FROM sign_in_links WHERE expires_at < %(b)s", b=before)
    return []


def _history(tx: Tx, kept: Retention) -> list[str]:
    """Forget counters whose windows have passed; how long these are, the pack says."""
    del kept
    return [""] * history.expire(tx)


def _rules(tx: Tx, kept: Retention) -> list[str]:
    """Forget labels that have ended, and what rules did long ago."""
    tx.run("DELETE FROM labels WHERE until < %(now)s", now=tx.now)
    forget_told(tx)
    policy.forget_counts(tx, kept.events)
    return []


_FORGET: dict[str, Callable[[Tx, Retention], list[str]]] = {
    "copies": _copies,
    "bodies": _bodies,
    "features": _features,
    "media": _media,
    "matters": _matters,
    "events": _events,
    "hashes": _hashes,
    "sessions": _sessions,
    "history": _history,
    "rules": _rules,
    "accounts": _accounts,
}
KINDS = tuple(_FORGET)
