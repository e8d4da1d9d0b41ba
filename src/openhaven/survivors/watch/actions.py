"""Verbs of the watch: begin one, ask people about its matches, end it when its time has come."""

from datetime import timedelta

from openhaven import intake, ledger, review
from openhaven.core import HARMS, Problem
from openhaven.core.words import mark
from openhaven.intake import Platform
from openhaven.signals.banks import add_entries, bank_named, withdraw_entries
from openhaven.signals.banks.matches import tie
from openhaven.signals.banks.model import NewEntry
from openhaven.signals.banks.store import entry_of
from openhaven.storage import Tx
from openhaven.survivors import actions, store
from openhaven.survivors.copies import bank_for
from openhaven.survivors.model import QUEUE, category
from openhaven.survivors.store import Learning, Made
from openhaven.survivors.watch import store as watches
from openhaven.survivors.watch.model import BANKS, PURPOSE, Watch, checked


def ask_watch(tx: Tx, platform: Platform, asked: Watch, origin: str = "") -> Made:
    """Let a hash wait in a bank that only ever asks a person; return the request and its code.

    Raises `Problem`: 400 for a hash that cannot be watched for, 409 for what people found harmless,
    429 over the limit of a day.
    """
    asked = checked(asked)
    store.require_room(tx, "watch", origin)
    young = asked.age == "child"
    name = bank_for(tx, BANKS[young], "pdq", category("watch", young=young), PURPOSE)
    bank, expires = bank_named(tx, name), tx.now + timedelta(days=asked.days)
    if watches.ended_as_harmless(tx, bank.id, asked.pdq):
        raise Problem(
            "watch.harmless",
            mark("People looked at this picture before."),
            status=409,
            next_step=mark(
                "They found that it is not an intimate picture. If you know a "
                "place where it hurts you, report that post to us."
            ),
        )
    add_entries(tx, name, [NewEntry(asked.pdq, asked.quality, "a person's own watch")])
    entry = entry_of(tx, bank.id, asked.pdq)
    assert entry is not None
    watched = Learning(bank=bank.id, entry=entry.id, expires=expires)
    # The hash stands in the bank alone: with the request it would say who is in the picture.
    return actions.insert(tx, platform.id, "watch", young=young, origin=origin, watched=watched,
                          body={"days": asked.days})  # fmt: skip


def open_tasks(tx: Tx) -> int:
    """Ask a person about every match of a watch that no rule of the pack has asked about."""
    found = watches.unasked(tx)
    for one in found:
        row, _ = intake.open_event(tx, one.event)
        task = review.open_task(
            tx, platform=row.platform, item=row.item, account=row.account, harm=one.harm,
            severity=HARMS[one.harm].severity, queue=QUEUE, event=one.event,
        )  # fmt: skip
        tie(tx, one.match, task)
        ledger.append(tx, "survivor.watch_found", {"task": task})
    return len(found)


def end_stopped(tx: Tx) -> int:
    """End watches whose time has come, or that only found what is not forbidden."""
    ended = watches.to_end(tx)
    for one in ended:
        sql = """UPDATE survivor_requests SET state = 'ended', ended_at = %(now)s, why = %(why)s
                 WHERE id = %(id)s AND state = 'open'"""
        tx.run(sql, id=one.request, now=tx.now, why=one.why)
        sql = "SELECT 1 FROM survivor_requests WHERE entry = %(e)s AND state = 'open'"
        if tx.value(sql, e=one.entry) is None:
            withdraw_entries(tx, [one.entry], one.why)
        ledger.append(tx, f"survivor.watch_{one.why}", {"request": one.request})
    return len(ended)
