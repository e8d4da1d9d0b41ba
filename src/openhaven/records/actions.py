"""Verbs of records: forget what is past its time, erase a person."""

from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from openhaven import history, ledger, policy
from openhaven.core import Problem
from openhaven.storage import Tx
from openhaven.storage.settings import Retention

_STEP = 2_000
_ERASED = "Erased at the request of the person concerned."


# Retention ------------------------------------------------------------------------------------


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
    """Forget pictures that no event carries, or that nothing needs any more; hashes stay."""
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
    """Forget the words of notices, appeals and reports on matters that ended long ago."""
    before = tx.now - timedelta(days=kept.decided)
    n = tx.run("""UPDATE notices SET body = NULL WHERE id IN (SELECT id FROM notices
                    WHERE body IS NOT NULL AND created_at < %(b)s LIMIT %(step)s)""",
               b=before, step=_STEP)  # fmt: skip
    n += tx.run("""UPDATE appeals SET body = NULL WHERE id IN (SELECT id FROM appeals
                     WHERE body IS NOT NULL AND decided_at < %(b)s LIMIT %(step)s)""",
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
    policy.forget_counts(tx, kept.events)
    return []


_FORGET: dict[str, Callable[[Tx, Retention], list[str]]] = {
    "copies": _copies,
    "bodies": _bodies,
    "features": _features,
    "media": _media,
    "matters": _matters,
    "events": _events,
    "sessions": _sessions,
    "history": _history,
    "rules": _rules,
}
KINDS = tuple(_FORGET)


# Erasure --------------------------------------------------------------------------------------


def erase(tx: Tx, platform: str, account: str) -> list[str]:
    """Erase a person: destroy the keys of everything sealed for them, blank what names them.

    Open work on their matters ends without a decision, and who reported them is answered no more.
    The ledger's entries and proofs stay valid and say nothing any more. Returns the ids of the
    blobs to be deleted after the commit. Raises `Problem` 404 for an account that we do not know.
    """
    whom = {"p": platform, "a": account}
    subjects = _blank_account(tx, whom)
    # Each step waits for those who work on these rows; what they wrote is seen by the next one.
    # The order is that of the line (events, history, judgements, labels, cases, reports): so no
    # deadlocks.
    reports = _reports_about(tx, whom)
    blobs = _blank_events(tx, whom, reports)
    history.forget(tx, platform, account)
    _wait_for_judgements(tx, whom)
    tx.run("DELETE FROM labels WHERE platform = %(p)s AND account = %(a)s", **whom)
    cases = _take_cases(tx, whom)
    subjects += _blank_reports(tx, reports, cases)
    _end_cases(tx, cases)
    _blank_decisions(tx, whom, cases)
    for subject in subjects:
        tx.keys.destroy(subject)
    tx.run("""UPDATE notices SET body = NULL, email_state =
                CASE WHEN email_state = 'intended' THEN 'none' ELSE email_state END
              WHERE subject = ANY(%(s)s)""", s=subjects)  # fmt: skip
    tx.run("UPDATE appeals SET body = NULL WHERE subject = ANY(%(s)s)", s=subjects)
    ledger.append(tx, "person.erased", {})
    return blobs


def _ids(tx: Tx, sql: str, **params: object) -> list[str]:
    return [str(row["id"]) for row in tx.rows(sql, **params)]


def _blank_account(tx: Tx, whom: dict[str, str]) -> list[str]:
    """Delete the account and return the subject that things are sealed for."""
    sql = "DELETE FROM accounts WHERE platform = %(p)s AND id = %(a)s RETURNING subject AS id"
    subjects = _ids(tx, sql, **whom)
    # A conversation in which we wrote to the person is one like any other now.
    sql = "UPDATE matrix_rooms SET person = NULL WHERE platform = %(p)s AND person = %(a)s"
    tx.run(sql, **whom)
    # Somebody who only ever reported has events and no account.
    known = "SELECT 1 FROM events WHERE platform = %(p)s AND account = %(a)s LIMIT 1"
    if not subjects and not tx.value(known, **whom):
        raise Problem("account.unknown", "There is no such account.", status=404)
    return subjects


def _reports_about(tx: Tx, whom: dict[str, str]) -> list[str]:
    """Return the ids of the reports about the person or what they posted."""
    sql = """SELECT id FROM reports WHERE platform = %(p)s AND (account = %(a)s OR item IN (
               SELECT item FROM events WHERE platform = %(p)s AND account = %(a)s
                 AND kind <> 'report.create'))"""
    return _ids(tx, sql, **whom)


def _blank_events(tx: Tx, whom: dict[str, str], reports: list[str]) -> list[str]:
    """Blank the person's events, media and own reports; return the ids of the media.

    What others reported is blanked as well, and in other events of others the person's items.
    """
    sql = """UPDATE events SET item = NULL,
               body = CASE WHEN kind = 'report.create' THEN NULL ELSE body END
             WHERE platform = %(p)s AND account <> %(a)s AND (
               seq IN (SELECT event FROM reports WHERE id = ANY(%(reports)s))
               OR item IN (SELECT item FROM events WHERE platform = %(p)s AND account = %(a)s
                             AND kind <> 'report.create'))"""
    tx.run(sql, reports=reports, **whom)
    sql = """UPDATE events SET account = '', item = NULL, body = NULL
             WHERE platform = %(p)s AND account = %(a)s RETURNING seq"""
    seqs = [row["seq"] for row in tx.rows(sql, **whom)]
    tx.run("DELETE FROM event_features WHERE event = ANY(%(seqs)s)", seqs=seqs)
    sql = "UPDATE reports SET body = NULL WHERE event = ANY(%(seqs)s) RETURNING subject AS id"
    for own_words in _ids(tx, sql, seqs=seqs):
        tx.keys.destroy(own_words)
    sql = "UPDATE media SET deleted_at = %(now)s WHERE event = ANY(%(seqs)s) RETURNING id"
    blobs = _ids(tx, sql, now=tx.now, seqs=seqs)
    for media in blobs:
        tx.keys.destroy(f"media:{media}")
    return blobs


def _wait_for_judgements(tx: Tx, whom: dict[str, str]) -> None:
    """Wait for judgements that are being settled."""
    tx.run("""SELECT 1 FROM judgements j JOIN tasks t ON t.id = j.task
                JOIN cases c ON c.id = t.case_id
              WHERE c.platform = %(p)s AND c.account = %(a)s AND j.state = 'given'
              ORDER BY j.id FOR UPDATE OF j""", **whom)  # fmt: skip


def _take_cases(tx: Tx, whom: dict[str, str]) -> list[str]:
    """Lock the cases; return their ids."""
    sql = """SELECT id FROM cases WHERE platform = %(p)s AND account = %(a)s
             ORDER BY coalesce(item, '') COLLATE "C", account COLLATE "C" FOR UPDATE"""
    return _ids(tx, sql, **whom)


def _blank_reports(tx: Tx, reports: list[str], cases: list[str]) -> list[str]:
    """Close and blank what others reported; return the subjects that it is sealed for."""
    sql = """UPDATE reports SET body = NULL, item = left(item, 0), account = left(account, 0),
               state = CASE WHEN state = 'decided' THEN state ELSE 'closed' END,
               decided_at = coalesce(decided_at, %(now)s)
             WHERE id = ANY(%(reports)s) OR case_id = ANY(%(cases)s)
             RETURNING id, subject"""
    rows = tx.rows(sql, now=tx.now, cases=cases, reports=reports)
    ledger.destroy_salts(tx, "reports", [str(row["id"]) for row in rows])
    return [str(row["subject"]) for row in rows]


def _end_cases(tx: Tx, cases: list[str]) -> None:
    """End the work on these cases without a decision, and blank what they are about."""
    tx.run("""UPDATE tasks SET state = 'cancelled', claimed_by = NULL, lease_until = NULL,
                done_at = %(now)s
              WHERE case_id = ANY(%(cases)s) AND state IN ('open', 'claimed')""",
           now=tx.now, cases=cases)  # fmt: skip
    sql = """UPDATE judgements SET facts = %(erased)s, state = 'settled' WHERE task IN (
               SELECT id FROM tasks WHERE case_id = ANY(%(cases)s)) RETURNING id"""
    ledger.destroy_salts(tx, "judgements", _ids(tx, sql, erased=_ERASED, cases=cases))
    tx.run("""UPDATE cases SET account = 'erased:' || id, item = NULL, state = 'closed',
                closed_at = coalesce(closed_at, %(now)s)
              WHERE id = ANY(%(cases)s)""", now=tx.now, cases=cases)  # fmt: skip


def _blank_decisions(tx: Tx, whom: dict[str, str], cases: list[str]) -> None:
    sql = """UPDATE decisions SET account = NULL, item = NULL, facts = %(erased)s
             WHERE platform = %(p)s AND (account = %(a)s OR case_id = ANY(%(cases)s))
             RETURNING id"""
    made = _ids(tx, sql, erased=_ERASED, cases=cases, **whom)
    sql = """UPDATE acts SET target = '{}', state = CASE WHEN state = 'intended'
               THEN 'cancelled' ELSE state END
             WHERE decision = ANY(%(ids)s) RETURNING id"""
    ledger.destroy_salts(tx, "acts", _ids(tx, sql, ids=made))
    ledger.destroy_salts(tx, "decisions", made)
    tx.run("DELETE FROM kept_copies WHERE decision = ANY(%(ids)s)", ids=made)
