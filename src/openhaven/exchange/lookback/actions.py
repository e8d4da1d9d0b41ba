"""Verbs of looking back: begin a run, keep what a page of media showed, end, halt or cancel it."""

from collections.abc import Sequence
from datetime import timedelta

from openhaven import intake, review
from openhaven.core import HARMS, Problem, new_id
from openhaven.exchange.lookback import store
from openhaven.exchange.lookback.comparing import Hit
from openhaven.exchange.lookback.model import (
    DAYS,
    MOST_DAYS,
    MOST_TASKS,
    OF_EVENTS,
    SHARE,
    LookBack,
    queue_of,
    require_may_look_back,
    share_of,
)
from openhaven.exchange.lookback.reading import Leaf, said
from openhaven.exchange.lookback.store import Due, Piece
from openhaven.ledger import append
from openhaven.signals import Banks, Finding
from openhaven.signals.banks import BankInfo, bank_named
from openhaven.signals.banks.store import infos
from openhaven.signals.films import FilmSignal
from openhaven.signals.media import MediaSignal
from openhaven.storage import Tx

CHANNEL = "look-backs"
LEASE = timedelta(minutes=2)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=30)
TOO_MANY = (
    f"More than {MOST_TASKS:,} items match. That is a sign that something is wrong with the bank; "
    "look at its matches, then ask for it again."
)


# Runs -----------------------------------------------------------------------------------------


def ask(tx: Tx, name: str, days: int = DAYS) -> str:
    """Begin to compare all entries of a bank with what was seen in the last days; return its id.

    Raises `Problem`: 403 for a bank of other harms, 409 when one is under way.
    """
    info = bank_named(tx, name)
    require_may_look_back(info)
    if not 1 <= days <= MOST_DAYS:
        raise Problem("look_back.days", f"Looking back goes from 1 to {MOST_DAYS} days.")
    found = _begin(tx, info.id, days, "asked", None)
    if found is None:
        raise Problem("look_back.busy", f"“{name}” is looking back just now.", status=409,
                      next_step="Wait until it has ended, or cancel it.")  # fmt: skip
    return found


def begin_due(tx: Tx, due: Due) -> str | None:
    """Begin a run over what was added to a bank; None when somebody else just did."""
    return _begin(tx, due.bank, DAYS, "additions", due.since)


def _begin(tx: Tx, bank: str, days: int, why: str, since: str | None) -> str | None:
    sql = """INSERT INTO look_backs (id, bank, why, days, since, from_writer, until_writer,
               asked_by, created_at, next_at)
             VALUES (%(id)s, %(bank)s, %(why)s, %(days)s, %(since)s, %(first)s::xid8,
               pg_snapshot_xmin(pg_current_snapshot()), %(by)s, %(now)s, %(now)s)
             ON CONFLICT (bank) WHERE state IN ('waiting', 'running') DO NOTHING RETURNING id"""
    run: str | None = tx.value(sql, id=new_id("lkb"), bank=bank, why=why, days=days, first=since,
                   since=tx.now - timedelta(days=days), by=str(tx.actor), now=tx.now)  # fmt: skip
    if run is not None:
        append(tx, "look_back.asked", {"look_back": run, "bank": bank, "days": str(days)})
        tx.wake(CHANNEL)
    return run


def claim(tx: Tx) -> LookBack | None:
    """Take the run that is due for two minutes, or None; the first time count what there is."""
    sql = """UPDATE look_backs SET lease_until = %(until)s WHERE id = (
               SELECT id FROM look_backs WHERE state IN ('waiting', 'running')
                 AND next_at <= %(now)s AND (lease_until IS NULL OR lease_until <= %(now)s)
               ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"""
    found = tx.value(sql, now=tx.now, until=tx.now + LEASE)
    if found is None:
        return None
    run = store.look_back(tx, found)
    return run if run.state == "running" else _start(tx, run)


def _start(tx: Tx, run: LookBack) -> LookBack:
    info = next(one for one in infos(tx) if one.id == run.bank)
    entries, media = store.count_entries(tx, run.id), store.count_things(tx, info.kind, run.since)
    sql = """UPDATE look_backs SET state = 'running', started_at = %(now)s, entries = %(entries)s,
               media = %(media)s, shares = %(shares)s WHERE id = %(id)s"""
    shares = max(-(-entries // share_of(info.kind, SHARE)), 1)
    tx.run(sql, id=run.id, entries=entries, media=media, shares=shares, now=tx.now)
    ids = {"look_back": run.id, "bank": run.bank, "entries": str(entries), "media": str(media)}
    append(tx, "look_back.started", ids)
    return store.look_back(tx, run.id)


def next_share(tx: Tx, run: LookBack, last_entry: int) -> None:
    """Go on with the entries after this one, and with the media from the first."""
    sql = """UPDATE look_backs SET share = share + 1, after_entry = %(last)s, after_media = '',
               lease_until = %(lease)s WHERE id = %(id)s AND share = %(share)s"""
    tx.run(sql, id=run.id, last=last_entry, share=run.share, lease=tx.now + LEASE)


def end(tx: Tx, run: LookBack, state: str = "done", error: str | None = None) -> None:
    """End a run that is open: all was looked at (`done`), or it was `halted` for this reason."""
    sql = """UPDATE look_backs SET state = %(state)s, ended_at = %(now)s, lease_until = NULL,
               last_error = %(error)s WHERE id = %(id)s AND state IN ('waiting', 'running')"""
    if tx.run(sql, id=run.id, state=state, error=error, now=tx.now):
        last = store.look_back(tx, run.id)
        counts = {"looked": last.looked, "matches": last.matches, "tasks": last.tasks}
        append(tx, f"look_back.{state}",
               {"look_back": run.id} | {name: str(n) for name, n in counts.items()})  # fmt: skip


def cancel(tx: Tx, name: str) -> None:
    """Cancel the run of a bank that waits or is under way; what it found stays."""
    info = bank_named(tx, name)
    runs = [one for one in store.look_backs(tx, info.id, 1) if one.is_open]
    if not runs:
        raise Problem("look_back.none", f"“{name}” is not looking back.", status=404)
    end(tx, runs[0], "cancelled")


def let_go(tx: Tx, run: LookBack) -> None:
    """Give a run back, to be gone on with at once."""
    tx.run("UPDATE look_backs SET lease_until = NULL WHERE id = %(id)s", id=run.id)


def stumble(tx: Tx, run: LookBack, why: str) -> None:
    """Note that a run could not go on; it is tried again, ever later, from where it was."""
    pause = min(_FIRST_PAUSE * 2 ** min(run.failures, 20), _LONGEST_PAUSE)
    sql = """UPDATE look_backs SET failures = failures + 1, last_error = %(why)s,
               next_at = %(next)s, lease_until = NULL WHERE id = %(id)s"""
    tx.run(sql, id=run.id, why=why[:500], next=tx.now + pause)


# What a page showed ---------------------------------------------------------------------------


def keep_page(tx: Tx, run: LookBack, page: Leaf, banks: Banks) -> LookBack:
    """Keep the matches of a page, ask people about them, and note how far it is: all at once.

    Raises `Problem` 409 when somebody else went on with the run, or ended it; then nothing is kept.
    """
    sql = """SELECT 1 FROM look_backs WHERE id = %(id)s AND state = 'running'
               AND share = %(share)s AND after_media = %(after)s FOR UPDATE"""
    if not tx.value(sql, id=run.id, share=run.share, after=run.after_media):
        raise Problem("look_back.meanwhile", "Somebody else went on with it.", status=409)
    matches, tasks, gone = _keep(tx, run, page.hits, banks)
    sql = """UPDATE look_backs SET after_media = %(last)s, looked = looked + %(count)s,
               matches = matches + %(matches)s, tasks = tasks + %(tasks)s, gone = gone + %(gone)s,
               failures = 0, last_error = NULL, lease_until = %(lease)s WHERE id = %(id)s"""
    tx.run(sql, id=run.id, last=page.last, count=page.number, matches=matches, tasks=tasks,
           gone=gone, lease=tx.now + LEASE)  # fmt: skip
    return store.look_back(tx, run.id)


def _keep(tx: Tx, run: LookBack, hits: Sequence[Hit], banks: Banks) -> tuple[int, int, int]:
    """Return how many matches are new, how many items people are asked about, how many are gone."""
    if not hits:
        return 0, 0, 0
    info = next(one for one in infos(tx) if one.id == run.bank)
    by_media: dict[str, list[Hit]] = {}
    for hit in hits:
        by_media.setdefault(hit.media, []).append(hit)
    of_events = info.kind in OF_EVENTS
    found = (store.pieces_of_events if of_events else store.pieces)(tx, list(by_media))
    known = store.known(tx, [one.event for one in found], list({hit.entry for hit in hits}))
    matches = gone = 0
    asked = set[str]()
    for piece in found:
        fresh = [hit for hit in by_media[piece.id]
                 if (piece.event, hit.entry, hit.about) not in known]  # fmt: skip
        if not fresh or run.tasks + len(asked) >= MOST_TASKS:
            continue
        finding = _finding(tx, piece, info, banks)
        if finding is None:
            gone += 1
            continue
        task = None if finding.opinion == "noted" else _ask_about(tx, run, piece, info)
        _insert(tx, run, piece, finding, task, fresh)
        matches += len(fresh)
        asked |= {task} - {None}  # type: ignore[arg-type]
    return matches, len(asked), gone


def _finding(tx: Tx, piece: Piece, info: BankInfo, banks: Banks) -> Finding | None:
    """Return what the bank says of a piece today, as on the line; None when nothing may be said.

    What was erased, is not kept any more, or was private without a ground to look at it is left.
    """
    _, event = intake.open_event(tx, piece.event)
    if event is None or not event.may_be_read(piece.private_basis):
        return None
    found: Sequence[Finding] = ()
    if info.kind in OF_EVENTS:
        found = said(banks, info.kind, event)
    elif facts := intake.media_facts(tx, piece.platform, [piece.id]).get(piece.id):
        subject = f"media:{piece.id}"
        found = [*MediaSignal(banks).known(subject, facts),
                 *FilmSignal(banks).known(subject, facts.film)]  # fmt: skip
    return next((one for one in found if one.value == info.name), None)


def _ask_about(tx: Tx, run: LookBack, piece: Piece, info: BankInfo) -> str:
    """Put the item before a person, and say in the ledger why."""
    row, event = intake.open_event(tx, piece.event)
    reported = row.kind == "report.create"
    target = event.target if event is not None and reported else None
    account = (target.account.id if target and target.account else None) if reported \
        else row.account  # fmt: skip
    task = review.open_task(
        tx, platform=piece.platform, item=row.item, account=account or row.account,
        harm=info.harm, severity=HARMS[info.harm].severity, queue=queue_of(info.harm),
        event=piece.event, sure=not reported,
    )  # fmt: skip
    what = "event" if info.kind in OF_EVENTS else "media"
    append(tx, "look_back.match", {"look_back": run.id, "task": task, what: piece.id})
    return task


def _insert(
    tx: Tx, run: LookBack, piece: Piece, finding: Finding, task: str | None, hits: Sequence[Hit]
) -> None:
    noted = str(finding.detail["noted"]) if finding.opinion == "noted" else ""
    cleared = finding.detail.get("cleared_by", finding.detail.get("disputed_by"))
    tx.run(
        """INSERT INTO bank_matches (at, bank, entry, event, subject, opinion, noted, cleared_by,
             distance, task, look_back)
           SELECT %(now)s, %(bank)s, g.entry, %(event)s, g.subject, %(opinion)s, %(noted)s,
             %(cleared)s, g.distance, %(task)s, %(run)s
           FROM unnest(%(entries)s::bigint[], %(distances)s::int[], %(subjects)s::text[])
             AS g (entry, distance, subject)
           ON CONFLICT (event, entry, subject) DO NOTHING""",
        now=tx.now, bank=run.bank, event=piece.event,
        subjects=[hit.about for hit in hits], opinion=finding.opinion, noted=noted,
        cleared=cleared, task=task, run=run.id,
        entries=[hit.entry for hit in hits], distances=[hit.distance for hit in hits],
    )  # fmt: skip
