"""Any sequence of batches gives what a naive recount gives, in the database and in memory alike."""

from datetime import datetime, timedelta
from typing import Any

from history_scene import ME, NOON, counters
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven import history
from openhaven.core import new_id
from openhaven.history import Replay, Values
from openhaven.history.model import KEPT, STEPS
from openhaven.intake import Account, Claimed, Event, Target
from openhaven.storage import Database

COUNTERS = """
met: {distinct: target.account.id, by: account.id, on: [message.send], in: [10m, 1h]}
sent: {count: events, by: account.id, on: [message.send, post.create], in: [10m, 1h]}
pair: {count: events, by: pair, on: [message.send], where: item.text == "", in: 1h}
paid: {sum: context.amount, by: account.id, on: [post.create], in: 1h}
first: {first-seen: seconds, by: account.id, on: [message.send]}
pause: {time-since: seconds, by: target.account.id, on: [message.send], in: 1h}
"""
MADE = counters(COUNTERS)
SPANS = {"10m": 600, "1h": 3_600}
LATEST = 4 * 3_600


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Return an event on few accounts; mostly in order of time, which `at` decides."""
    kind = draw(st.sampled_from(["message.send", "message.send", "post.create", "contact.block"]))
    target = draw(st.sampled_from(["x", "y", "z", None]))
    amount = draw(st.sampled_from([1, 2.5, -1, "none"]))
    return Event(
        id=new_id("e"),
        kind=kind,
        at=NOON + timedelta(seconds=draw(st.integers(0, LATEST))),
        account=Account(id=draw(st.sampled_from("xab"))),
        target=Target(account=Account(id=target)) if target else None,
        context={"amount": amount},
    )


BATCHES = st.lists(st.lists(events(), max_size=8), min_size=1, max_size=6)


class Recount:
    """What was counted, as a list of everything; each answer goes through all of it."""

    def __init__(self) -> None:
        self.past: list[tuple[str, tuple[str, ...], int, Any]] = []

    def take(self, event: Event, now: datetime) -> Values:
        at = int(min(event.at, now).timestamp())
        who, whom = event.account.id, event.target.account.id if event.target else None
        pause = [then for name, key, then, _ in self.past if name == "pause" and key == (whom,)]
        last = max((then for then in pause if at - then < 3_600), default=None)
        self.count(event, at, who, whom)
        firsts = [then for name, key, then, _ in self.past if name == "first" and key == (who,)]
        pair = (who, whom) if whom else None
        values: dict[str, Any] = {
            "pair.in_1h": self.number("pair", pair, at, "1h"),
            "paid.in_1h": float(self.number("paid", (who,), at, "1h")),
            "first.known": bool(firsts),
            "pause.known": last is not None,
        }
        for span in SPANS:
            values[f"sent.in_{span}"] = self.number("sent", (who,), at, span)
            values[f"met.in_{span}"] = self.different((who,), at, SPANS[span])
        if firsts:
            values["first"] = max(0, at - min(firsts))
        if last is not None:
            values["pause"] = max(0, at - last)
        return values

    def count(self, event: Event, at: int, who: str, whom: str | None) -> None:
        if event.kind in ("message.send", "post.create"):
            self.past.append(("sent", (who,), at, 1))
        if event.kind == "message.send":
            self.past.append(("first", (who,), at, None))
            if whom:
                self.past.append(("met", (who,), at, whom))
                self.past.append(("pair", (who, whom), at, 1))
                self.past.append(("pause", (whom,), at, None))
        amount = event.context["amount"]
        if event.kind == "post.create" and not isinstance(amount, str):
            self.past.append(("paid", (who,), at, amount))

    def number(self, name: str, key: tuple[str, ...] | None, at: int, span: str) -> float:
        """Sum what lies in the steps of a window; what came too late lies in the last one kept."""
        seconds, newest, found = SPANS[span], None, []
        for one, its_key, then, amount in self.past:
            if one == name and its_key == key:
                step = then * STEPS // seconds
                newest = step if newest is None else max(newest, step)
                found.append((max(step, newest - KEPT + 1), amount))
        if newest is None:
            return 0
        here = max(at * STEPS // seconds, newest - KEPT + 1)
        return sum(
            amount for step, amount in found if abs(here - step) <= STEPS and step > newest - KEPT
        )

    def different(self, key: tuple[str, ...], at: int, seconds: int) -> int:
        """Count what was last seen within a window; what is kept is twice the longest one."""
        kept, newest, last = SPANS["1h"] * (KEPT - 1) // STEPS, 0, dict[str, int]()
        for one, its_key, then, whom in self.past:
            if one == "met" and its_key == key:
                then = max(then, newest - kept)
                last[whom] = max(last.get(whom, 0), then)
                newest = max(newest, then)
        here = max(at, newest - kept)
        return sum(abs(here - then) < seconds and then >= newest - kept for then in last.values())


@settings(max_examples=60, deadline=None)
@given(BATCHES, st.booleans())
def test_counting_is_a_recount(db: Database, batches: list[list[Event]], late: bool) -> None:
    platform, recount = new_id("p"), Recount()
    now = NOON + timedelta(seconds=LATEST // 2)
    with db.begin(ME) as tx:
        replay = Replay(MADE, tx.keys.digest)
    seq = 0
    for events_ in batches:
        ordered = events_ if late else sorted(events_, key=lambda one: one.at)
        claimed = [Claimed(seq + at, platform, "per", one, True) for at, one in enumerate(ordered)]
        seq += len(ordered)
        with db.begin(ME, now) as tx:
            values = history.count(tx, claimed, MADE)
        for one, said in zip(ordered, values, strict=True):
            assert said == recount.take(one, now)
            assert said == replay.take(platform, one, now)
