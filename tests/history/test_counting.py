"""Counters answer what was counted: totals, different things, rates, first and last times."""

import math
import random
from datetime import timedelta

import pytest
from history_scene import ME, NOON, batch, counted, counters, event, to

from openhaven import history
from openhaven.history.cells import Seen, different, note
from openhaven.history.store import counting
from openhaven.storage import Database

MINORS = """
minors:
  distinct: target.account.id
  by: account.id
  on: [message.send, contact.request]
  where: 'target.age_band in ["under-13", "13-15", "16-17"]'
  in: [1h, 1d, 7d]
"""
HOUR, DAY = 3_600, 86_400


def minor(name: str) -> dict[str, object]:
    return to(name, age_band="13-15")


def test_different_things_are_counted_in_each_window(db: Database) -> None:
    made = counters(MINORS)
    events = [
        event(0, **minor("m1")),
        event(10, **minor("m2")),
        event(20, **minor("m1")),
        event(30, **to("grown", age_band="18-plus")),
        event(2 * HOUR, kind="contact.request", **minor("m3")),
        event(3 * DAY, **minor("m4")),
    ]
    values = counted(db, made, events[:3]) + counted(db, made, events[3:], first=4)
    assert [one["minors.in_1h"] for one in values] == [1, 2, 2, 2, 1, 1]
    assert [one["minors.in_1d"] for one in values] == [1, 2, 2, 2, 3, 1]
    assert [one["minors.in_7d"] for one in values] == [1, 2, 2, 2, 3, 4]


def test_events_of_others_and_of_other_platforms_do_not_count(db: Database) -> None:
    made = counters("sent: {count: events, by: account.id, on: [message.send], in: 1h}")
    counted(db, made, [event(), event(account={"id": "a2"}), event(kind="post.create")])
    with db.begin(ME, NOON) as tx:
        one, other = batch([event(1), event(2)], first=4)
        strange = type(other)(5, "other", "per", other.event, True)
        values = history.count(tx, [one, strange], made)
    assert [one["sent.in_1h"] for one in values] == [2, 1]


def test_a_batch_counts_in_the_order_in_which_events_were_stored(db: Database) -> None:
    made = counters("sent: {count: events, by: account.id, on: [message.send], in: 1h}")
    claimed = batch([event(0), event(1), event(2)])
    with db.begin(ME, NOON) as tx:
        values = history.count(tx, claimed[::-1], made)
    assert [one["sent.in_1h"] for one in values] == [3, 2, 1]


def test_sums_and_rates(db: Database) -> None:
    made = counters(
        """
paid: {sum: context.amount, by: account.id, on: [message.send], in: [1h, 1d]}
pace: {rate: 1m, by: account.id, on: [message.send], in: 1h}
"""
    )
    amounts = [2, 0.5, "much", True, None, -1]
    values = counted(db, made, [event(at, context={"amount": n}) for at, n in enumerate(amounts)])
    assert [one["paid.in_1h"] for one in values] == [2, 2.5, 2.5, 2.5, 2.5, 1.5]
    assert all(isinstance(one["paid.in_1d"], float) for one in values)
    assert values[-1]["pace.in_1h"] == pytest.approx(6 / 60)
    assert counted(db, made, [event(kind="post.create", account={"id": "a9"})]) == [
        {"paid.in_1h": 0.0, "paid.in_1d": 0.0, "pace.in_1h": 0.0}
    ]


def test_no_number_that_can_be_sent_is_too_large(db: Database) -> None:
    """JSON knows whole numbers of hundreds of digits; a float does not."""
    made = counters(
        """
paid:
  sum: context.amount
  by: [account.id, context.amount]
  on: [message.send]
  in: 1h
"""
    )
    for amount, told in ((10**400, 2.0**53), (-(10**400), -(2.0**53)), (1e308, 2.0**53)):
        values = counted(db, made, [event(context={"amount": amount})])
        assert values == [{"paid.in_1h": told}]


def test_the_first_and_the_last_time(db: Database) -> None:
    made = counters(
        """
known_for: {first-seen: hours, by: account.id, on: [message.send]}
pause: {time-since: seconds, by: pair, on: [message.send], in: 1d}
"""
    )
    values = counted(db, made, [event(0, **to("b")), event(7_300, **to("b")), event(7_301)])
    assert values[0] == {"pause.known": False, "known_for": 0, "known_for.known": True}
    assert values[1] == {"pause": 7_300, "pause.known": True, "known_for": 2,
                         "known_for.known": True}  # fmt: skip
    # Aimed at nobody: there is no pair.
    assert values[2]["pause.known"] is False
    later = counted(db, made, [event(7_300 + DAY + 1, **to("b"))], first=4)
    assert later[0]["pause.known"] is False


def test_pairs_have_a_direction_and_people_one_account(db: Database) -> None:
    made = counters(
        """
to_them: {count: events, by: pair, on: [message.send], in: 1d}
received: {count: events, by: target.account.id, on: [message.send], in: 1d}
blocked: {count: events, by: target.account.id, on: [contact.block], in: 1d}
"""
    )
    values = counted(
        db,
        made,
        [
            event(0, **to("b")),
            event(1, account={"id": "b"}, **to("a1")),
            event(2, **to("b")),
            event(3, account={"id": "c"}, **to("b")),
            event(4, kind="contact.block", account={"id": "b"}, **to("a1")),
        ],
    )
    assert [one["to_them.in_1d"] for one in values] == [1, 1, 2, 1, 1]
    assert [one["received.in_1d"] for one in values] == [1, 1, 2, 3, 1]
    assert values[4]["blocked.in_1d"] == 1


def test_links_hosts_and_texts_that_are_nearly_the_same(db: Database) -> None:
    made = counters(
        """
link: {distinct: account.id, by: link, on: [message.send], in: 1d}
host: {distinct: account.id, by: link.host, on: [message.send], in: 1d}
same_text: {distinct: account.id, by: text, on: [message.send], in: 1d}
"""
    )
    spam = "Dear friend number {}, come and see the wonderful garden gnomes at {} today, {} left!"
    texts = [spam.format(n, f"https://Gnomes.example/{n % 2}", 10 - n) for n in range(6)]
    texts.append("Something else entirely: who is coming along to the swimming lake on Sunday?")
    events = [event(n, account={"id": f"a{n}"}, item={"id": f"i{n}", "text": text})
              for n, text in enumerate(texts)]  # fmt: skip
    values = counted(db, made, events)
    assert [one["link.in_1d"] for one in values] == [1, 1, 2, 2, 3, 3, 0]
    assert [one["host.in_1d"] for one in values] == [1, 2, 3, 4, 5, 6, 0]
    assert [one["same_text.in_1d"] for one in values] == [1, 2, 3, 4, 5, 6, 1]


def test_words_of_the_context_are_keys_and_values(db: Database) -> None:
    made = counters(
        "rooms: {distinct: context.room, by: [account.id, context.game], on: [message.send],"
        " in: 30m}"
    )
    contexts = [{"room": 1, "game": "x"}, {"room": 2, "game": "x"}, {"room": 3, "game": "y"},
                {"room": 4}, {"game": "x"}]  # fmt: skip
    values = counted(db, made, [event(at, context=one) for at, one in enumerate(contexts)])
    assert [one["rooms.in_30m"] for one in values] == [1, 2, 1, 0, 2]


def test_who_only_asks_is_not_counted(db: Database) -> None:
    made = counters("sent: {count: events, by: account.id, on: [message.send], in: 1h}")
    posts = [event(kind="post.create"), event(1), event(2, kind="post.create")]
    assert [one["sent.in_1h"] for one in counted(db, made, posts)] == [0, 1, 1]
    unasked = counters("sent: {count: events, by: account.id, on: [message.send], in: 1h}", ())
    assert counted(db, unasked, [event(3)], first=4) == [{}]
    assert counted(db, made, [event(4, kind="post.create")], first=5)[0]["sent.in_1h"] == 2


def test_late_events_count_in_the_window_of_their_time(db: Database) -> None:
    made = counters(MINORS)
    values = counted(
        db,
        made,
        [
            event(5 * HOUR, **minor("m1")),
            event(4 * HOUR + 1_900, **minor("m2")),  # late
            event(5 * HOUR + 100, **minor("m3")),
            event(1 * HOUR, **minor("m4")),  # very late: nobody else was there at that time
            event(5 * HOUR + 200, **minor("m3")),
        ],
    )
    assert [one["minors.in_1h"] for one in values] == [1, 2, 3, 1, 3]
    assert [one["minors.in_1d"] for one in values] == [1, 2, 3, 4, 4]


def test_an_event_from_the_future_happens_now(db: Database) -> None:
    made = counters("sent: {count: events, by: account.id, on: [message.send], in: 1h}")
    values = counted(db, made, [event(20 * HOUR), event(0)], now=NOON)
    assert [one["sent.in_1h"] for one in values] == [1, 2]


def test_beyond_256_different_things_are_estimated_as_well_as_promised(db: Database) -> None:
    made = counters(
        "met: {distinct: target.account.id, by: account.id, on: [message.send], in: 1d}"
    )
    exact = [event(at, **to(f"x{at}")) for at in range(256)]
    assert [one["met.in_1d"] for one in counted(db, made, exact)] == [*range(1, 257)]


@pytest.mark.parametrize("size", [300, 1_000, 5_000])
def test_estimates_are_as_good_as_promised(size: int) -> None:
    errors = []
    for trial in range(60):
        chance = random.Random(trial)
        seen: list[Seen] = []
        for at in range(size):
            note(seen, chance.getrandbits(64), at, [DAY])
        errors.append(different(seen[0], size, DAY, DAY) / size - 1)
        assert len(seen[0][3]) <= 256
    assert math.sqrt(sum(one * one for one in errors) / 60) < 0.09
    assert abs(sum(errors) / 60) < 0.03


def test_who_is_met_again_and_again_is_one_of_the_estimated() -> None:
    chance = random.Random(1)
    friends = [chance.getrandbits(64) for _ in range(600)]
    seen: list[Seen] = []
    for at in range(20_000):
        note(seen, chance.choice(friends), at, [DAY])
    assert different(seen[0], 20_000, DAY, DAY) == pytest.approx(600, rel=0.25)
    # And after a quiet day a few are told apart exactly again.
    for at in range(300_000, 300_005):
        note(seen, chance.choice(friends), at, [DAY])
    assert different(seen[0], 300_005, DAY, DAY) == 5


def test_a_short_window_stays_exact_when_a_long_one_is_estimated() -> None:
    """One map for all windows becomes one for each as soon as it can no longer hold everything."""
    spans, seen = [HOUR, DAY], list[Seen]()
    chance = random.Random(2)
    for number in range(1_000):
        note(seen, chance.getrandbits(64), number * 60, spans)
        at, parts = number * 60, seen * 2 if len(seen) == 1 else seen
        longest = [DAY, DAY] if len(seen) == 1 else spans
        found = [different(*one) for one in zip(parts, [at] * 2, spans, longest, strict=True)]
        assert found[0] == min(number + 1, 60)
        assert len(seen) == (1 if number < 256 else 2)
        assert found[1] == (number + 1 if number < 256 else pytest.approx(number + 1, rel=0.25))


def test_a_row_stays_small_however_much_is_counted(db: Database) -> None:
    made = counters(MINORS)
    for first in range(0, 3_000, 500):
        events = [event(60 * n, **minor(f"m{n}")) for n in range(first, first + 500)]
        counted(db, made, events, first)
    with db.read() as tx:
        assert tx.value("SELECT max(length(state)) FROM history") < 3 * 256 * 20


def test_nothing_is_asked_of_the_database_without_counters(db: Database) -> None:
    with db.begin(ME, NOON) as tx:
        tx.run("ALTER TABLE history RENAME TO gone")
        assert history.count(tx, batch([event()]), ()) == [{}]
        # Nor where none of them concerns these events.
        other = counters("seen: {count: events, by: account.id, on: [post.create], in: 1h}", ())
        assert history.count(tx, batch([event()]), other) == [{}]


def test_a_counter_that_is_declared_otherwise_starts_anew(db: Database) -> None:
    before = counters("sent: {count: events, by: account.id, on: [message.send], in: [1h, 1d]}")
    again = counters("sent: {in: [1d, 1h], on: [message.send], by: [account.id], count: events}")
    other = counters(
        "sent: {count: events, by: account.id, on: [message.send], where: item.text != '',"
        " in: [1h, 1d]}"
    )
    counted(db, before, [event(0), event(1)])
    assert counted(db, again, [event(2)], first=3)[0]["sent.in_1h"] == 3
    text = {"item": {"id": "i", "text": "hello"}}
    assert counted(db, other, [event(3, **text)], first=4)[0]["sent.in_1h"] == 1
    assert counted(db, before, [event(4)], first=5)[0]["sent.in_1h"] == 4


def test_since_when_a_counter_counts_is_known(db: Database) -> None:
    one = counters("sent: {count: events, by: account.id, on: [message.send], in: 1h}")
    other = counters("sent: {count: events, by: account.id, on: [message.send], in: 2h}")
    since = []
    for hour, made in enumerate((one, one, other, one)):
        with db.begin(ME, NOON + timedelta(hours=hour)) as tx:
            history.begin(tx, made)
            since += [(found.since - NOON).seconds // HOUR for found in counting(tx)]
    assert since == [0, 0, 2, 3]
    with db.begin(ME, NOON) as tx:
        history.begin(tx, ())
        assert counting(tx) == []


def test_no_row_says_who_or_what_it_is_about(db: Database) -> None:
    made = counters(MINORS + "met: {count: events, by: pair, on: [message.send], in: 1d}")
    counted(db, made, [event(0, account={"id": "annabel"}, **to("bertram", age_band="13-15"))])
    with db.read() as tx:
        rows = tx.rows("SELECT key, one, other, state FROM history")
    data = b"".join(bytes(value) for row in rows for value in row.values() if value)
    assert rows
    assert b"annabel" not in data
    assert b"bertram" not in data


def test_a_person_is_forgotten_alone_and_in_pairs(db: Database) -> None:
    made = counters(
        """
sent: {count: events, by: account.id, on: [message.send], in: 1d}
pair: {count: events, by: pair, on: [message.send], in: 1d}
"""
    )
    counted(db, made, [event(0, **to("b")), event(1, account={"id": "b"}, **to("a1")),
                       event(2, account={"id": "b"}, **to("c"))])  # fmt: skip
    with db.begin(ME, NOON) as tx:
        history.forget(tx, "p", "a1")
    values = counted(db, made, [event(3, **to("b")), event(4, account={"id": "b"}, **to("c"))])
    assert values[0] == {"sent.in_1d": 1, "pair.in_1d": 1}
    assert values[1] == {"sent.in_1d": 3, "pair.in_1d": 2}


def test_what_no_longer_counts_is_forgotten(db: Database) -> None:
    made = counters("sent: {count: events, by: account.id, on: [message.send], in: 1d}")
    counted(db, made, [event()], now=NOON)
    with db.begin(ME, NOON + timedelta(days=1)) as tx:
        assert history.expire(tx) == 0
    with db.begin(ME, NOON + timedelta(days=4)) as tx:
        assert history.expire(tx) == 1
        assert tx.value("SELECT count(*) FROM history") == 0
