"""Verbs on banks: create one, say how it counts and what it may lead to."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from openhaven import core
from openhaven.core import Problem, new_id
from openhaven.ledger import append
from openhaven.signals.banks.model import (
    AT_MOST,
    KINDS,
    MODES,
    OPINIONS,
    WIDEST_RADIUS,
    BankInfo,
)
from openhaven.signals.banks.store import by_name
from openhaven.storage import Tx

CHANNEL = "banks"

_NAME = re.compile("[a-z0-9][a-z0-9-]{0,62}")


# Banks ----------------------------------------------------------------------------------------


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
    at_most: str = "act",
    clause: str = "",
    expires_at: datetime | None = None,
) -> BankInfo:
    """Create an empty bank and return it. Raises `Problem` for a word or number that is not one."""
    core.harm(harm)
    _one_of("kind", kind, KINDS)
    _one_of("opinion", opinion, OPINIONS)
    _one_of("mode", mode, MODES)
    _one_of("at_most", at_most, AT_MOST)
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
    info = BankInfo(new_id("bnk"), name, kind, harm, opinion, radius, mode, at_most, clause)  # type: ignore[arg-type]
    sql = """INSERT INTO banks
             (id, name, kind, harm, opinion, radius, mode, at_most, clause, owner, purpose,
              expires_at, created_at)
             VALUES (%(id)s, %(name)s, %(kind)s, %(harm)s, %(opinion)s, %(radius)s, %(mode)s,
                     %(at_most)s, %(clause)s, %(owner)s, %(purpose)s, %(expires)s, %(now)s)
             ON CONFLICT (name) DO NOTHING"""
    row = msgspec.structs.asdict(info)
    if not tx.run(sql, **row, owner=owner, purpose=purpose, expires=expires_at, now=tx.now):
        raise Problem(
            "bank.exists",
            f"There is a bank “{name}” already.",
            status=409,
            next_step="Choose another name, or add to that bank.",
        )
    tell(tx, info.id)
    append(tx, "bank.created", {"bank": info.id, "kind": kind, "harm": harm})
    return info


def set_mode(tx: Tx, name: str, mode: str) -> BankInfo:
    """Make a bank `live`, `shadow` or `off`. Raises `Problem` for another mode or bank."""
    _one_of("mode", mode, MODES)
    info = bank_named(tx, name)
    tx.run("UPDATE banks SET mode = %(mode)s WHERE id = %(id)s", mode=mode, id=info.id)
    tell(tx, info.id)
    append(tx, "bank.mode", {"bank": info.id, "mode": mode})
    return msgspec.structs.replace(info, mode=mode)


def set_at_most(tx: Tx, name: str, at_most: str) -> BankInfo:
    """Say what a match may lead to at most: `act` or `review`."""
    _one_of("at_most", at_most, AT_MOST)
    info = bank_named(tx, name)
    tx.run("UPDATE banks SET at_most = %(a)s WHERE id = %(id)s", a=at_most, id=info.id)
    tell(tx, info.id)
    append(tx, "bank.at_most", {"bank": info.id, "at_most": at_most})
    return msgspec.structs.replace(info, at_most=at_most)


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


def tell(tx: Tx, bank: str) -> None:
    """Let every process know that a bank itself has changed."""
    sql = "INSERT INTO bank_changes (bank, op, at) VALUES (%(bank)s, 'bank', %(now)s)"
    tx.run(sql, bank=bank, now=tx.now)
    tx.wake(CHANNEL)


def _one_of(what: str, word: str, words: Sequence[str]) -> None:
    if word not in words:
        raise Problem(
            f"bank.{what}",
            f"“{word}” is no {what} of a bank.",
            next_step="Use one of: " + ", ".join(words),
        )
