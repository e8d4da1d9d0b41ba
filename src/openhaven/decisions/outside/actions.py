"""The verb of decisions made outside: store one wholly, or refuse it."""

from openhaven import intake, ledger, policy, review
from openhaven.core import Problem, canonical
from openhaven.decisions.actions import Voice, decide
from openhaven.decisions.interim import actions as interim
from openhaven.decisions.model import INTERIM_BY, Decision, Draft
from openhaven.decisions.outside.model import Outside, check
from openhaven.decisions.rabat import needs_six
from openhaven.decisions.store import decision
from openhaven.policy import Clause
from openhaven.review.terms import keep_six
from openhaven.storage import Tx


def decide_outside(
    tx: Tx, platform: str, given: Outside, voice: Voice, in_force: str
) -> tuple[Decision, bool]:
    """Store a decision that `platform` made; return it, and whether it is new.

    `in_force` is the fingerprint of the rules that count where none is named. The same decision
    sent again is answered with the first. Raises `Problem`: 400 for what is incomplete or cannot be
    meant, 404 for an account that was never told of, 409 for another decision under the same id.
    """
    digest = tx.keys.digest(b"outside:" + canonical(given))
    # Two that come at once under one id are one: the second waits here and then finds the first.
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))"
    tx.run(lock, n=f"openhaven.outside:{platform}:{given.id}")
    known = tx.rows(
        """SELECT digest, decision FROM outside_decisions
           WHERE platform = %(p)s AND id = %(id)s""", p=platform, id=given.id,
    )  # fmt: skip
    if known:
        if bytes(known[0]["digest"]) != digest:
            raise Problem("decision.conflict", "Another decision has this id.", status=409,
                          next_step="Give each decision an id of its own.")  # fmt: skip
        return decision(tx, str(known[0]["decision"])), False
    check(given, tx.now)
    draft = _draft(tx, platform, given, in_force)
    if given.interim:
        _hides_once(tx, draft)
    if needs_six(draft):
        raise Problem("decision.six", "A removal as incitement by law needs six answers.",
                      "at `$.six`",
                      next_step="Answer all six, or restrict it until a person has.")  # fmt: skip
    made = decide(tx, draft, voice)
    tx.run(
        """INSERT INTO outside_decisions (platform, id, digest, decision)
           VALUES (%(p)s, %(id)s, %(digest)s, %(d)s)""",
        p=platform, id=given.id, digest=digest, d=made.id,
    )  # fmt: skip
    if given.carried_out:
        _carried_out(tx, made)
    return made, True


def _draft(tx: Tx, platform: str, given: Outside, in_force: str) -> Draft:
    pack = given.pack or in_force
    clause = _clause(tx, pack, given.clause)
    event = intake.latest_of_item(tx, platform, given.item) if given.item else None
    account = _whose(given, event.account if event else None)
    subject = None if account is None else _subject(tx, platform, account)
    case = review.case_for(tx, platform, given.item, account, given.harm)
    return Draft(
        case_id=case,
        platform=platform,
        outcome=given.outcome,
        harm=given.harm,
        clause=clause.anchor,
        clause_title=clause.title,
        clause_text=clause.text,
        ground=clause.ground,
        ground_reference=clause.reference,
        pack=pack,
        facts=given.facts.strip(),
        source=given.source,
        automated_detection=given.automated_detection,
        automated_decision=given.automated_decision,
        content_type=sorted(set(given.content_type)),
        content_at=given.content_at,
        decided_by=f"{INTERIM_BY if given.interim else ''}platform:{platform}",
        account=account,
        subject=subject,
        item=given.item,
        event=event.seq if event else None,
        language=given.language,
        scope=list(given.scope),
        until=given.until,
        measure=given.measure,
        starts_at=given.starts_at,
        six=keep_six(tx, f"notes:{case}", given.six) if given.six else None,
    )


def _hides_once(tx: Tx, draft: Draft) -> None:
    """Raise `Problem` (409) where it is hidden already, or was before: that takes two people."""
    tx.run("SELECT 1 FROM cases WHERE id = %(c)s FOR UPDATE", c=draft.case_id)
    if interim.hidden(tx, draft.case_id) or interim.hidden_before(tx, draft.platform, draft.item):
        raise Problem("interim.hidden", "It is hidden already, or was before it was decided.",
                      "at `$.interim`", status=409,
                      next_step="Decide it; hiding it again takes two people in the console.",
                      )  # fmt: skip


def _clause(tx: Tx, pack: str, anchor: str) -> Clause:
    try:
        return policy.clause_as_it_stood(tx, pack, anchor)
    except Problem as problem:
        step = "GET /v1/policy lists the clauses in force."
        raise Problem(problem.code, problem.title, "at `$.clause`", next_step=step) from problem


def _whose(given: Outside, author: str | None) -> str | None:
    """Return whose item it is; what the platform has told before is believed."""
    if author and given.account not in (None, author):
        raise Problem("decision.account", "This item is known to be of another account.",
                      "at `$.account`", next_step="Leave the account out.")  # fmt: skip
    return given.account or author or None


def _subject(tx: Tx, platform: str, account: str) -> str:
    """Return the person whose key seals it; they are not erased before this is stored."""
    sql = """SELECT subject FROM accounts WHERE platform = %(p)s AND id = %(a)s FOR SHARE"""
    found = tx.value(sql, p=platform, a=account)
    if found is None:
        raise Problem("account.unknown", "No event has told of this account.", "at `$.account`",
                      status=404, next_step="Send an event of the account first.")  # fmt: skip
    return str(found)


def _carried_out(tx: Tx, made: Decision) -> None:
    """Note that the platform has done it already; the word to the person is still on its way."""
    sql = """UPDATE acts SET state = 'done', accepted_at = %(now)s, ended_at = %(now)s,
               last_error = NULL
             WHERE decision = %(d)s AND verb NOT IN ('notify', 'warn') RETURNING id"""
    for row in tx.rows(sql, d=made.id, now=tx.now):
        ledger.append(tx, "act.done", {"act": str(row["id"]), "decision": made.id})
