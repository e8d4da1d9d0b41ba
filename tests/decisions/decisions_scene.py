"""A small pack with one clause of terms and one of law, and judgements under them."""

from datetime import datetime, timedelta
from typing import Any

from line_scene import OPERATOR, Scene, post
from policy_scene import FILES

from openhaven import decisions, policy, review
from openhaven.core import Actor, utcnow
from openhaven.line import jobs
from openhaven.policy.load import load_texts
from openhaven.review.terms import NO_TERMS, Six, Terms

ASK = """- id: asks
  clause: kind
  on: [post.create]
  when: terms.bad
  then: {outcome: review, harm: hate}
"""
TAKE = """- id: takes
  clause: spam
  on: [post.create]
  when: terms.bad
  then: {outcome: remove, harm: hate}
"""
SIX = Six(
    context="A quarrel between two teams after a match.",
    speaker="A player whom many follow.",
    intent="To stir up the followers.",
    content="A direct call, in a post for all.",
    extent="Some thousands read it within an hour.",
    likelihood="High: the next match is tomorrow.",
)
GROWN = {"id": "grown", "age_band": "18-plus"}


def rules(here: Scene, text: str = ASK) -> None:
    """Put the small pack with these rules in force."""
    pack = load_texts({**FILES, "rules.yaml": text})
    with here.haven.db.begin(OPERATOR) as tx:
        policy.register(tx, pack)
    here.haven.packs.swap(policy.in_force(pack, here.haven.banks))


def sent(here: Scene, words: str = "a zorgblat", **parts: Any) -> dict[str, Any]:
    """Send a post that the rules speak of, and let the worker work; return its body."""
    body = post(words, **({"account": GROWN} | parts))
    here.accept(body)
    here.work()
    return body


def task_of(here: Scene, body: dict[str, Any]) -> str:
    return str(here.verdict(body["id"])["task"])


def judged(
    here: Scene,
    who: Actor,
    task: str,
    outcome: str,
    *,
    clause: str = "kind",
    terms: Terms = NO_TERMS,
    six: Six | None = None,
    days: int | None = None,
) -> str:
    """Let somebody judge a task, and let the worker settle it; return the judgement."""
    with here.haven.db.begin(who) as tx:
        review.claim(tx, task)
        given = review.judge(tx, task, outcome=outcome, clause=clause, facts="It calls for it.",
                             pack=here.haven.packs.current.fingerprint, days=days, terms=terms,
                             six=six)  # fmt: skip
    here.work()
    return given


def made_by(here: Scene, judgement: str) -> dict[str, Any] | None:
    rows = here.rows("SELECT * FROM decisions WHERE judgement = %(j)s", j=judgement)
    return rows[0] if rows else None


def acts(here: Scene, made: str) -> list[dict[str, Any]]:
    sql = """SELECT verb, state, measure, scope, next_at, until FROM acts WHERE decision = %(d)s
             ORDER BY intended_at, id"""
    return here.rows(sql, d=made)


def pass_time(here: Scene, days: float) -> datetime:
    """Do the periodic work of a moment that is `days` away; return that moment."""
    then = utcnow() + timedelta(days=days)
    with here.haven.db.begin(jobs.ME, then) as tx:
        decisions.cancel_expired(tx)
    return then
