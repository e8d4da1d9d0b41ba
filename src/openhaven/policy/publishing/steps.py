"""Whole steps, as faces call them: a pack is tried outside of any transaction, then it is done."""

from collections.abc import Mapping
from datetime import datetime

from openhaven.core import Actor
from openhaven.policy.publishing import actions, force, store
from openhaven.policy.publishing.model import Draft, Standing, Trial
from openhaven.policy.publishing.trying import try_out
from openhaven.storage import Database


def check(db: Database, actor: Actor, now: datetime, draft_id: str) -> tuple[Draft, Trial]:
    """Try a draft and keep what came of it; return both. Raises `Problem` as `try_out` does."""
    trial = try_out(_files(db, draft_id))
    with db.begin(actor, now) as tx:
        return actions.note_trial(tx, draft_id, trial), trial


def propose(db: Database, actor: Actor, now: datetime, draft_id: str, backtest: str = "") -> Draft:
    """Try a draft and propose it. Raises `Problem` as `try_out` and `actions.propose` do."""
    trial = try_out(_files(db, draft_id))
    with db.begin(actor, now) as tx:
        actions.note_trial(tx, draft_id, trial)
        return actions.propose(tx, draft_id, trial, backtest)


def publish(db: Database, actor: Actor, now: datetime, draft_id: str) -> Standing:
    """Try an approved draft once more and put it in force.

    The program may be another one than when it was approved. Raises `Problem` as `try_out` and
    `force.publish` do.
    """
    trial = try_out(_files(db, draft_id))
    with db.begin(actor, now) as tx:
        return force.publish(tx, draft_id, trial)


def propose_files(
    db: Database, actor: Actor, now: datetime, title: str, files: Mapping[str, str],
    backtest: str = "",
) -> Draft:  # fmt: skip
    """Make a draft of these files and propose it at once; nothing is kept when it has a fault."""
    trial = try_out(dict(files))
    with db.begin(actor, now) as tx:
        draft = actions.start_draft(tx, title, trial.files if trial.ok else files)
        return actions.propose(tx, draft.id, trial, backtest)


def _files(db: Database, draft_id: str) -> dict[str, str]:
    with db.read() as tx:
        return store.files_of(tx, store.draft(tx, draft_id).id)
