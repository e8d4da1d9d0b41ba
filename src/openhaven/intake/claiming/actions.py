"""Verbs on events that wait: claim them for the line, record what became of them."""

from collections.abc import Sequence

import msgspec

from openhaven import ledger
from openhaven.intake.store import Claimed, opened
from openhaven.storage import Tx


class _Waiting(msgspec.Struct):
    seq: int
    platform: str
    id: str
    account: str
    subject: str
    body: bytes | None
    private_basis: str | None


_WAITING = """SELECT e.seq, e.platform, e.id, e.account, e.subject, e.body,
                (SELECT p.private_basis FROM platforms p WHERE p.id = e.platform) AS private_basis
              FROM events e WHERE e.state = 'received' """
_NEXT = _WAITING + "ORDER BY e.seq LIMIT %(limit)s FOR UPDATE OF e SKIP LOCKED"
_ONE = _WAITING + "AND e.seq = %(only)s FOR UPDATE OF e SKIP LOCKED"
_SAME = "(e.platform, e.account) = (SELECT platform, account FROM events WHERE seq = %(seq)s)"
_UP_TO = (
    _WAITING + f"AND {_SAME} AND e.seq <= %(seq)s ORDER BY e.seq LIMIT %(limit)s FOR UPDATE OF e"
)


def _waiting(tx: Tx, limit: int) -> list[_Waiting]:
    """Lock the next events; the work does not grow with the number of those that wait.

    The planner believes that next to nothing waits and would sort it all, however much it is. The
    index has the order already.
    """
    tx.run("SET LOCAL enable_sort = off")
    rows = tx.all(_NEXT, _Waiting, limit=limit)
    tx.run("SET LOCAL enable_sort = on")
    return rows


def claim(tx: Tx, limit: int, *, only: int | None = None) -> list[Claimed]:
    """Lock up to `limit` events that nobody has judged yet, in their order, and open them.

    They stay locked until the transaction ends: a worker that dies gives them back at once. Events
    whose body can no longer be opened (erased meanwhile) are closed here without a verdict. One of
    which an earlier one of the same account is under way elsewhere is left for later, so that each
    account's events are judged in the order in which they were stored.
    """
    rows = _waiting(tx, limit) if only is None else tx.all(_ONE, _Waiting, only=only)
    return _opened(tx, _in_turn(tx, rows))


def claim_up_to(tx: Tx, seq: int, limit: int) -> list[Claimed]:
    """Lock this event and those of its account before it that wait, `limit` at most, in order.

    Waits for who has one of them under way, so that nothing is judged before its turn. The event
    itself is missing when there are too many before it, or when it was judged meanwhile.
    """
    return _opened(tx, tx.all(_UP_TO, _Waiting, seq=seq, limit=limit))


def _opened(tx: Tx, rows: list[_Waiting]) -> list[Claimed]:
    tx.keys.load(row.subject for row in rows)
    claimed, gone = [], []
    for row in rows:
        event = opened(tx, row.subject, row.body)
        if event is None:
            gone.append(row.seq)
            continue
        content = event.may_be_read(row.private_basis)
        claimed.append(Claimed(row.seq, row.platform, row.subject, event, content))
    if gone:
        tx.run(
            """UPDATE events SET state = 'done', outcome = 'allow', done_at = %(now)s,
                 verdict = jsonb_build_object('event', id, 'outcome', 'allow',
                   'reasons', '[]'::json, 'help', '[]'::json, 'hold', false, 'decision', NULL,
                   'task', NULL, 'pack', '', 'erased', true)
               WHERE seq = ANY(%(gone)s)""",
            gone=gone,
            now=tx.now,
        )
    return claimed


class _Earlier(msgspec.Struct):
    platform: str
    account: str
    seq: int


def _in_turn(tx: Tx, rows: list[_Waiting]) -> list[_Waiting]:
    """Leave out events behind an earlier one of their account that is not in this claim.

    That one is judged by somebody else just now: it was locked before, and so is not among ours,
    and what it led to is not committed, since this statement still sees it waiting.
    """
    if not rows:
        return rows
    sql = """SELECT mine.platform, mine.account, min(e.seq) AS seq
             FROM (SELECT platform, account, max(seq) AS last
                   FROM unnest(%(platforms)b::text[], %(accounts)b::text[], %(seqs)b::bigint[])
                     AS n (platform, account, seq) GROUP BY 1, 2) AS mine
             JOIN LATERAL (SELECT w.seq FROM events w
               WHERE w.platform = mine.platform AND w.account = mine.account
                 AND w.seq < mine.last AND w.state = 'received'
                 AND NOT w.seq = ANY(%(seqs)b::bigint[])
               ORDER BY w.platform, w.account, w.seq LIMIT 1) AS e ON true
             GROUP BY 1, 2"""
    found = tx.all(
        sql,
        _Earlier,
        platforms=[row.platform for row in rows],
        accounts=[row.account for row in rows],
        seqs=[row.seq for row in rows],
    )
    first = {(one.platform, one.account): one.seq for one in found}
    if not first:
        return rows
    return [row for row in rows if row.seq < first.get((row.platform, row.account), row.seq + 1)]


def record(tx: Tx, verdicts: Sequence[tuple[int, str, bytes]], *, tallied: bool) -> None:
    """Store the verdicts (event's number, outcome, JSON) of a batch with one statement."""
    sql = """UPDATE events e SET state = 'done', outcome = n.outcome, verdict = n.verdict,
               done_at = %(now)s, tallied = %(tallied)s
             FROM unnest(%(seqs)b::bigint[], %(outcomes)b::text[], %(verdicts)b::text[]::jsonb[])
               AS n (seq, outcome, verdict)
             WHERE e.seq = n.seq"""
    tx.run(
        sql,
        now=tx.now,
        tallied=tallied,
        seqs=[v[0] for v in verdicts],
        outcomes=[v[1] for v in verdicts],
        verdicts=[v[2].decode() for v in verdicts],
    )


class _Untallied(msgspec.Struct):
    pack: str
    outcome: str
    n: int


def tally(tx: Tx, limit: int) -> dict[str, dict[str, int]]:
    """Mark up to `limit` judged events as counted; return their counts by pack and outcome."""
    sql = """WITH fresh AS (
               UPDATE events SET tallied = true WHERE seq IN (
                 SELECT seq FROM events WHERE state = 'done' AND NOT tallied ORDER BY seq
                 LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
               RETURNING verdict ->> 'pack' AS pack, outcome)
             SELECT coalesce(nullif(pack, ''), 'none') AS pack, outcome, count(*) AS n
             FROM fresh GROUP BY 1, 2"""
    counts: dict[str, dict[str, int]] = {}
    for row in tx.all(sql, _Untallied, limit=limit):
        counts.setdefault(row.pack, {})[row.outcome] = row.n
    return counts


def stumble(tx: Tx, seq: int, limit: int = 3) -> bool:
    """Note that judging this event failed; after `limit` times it is set aside, for a person.

    Returns whether it is stuck now. A stuck event is on the console, in a metric and in the ledger.
    """
    sql = """UPDATE events SET attempts = attempts + 1,
               state = CASE WHEN attempts + 1 >= %(limit)s THEN 'stuck' ELSE state END
             WHERE seq = %(seq)s AND state = 'received' RETURNING state = 'stuck'"""
    stuck = bool(tx.value(sql, seq=seq, limit=limit))
    if stuck:
        ledger.append(tx, "event.stuck", {"event": str(seq)})
    return stuck


def retry_stuck(tx: Tx) -> int:
    """Give stuck events back to the line, which judges them again; return how many they were."""
    sql = """UPDATE events SET state = 'received', attempts = 0
             WHERE state = 'stuck' RETURNING seq"""
    freed = [str(row["seq"]) for row in tx.rows(sql)]
    ledger.append_many(tx, [ledger.New("event.retried", {"event": seq}) for seq in freed])
    if freed:
        tx.wake("line")
    return len(freed)
