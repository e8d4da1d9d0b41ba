"""The watch: a hash that only ever asks a person, that nobody can abuse, and that ends."""

from datetime import timedelta

import pytest
from survivors_scene import ANYBODY, DICE, Town, a_hash

from openhaven import survivors
from openhaven.core import Problem, utcnow
from openhaven.records.jobs import retain
from openhaven.survivors import store
from openhaven.survivors.store import Made


def near(value: bytes, bits: int) -> bytes:
    """Return a hash that differs from this one by so many bits."""
    number = int.from_bytes(value)
    for bit in DICE.sample(range(256), bits):
        number ^= 1 << bit
    return number.to_bytes(32)


def living(town: Town) -> int:
    return len(town.rows("SELECT 1 FROM bank_entries WHERE withdrawn_at IS NULL"))


def withdraw(town: Town, made: Made) -> None:
    with town.haven.db.begin(ANYBODY) as tx:
        survivors.withdraw(tx, made.code)


def test_a_match_asks_a_person_and_never_acts(town: Town) -> None:
    pdq = a_hash()
    made = town.watch(pdq)
    assert town.status(made).found == ()
    item = town.posted(near(pdq, 20))
    town.tend()
    (task,) = town.tasks()
    assert task["item"] == item
    assert town.rows("SELECT 1 FROM decisions") == []
    assert [one.outcome for one in town.status(made).found] == [""]
    town.judge(town.person(), task["id"], "remove")
    town.tend()
    assert [one.outcome for one in town.status(made).found] == ["remove"]


def test_another_picture_is_nobodys_business(town: Town) -> None:
    pdq = a_hash()
    town.watch(pdq)
    town.posted(near(pdq, 60))
    town.tend()
    assert town.tasks() == []


def test_a_pack_without_a_rule_for_it_changes_nothing(town: Town) -> None:
    """A match that no rule asked about is put before a person all the same."""
    pdq = a_hash()
    made = town.watch(pdq)
    item = town.posted(pdq)
    with town.haven.db.begin(ANYBODY) as tx:
        tx.run("UPDATE bank_matches SET task = NULL")
        tx.run("UPDATE tasks SET state = 'cancelled', done_at = now()")
    town.tend()
    assert [one["item"] for one in town.tasks()] == [item]
    assert len(town.status(made).found) == 1


def test_a_withdrawn_hash_is_forgotten_after_its_time(town: Town) -> None:
    gone, kept = a_hash(), a_hash()
    made = town.watch(gone)
    other = town.watch(kept)
    withdraw(town, made)
    town.tend()
    retention = town.haven.settings.retention
    for days, left in ((retention.decided - 1, 2), (retention.decided + 1, 1)):
        retain(town.haven.db, town.haven.blobs, retention, utcnow() + timedelta(days=days))
        assert len(town.rows("SELECT 1 FROM bank_entries")) == left
    assert town.status(made).why == "withdrawn"
    assert town.status(other).state == "open"
    again = town.watch(gone)
    town.posted(gone)
    assert len(town.status(again).found) == 1


def test_withdrawn_it_matches_no_more(town: Town) -> None:
    pdq = a_hash()
    withdraw(town, town.watch(pdq))
    town.tend()
    town.posted(pdq)
    town.tend()
    assert (living(town), town.tasks()) == (0, [])


def test_two_people_may_wait_for_one_picture(town: Town) -> None:
    pdq = a_hash()
    one, other = town.watch(pdq), town.watch(pdq)
    withdraw(town, one)
    assert (living(town), town.status(other).state) == (1, "open")
    withdraw(town, other)
    assert living(town) == 0


def test_it_ends_when_its_time_has_come(town: Town) -> None:
    made = town.watch(a_hash(), days=90)
    town.tend(timedelta(days=89))
    assert town.status(made).state == "open"
    town.tend(timedelta(days=91))
    assert (town.status(made).state, town.status(made).why, living(town)) == ("ended", "expired", 0)


def test_a_hash_that_finds_what_is_harmless_ends_by_itself(town: Town) -> None:
    """Whoever lets a well-known picture be looked for costs people three looks, no more."""
    pdq = a_hash()
    made = town.watch(pdq)
    for number in range(3):
        town.posted(pdq, account={"id": f"a{number}"})
        town.tend()
        town.judge(town.person(), town.tasks()[0]["id"], "allow")
        town.tend()
    assert (town.status(made).why, living(town)) == ("harmless", 0)
    with pytest.raises(Problem) as found:
        town.watch(pdq)
    assert found.value.code == "watch.harmless"


def test_a_hash_that_everything_matches_is_stopped(town: Town) -> None:
    pdq = a_hash()
    made = town.watch(pdq)
    for _ in range(25):
        town.posted(pdq)
    town.tend()
    assert (town.status(made).why, living(town)) == ("too_many", 0)


def test_what_was_right_once_goes_on(town: Town) -> None:
    pdq = a_hash()
    made = town.watch(pdq)
    for outcome in ("remove", "allow", "allow", "allow"):
        town.posted(pdq)
        town.tend()
        town.judge(town.person(), town.tasks()[0]["id"], outcome)
        town.tend()
    assert town.status(made).state == "open"


def test_a_child_waits_in_a_bank_of_their_own(town: Town) -> None:
    pdq = a_hash()
    town.watch(pdq, age="child")
    (bank,) = town.rows("SELECT name, harm, opinion, at_most FROM banks WHERE owner = 'survivors'")
    assert bank == {"name": "watched-for-children", "harm": "csam.known",
                    "opinion": "investigate", "at_most": "review"}  # fmt: skip


def test_nobody_fills_the_bank_alone(town: Town) -> None:
    for _ in range(30):
        town.watch(a_hash())
    with pytest.raises(Problem) as found:
        town.watch(a_hash())
    assert found.value.status == 429
    town.watch(a_hash(), origin="198.51.100.9")
    assert living(town) == 31


def test_the_request_does_not_say_which_hash_is_whose(town: Town) -> None:
    pdq = a_hash()
    town.watch(pdq)
    (row,) = town.rows("SELECT subject, body FROM survivor_requests")
    with town.haven.db.read() as tx:
        plain = tx.keys.open(row["subject"], row["body"])
    assert pdq.hex().encode() not in (plain or b"")
    assert town.rows("SELECT 1 FROM ledger_entries WHERE leaf::text LIKE %(h)s",
                     h=f"%{pdq.hex()}%") == []  # fmt: skip


@pytest.mark.parametrize(
    ("values", "code"),
    [({"quality": 49}, "watch.plain"), ({"quality": 101}, "watch.plain"),
     ({"pdq": bytes(32)}, "watch.plain"), ({"pdq": b"\xff" * 32}, "watch.plain"),
     ({"pdq": bytes(31) + b"\x01"}, "watch.plain"), ({"pdq": b"short"}, "watch.hash"),
     ({"days": 5_000}, "watch.days"), ({"mine": False}, "watch.mine")],
)  # fmt: skip
def test_what_cannot_be_looked_for_is_refused(town: Town, values: dict, code: str) -> None:
    with pytest.raises(Problem) as found:
        town.watch(**({"pdq": a_hash()} | values))
    assert found.value.code == code


def test_many_watches_from_elsewhere_lock_nobody_out(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(store.A_DAY, "watch", (30, 4))
    for number in range(4):
        town.watch(a_hash(), origin=f"203.0.113.{number}")
    town.watch(a_hash(), origin="192.0.2.7")
    with pytest.raises(Problem, match="has to wait"):
        town.watch(a_hash(), origin="192.0.2.7")
    for number in range(15):
        town.watch(a_hash(), origin=f"198.51.100.{number}")
    with pytest.raises(Problem, match="has to wait"):
        town.watch(a_hash(), origin="192.0.2.8")
