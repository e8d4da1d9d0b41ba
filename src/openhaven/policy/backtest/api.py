"""Back-tests over HTTP, for staff who draft rules: start, follow, read, cancel."""

import msgspec

from openhaven import intake
from openhaven.core.shapes import Moment
from openhaven.policy.backtest import actions, store
from openhaven.policy.backtest.choose import chosen
from openhaven.policy.backtest.model import Backtest, Example, Wish
from openhaven.web import Answer, Call, as_json


class Start(msgspec.Struct, forbid_unknown_fields=True):
    """What to try: `pack` and `against` are a draft's id, a fingerprint, or an installed pack.

    An empty `pack` is what is in force. Without `against` the comparison is with what happened. The
    period is that in which events came in. `purpose` says what this look into people's data is for.
    """

    since: Moment
    until: Moment
    purpose: str
    pack: str = ""
    against: str | None = None
    platform: str | None = None


class BacktestAnswer(msgspec.Struct):
    """A back-test with its figures once it is done, and the events that it names."""

    backtest: Backtest
    examples: list[Example]


def post_backtest(call: Call) -> Answer:
    """`POST /console/api/policy/backtests`: let a pack be tried; a worker takes it up."""
    asked = call.json(Start)
    with call.haven.db.begin(call.actor, call.now) as tx:
        wish = Wish(
            tried=chosen(tx, asked.pack),
            against=None if asked.against is None else chosen(tx, asked.against),
            since=asked.since,
            until=asked.until,
            platform=intake.platform_named(tx, asked.platform).id if asked.platform else None,
            purpose=asked.purpose,
        )
        number = actions.start(tx, wish)
        return as_json(BacktestAnswer(store.find(tx, number), []), 201)


def get_backtests(call: Call) -> Answer:
    """`GET /console/api/policy/backtests`: the latest ones."""
    with call.haven.db.read(call.now) as tx:
        return as_json(store.latest(tx))


def get_backtest(call: Call) -> Answer:
    """`GET /console/api/policy/backtests/{id}`: how far it is, and what it found."""
    number = call.path["id"]
    with call.haven.db.read(call.now) as tx:
        return as_json(BacktestAnswer(store.find(tx, number), store.examples(tx, number)))


def post_cancel(call: Call) -> Answer:
    """`POST /console/api/policy/backtests/{id}/cancel`: stop it within a second or two."""
    number = call.path["id"]
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.ask_cancel(tx, number)
        return as_json(BacktestAnswer(store.find(tx, number), []))
