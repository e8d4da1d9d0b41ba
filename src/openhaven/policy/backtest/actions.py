"""Verbs on back-tests: start, take, report progress, end, cancel, look at what they name."""

from datetime import timedelta
from typing import Any

import msgspec

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.policy.backtest import store
from openhaven.policy.backtest.figures import Figures
from openhaven.policy.backtest.model import (
    LONGEST,
    MOST_ATTEMPTS,
    MOST_WAITING,
    SILENCE,
    Example,
    Wish,
)
from openhaven.policy.backtest.progress import Progress, packed
from openhaven.storage import Tx

_CHANNEL = "backtests"


def start(tx: Tx, wish: Wish, runner: str | None = None) -> str:
    """Store that a pack shall be tried over a period; return the id of the back-test.

    It waits for a worker, or for `runner`, a process that will `claim` it itself. Raises `Problem`
    for a period without sense or without events, without a purpose, and when too many wait.
    """
    until = min(wish.until, tx.now)
    _check_period(tx, wish)
    found = store.span(tx, wish.since, until, wish.platform)
    if not found.total:
        raise _no_events(tx, wish)
    if not 0 < len(wish.purpose.strip()) <= 500:
        raise Problem(
            "backtest.purpose",
            "Say in a sentence of up to 500 characters what this back-test is for.",
            next_step="It is a look into people's data, so its purpose is kept.",
        )
    waiting = tx.value("SELECT count(*) FROM backtests WHERE state = 'waiting'")
    if waiting >= MOST_WAITING:
        raise Problem("backtest.busy", f"{waiting} back-tests wait already.", status=429,
                      next_step="Wait until some are done, or cancel one.")  # fmt: skip
    number = new_id("bkt")
    tx.run(_START, id=number, total=found.total, now=tx.now, until=until, by=str(tx.actor),
           **_columns(wish))  # fmt: skip
    ids = {"backtest": number, "pack": wish.tried.fingerprint}
    ledger.append(tx, "backtest.started", ids, row=("backtests", number))
    if runner is None:
        tx.wake(_CHANNEL)
    return number


_START = """INSERT INTO backtests (id, label, pack, files, against, against_files, since, until,
              platform, purpose, started_by, created_at, total)
            VALUES (%(id)s, %(label)s, %(pack)s, %(files)s::jsonb, %(against)s,
              %(against_files)s::jsonb, %(since)s, %(until)s, %(platform)s, %(purpose)s, %(by)s,
              %(now)s, %(total)s)"""


def _columns(wish: Wish) -> dict[str, Any]:
    tried, against = wish.tried, wish.against
    label = tried.label if against is None else f"{tried.label} against {against.label}"
    return {
        "label": label[:200],
        "pack": tried.fingerprint,
        "files": _json(tried.files),
        "against": None if against is None else against.fingerprint,
        "against_files": None if against is None else _json(against.files),
        "since": wish.since,
        "platform": wish.platform,
        "purpose": wish.purpose.strip(),
    }


def _check_period(tx: Tx, wish: Wish) -> None:
    said = f"{wish.since:%Y-%m-%d %H:%M} to {wish.until:%Y-%m-%d %H:%M} UTC"
    if wish.since >= wish.until:
        raise Problem("backtest.reversed", "The period ends before it begins.", said,
                      next_step="Put the earlier moment first.")  # fmt: skip
    if wish.since >= tx.now:
        raise Problem("backtest.future", "The period lies in the future.", said,
                      next_step="A back-test looks at events that have happened.")  # fmt: skip
    if wish.until - wish.since > LONGEST:
        raise Problem("backtest.long", f"A period has at most {LONGEST.days} days.", said,
                      next_step="Take a shorter one.")  # fmt: skip


def _no_events(tx: Tx, wish: Wish) -> Problem:
    first, last = store.edges(tx)
    there = "There is no event yet."
    if first is not None and last is not None:
        span = f"{first:%Y-%m-%d %H:%M} and {last:%Y-%m-%d %H:%M} UTC"
        there = f"What is stored came in between {span}."
    where = " from this platform" if wish.platform else ""
    return Problem("backtest.empty", f"No event{where} came in during this period.", there,
                   next_step="Choose a period with events.")  # fmt: skip


# Under way ---------------------------------------------------------------------------------------


def claim(tx: Tx, runner: str, only: str | None = None) -> str | None:
    """Take the back-test that waits longest (or `only` this one); None when there is none to take.

    One runs at a time, on one core. Whose process was not heard of for 20 seconds is taken again
    from where it was; when three processes died without coming further, or when it was to be
    cancelled, it ends.
    """
    if not tx.lock("openhaven.backtest"):
        return None
    bury(tx)
    number = tx.value(
        """UPDATE backtests SET state = 'running', runner = %(runner)s, heard_at = %(now)s,
             attempts = attempts + 1, begun_at = NULL
           WHERE id = (SELECT id FROM backtests WHERE state = 'waiting'
                         AND (%(only)s::text IS NULL OR id = %(only)s)
                       ORDER BY created_at, id LIMIT 1)
             AND NOT EXISTS (SELECT 1 FROM backtests WHERE state = 'running')
           RETURNING id""",
        runner=runner,
        now=tx.now,
        only=only,
    )
    return None if number is None else str(number)


def bury(tx: Tx, runner: str | None = None) -> None:
    """End or give back what a process that died left: `runner`, or any that is silent too long."""
    sql = """SELECT id, attempts, cancel_asked FROM backtests
             WHERE state = 'running' AND (heard_at < %(before)s OR runner = %(runner)s)
             FOR UPDATE"""
    for row in tx.rows(sql, before=tx.now - SILENCE, runner=runner):
        if row["cancel_asked"]:
            end_cancelled(tx, row["id"])
        elif row["attempts"] >= MOST_ATTEMPTS:
            end_failed(tx, row["id"], "The process that worked on it died three times.")
        else:
            give_back(tx, row["id"])


def give_back(tx: Tx, number: str, runner: str | None = None) -> None:
    """Let a back-test wait again: its process has died, or (`runner`) ends for reasons of its own.

    Only a death counts as an attempt.
    """
    tx.run(
        """UPDATE backtests SET state = 'waiting', runner = NULL, heard_at = NULL,
             attempts = attempts - CASE WHEN %(runner)s::text IS NULL THEN 0 ELSE 1 END
           WHERE id = %(id)s AND state = 'running'
             AND (%(runner)s::text IS NULL OR runner = %(runner)s)""",
        id=number,
        runner=runner,
    )
    tx.wake(_CHANNEL)


def hear(tx: Tx, number: str, runner: str, done: int, total: int) -> bool:
    """Note how far it is; say whether to go on (False: it was cancelled, or taken by another)."""
    asked = tx.value(
        """UPDATE backtests SET heard_at = %(now)s, done = %(done)s,
             total = greatest(total, %(total)s), begun_at = coalesce(begun_at, %(now)s),
             begun_done = CASE WHEN begun_at IS NULL THEN %(done)s ELSE begun_done END
           WHERE id = %(id)s AND state = 'running' AND runner = %(runner)s
           RETURNING cancel_asked""",
        id=number, runner=runner, now=tx.now, done=done, total=total,
    )  # fmt: skip
    return asked is False


def save(tx: Tx, number: str, runner: str, progress: Progress) -> None:
    """Keep how far it is; deaths of processes before that count no more."""
    sql = """WITH mine AS (UPDATE backtests SET attempts = 1
               WHERE id = %(id)s AND state = 'running' AND runner = %(runner)s RETURNING id)
             INSERT INTO backtest_progress (backtest, after, data)
             SELECT id, %(after)s, %(data)s FROM mine
             ON CONFLICT (backtest) DO UPDATE SET after = excluded.after, data = excluded.data"""
    tx.run(sql, id=number, runner=runner, after=progress.after, data=packed(progress))


def end_if_asked(
    tx: Tx, number: str, runner: str, figures: Figures | None, found: list[Example]
) -> None:
    """End a back-test of one's own that was to be cancelled, with what it found so far.

    One that others took meanwhile stays theirs.
    """
    sql = """SELECT 1 FROM backtests WHERE id = %(id)s AND runner = %(runner)s AND cancel_asked"""
    if tx.value(sql, id=number, runner=runner):
        end_cancelled(tx, number, figures, found)


def end_done(tx: Tx, number: str, runner: str, figures: Figures, found: list[Example]) -> bool:
    """Store what a back-test found, with the numbers of the events that it names."""
    ended = tx.run(
        """UPDATE backtests SET state = 'done', runner = NULL, ended_at = %(now)s, done = total,
             figures = %(figures)s::jsonb, examples = %(examples)s::jsonb
           WHERE id = %(id)s AND state = 'running' AND runner = %(runner)s""",
        id=number, runner=runner, now=tx.now, figures=_json(figures), examples=_named(found),
    )  # fmt: skip
    return _ended(tx, number, "done", ended)


def _named(found: list[Example]) -> str:
    return _json([{"seq": one.seq, "change": one.change, "rules": one.rules, "was": one.was,
                   "would": one.would} for one in found])  # fmt: skip


def end_failed(tx: Tx, number: str, why: str) -> bool:
    """End a back-test that cannot be done, with the reason in plain words."""
    sql = """UPDATE backtests SET state = 'failed', runner = NULL, ended_at = %(now)s,
               error = %(why)s
             WHERE id = %(id)s AND state IN ('waiting', 'running')"""
    return _ended(tx, number, "failed", tx.run(sql, id=number, now=tx.now, why=why[:2_000]))


def end_cancelled(
    tx: Tx, number: str, figures: Figures | None = None, found: list[Example] | None = None
) -> bool:
    """End a back-test that nobody wants any more, with what it found so far, if anything."""
    sql = """UPDATE backtests SET state = 'cancelled', runner = NULL, ended_at = %(now)s,
               figures = %(figures)s::jsonb, examples = %(examples)s::jsonb
             WHERE id = %(id)s AND state IN ('waiting', 'running')"""
    known = figures is not None and figures.events > 0
    ended = tx.run(sql, id=number, now=tx.now, figures=_json(figures) if known else None,
                   examples=_named(found or []) if known else None)  # fmt: skip
    return _ended(tx, number, "cancelled", ended)


def _ended(tx: Tx, number: str, how: str, rows: int) -> bool:
    if rows:
        tx.run("DELETE FROM backtest_progress WHERE backtest = %(id)s", id=number)
        ledger.append(tx, f"backtest.{how}", {"backtest": number})
    return bool(rows)


def ask_cancel(tx: Tx, number: str) -> None:
    """Cancel a back-test: at once when it waits, else its process stops within a second or two.

    Raises `Problem`: 404 when there is none, 409 when it has ended.
    """
    found = store.find(tx, number)
    if found.ended_at is not None:
        raise Problem("backtest.ended", f"This back-test is {found.state} already.", status=409)
    alive = tx.run(
        """UPDATE backtests SET cancel_asked = true
           WHERE id = %(id)s AND state = 'running' AND heard_at >= %(since)s""",
        id=number, since=tx.now - SILENCE,
    )  # fmt: skip
    if not alive:
        end_cancelled(tx, number)


def forget_examples(tx: Tx, days: int) -> int:
    """Forget which events were named by back-tests that ended `days` ago, and the tried files.

    The figures stay: they name nobody, and somebody may have published because of them.
    """
    return tx.run(
        """UPDATE backtests SET examples = NULL, files = NULL, against_files = NULL
           WHERE ended_at < %(before)s AND (examples IS NOT NULL OR files IS NOT NULL)""",
        before=tx.now - timedelta(days=days),
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
