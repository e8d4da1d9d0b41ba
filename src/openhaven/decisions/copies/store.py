"""Finding copies of what was decided on, and reading lists of them."""

from collections.abc import Iterator

import msgspec

from openhaven import intake
from openhaven.core import Problem
from openhaven.decisions.copies.model import LEAST_QUALITY, NEAR, Copy, How, Listed, distance
from openhaven.decisions.model import Decision
from openhaven.intake import Event, MediaFacts
from openhaven.intake.store import opened
from openhaven.signals.text.near import sketch
from openhaven.signals.text.skeleton import folded
from openhaven.storage import Tx

# How many of the latest items are looked at for the same words: each has to be opened.
_TEXTS = 2_000
_MOST = 1_000
_COPIED = ("remove", "restrict", "block")


def find(tx: Tx, made: Decision) -> list[Copy]:
    """Return copies of what a decision is about, on the same platform, newest first.

    What a decision in force keeps back already is not among them, nor is what was said in private.
    Without the item's content (it was erased, or is not kept any more) there are none.
    """
    event = _content(tx, made)
    if event is None or event.item is None or made.outcome not in _COPIED:
        return []
    media = intake.media_facts(tx, made.platform, [ref.id for ref in event.item.media])
    found: dict[int, How] = dict.fromkeys(_same_words(tx, made, event.item.text or ""), "text")
    found |= dict.fromkeys(_near_pictures(tx, made, list(media.values())), "picture")
    found |= dict.fromkeys(_same_files(tx, made, list(media.values())), "file")
    return _copies(tx, made, found)


def _content(tx: Tx, made: Decision) -> Event | None:
    if made.item is None:
        return None
    row = intake.latest_of_item(tx, made.platform, made.item)
    return None if row is None else intake.open_event(tx, row.seq)[1]


def _same_files(tx: Tx, made: Decision, media: list[MediaFacts]) -> list[int]:
    sql = """SELECT event FROM media WHERE platform = %(p)s AND event IS NOT NULL
             AND sha256 = ANY(%(hashes)s) ORDER BY event DESC LIMIT %(most)s"""
    hashes = [facts.sha256 for facts in media]
    return _numbers(tx, sql, p=made.platform, hashes=hashes, most=_MOST) if hashes else []


def _near_pictures(tx: Tx, made: Decision, media: list[MediaFacts]) -> list[int]:
    sql = """SELECT event FROM media WHERE platform = %(p)s AND event IS NOT NULL
               AND pdq IS NOT NULL AND quality >= %(least)s
               AND bit_count(('x' || encode(pdq, 'hex'))::bit(256)
                             # ('x' || encode(%(pdq)b, 'hex'))::bit(256)) <= %(near)s
             ORDER BY event DESC LIMIT %(most)s"""
    return [
        number
        for facts in media
        if facts.pdq is not None and (facts.quality or 0) >= LEAST_QUALITY
        for number in _numbers(tx, sql, p=made.platform, pdq=facts.pdq, near=NEAR,
                               least=LEAST_QUALITY, most=_MOST)
    ]  # fmt: skip


def _numbers(tx: Tx, sql: str, **params: object) -> list[int]:
    return [int(row["event"]) for row in tx.rows(sql, **params)]


class _Stored(msgspec.Struct):
    seq: int
    subject: str
    body: bytes


def _same_words(tx: Tx, made: Decision, text: str) -> Iterator[int]:
    """Yield the events with the same words, or nearly the same where there are enough of them."""
    words, drawn = folded(text).strip(), sketch(text)
    if not words:
        return
    sql = """SELECT seq, subject, body FROM events WHERE platform = %(p)s AND item IS NOT NULL
               AND body IS NOT NULL AND kind NOT IN ('report.create', 'item.delete')
             ORDER BY seq DESC LIMIT %(n)s"""
    rows = tx.all(sql, _Stored, p=made.platform, n=_TEXTS)
    tx.keys.load(row.subject for row in rows)
    for row in rows:
        event = opened(tx, row.subject, row.body)
        if event is None or event.item is None or not event.item.text or _private(event):
            continue
        other = sketch(event.item.text) if drawn else None
        near = drawn is not None and other is not None and distance(drawn, other) <= NEAR
        if near or folded(event.item.text).strip() == words:
            yield row.seq


def _private(event: Event) -> bool:
    return event.conversation is not None and event.conversation.visibility == "private"


def _copies(tx: Tx, made: Decision, found: dict[int, How]) -> list[Copy]:
    """Return the latest event of each item that was found, where nothing keeps it back yet."""
    sql = """SELECT DISTINCT ON (e.item) e.item, e.seq AS event, e.account, e.at FROM events e
             WHERE e.seq = ANY(%(seqs)s) AND e.item IS NOT NULL AND e.item <> %(item)s
               AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.platform = e.platform
                 AND d.item = e.item AND d.state = 'in_force' AND d.outcome = ANY(%(taken)s))
             ORDER BY e.item, e.seq DESC"""
    rows = tx.rows(sql, seqs=list(found), item=made.item, taken=list(_COPIED))
    copies = [Copy(row["item"], row["event"], row["account"], found[row["event"]], row["at"])
              for row in rows]  # fmt: skip
    return sorted(copies, key=lambda one: one.event, reverse=True)[:_MOST]


_LIST = "SELECT id, decision, asked_by, asked_at, state, n, alone_upto FROM copy_lists "


def listed(tx: Tx, list_id: str) -> Listed:
    """Return a list of copies, or raise `Problem` (404)."""
    found = tx.one(_LIST + "WHERE id = %(id)s", Listed, id=list_id)
    if found is None:
        raise Problem("copies.unknown", "There is no such list.", status=404)
    return found


def lists_of(tx: Tx, decision: str) -> list[Listed]:
    """Return the lists of copies of a decision, oldest first."""
    return tx.all(_LIST + "WHERE decision = %(d)s ORDER BY asked_at, id", Listed, d=decision)


def copies_of(tx: Tx, list_id: str) -> list[Copy]:
    """Return the copies on a list, with the decision that was made where it was."""
    sql = """SELECT c.item, c.event, e.account, c.how, e.at FROM copy_items c
             JOIN events e ON e.seq = c.event WHERE c.list = %(l)s ORDER BY c.event DESC"""
    return tx.all(sql, Copy, l=list_id)
