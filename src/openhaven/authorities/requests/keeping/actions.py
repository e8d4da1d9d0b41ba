"""Verbs of keeping: seal copies and hold them, renew once, let go when the request is refused.

Nothing leaves the house by it, so that it waits neither for a second person nor for who asks to be
known: what is gone cannot be kept any more. A hold ends by itself when nobody renews it.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from msgspec.structs import replace

from openhaven import evidence, ledger
from openhaven.authorities.requests import store
from openhaven.authorities.requests.actions import locked, step
from openhaven.authorities.requests.gather import gather
from openhaven.authorities.requests.kinds import MOST_ACCOUNTS
from openhaven.authorities.requests.model import Request, Subject, Wanted
from openhaven.authorities.requests.permitted import only_handlers
from openhaven.core import Problem, new_id
from openhaven.evidence import Vault
from openhaven.storage import Blobs, Tx

# Kept is what there is; what of it is given is another question.
_ALL = ("subscriber", "access", "traffic", "content", "decisions")
_SHORTEST = timedelta(minutes=1)


def keep(
    vault: Vault, blobs: Blobs, tx: Tx, request: str, subjects: Sequence[Subject], span: Wanted
) -> int:
    """Seal what is held of these accounts in the `span` of time, and hold it; return how many.

    An account that is kept for this request already is left as it is. Raises `Problem`: 400 for
    none or too many, 403 by role, 404 for an account of which nothing is known, 409 where the kind
    brings no keeping or the request was refused or withdrawn.
    """
    only_handlers(tx)
    found = locked(tx, request)
    if not found.of.keeps or found.state in ("refused", "withdrawn"):
        raise Problem("request.keeps", "This request brings no duty to keep.", status=409,
                      next_step="A hold of your own can be placed on a case.")  # fmt: skip
    about = list(dict.fromkeys(subjects))
    if not 0 < len(about) <= MOST_ACCOUNTS:
        raise Problem("request.scope", f"Name the accounts one by one, {MOST_ACCOUNTS} at most.",
                      next_step="Keep the others in a second step.")  # fmt: skip
    kept = {row["subject"] for row in tx.rows(
        "SELECT subject FROM request_keeps WHERE request = %(r)s", r=request)}  # fmt: skip
    return sum(_keep(vault, blobs, tx, found, one, span, kept) for one in about)


def _keep(
    vault: Vault, blobs: Blobs, tx: Tx, found: Request, one: Subject, span: Wanted, kept: set[str]
) -> bool:
    sql = "SELECT subject FROM accounts WHERE platform = %(p)s AND id = %(a)s"
    subject = tx.value(sql, p=one.platform, a=one.account)
    if subject is None:
        raise Problem("request.account", "An account that is named is not known here.", status=404,
                      next_step="Check its id and its platform.")  # fmt: skip
    if subject in kept:
        return False
    case = _case(tx, one)
    only = Wanted(categories=_ALL, subjects=(one,), since=span.since, until=span.until)
    for name, data in _copies(tx, blobs, only):
        evidence.receive(vault, tx, case, kind="snapshot", source=f"request {found.id}",
                         method="snapshot", data=data, media_type="application/octet-stream",
                         name=name.partition("/")[2] or name)  # fmt: skip
    held = evidence.hold(tx, case, found.of.keeps, reference=found.id)
    for sealed in _in_lane(tx, one):
        evidence.hold(tx, sealed, found.of.keeps, reference=found.id)
    sql = """INSERT INTO request_keeps (request, case_id, hold, subject, kept_at)
             VALUES (%(r)s, %(c)s, %(h)s, %(s)s, %(now)s)"""
    tx.run(sql, r=found.id, c=case, h=held.id, s=subject, now=tx.now)
    ledger.append(tx, "request.kept", {"request": found.id, "hold": held.id})
    return True


def _copies(tx: Tx, blobs: Blobs, only: Wanted) -> Iterator[tuple[str, bytes]]:
    """Yield what is held of an account, by name: in halves of the time where it is too much."""
    try:
        found = gather(tx, blobs, only)
    except Problem as problem:
        middle = only.since + (only.until - only.since) / 2
        if problem.code != "request.large" or only.until - only.since < _SHORTEST:
            raise
        yield from _copies(tx, blobs, replace(only, until=middle))
        yield from _copies(tx, blobs, replace(only, since=middle))
        return
    yield from (found or {"nothing.json": b"{}"}).items()


def _in_lane(tx: Tx, one: Subject) -> list[str]:
    """Return the cases of the lane about an account: what is sealed there is held, not copied."""
    sql = """SELECT id FROM cases WHERE platform = %(p)s AND account = %(a)s
               AND lane_at IS NOT NULL ORDER BY id"""
    return [str(row["id"]) for row in tx.rows(sql, p=one.platform, a=one.account)]


def _case(tx: Tx, one: Subject) -> str:
    """Open a case of its own for what is kept, closed at once: there is nothing to judge in it."""
    case = new_id("cas")
    sql = """INSERT INTO cases (id, platform, account, harm, state, opened_at, closed_at)
             VALUES (%(id)s, %(p)s, %(a)s, 'other', 'closed', %(now)s, %(now)s)"""
    tx.run(sql, id=case, p=one.platform, a=one.account, now=tx.now)
    return case


def preserved(tx: Tx, request: str) -> None:
    """Answer a request that only asks to keep: it is kept; raises `Problem` 403, 409."""
    only_handlers(tx)
    found = locked(tx, request)
    kept = store.keeps(tx, request)
    if not kept:
        raise Problem("request.kept_nothing", "Nothing is kept for this request yet.", status=409,
                      next_step="Keep what is held of the accounts first.")  # fmt: skip
    step(tx, found, "preserve", accounts=len(kept))


def renew(tx: Tx, request: str) -> int:
    """Let what is kept be kept once more, as its law lets it; return how many holds."""
    only_handlers(tx)
    locked(tx, request)
    standing = [one for one in store.keeps(tx, request) if one.ended_at is None]
    for one in standing:
        evidence.renew(tx, one.hold)
    ledger.append(tx, "request.keeping_renewed", {"request": request})
    return len(standing)


def let_go(tx: Tx) -> int:
    """End the holds of requests that were refused or withdrawn; return how many."""
    sql = """SELECT k.hold FROM request_keeps k JOIN lawful_requests r ON r.id = k.request
             JOIN holds h ON h.id = k.hold
             WHERE r.state IN ('refused', 'withdrawn') AND h.ended_at IS NULL
               AND h.until > %(now)s
             ORDER BY k.hold LIMIT 100"""
    gone = [str(row["hold"]) for row in tx.rows(sql, now=tx.now)]
    for one in gone:
        evidence.release_hold(tx, one)
    return len(gone)
