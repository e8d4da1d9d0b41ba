"""Verbs of narrowing: say what may be given at most, ask a second person, follow the answer.

A second person agrees to one scope. Whoever changes it makes a new one, and has to ask again.
"""

import msgspec

from openhaven import intake, ledger
from openhaven.authorities.requests import store
from openhaven.authorities.requests.actions import locked, step
from openhaven.authorities.requests.model import Request, Wanted, fit, narrower
from openhaven.authorities.requests.permitted import only_handlers
from openhaven.core import Problem, new_id
from openhaven.staff import approvals
from openhaven.storage import Tx

KIND = "request-disclosure"


def narrow(tx: Tx, request: str, wanted: Wanted) -> str:
    """Store what may be given at most; return the scope's id. What was agreed on before is void.

    Raises `Problem`: 400 for a scope that is open on a side or names an account that is not known
    here, 403 by role, 409 before the law was looked at.
    """
    only_handlers(tx)
    found = locked(tx, request)
    fit(wanted, found.of, tx.now)
    _known(tx, request, wanted)
    if found.state == "asked" and found.scope:
        approvals.forget(tx, [found.scope])
    made = new_id("rsc")
    sealed = tx.keys.seal(store.subject_of(request), msgspec.json.encode(wanted))
    tx.run(
        """INSERT INTO request_scopes (id, request, categories, since, until, accounts, digest,
             part, delay_ground, delay_days, asked_by, asked_at, body)
           VALUES (%(id)s, %(r)s, %(c)s, %(since)s, %(until)s, %(n)s, %(digest)s, %(part)s,
             %(ground)s, %(days)s, %(me)s, %(now)s, %(body)s)""",
        id=made, r=request, c=list(wanted.categories), since=wanted.since, until=wanted.until,
        n=len(set(wanted.subjects)), digest=wanted.digest(),
        part=narrower(wanted, store.asked(tx, request)), ground=wanted.delay_ground,
        days=wanted.delay_days, me=tx.actor.id, now=tx.now, body=sealed,
    )  # fmt: skip
    ids = {"scope": made, "request": request}
    ledger.append(tx, "request.scope_made", ids, row=("request_scopes", made))
    step(tx, found, "narrow", scope=made, approved_at=None)
    return made


def _known(tx: Tx, request: str, wanted: Wanted) -> None:
    # Who was erased meanwhile is not known any more; what was kept of them is added as a file.
    if any(one.side == "out" for one in store.files(tx, request)):
        return
    for one in wanted.subjects:
        if intake.account_of(tx, one.platform, one.account) is None:
            raise Problem("request.account", "An account that is named is not known here.",
                          next_step="Check its id and its platform. What was kept of an account "
                          "that was erased is added as a file first. What is not held is a "
                          "ground to refuse.")  # fmt: skip


def ask(tx: Tx, request: str) -> str:
    """Ask a second person whether what the scope says may be given; return the request's id.

    Where nobody else works here it may be given at once, marked as not independent. Raises
    `Problem` 403, 409.
    """
    only_handlers(tx)
    found = locked(tx, request)
    step(tx, found, "ask")
    assert found.scope is not None
    scope = store.scope(tx, found.scope)
    words = f"{found.of.words}, {found.country}. " + (scope.wanted.why if scope.wanted else "")
    made = approvals.ask(tx, KIND, found.scope, words[:2_000])
    follow(tx)
    return made


def follow(tx: Tx) -> int:
    """Take on the requests that a second person has answered; return how many."""
    sql = """SELECT id FROM lawful_requests WHERE state = 'asked' AND ended_at IS NULL
             ORDER BY id FOR UPDATE SKIP LOCKED"""
    return sum(_answered(tx, store.request(tx, str(row["id"]))) for row in tx.rows(sql))


def _answered(tx: Tx, found: Request) -> bool:
    said = approvals.state_of(tx, KIND, found.scope or "")
    if said in ("approved", "alone"):
        step(tx, found, "agree", approved_at=tx.now)
    elif said in ("refused", "lapsed"):
        step(tx, found, "disagree")
    else:
        return False
    return True
