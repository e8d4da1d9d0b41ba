"""Verbs of sending: ask for it, let it begin, claim, finish, take back."""

from datetime import timedelta

from openhaven.core import Problem, new_id
from openhaven.exchange import store as sources
from openhaven.exchange.model import Source
from openhaven.exchange.sending import store
from openhaven.exchange.sending.model import APPROVAL, Given, Sent
from openhaven.ledger import append
from openhaven.signals.banks import bank_named
from openhaven.staff import approvals
from openhaven.storage import Tx

LEASE = timedelta(minutes=3)
_PAUSE = timedelta(minutes=1)
_LONGEST = timedelta(hours=6)
_ATTEMPTS = 12


def ask(tx: Tx, bank: str, source: str, reason: str) -> str:
    """Ask a second person to agree that our own entries of a bank are sent to a source.

    Returns the id of the sending. Only what the bank has now will be sent. Raises `Problem` 409
    when the bank is not of the harm that the source is about, has nothing of its own, or says that
    things are harmless; and what `approvals.ask` raises.
    """
    info, to = bank_named(tx, bank), sources.source(tx, source)
    if info.opinion == "negative" or _family(info.harm) != _family(to.harm):
        raise Problem("sending.harm", f"The bank “{bank}” is not of what “{source}” is about.",
                      f"The source stands for {to.harm}.", status=409,
                      next_step="Only entries of the same harm are sent, none of harmless things.",
                      )  # fmt: skip
    sql = """SELECT max(id) AS last, count(*) AS number FROM bank_entries
             WHERE bank = %(b)s AND living AND source IS NULL"""
    own = tx.rows(sql, b=info.id)[0]
    if own["last"] is None:
        raise Problem("sending.empty", f"The bank “{bank}” has no entries of our own.", status=409,
                      next_step="What sources brought is never sent on.")  # fmt: skip
    number = new_id("bsd")
    tx.run(
        """INSERT INTO bank_sendings (id, bank, source, last_entry, asked_by, asked_at, state)
           VALUES (%(id)s, %(bank)s, %(source)s, %(last)s, %(by)s, %(now)s, 'asked')""",
        id=number, bank=info.id, source=to.id, last=own["last"], by=tx.actor.id, now=tx.now,
    )  # fmt: skip
    append(tx, "bank.sending_asked", {"sending": number, "bank": info.id, "source": to.id})
    # The second person reads what would leave, and for whom, before why.
    what = f"Send {own['number']} of our own entries of the bank “{bank}” to “{source}”."
    approvals.ask(tx, APPROVAL, number, f"{what} {_said(reason)}")
    tx.wake("exchange")
    return number


def _said(reason: str) -> str:
    """Return a reason without space around it; raises `Problem` for one that says nothing."""
    tidy = reason.strip()
    if not 1 <= len(tidy) <= 1_000:
        raise Problem("sending.reason", "Say in a few words why.",
                      next_step="Write up to 1,000 characters.")  # fmt: skip
    return tidy


def _family(harm: str) -> str:
    return harm.partition(".")[0]


def settle(tx: Tx) -> int:
    """Let sendings begin that a second person agreed to, and end those that nobody did.

    Returns how many there were.
    """
    rows = tx.rows(
        """SELECT id, bank, source, last_entry FROM bank_sendings WHERE state = 'asked'
           ORDER BY id FOR UPDATE SKIP LOCKED"""
    )
    settled = 0
    for row in rows:
        state = approvals.state_of(tx, APPROVAL, row["id"])
        if state == "waiting":
            continue
        agreed = state in ("approved", "alone")
        count = _begin(tx, row) if agreed else 0
        tx.run("UPDATE bank_sendings SET state = %(s)s WHERE id = %(id)s",
               s="agreed" if agreed else "refused", id=row["id"])  # fmt: skip
        ids = {"sending": row["id"], "entries": str(count)}
        append(tx, f"bank.sending_{'agreed' if agreed else 'refused'}", ids)
        settled += 1
    return settled


def _begin(tx: Tx, row: dict[str, object]) -> int:
    """Put the entries of a sending into the outbox, without those that the source has already."""
    sql = """INSERT INTO bank_sent AS t (id, sending, source, entry, state, next_at)
             SELECT 'bst_' || %(sending)s || '_' || e.id, %(sending)s, %(source)s, e.id, 'intended',
               %(now)s
             FROM bank_entries e WHERE e.bank = %(bank)s AND e.living AND e.source IS NULL
               AND e.id <= %(last)s
             ON CONFLICT (source, entry) DO UPDATE SET sending = excluded.sending,
               state = 'intended', attempts = 0, next_at = excluded.next_at, last_error = NULL
               WHERE t.state IN ('failed', 'retracted')"""
    return tx.run(sql, sending=row["id"], source=row["source"], bank=row["bank"],
                  last=row["last_entry"], now=tx.now)  # fmt: skip


def claim(tx: Tx) -> tuple[Sent, Source, dict[str, str]] | None:
    """Take the next entry that is to be sent or taken back, with its source; count the attempt."""
    number = tx.value(
        """UPDATE bank_sent SET attempts = attempts + 1, next_at = %(later)s WHERE id = (
             SELECT t.id FROM bank_sent t JOIN bank_sources s ON s.id = t.source
             WHERE t.state IN ('intended', 'retracting') AND t.next_at <= %(now)s
               AND s.paused_at IS NULL AND s.removed_at IS NULL
             ORDER BY t.next_at, t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED) RETURNING id""",
        now=tx.now,
        later=tx.now + LEASE,
    )
    if number is None:
        return None
    found = store.sent(tx, str(number))
    return found, sources.source(tx, found.source), sources.credentials(tx, found.source)


def finish(tx: Tx, one: Sent, given: Given) -> None:
    """Store how an entry arrived, or that it counts no more; after twelve attempts it has failed.

    One that was withdrawn here before it was ever sent needs no taking back.
    """
    told = given.told
    done = "sent" if one.state == "intended" else "retracted"
    over = told.state == "failed" or (told.state == "retry" and one.attempts >= _ATTEMPTS)
    state = done if told.state == "sent" else "failed" if over else one.state
    pause = min(_PAUSE * 2 ** min(one.attempts, 20), _LONGEST)
    kept = tx.run(
        """UPDATE bank_sent SET state = %(state)s, last_error = %(error)s, next_at = %(next)s,
             remote = CASE WHEN %(remote)s = '' THEN remote ELSE %(remote)s END
           WHERE id = %(id)s AND state = %(was)s""",
        id=one.id, was=one.state, state=state, error=told.error[:500] or None, next=tx.now + pause,
        remote=given.remote[:200],
    )  # fmt: skip
    if not kept:
        _late(tx, one, given)
    elif state != one.state:
        ids = {"entry": str(one.entry), "source": one.source}
        kind = "bank.entry_retraction_failed" if _lost(one, state) else f"bank.entry_{state}"
        append(tx, kind, ids)


def _late(tx: Tx, one: Sent, given: Given) -> None:
    """Note what arrived although it was meanwhile to be taken back: without its name nobody can."""
    tx.run("UPDATE bank_sent SET remote = %(r)s WHERE id = %(id)s AND %(r)s <> ''",
           r=given.remote[:200], id=one.id)  # fmt: skip


def _lost(one: Sent, state: str) -> bool:
    return state == "failed" and one.state == "retracting"


def drop(tx: Tx, one: Sent) -> None:
    """End one that was withdrawn here before it was sent; take back one that may have arrived."""
    sql = """UPDATE bank_sent SET attempts = 0, next_at = %(now)s,
               state = CASE WHEN attempts = 1 AND remote = '' THEN 'retracted' ELSE 'retracting' END
             WHERE id = %(id)s AND state = 'intended'"""
    tx.run(sql, id=one.id, now=tx.now)


def recall_withdrawn(tx: Tx, limit: int = 1_000) -> int:
    """Let what was sent and is withdrawn here be taken back; return how many."""
    return tx.run(
        """UPDATE bank_sent SET state = 'retracting', attempts = 0, next_at = %(now)s
           WHERE id IN (SELECT t.id FROM bank_sent t JOIN bank_entries e ON e.id = t.entry
                        WHERE t.state = 'sent' AND NOT (e.living AND e.source IS NULL)
                        LIMIT %(limit)s)""",
        now=tx.now,
        limit=limit,
    )


def take_back(tx: Tx, bank: str, source: str, reason: str) -> int:
    """Take back all that was sent of a bank to a source; return how many entries.

    That takes one person. Raises `Problem` 400 without a reason of up to 1,000 characters.
    """
    words = _said(reason)
    info, to = bank_named(tx, bank), sources.source(tx, source)
    count = tx.run(
        """UPDATE bank_sent t SET attempts = 0,
             next_at = CASE WHEN t.state = 'intended' AND t.attempts > 0
                         THEN %(sure)s ELSE %(now)s END,
             state = CASE WHEN t.state = 'intended' AND t.remote = '' AND t.attempts = 0
                       THEN 'retracted' ELSE 'retracting' END
           FROM bank_entries e WHERE e.id = t.entry AND e.bank = %(b)s AND t.source = %(s)s
             AND t.state IN ('sent', 'intended', 'failed')
             AND NOT (t.state = 'failed' AND t.remote = '')""",
        b=info.id, s=to.id, now=tx.now,
        # What is on its way now arrives first, or its taking back would come before it.
        sure=tx.now + LEASE,
    )  # fmt: skip
    append(tx, "bank.sending_taken_back",
           {"bank": info.id, "source": to.id, "entries": str(count)})  # fmt: skip
    tx.run("UPDATE bank_sendings SET taken_back = %(why)s WHERE bank = %(b)s AND source = %(s)s",
           why=words, b=info.id, s=to.id)  # fmt: skip
    tx.wake("exchange")
    return count
