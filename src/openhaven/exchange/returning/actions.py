"""Verbs: remember an ended account, take tokens of it, note who meets them, and follow up."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import msgspec
import psycopg
import structlog

from openhaven import intake, ledger
from openhaven.core import Problem, new_id
from openhaven.decisions import Decision
from openhaven.exchange.returning import store
from openhaven.exchange.returning.keys import Root, Token, tokens
from openhaven.exchange.returning.model import (
    KINDS_OF_EVENTS,
    Answered,
    Consequence,
    ends,
    epoch_of,
    setting,
    weigh,
)
from openhaven.exchange.returning.normal import normal
from openhaven.exchange.returning.store import Entry, HitRow
from openhaven.intake import Event, Identifier
from openhaven.storage import Tx

log = structlog.get_logger("returning")
_MINORS = ("under-13", "13-15", "16-17")


# Remembering ----------------------------------------------------------------------------------


def intend(tx: Tx, made: Decision) -> str | None:
    """Intend to remember an account that a decision has just ended for good on a listed ground.

    In the transaction of the decision. What it is known by, the platform hands over afterwards;
    nothing was kept of it before. Returns the entry's id, or None for any other decision.
    """
    data = setting()
    listed = data.classes.get(made.harm)
    if made.outcome != "suspend" or not made.permanent or made.account is None or listed is None:
        return None
    minor = _minor(tx, made.platform, made.account)
    days = min(listed.days, data.limits.minor_days) if minor else listed.days
    entry = new_id("rtn")
    tx.run(
        """INSERT INTO returning_entries (id, decision, platform, class, state, created_at,
             wanted_until, expires_at, survives)
           VALUES (%(id)s, %(d)s, %(p)s, %(class)s, 'intended', %(now)s, %(wanted)s, %(end)s,
             %(survives)s)""",
        id=entry, d=made.id, p=made.platform, now=tx.now, survives=listed.survives,
        wanted=tx.now + timedelta(days=data.limits.wanted_days), end=tx.now + timedelta(days=days),
        **{"class": made.harm},
    )  # fmt: skip
    ledger.append(tx, "returning.intended", {"entry": entry, "decision": made.id})
    return entry


def _minor(tx: Tx, platform: str, account: str) -> bool:
    known = intake.account_of(tx, platform, account)
    return known is not None and known.age_band in _MINORS


class HandedOver(msgspec.Struct, frozen=True):
    """What is kept after a platform handed over identifiers: how many tokens, and until when.

    `unread` are the places of those that could not be read, or that many people have.
    """

    entry: str
    tokens: int
    expires_at: datetime
    unread: list[int]


def hand_over(
    tx: Tx, platform: str, decision: str, given: Sequence[Identifier]
) -> HandedOver:  # fmt: skip
    """Turn the identifiers of an ended account into tokens; the identifiers are not kept.

    The same sent again changes nothing. Raises `Problem`: 404 for a decision that is not of this
    platform, 409 for one that asks for nothing or was answered otherwise, 410 when it is too late.
    """
    entry = _asked(tx, platform, decision)
    data = setting()
    minor = _minor(tx, platform, _account_of(tx, decision))
    unread = [at for at, one in enumerate(given) if one.shared or normal(one, data) is None]
    current = _root(tx, platform, epoch_of(entry.created_at.date()), entry)
    made = tokens(given, [current, *store.agreed_roots(tx, entry.harm)[0]], data)
    ends_at = {one.token: data.expiry(entry.harm, one.kind, entry.created_at, minor=minor)
               for one in made}  # fmt: skip
    living = [one for one in made if ends_at[one.token] > tx.now]
    if entry.state == "held":
        return _again(tx, entry, living, unread)
    if not living:
        return HandedOver(entry.id, 0, entry.expires_at, unread)
    _keep(tx, entry.id, living, ends_at)
    last = max(ends_at[one.token] for one in living)
    tx.run("""UPDATE returning_entries SET state = 'held', expires_at = %(end)s
              WHERE id = %(id)s""", id=entry.id, end=last)  # fmt: skip
    ledger.append(tx, "returning.held", {"entry": entry.id, "tokens": str(len(living))})
    own = sum(one.purpose == "own" for one in living)
    return HandedOver(entry.id, own, last, unread)


def _asked(tx: Tx, platform: str, decision: str) -> Entry:
    # The decision before what rests on it: so does who overturns it.
    sql = "SELECT state FROM decisions WHERE id = %(d)s AND platform = %(p)s FOR SHARE"
    state = tx.value(sql, d=decision, p=platform)
    if state is None:
        raise Problem("decision.unknown", "There is no decision with this id.", status=404)
    tx.run("SELECT 1 FROM returning_entries WHERE decision = %(d)s FOR UPDATE", d=decision)
    entry = store.entry_of(tx, decision)
    if entry is None:
        raise Problem("returning.unasked", "Nothing is kept because of this decision.", status=409,
                      next_step="Send no identifiers for it, and keep none.")  # fmt: skip
    if entry.state == "intended" and (entry.wanted_until is None or entry.wanted_until <= tx.now):
        raise Problem("returning.late", "It is too late to hand over identifiers.", status=410,
                      next_step="Nothing is kept of this account.")  # fmt: skip
    return entry


def _account_of(tx: Tx, decision: str) -> str:
    return str(tx.value("SELECT account FROM decisions WHERE id = %(d)s", d=decision) or "")


def _again(tx: Tx, entry: Entry, made: Sequence[Token], unread: list[int]) -> HandedOver:
    sql = "SELECT token FROM returning_tokens WHERE entry = %(e)s"
    held = {bytes(row["token"]) for row in tx.rows(sql, e=entry.id)}
    if not {one.token for one in made if one.purpose == "own"} <= held:
        raise Problem("returning.held", "Other identifiers were handed over before.", status=409,
                      next_step="What was handed over first stays.")  # fmt: skip
    return HandedOver(entry.id, entry.tokens, entry.expires_at, unread)


def _root(tx: Tx, platform: str, epoch: str, entry: Entry) -> Root:
    """Return the root of an epoch, made at its first use; raises `Problem` (503) for a lost key."""
    if store.root_of(tx, platform, epoch) is None and entry.state == "intended":
        subject = store.kept_for(platform, epoch)
        tx.run(
            """INSERT INTO returning_epochs (platform, epoch, root, ends_at)
               VALUES (%(p)s, %(e)s, %(root)s, %(end)s) ON CONFLICT DO NOTHING""",
            p=platform, e=epoch, root=tx.keys.seal(subject, os.urandom(32)),
            end=datetime.combine(ends(epoch), time(), UTC),
        )  # fmt: skip
    found = store.root_of(tx, platform, epoch)
    if found is None:
        raise Problem("returning.key", "The key for this cannot be opened.", status=503,
                      next_step="Restore the secrets and the database of one moment.")  # fmt: skip
    return found


def _keep(tx: Tx, entry: str, made: Sequence[Token], until: dict[bytes, datetime]) -> None:
    tx.run(
        """INSERT INTO returning_tokens (entry, purpose, epoch, family, kind, strong, token,
             expires_at)
           SELECT %(entry)s, n.* FROM unnest(%(purposes)s::text[], %(epochs)s::text[],
             %(families)s::text[], %(kinds)s::text[], %(strong)s::boolean[], %(tokens)s::bytea[],
             %(ends)s::timestamptz[]) AS n ON CONFLICT DO NOTHING""",
        entry=entry, purposes=[one.purpose for one in made], epochs=[one.epoch for one in made],
        families=[one.family for one in made], kinds=[one.kind for one in made],
        strong=[one.strong for one in made], tokens=[one.token for one in made],
        ends=[until[one.token] for one in made],
    )  # fmt: skip


# Meeting --------------------------------------------------------------------------------------


def note(tx: Tx, platform: str, events: Sequence[Event], most: Consequence) -> None:
    """Look up the identifiers of events that were just stored; keep what was met, never what came.

    Of a newcomer who meets nothing, nothing is kept. One that cannot be looked up is noted as
    unknown, so that the answer says so: whatever fails here, the event is stored all the same.
    """
    for event in events:
        if most == "off" or not event.identifiers or event.kind not in KINDS_OF_EVENTS:
            continue
        try:
            with tx.connection.transaction():
                unknown = _look(tx, platform, event)
        except (psycopg.Error, Problem) as error:
            log.error("returning.unknown", error=type(error).__name__)
            unknown = "the look-up failed"
        if unknown:
            _sight(tx, platform, event, (), unknown)


def _look(tx: Tx, platform: str, event: Event) -> str:
    """Look up one newcomer; return why it is unknown, or nothing."""
    own, lost = store.roots(tx, platform)
    agreed, gone = store.agreed_roots(tx)
    if not own and not agreed and not lost and not gone:
        return ""
    data = setting()
    made = tokens(event.identifiers, [*own, *agreed], data)
    found = store.hits(tx, platform, event.account.id, [one.token for one in made])
    entries = {hit.entry for hit in found}
    telling = {entry for entry in entries
               if weigh([h for h in found if h.entry == entry], "review", data).review}  # fmt: skip
    _crowd(tx, platform, event.account.id, [hit for hit in found if hit.entry not in telling])
    if telling:
        _sight(tx, platform, event, [hit for hit in found if hit.entry in telling], None)
        return ""
    return "a key cannot be opened" if lost or gone else ""


def _sight(
    tx: Tx, platform: str, event: Event, met: Sequence[HitRow], unknown: str | None
) -> None:  # fmt: skip
    made = new_id("rts")
    new = tx.run(
        """INSERT INTO returning_sightings (id, platform, event, account, at, unknown)
           VALUES (%(id)s, %(p)s, %(e)s, %(a)s, %(now)s, %(unknown)s) ON CONFLICT DO NOTHING""",
        id=made, p=platform, e=event.id, a=event.account.id, now=tx.now, unknown=unknown,
    )  # fmt: skip
    if new and met:
        tx.run(
            """INSERT INTO returning_hits (sighting, token)
               SELECT %(s)s, unnest(%(tokens)s::bigint[])""",
            s=made, tokens=[hit.token for hit in met],
        )  # fmt: skip


def _crowd(tx: Tx, platform: str, account: str, alone: Sequence[HitRow]) -> None:
    """Count accounts that met a token and nothing that goes with it; many make it tell nothing.

    Only such count: who meets two families is no crowd, and cannot wear a token out.
    """
    data = setting()
    for hit in alone:
        if hit.shared or hit.family not in data.families:
            continue
        tx.run(
            """INSERT INTO returning_crowd (token, who) VALUES (%(t)s, %(who)s)
               ON CONFLICT DO NOTHING""",
            t=hit.token, who=_who(tx, platform, account),
        )  # fmt: skip
        known = tx.run(
            """UPDATE returning_tokens SET shared = true WHERE id = %(t)s AND %(many)s <=
                 (SELECT count(*) FROM returning_crowd WHERE token = %(t)s)""",
            t=hit.token, many=data.families[hit.family].crowd,
        )  # fmt: skip
        if known:
            tx.run("DELETE FROM returning_crowd WHERE token = %(t)s", t=hit.token)


def settle(tx: Tx, sighting: str, answered: Answered, task: str | None) -> None:
    """Store what followed from a sighting."""
    days = timedelta(days=setting().limits.friction_days)
    tx.run(
        """UPDATE returning_sightings SET strength = %(strength)s, task = %(task)s,
             friction_until = %(until)s WHERE id = %(id)s""",
        id=sighting, strength=answered.strength, task=task,
        until=tx.now + days if answered.friction else None,
    )  # fmt: skip
    ledger.append(tx, "returning.met", {"sighting": sighting, "strength": answered.strength}
                  | ({"task": task} if task else {}))  # fmt: skip


def clear(tx: Tx, sighting: str) -> None:
    """Note that a newcomer is somebody else: nothing follows from it any more.

    Where the same account met the same before or after, that is answered as well. What they share
    with the other one is counted as met by a stranger.
    """
    entries = sorted({hit.entry for hit in store.hits_of(tx, sighting)})
    tx.run(
        """UPDATE returning_sightings s SET cleared_at = %(now)s FROM returning_sightings m
           WHERE m.id = %(id)s AND s.platform = m.platform AND s.account = m.account
             AND s.cleared_at IS NULL AND (s.id = m.id OR s.strength IS NOT NULL
               AND EXISTS (SELECT 1 FROM returning_hits h WHERE h.sighting = s.id)
               AND NOT EXISTS (SELECT 1 FROM returning_hits h JOIN returning_tokens t
                 ON t.id = h.token WHERE h.sighting = s.id AND t.entry <> ALL (%(entries)s)))""",
        id=sighting, now=tx.now, entries=entries,
    )  # fmt: skip
    found = store.sighting(tx, sighting)
    if found is not None:
        _crowd(tx, found.platform, found.account, store.hits_of(tx, sighting))


def forget(tx: Tx, platform: str, account: str) -> None:
    """Forget what an account met; what is kept because it was ended follows its decision."""
    tx.run("DELETE FROM returning_sightings WHERE platform = %(p)s AND account = %(a)s",
           p=platform, a=account)  # fmt: skip
    tx.run("DELETE FROM returning_crowd WHERE who = %(who)s", who=_who(tx, platform, account))


def _who(tx: Tx, platform: str, account: str) -> bytes:
    return tx.keys.digest(f"returning:{platform}:{account}".encode())
