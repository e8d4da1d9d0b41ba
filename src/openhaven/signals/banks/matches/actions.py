"""Verbs of matches: record what was seen, say whether it was right, forget what is old."""

from collections.abc import Sequence
from datetime import datetime

from openhaven.core import Problem, new_id, permits
from openhaven.ledger import append
from openhaven.signals.banks.matches.model import Seen
from openhaven.signals.banks.model import WORDS
from openhaven.storage import Tx

CHANNEL = "feedback"


def record(tx: Tx, seen: Sequence[Seen]) -> int:
    """Keep matches with what came of them, in one statement; return how many are new."""
    if not seen:
        return 0
    sql = """INSERT INTO bank_matches (at, bank, entry, event, subject, opinion, noted, cleared_by,
               distance, task, decision)
             SELECT %(now)s, b.id, g.entry, g.event, g.subject, g.opinion, g.noted, g.cleared_by,
               g.distance, g.task, g.decision
             FROM unnest(%(events)s::bigint[], %(banks)s::text[], %(entries)s::bigint[],
               %(subjects)s::text[], %(opinions)s::text[], %(distances)s::int[],
               %(noted)s::text[], %(cleared)s::bigint[], %(tasks)s::text[], %(decisions)s::text[])
               AS g (event, bank, entry, subject, opinion, distance, noted, cleared_by, task,
                     decision)
             JOIN banks b ON b.name = g.bank
             ON CONFLICT (event, entry, subject) DO NOTHING"""
    names = ("events", "banks", "entries", "subjects", "opinions", "distances", "noted",
             "cleared", "tasks", "decisions")  # fmt: skip
    columns = dict(zip(names, map(list, zip(*seen, strict=True)), strict=True))
    return tx.run(sql, now=tx.now, **columns)


def tie(tx: Tx, match: int, task: str) -> None:
    """Note the task that came of a match which had led to nothing yet."""
    sql = "UPDATE bank_matches SET task = %(t)s WHERE id = %(id)s AND task IS NULL"
    tx.run(sql, id=match, t=task)


def say(tx: Tx, match: int, word: str) -> str:
    """Say of a match that it was right (`confirm`) or a `false_match`; return the word's id.

    One word for each person; a later one takes the place of the former. It is also put into the
    outbox of each source that knows the entry and takes such words. Raises `Problem` 403 without
    the permission to work on tasks or to edit banks, 404 when there is no such match.
    """
    if word not in WORDS:
        raise Problem("feedback.word", f"“{word}” is nothing that can be said of a match.",
                      next_step="Use one of: " + ", ".join(WORDS))  # fmt: skip
    _require_may_say(tx)
    sql = "SELECT bank, entry FROM bank_matches WHERE id = %(id)s"
    rows = tx.rows(sql, id=match)
    if not rows:
        raise Problem("feedback.match", "There is no such match.", status=404,
                      next_step="It may be older than what is kept.")  # fmt: skip
    return say_of_entry(tx, str(rows[0]["bank"]), int(rows[0]["entry"]), word, match)


def say_of_entry(tx: Tx, bank: str, entry: int, word: str, match: int | None = None) -> str:
    """Keep a word about an entry of a bank (by its id); the caller has checked who may."""
    sql = """INSERT INTO bank_feedback (id, bank, entry, match, word, by, at)
             VALUES (%(id)s, %(bank)s, %(entry)s, %(match)s, %(word)s, %(by)s, %(now)s)
             ON CONFLICT (entry, coalesce(match, 0), by)
             DO UPDATE SET word = excluded.word, at = excluded.at RETURNING id"""
    values = {"bank": bank, "entry": entry, "match": match, "word": word, "now": tx.now}
    said = str(tx.value(sql, id=new_id("fbk"), by=str(tx.actor), **values))
    append(tx, f"bank.feedback.{word}", {"bank": bank, "entry": str(entry), "feedback": said})
    _put_into_outboxes(tx, said, entry, word)
    return said


def _put_into_outboxes(tx: Tx, feedback: str, entry: int, word: str) -> None:
    sql = """SELECT c.source, c.source_id FROM bank_claims c JOIN bank_sources s ON s.id = c.source
             WHERE c.entry = %(entry)s AND s.sends_feedback AND s.removed_at IS NULL"""
    for row in tx.rows(sql, entry=entry):
        sql = """INSERT INTO bank_outbox (id, feedback, source, source_id, word, next_at,
                   created_at)
                 VALUES (%(id)s, %(f)s, %(source)s, %(source_id)s, %(word)s, %(now)s, %(now)s)
                 ON CONFLICT (feedback, source, source_id) DO UPDATE SET word = excluded.word,
                   state = 'intended', attempts = 0, next_at = excluded.next_at,
                   last_error = NULL, ended_at = NULL
                   WHERE bank_outbox.word <> excluded.word"""
        tx.run(sql, id=new_id("obx"), f=feedback, word=word, now=tx.now, **row)
        tx.wake(CHANNEL)


def forget(tx: Tx, before: datetime, limit: int = 10_000) -> int:
    """Forget matches from before this moment on which nothing rests; return how many."""
    sql = """DELETE FROM bank_matches WHERE id IN (
               SELECT id FROM bank_matches WHERE at < %(before)s AND task IS NULL
                 AND decision IS NULL ORDER BY at LIMIT %(limit)s)"""
    return tx.run(sql, before=before, limit=limit)


def _require_may_say(tx: Tx) -> None:
    roles = tx.actor.roles
    if tx.actor.kind == "staff" and (permits(roles, "task.work") or permits(roles, "bank.edit")):
        return
    raise Problem("permission", "Only a reviewer, or who may edit banks, can say this.",
                  status=403, next_step="Ask a colleague with such a role.")  # fmt: skip
