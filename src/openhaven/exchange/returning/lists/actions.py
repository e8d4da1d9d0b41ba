"""Verbs of lists: agree, end; ask for one to come or go, follow the second person, hand out."""

import base64
import hashlib
from datetime import timedelta
from itertools import groupby

import msgspec
from msgspec.structs import replace
from psycopg.types.json import Jsonb

from openhaven import ledger
from openhaven.core import Problem, new_id, permits
from openhaven.exchange.returning.lists import store
from openhaven.exchange.returning.lists.checking import check, mark_of, signed_bytes
from openhaven.exchange.returning.lists.model import (
    KIND,
    LARGEST,
    Listed,
    ListedEntry,
    Report,
)
from openhaven.exchange.returning.model import setting
from openhaven.exchange.returning.store import agreed_for
from openhaven.staff import approvals
from openhaven.storage import Tx

_LONGEST_DAYS, _KEY = 366, 32


# Agreements -----------------------------------------------------------------------------------


def agree(
    tx: Tx, name: str, secret: bytes, peer_key: bytes, classes: list[str], days: int
) -> str:  # fmt: skip
    """Store an agreement with another operator; the secret (32 bytes) is sealed. Returns its id.

    Raises `Problem` (400) for classes that are not listed, keys of another length, a year or more;
    409 for a name that is taken.
    """
    if len(secret) != _KEY or len(peer_key) != _KEY or not 1 <= days <= _LONGEST_DAYS:
        raise Problem("returning.agreement", "A secret and a key have 32 bytes each.",
                      "An agreement lasts a year at most.")  # fmt: skip
    stray = sorted(set(classes) - setting().classes.keys())
    if stray or not classes:
        raise Problem("returning.class", "These classes are not remembered: " + ", ".join(stray),
                      next_step="Use one of: " + ", ".join(sorted(setting().classes)))  # fmt: skip
    if tx.value("SELECT 1 FROM returning_agreements WHERE name = %(n)s", n=name):
        raise Problem("returning.agreement", "There is an agreement of this name.", status=409)
    made = new_id("rag")
    tx.run(
        """INSERT INTO returning_agreements (id, name, secret, peer_key, classes, made_at, until)
           VALUES (%(id)s, %(n)s, %(secret)s, %(key)s, %(classes)s, %(now)s, %(until)s)""",
        id=made, n=name, secret=tx.keys.seal(agreed_for(made), secret), key=peer_key,
        classes=sorted(set(classes)), now=tx.now, until=tx.now + timedelta(days=days),
    )  # fmt: skip
    ledger.append(tx, "returning.agreed", {"agreement": made})
    return made


def end_agreement(tx: Tx, agreement: str) -> None:
    """End an agreement: destroy its secret, every token under it, and what came with its lists."""
    sql = """SELECT e.id FROM returning_entries e JOIN returning_lists l ON l.id = e.list
             WHERE l.agreement = %(a)s"""
    ids = [str(row["id"]) for row in tx.rows(sql, a=agreement)]
    tx.value("SELECT returning_end(%(ids)s, 'agreement', %(now)s)", ids=ids, now=tx.now)
    gone = tx.run("DELETE FROM returning_tokens WHERE purpose = %(a)s", a=agreement)
    tx.run("""UPDATE returning_lists SET state = 'refused', body = NULL
              WHERE agreement = %(a)s AND state = 'asked'""", a=agreement)  # fmt: skip
    tx.run("""UPDATE returning_agreements SET secret = NULL, ended_at = %(now)s
              WHERE id = %(a)s AND ended_at IS NULL""", a=agreement, now=tx.now)  # fmt: skip
    tx.keys.destroy(agreed_for(agreement))
    ids_told = {"agreement": agreement, "tokens": str(gone)}
    ledger.append(tx, "returning.agreement_ended", ids_told)


# Asking ---------------------------------------------------------------------------------------


def ask_import(tx: Tx, name: str, body: bytes) -> Report:
    """Check a list and, unless it is refused, ask a second person; return what was found in it.

    Raises `Problem`: 403 without the permission, 409 for a list that came before.
    """
    _require(tx)
    agreement = store.agreement_named(tx, name)
    digest = hashlib.sha256(body).digest()
    if tx.value("SELECT 1 FROM returning_lists WHERE digest = %(d)s", d=digest):
        raise Problem("returning.twice", "This list came before.", status=409,
                      next_step="Ask the other operator for a new one.")  # fmt: skip
    report, _ = _checked(tx, agreement.id, body)
    made = _enter(tx, agreement.id, "in", report, digest, None if report.refused else body)
    if not report.refused:
        approvals.ask(tx, KIND, made, f"{report.good} of {report.entries} entries of “{name}”.")
    return report


def _checked(tx: Tx, agreement: str, body: bytes) -> tuple[Report, list[ListedEntry]]:
    if len(body) > LARGEST:
        return Report(refused="It is larger than 20 MB."), []
    keys = store.keys_of(tx, agreement)
    sql = "SELECT classes FROM returning_agreements WHERE id = %(a)s"
    classes = list(tx.value(sql, a=agreement))
    return check(body, keys.secret, keys.peer_key, classes, store.known(tx, agreement), tx.now,
                 setting())  # fmt: skip


def _enter(
    tx: Tx, agreement: str, way: str, report: Report, digest: bytes | None, body: bytes | None
) -> str:  # fmt: skip
    made = new_id("rls")
    tx.run(
        """INSERT INTO returning_lists (id, agreement, way, digest, body, report, asked_by,
             asked_at, state)
           VALUES (%(id)s, %(a)s, %(way)s, %(digest)s, %(body)s, %(report)s, %(me)s, %(now)s,
             %(state)s)""",
        id=made, a=agreement, way=way, digest=digest, me=tx.actor.id, now=tx.now,
        body=None if body is None else tx.keys.seal(made, body),
        report=Jsonb(msgspec.to_builtins(report)), state="refused" if report.refused else "asked",
    )  # fmt: skip
    ids = {"list": made, "agreement": agreement, "good": str(report.good),
           "bad": str(sum(report.bad.values()))}  # fmt: skip
    ledger.append(tx, f"returning.list_{'refused' if report.refused else way}", ids)
    return made


def ask_export(tx: Tx, name: str) -> str:
    """Ask a second person whether our list may go to another operator; return the list's id."""
    _require(tx)
    agreement = store.agreement_named(tx, name)
    count = len({one.entry for one in store.exportable(tx, agreement.id)})
    made = _enter(tx, agreement.id, "out", Report(entries=count, good=count), None, None)
    approvals.ask(tx, KIND, made, f"{count} entries of our own go to “{name}”.")
    return made


def _require(tx: Tx) -> None:
    if not permits(tx.actor.roles, "returning.edit"):
        raise Problem("permission", "Your role does not exchange lists.", status=403)


# Following ------------------------------------------------------------------------------------


def follow(tx: Tx) -> int:
    """Take what a second person agreed to, drop what was refused, end agreements that are over."""
    sql = """SELECT l.id, l.way, l.agreement, l.body, a.state AS said FROM returning_lists l
             JOIN approvals a ON a.matter = l.id AND a.kind = %(kind)s
             WHERE l.state = 'asked' AND a.state <> 'waiting'
             ORDER BY l.id LIMIT 20 FOR UPDATE OF l SKIP LOCKED"""
    rows = tx.rows(sql, kind=KIND)
    for row in rows:
        made, taken = str(row["id"]), row["said"] in ("approved", "alone")
        if taken and row["way"] == "in":
            taken = _take(tx, made, str(row["agreement"]), bytes(row["body"]))
        tx.run("UPDATE returning_lists SET state = %(state)s, body = NULL WHERE id = %(id)s",
               state="taken" if taken else "refused", id=made)  # fmt: skip
        tx.keys.destroy(made)
        tx.wake("console")
    over = """SELECT id FROM returning_agreements WHERE ended_at IS NULL AND until <= %(now)s
              ORDER BY id FOR UPDATE"""
    ended = [str(row["id"]) for row in tx.rows(over, now=tx.now)]
    for one in ended:
        end_agreement(tx, one)
    return len(rows) + len(ended)


def _take(tx: Tx, made: str, agreement: str, sealed: bytes) -> bool:
    """Check a list once more, as things are now, and take its good entries; say whether it was."""
    body = tx.keys.open(made, sealed)
    over = tx.value("SELECT 1 FROM returning_agreements WHERE id = %(a)s AND until > %(now)s",
                    a=agreement, now=tx.now)  # fmt: skip
    if body is None or not over:
        return False
    report, good = _checked(tx, agreement, body)
    if not report.refused:
        _replace(tx, agreement, body)
    for one in good:
        _store(tx, made, agreement, one)
    tx.run("UPDATE returning_lists SET report = %(r)s WHERE id = %(id)s",
           r=Jsonb(msgspec.to_builtins(report)), id=made)  # fmt: skip
    ledger.append(tx, "returning.list_taken", {"list": made, "good": str(len(good))})
    return not report.refused


def _replace(tx: Tx, agreement: str, body: bytes) -> None:
    """End what came before under an agreement and is not in the new list any more.

    A list says all that its sender still keeps: what is missing was overturned there, or is over.
    """
    listed = msgspec.json.decode(body, type=Listed).entries
    named = [
        one["id"] for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)
    ]
    sql = """SELECT e.id FROM returning_entries e JOIN returning_lists l ON l.id = e.list
             WHERE l.agreement = %(a)s AND e.remote <> ALL (%(named)s)"""
    ids = [str(row["id"]) for row in tx.rows(sql, a=agreement, named=named)]
    tx.value("SELECT returning_end(%(ids)s, 'replaced', %(now)s)", ids=ids, now=tx.now)


def _store(tx: Tx, made: str, agreement: str, one: ListedEntry) -> None:
    data = setting()
    entry = new_id("rtn")
    longest = tx.now + timedelta(days=data.classes[one.harm].days)
    until = min(one.expires_at, longest)
    tx.run(
        """INSERT INTO returning_entries (id, list, remote, class, state, created_at, expires_at,
             survives)
           VALUES (%(id)s, %(l)s, %(remote)s, %(class)s, 'held', %(now)s, %(end)s, false)""",
        id=entry, l=made, remote=one.id, now=tx.now, end=until, **{"class": one.harm},
    )  # fmt: skip
    families = [data.kinds[token.kind].family for token in one.tokens]
    ends = [min(until, data.expiry(one.harm, token.kind, tx.now, minor=False))
            for token in one.tokens]  # fmt: skip
    tx.run(
        """INSERT INTO returning_tokens (entry, purpose, epoch, family, kind, strong, token,
             expires_at)
           SELECT %(entry)s, %(a)s, '', n.* FROM unnest(%(families)s::text[], %(kinds)s::text[],
             %(strong)s::boolean[], %(tokens)s::bytea[], %(ends)s::timestamptz[]) AS n
           ON CONFLICT DO NOTHING""",
        entry=entry, a=agreement, families=families, kinds=[token.kind for token in one.tokens],
        strong=[data.families[name].strong for name in families],
        tokens=[bytes.fromhex(token.token) for token in one.tokens], ends=ends,
    )  # fmt: skip


# Handing out ----------------------------------------------------------------------------------


def export(tx: Tx, made: str) -> bytes:
    """Return our signed list, as things are now; raises `Problem` (409) until two people agreed."""
    _require(tx)
    row = store.list_of(tx, made)
    if row.way != "out" or row.state != "taken":
        raise Problem("returning.second", "A second person has to agree first.", status=409,
                      next_step="See what waits for a second person.")  # fmt: skip
    keys = store.keys_of(tx, row.agreement)
    entries = []
    for _, tokens in groupby(store.exportable(tx, row.agreement), key=lambda one: one.entry):
        group = list(tokens)
        # The sender's id of an entry says nothing of ours.
        name = tx.keys.digest(f"returning:{row.agreement}:{group[0].entry}".encode()).hex()[:32]
        entries.append({"id": name, "harm": group[0].harm, "expires_at": group[0].expires_at,
                        "tokens": [{"kind": t.kind, "token": t.token} for t in group]})  # fmt: skip
    bare = Listed(format="openhaven-returning-1", agreement=mark_of(keys.secret), made_at=tx.now,
                  entries=tuple(msgspec.to_builtins(entries)))  # fmt: skip
    signature = base64.b64encode(store.signing_key(tx).sign(signed_bytes(bare))).decode()
    ledger.append(tx, "returning.exported", {"list": made, "entries": str(len(entries))})
    return msgspec.json.encode(replace(bare, signature=signature))
