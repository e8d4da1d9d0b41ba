"""Periodic work of the register: follow what was agreed, let go, forget; calls and words."""

from openhaven.authorities.requests import actions, contacts, keeping, narrowing, telling
from openhaven.core import system
from openhaven.storage import Database

ME = system("requests")


def tend(db: Database) -> int:
    """Follow what second persons said, end what is over, forget what is old; return how many."""
    with db.begin(ME) as tx:
        followed = contacts.follow(tx) + narrowing.follow(tx) + telling.settle(tx)
        return followed + keeping.let_go(tx) + actions.forget(tx)
