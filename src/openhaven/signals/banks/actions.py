"""Verbs: create a bank, change its mode, add entries, withdraw one."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from openhaven import core
from openhaven.core import Problem, new_id
from openhaven.ledger import append
from openhaven.signals.banks.model import (
    KINDS,
    LENGTHS,
    LONGEST_LINK,
    MODES,
    OPINIONS,
    WIDEST_RADIUS,
    BankInfo,
)
from openhaven.signals.banks.store import by_name
from openhaven.signals.hashes.perceptual import MIN_QUALITY
from openhaven.storage import Tx

CHANNEL = "banks"

_NAME = re.compile("[a-z0-9][a-z0-9-]{0,62}")


class NewEntry(NamedTuple):
    """An entry to be added: its value in bytes, PDQ's quality if told, and where it came from."""

    value: bytes
    quality: int | None = None
    provenance: str = ""


class Refused(NamedTuple):
    """An entry that was not added: its place in what was given, from 0, and why."""

    place: int
    reason: str


class Added(msgspec.Struct, frozen=True):
    """What became of a list of entries. `known` were in the bank already."""

    added: int
    known: int
    refused: tuple[Refused, ...]


def create_bank(
    tx: Tx,
    name: str,
    *,
    kind: str,
    harm: str,
    owner: str,
    purpose: str,
    opinion: str = "positive",
    radius: int = 31,
    mode: str = "live",
) -> BankInfo:
    """Create an empty bank and return it. Raises `Problem` for a word or number that is not one."""
    core.harm(harm)
    _one_of("kind", kind, KINDS)
    _one_of("opinion", opinion, OPINIONS)
    _one_of("mode", mode, MODES)
    if not 0 <= radius <= WIDEST_RADIUS:
        raise Problem(
            "bank.radius",
            f"A radius is a number of bits from 0 to {WIDEST_RADIUS}.",
            next_step="31 is usual; smaller finds fewer and surer matches.",
        )
    if not _NAME.fullmatch(name):
        raise Problem(
            "bank.name",
            "A bank's name has lower-case letters, digits and hyphens.",
            next_step="Choose a name such as “partner-list”.",
        )
    info = BankInfo(new_id("bnk"), name, kind, harm, opinion, radius, mode)  # type: ignore[arg-type]
    sql = """INSERT INTO banks
             (id, name, kind, harm, opinion, radius, mode, owner, purpose, created_at)
             VALUES (%(id)s, %(name)s, %(kind)s, %(harm)s, %(opinion)s, %(radius)s, %(mode)s,
                     %(owner)s, %(purpose)s, %(now)s) ON CONFLICT (name) DO NOTHING"""
    row = msgspec.structs.asdict(info)
    if not tx.run(sql, **row, owner=owner, purpose=purpose, now=tx.now):
        raise Problem(
            "bank.exists",
            f"There is a bank “{name}” already.",
            status=409,
            next_step="Choose another name, or add to that bank.",
        )
    _tell(tx, info.id)
    append(tx, "bank.created", {"bank": info.id, "kind": kind, "harm": harm})
    return info


def set_mode(tx: Tx, name: str, mode: str) -> BankInfo:
    """Make a bank `live`, `shadow` or `off`. Raises `Problem` for another mode or bank."""
    _one_of("mode", mode, MODES)
    info = bank_named(tx, name)
    tx.run("UPDATE banks SET mode = %(mode)s WHERE id = %(id)s", mode=mode, id=info.id)
    _tell(tx, info.id)
    append(tx, "bank.mode", {"bank": info.id, "mode": mode})
    return msgspec.structs.replace(info, mode=mode)


def add_entries(tx: Tx, name: str, entries: Sequence[NewEntry]) -> Added:
    """Add entries to a bank; those that cannot be used are refused one by one, with a reason.

    An entry that was withdrawn before lives again. Raises `Problem` when there is no such bank.
    Values of links are canonical (`openhaven.signals.links.canonical`), in UTF-8.
    """
    info = bank_named(tx, name)
    refused = []
    taken: dict[bytes, NewEntry] = {}
    for place, entry in enumerate(entries):
        if reason := _fault(info.kind, entry):
            refused.append(Refused(place, reason))
        else:
            taken.setdefault(entry.value, entry)
    added = _insert(tx, info.id, list(taken.values())) if taken else 0
    if added:
        append(tx, "bank.entries_added", {"bank": info.id, "count": str(added)})
    return Added(added, len(entries) - len(refused) - added, tuple(refused))


def withdraw_entry(tx: Tx, name: str, value: bytes) -> int:
    """Take one entry out of a bank and return its id; it stays on record and matches no more.

    Raises `Problem` when the bank has no such living entry.
    """
    info = bank_named(tx, name)
    sql = """UPDATE bank_entries SET withdrawn_at = %(now)s
             WHERE bank = %(bank)s AND value = %(value)s AND withdrawn_at IS NULL RETURNING id"""
    entry = tx.value(sql, now=tx.now, bank=info.id, value=value)
    if entry is None:
        raise Problem(
            "bank.no_entry",
            f"The bank “{name}” has no such entry.",
            status=404,
            next_step="Check the value; it may have been withdrawn before.",
        )
    sql = """INSERT INTO bank_changes (bank, entry, op, at)
             VALUES (%(bank)s, %(entry)s, 'withdraw', %(now)s)"""
    tx.run(sql, bank=info.id, entry=entry, now=tx.now)
    tx.wake(CHANNEL)
    append(tx, "bank.entry_withdrawn", {"bank": info.id, "entry": str(entry)})
    return int(entry)


def bank_named(tx: Tx, name: str) -> BankInfo:
    """Return the bank with this name, or raise `Problem`."""
    info = by_name(tx, name)
    if info is None:
        raise Problem(
            "bank.none",
            f"There is no bank “{name}”.",
            status=404,
            next_step="`openhaven bank list` shows the banks there are.",
        )
    return info


def _insert(tx: Tx, bank: str, entries: list[NewEntry]) -> int:
    sql = """WITH given AS (
               SELECT * FROM unnest(%(values)s::bytea[], %(qualities)s::int[], %(origins)s::text[])
                 AS given (value, quality, provenance)
             ), put AS (
               INSERT INTO bank_entries (bank, value, quality, provenance, added_by, added_at)
               SELECT %(bank)s, value, quality, provenance, %(actor)s, %(now)s FROM given
               ON CONFLICT (bank, value) DO UPDATE SET withdrawn_at = NULL,
                 quality = excluded.quality, provenance = excluded.provenance,
                 added_by = excluded.added_by, added_at = excluded.added_at
                 WHERE bank_entries.withdrawn_at IS NOT NULL
               RETURNING id
             )
             INSERT INTO bank_changes (bank, entry, op, at)
             SELECT %(bank)s, id, 'add', %(now)s FROM put"""
    added = tx.run(
        sql,
        bank=bank,
        actor=str(tx.actor),
        now=tx.now,
        values=[entry.value for entry in entries],
        qualities=[entry.quality for entry in entries],
        origins=[entry.provenance for entry in entries],
    )
    if added:
        tx.wake(CHANNEL)
    return added


def _tell(tx: Tx, bank: str) -> None:
    sql = "INSERT INTO bank_changes (bank, op, at) VALUES (%(bank)s, 'bank', %(now)s)"
    tx.run(sql, bank=bank, now=tx.now)
    tx.wake(CHANNEL)


def _fault(kind: str, entry: NewEntry) -> str:
    value = entry.value
    if kind == "link":
        return "" if 0 < len(value) <= LONGEST_LINK else "a link has 1 to 2000 bytes"
    if len(value) != LENGTHS[kind]:
        return f"{kind} has {LENGTHS[kind]} bytes, this has {len(value)}"
    if len(set(value)) == 1:
        return "all bytes are the same; such a hash stands for an empty or broken file"
    if kind == "pdq" and entry.quality is not None and entry.quality < MIN_QUALITY:
        return f"quality {entry.quality} is under {MIN_QUALITY}; it would match at random"
    return ""


def _one_of(what: str, word: str, words: Sequence[str]) -> None:
    if word not in words:
        raise Problem(
            f"bank.{what}",
            f"“{word}” is no {what} of a bank.",
            next_step="Use one of: " + ", ".join(words),
        )
