"""Verbs of appeals against an age: appeal, and decide."""

from openhaven import ledger
from openhaven.core import AgeBand, Problem, new_id, permits
from openhaven.protections import accounts
from openhaven.protections.ages import Age
from openhaven.protections.appeals import store
from openhaven.protections.appeals.model import CLOCK, LONGEST, OFTEN, Appeal
from openhaven.protections.defaults import Defaults
from openhaven.protections.model import BANDS
from openhaven.storage import Tx


def appeal(tx: Tx, platform: str, account: str, band: AgeBand, text: str) -> Appeal:
    """Store that a person calls their age wrong, for a reviewer to decide; nothing changes yet.

    `text` are 1 to 2,000 characters of their own. Raises `Problem`: 400 for what cannot be meant,
    409 while one is open, 429 after two were decided within a month.
    """
    text = text.strip()
    if band not in BANDS or not 1 <= len(text) <= LONGEST:
        raise Problem("age_appeal.text", "Choose an age, and tell us in a few words why.",
                      next_step=f"Up to {LONGEST:,} characters fit.")  # fmt: skip
    subject = accounts.subject_of(tx, platform, account)
    tx.run("SELECT 1 FROM accounts WHERE subject = %(s)s FOR UPDATE", s=subject)
    if tx.value("SELECT 1 FROM age_appeals WHERE subject = %(s)s AND state = 'open'", s=subject):
        raise Problem("age_appeal.twice", "We are looking at it already.", status=409,
                      next_step="You need not do anything.")  # fmt: skip
    if store.lately(tx, subject) >= OFTEN:
        raise Problem("age_appeal.often", "Two people have looked at it this month.", status=429,
                      next_step="You can ask again in a month.")  # fmt: skip
    made = new_id("aap")
    tx.run(
        """INSERT INTO age_appeals (id, platform, subject, band, body, created_at, due_at)
           VALUES (%(id)s, %(p)s, %(s)s, %(band)s, %(body)s, %(now)s, %(due)s)""",
        id=made, p=platform, s=subject, band=band, now=tx.now, due=tx.now + CLOCK,
        body=tx.keys.seal(subject, text.encode()),
    )  # fmt: skip
    # Neither the band nor whose it is: the ledger is public, and must not say who is a child.
    ledger.append(tx, "age_appeal.received", {"appeal": made})
    tx.wake("console")
    return store.appeal_of(tx, made)


def decide(tx: Tx, defaults: Defaults, made: str, band: AgeBand | None, reasons: str) -> Age:
    """Say which band counts (None: what counted before), and why, in words for the person.

    What a reviewer says wins over every other source and over earlier reviewers. Returns the age
    that the account is taken to be now. Raises `Problem`: 403 for who may not decide this one, 409
    when it is decided, 400 without reasons.
    """
    tx.run("SELECT 1 FROM age_appeals WHERE id = %(id)s FOR UPDATE", id=made)
    found = store.appeal_of(tx, made)
    reasons = reasons.strip()
    _check_may(tx, found)
    if not 1 <= len(reasons) <= LONGEST:
        raise Problem("age_appeal.reasons", "Say in a few words why; the person reads it.",
                      next_step=f"Up to {LONGEST:,} characters fit.")  # fmt: skip
    tx.run(
        """UPDATE age_appeals SET state = %(state)s, decided_band = %(band)s, decided_by = %(me)s,
             decided_at = %(now)s, reasons = %(reasons)s WHERE id = %(id)s""",
        id=made, state="granted" if band else "declined", band=band, me=tx.actor.id, now=tx.now,
        reasons=tx.keys.seal(found.subject, reasons.encode()),
    )  # fmt: skip
    ledger.append(tx, f"age_appeal.{'granted' if band else 'declined'}", {"appeal": made})
    tx.wake("console")
    if band is None:
        return accounts.age_of(tx, defaults, found.platform, found.account)
    return accounts.note_age(tx, defaults, found.platform, found.account, "reviewer", band)


def _check_may(tx: Tx, found: Appeal) -> None:
    if not permits(tx.actor.roles, "appeal.work"):
        raise Problem("permission", "Your role does not work on appeals.", status=403)
    if tx.actor.id in store.judges(tx, found.subject):
        raise Problem("age_appeal.barred", "You decided about this age before.", status=403,
                      next_step="Somebody else must look; take another one.")  # fmt: skip
    if found.state != "open":
        raise Problem("age_appeal.done", "Somebody has decided this already.", status=409,
                      next_step="Go back to the list and take another one.")  # fmt: skip
