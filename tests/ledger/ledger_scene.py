"""A small log with decisions that it seals, for the tests of this room."""

from datetime import UTC, datetime, timedelta

from openhaven.core import Actor, new_id, system
from openhaven.ledger import New, Report, append, append_many, sequence, signer_from, verify
from openhaven.storage import Database, Tx

SIGNER = signer_from(bytes(range(32)))
VKEY = SIGNER.vkey
NOW = datetime(2026, 11, 21, 20, 0, 0, 123456, tzinfo=UTC)
WORKER = system("worker")

PACK = """INSERT INTO packs VALUES ('f00d', 'starter', '1', '{"rules.txt": "x"}', %(now)s)"""
PLATFORM = """INSERT INTO platforms (id, name, verbs, created_at)
              VALUES ('plt_1', 'demo', '{}', %(now)s)"""
CASE = """INSERT INTO cases (id, platform, item, harm, opened_at)
          VALUES (%(case)s, 'plt_1', %(case)s, 'spam', %(now)s)"""
DECISION = """
  INSERT INTO decisions (id, case_id, platform, outcome, harm, clause, clause_title, clause_text,
    pack, facts, ground, ground_reference, scope, permanent, source, automated_detection,
    automated_decision, redress, content_type, content_at, decided_by, decided_at, appeal_until)
  VALUES (%(id)s, %(case)s, 'plt_1', 'remove', 'spam', '4.2', 'Spam', 'No spam.', 'f00d',
    'Posted the same link 40 times.', 'terms', '4.2', '{DE,FR}', true, 'own_initiative', true,
    'fully', 'Appeal within six months.', '{text}', %(now)s, 'rule:spam', %(now)s, %(until)s)"""


def ground(db: Database) -> None:
    """Insert what decisions lean on."""
    with db.begin(WORKER, NOW) as tx:
        tx.run(PACK, now=NOW)
        tx.run(PLATFORM, now=NOW)


def decide(tx: Tx) -> str:
    """Insert a decision with its entry; return the decision's id."""
    case, decision = new_id("cas"), new_id("dec")
    tx.run(CASE, case=case, now=tx.now)
    tx.run(DECISION, id=decision, case=case, now=tx.now, until=tx.now + timedelta(days=200))
    append(tx, "decision.made", {"decision": decision, "case": case}, ("decisions", decision))
    return decision


def fill(db: Database, count: int, actor: Actor = WORKER) -> list[str]:
    """Append `count` entries in one transaction; return their ids in order."""
    news = [New("batch.walked", {"events": str(number)}) for number in range(count)]
    with db.begin(actor, NOW) as tx:
        return append_many(tx, news)


def run(db: Database, limit: int = 10_000) -> int:
    """Let the sequencer work once."""
    with db.begin(WORKER, NOW) as tx:
        return sequence(tx, SIGNER, limit)


def run_all(db: Database, limit: int = 10_000) -> None:
    """Let the sequencer work until nothing waits."""
    while run(db, limit):
        pass


def report(db: Database, outside: str | None = None) -> Report:
    """Verify the whole log."""
    with db.read() as tx:
        return verify(tx, outside, VKEY)


def sql(db: Database, statement: str, **params: object) -> None:
    """Do what an attacker with the database's password would do."""
    with db.begin(WORKER) as tx:
        tx.run(statement, **params)
