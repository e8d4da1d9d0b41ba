"""Verbs of contests: say that it is somebody else, and answer."""

from openhaven import ledger
from openhaven.core import Problem, new_id, permits
from openhaven.core.words import mark
from openhaven.exchange.returning import actions
from openhaven.exchange.returning.contests import store
from openhaven.exchange.returning.contests.model import CLOCK, LONGEST, MOST, Contest
from openhaven.exchange.returning.store import Sighting
from openhaven.storage import Tx


def contest(tx: Tx, met: Sighting, text: str) -> Contest:
    """Store that a newcomer says it is somebody else, for a person to answer.

    Raises `Problem`: 400 for nothing or too much, 409 while one is open or it was cleared, 429
    after two answers, 410 for an account that is gone.
    """
    text = text.strip()
    if not 1 <= len(text) <= LONGEST:
        raise Problem("returning.text", mark("Tell us in a few words."),
                      next_step=mark("Write up to 2,000 characters."))  # fmt: skip
    tx.run("SELECT 1 FROM returning_sightings WHERE id = %(s)s FOR UPDATE", s=met.id)
    before = store.contests_of(tx, met.id)
    if met.cleared_at is not None or any(one.state == "open" for one in before):
        raise Problem("returning.twice", mark("We have this already."), status=409,
                      next_step=mark("You need not do anything."))  # fmt: skip
    if len(before) >= MOST:
        raise Problem("returning.often", mark("Two people have looked at it."), status=429,
                      next_step=mark("You can still turn to a court."))  # fmt: skip
    sql = "SELECT subject FROM accounts WHERE platform = %(p)s AND id = %(a)s"
    subject = tx.value(sql, p=met.platform, a=met.account)
    if subject is None:
        raise Problem("returning.link", mark("This link does not lead anywhere any more."),
                      status=410, next_step=mark("You need not do anything."))  # fmt: skip
    made = new_id("rtc")
    tx.run(
        """INSERT INTO returning_contests (id, sighting, subject, body, created_at, due_at)
           VALUES (%(id)s, %(s)s, %(subject)s, %(body)s, %(now)s, %(due)s)""",
        id=made, s=met.id, subject=subject, body=tx.keys.seal(subject, text.encode()), now=tx.now,
        due=tx.now + CLOCK,
    )  # fmt: skip
    ledger.append(tx, "returning.contested", {"contest": made, "sighting": met.id})
    tx.wake("console")
    return store.contest_of(tx, made)


def decide(tx: Tx, contest: str, reasons: str, *, somebody_else: bool) -> None:
    """Answer a contest; when it is somebody else, nothing follows from the match any more.

    Raises `Problem`: 403 for who may not answer this one, 409 when it is answered, 400 without
    reasons, which the person reads.
    """
    tx.run("SELECT 1 FROM returning_contests WHERE id = %(id)s FOR UPDATE", id=contest)
    found = store.contest_of(tx, contest)
    reasons = reasons.strip()
    if not permits(tx.actor.roles, "appeal.work"):
        raise Problem("permission", "Your role does not work on appeals.", status=403)
    if tx.actor.id in store.judges(tx, found.sighting):
        raise Problem("returning.barred", "You decided about this before.", status=403,
                      next_step="Somebody else must look; take another one.")  # fmt: skip
    if found.state != "open":
        raise Problem("returning.done", "Somebody has answered this already.", status=409,
                      next_step="Go back to the list.")  # fmt: skip
    if not 1 <= len(reasons) <= LONGEST:
        raise Problem("returning.reasons", "Say in a few words why; the person reads it.",
                      next_step=f"Up to {LONGEST:,} characters fit.")  # fmt: skip
    state = "granted" if somebody_else else "declined"
    tx.run(
        """UPDATE returning_contests SET state = %(state)s, decided_by = %(me)s,
             decided_at = %(now)s, reasons = %(reasons)s WHERE id = %(id)s""",
        id=contest, state=state, me=tx.actor.id, now=tx.now,
        reasons=tx.keys.seal(found.subject, reasons.encode()),
    )  # fmt: skip
    if somebody_else:
        actions.clear(tx, found.sighting)
    ledger.append(tx, f"returning.{state}", {"contest": contest, "sighting": found.sighting})
    tx.wake("console")
