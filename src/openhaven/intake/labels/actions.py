"""Verbs on labels: give those of a batch, and take away what an event gave."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from openhaven import ledger
from openhaven.core import new_id
from openhaven.intake.store import Claimed
from openhaven.storage import Tx

# A label that is given again and again is written again only when its end moves by this much.
STEP = timedelta(hours=1)


class Note(msgspec.Struct, frozen=True):
    """A label to be given because of an event: on its item, or on its account."""

    claimed: Claimed
    rule: str
    pack: str
    name: str
    days: int
    on_item: bool

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What there is only one of: platform, account, item ("" for the account), name."""
        event = self.claimed.event
        item = event.item.id if self.on_item and event.item else ""
        return self.claimed.platform, event.account.id, item, self.name


class _Given(msgspec.Struct):
    id: str
    rule: str
    pack: str
    event: int
    name: str


def give_labels(tx: Tx, notes: Sequence[Note]) -> int:
    """Give the labels of a batch with one statement, in one order; return how many changed.

    One that stands already stands for longer. A label for an item where there is none is left out.
    """
    chosen: dict[tuple[str, str, str, str], Note] = {}
    for note in notes:
        before = chosen.get(note.key)
        sound = not note.on_item or note.key[2]
        if sound and (before is None or note.days >= before.days):
            chosen[note.key] = note
    if not chosen:
        return 0
    given = _stored(tx, [chosen[key] for key in sorted(chosen)])
    ledger.append_many(tx, [ledger.New("label.given", _ids(one)) for one in given])
    return len(given)


def _ids(one: _Given) -> dict[str, str]:
    return {
        "label": one.id,
        "name": one.name,
        "rule": one.rule,
        "pack": one.pack,
        "event": str(one.event),
    }


def _stored(tx: Tx, notes: list[Note]) -> list[_Given]:
    sql = """INSERT INTO labels AS l (id, platform, account, item, name, rule, pack, event,
               given_at, until)
             SELECT n.id, n.platform, n.account, n.item, n.name, n.rule, n.pack, n.event, %(now)s,
               n.until
             FROM unnest(%(ids)b::text[], %(platforms)b::text[], %(accounts)b::text[],
               %(items)b::text[], %(names)b::text[], %(rules)b::text[], %(packs)b::text[],
               %(events)b::bigint[], %(untils)b::timestamptz[])
               AS n (id, platform, account, item, name, rule, pack, event, until)
             ON CONFLICT (platform, account, item, name) DO UPDATE SET
               rule = excluded.rule, pack = excluded.pack, event = excluded.event,
               given_at = CASE WHEN l.until > %(now)s THEN l.given_at ELSE excluded.given_at END,
               until = excluded.until
             WHERE l.until < excluded.until - %(step)s::interval
             RETURNING id, rule, pack, event, name"""
    return tx.all(
        sql,
        _Given,
        now=tx.now,
        step=STEP,
        ids=[new_id("lbl") for _ in notes],
        platforms=[note.key[0] for note in notes],
        accounts=[note.key[1] for note in notes],
        items=[note.key[2] for note in notes],
        names=[note.name for note in notes],
        rules=[note.rule for note in notes],
        packs=[note.pack for note in notes],
        events=[note.claimed.seq for note in notes],
        untils=[tx.now + timedelta(days=note.days) for note in notes],
    )


def remove_labels(tx: Tx, event: int) -> int:
    """Take away the labels that rest on an event, since a person found nothing in it."""
    # In the order in which they are given: so no two ever wait for each other.
    sql = """DELETE FROM labels WHERE id IN (
               SELECT id FROM labels WHERE event = %(e)s
               ORDER BY platform COLLATE "C", account COLLATE "C", item COLLATE "C",
                 name COLLATE "C" FOR UPDATE)
             RETURNING id"""
    gone = [str(row["id"]) for row in tx.rows(sql, e=event)]
    ids = [{"label": label, "event": str(event)} for label in gone]
    ledger.append_many(tx, [ledger.New("label.removed", one) for one in ids])
    return len(gone)
