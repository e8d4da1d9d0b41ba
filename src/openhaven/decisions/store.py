"""Reading decisions, acts and notices; and the unguessable link of an appeal."""

import base64
import hmac
from datetime import datetime

import msgspec

from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.decisions.model import Act, Decision
from openhaven.storage import Tx

_ACT = """SELECT id, decision, platform, verb, target, until, reverses, reversible, state, attempts,
            next_at, last_error, intended_at, accepted_at, ended_at, measure, scope FROM acts """


def decision(tx: Tx, decision_id: str, *, platform: str | None = None) -> Decision:
    """Return a decision (of `platform`, where one is given), or raise `Problem` (404)."""
    sql = """SELECT * FROM decisions WHERE id = %(id)s
             AND (%(p)s::text IS NULL OR platform = %(p)s)"""
    found = tx.one(sql, Decision, id=decision_id, p=platform)
    if found is None:
        raise Problem(
            "decision.unknown",
            "There is no such decision.",
            status=404,
            next_step="Check the id; keys see the decisions of their own platform.",
        )
    return found


def acts_of(tx: Tx, decision_id: str) -> list[Act]:
    """Return the acts of a decision in the order in which they were intended."""
    return tx.all(_ACT + "WHERE decision = %(d)s ORDER BY intended_at, id", Act, d=decision_id)


def act(tx: Tx, act_id: str, *, platform: str | None = None) -> Act:
    """Return an act (of `platform`, where one is given), or raise `Problem` (404)."""
    sql = _ACT + "WHERE id = %(id)s AND (%(p)s::text IS NULL OR platform = %(p)s)"
    found = tx.one(sql, Act, id=act_id, p=platform)
    if found is None:
        raise Problem("act.unknown", "There is no such act.", status=404)
    return found


def appeal_token(tx: Tx, decision_id: str) -> str:
    """Return the token of the decision's appeal link: the id and 128 bits that only we can make."""
    tag = tx.keys.digest(b"appeal:" + decision_id.encode())[:16]
    return decision_id.removeprefix("dec_") + base64.urlsafe_b64encode(tag).decode().rstrip("=")


def decision_of_token(tx: Tx, token: str) -> Decision:
    """Return the decision that an appeal link is about, or raise `Problem` (404) for a guess."""
    decision_id = "dec_" + token[:26]
    if not hmac.compare_digest(appeal_token(tx, decision_id).encode(), token.encode()):
        raise Problem(
            "appeal.link",
            mark("This link does not lead to a decision."),
            status=404,
            next_step=mark("Copy the whole link from the message that you received."),
        )
    return decision(tx, decision_id)


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message to a person, opened."""

    title: str
    text: str
    help: list[str] = []
    language: str = "en"


class _Sealed(msgspec.Struct):
    subject: str
    body: bytes | None


def notice_text(tx: Tx, decision_id: str, *, upto: datetime | None = None) -> Notice | None:
    """Return the latest notice of a decision to the person acted against (None: erased or none).

    `upto` is the moment of the `notify` act that asks: what was said later is a later act's.
    """
    sql = """SELECT subject, body FROM notices WHERE decision = %(d)s AND audience = 'account'
               AND (%(upto)s::timestamptz IS NULL OR created_at <= %(upto)s)
             ORDER BY created_at DESC, id DESC LIMIT 1"""
    row = tx.one(sql, _Sealed, d=decision_id, upto=upto)
    plain = None if row is None or row.body is None else tx.keys.open(row.subject, row.body)
    return None if plain is None else msgspec.json.decode(plain, type=Notice)
