"""Verbs that change what is in force: publish, roll back, put the first pack there."""

from openhaven import ledger
from openhaven.core import new_id
from openhaven.policy.actions import keep_files, register
from openhaven.policy.pack import Pack
from openhaven.policy.publishing import refusals, store
from openhaven.policy.publishing.actions import end, staff_with
from openhaven.policy.publishing.model import LONGEST_REASON, How, Standing, Trial, check_words
from openhaven.storage import Tx

CHANNEL = "policy"


def publish(tx: Tx, draft_id: str, trial: Trial) -> Standing:
    """Put an approved draft in force, in every process within two seconds.

    `trial` is what came of trying it again just now. Raises `Problem` (409) when it is not
    approved, or when something else came into force since it was begun; 422 when by now it has
    mistakes or examples that do not hold.
    """
    staff_with(tx, "policy.publish")
    now = _in_order(tx)
    found = store.draft(tx, draft_id, lock=True)
    review = store.review_of(tx, draft_id)
    if found.state != "approved" or review is None or review.fingerprint != found.fingerprint:
        raise refusals.not_approved(found)
    refusals.check_trial(found, trial)
    if now.pack != found.based_on:
        raise refusals.published_meanwhile(now)
    keep_files(tx, found.fingerprint, trial.name, trial.version, trial.files)
    row = _put(tx, now.seq, found.fingerprint, "published", review.reason, review=review.id,
               backtest=found.backtest)  # fmt: skip
    end(tx, found, "live")
    ids = {
        "pack": found.fingerprint,
        "instead_of": now.pack,
        "draft": found.id,
        "review": review.id,
        "backtest": found.backtest or "none",
        "second_person": "nobody_else" if review.alone else review.staff,
    }
    ledger.append(tx, "policy.published", ids, row=("packs_in_force", row))
    return store.standing(tx)


def roll_back(tx: Tx, reason: str, to: str = "") -> Standing:
    """Put in force again what was before, at once and by one person, since it was approved then.

    `to` is the fingerprint (or its beginning) of something that was in force longer ago. Raises
    `Problem` (409) when there is nothing to go back to, or it is in force already.
    """
    staff_with(tx, "policy.publish")
    words = check_words("reason", reason, LONGEST_REASON)
    now = _in_order(tx)
    wanted = store.last_with(tx, to) if to else store.before(tx, now)
    if wanted is None or wanted.pack == now.pack:
        raise refusals.nothing_before()
    row = _put(tx, now.seq, wanted.pack, "rolled_back", words, restores=wanted.seq)
    ids = {"pack": wanted.pack, "instead_of": now.pack}
    ledger.append(tx, "policy.rolled_back", ids, row=("packs_in_force", row))
    return store.standing(tx)


def put_first(tx: Tx, pack: Pack) -> int:
    """Put the pack of the settings in force, in a database in which nothing is; return the row."""
    register(tx, pack)
    row = _put(tx, None, pack.fingerprint, "settings", "The pack of the settings, at first start.")
    ledger.append(tx, "policy.first", {"pack": pack.fingerprint}, row=("packs_in_force", row))
    return store.standing(tx).seq


def _in_order(tx: Tx) -> Standing:
    """Wait until nobody else is publishing, and return what is in force then."""
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended('openhaven.policy', 0))")
    return store.standing(tx)


def _put(
    tx: Tx, after: int | None, pack: str, how: How, reason: str, *, review: str | None = None,
    restores: int | None = None, backtest: str | None = None,
) -> str:  # fmt: skip
    made = new_id("pif")
    tx.run(
        """INSERT INTO packs_in_force (id, after, pack, how, review, restores, backtest, reason,
                                       by_whom, at)
           VALUES (%(id)s, %(after)s, %(pack)s, %(how)s, %(review)s, %(restores)s, %(backtest)s,
                   %(reason)s, %(who)s, %(now)s)""",
        id=made, after=after, pack=pack, how=how, review=review, restores=restores,
        backtest=backtest, reason=reason, who=str(tx.actor), now=tx.now,
    )  # fmt: skip
    tx.wake(CHANNEL)
    return made
