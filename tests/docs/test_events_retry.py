"""`openhaven events retry`: what was set aside is judged again, and the ledger says so."""

from openhaven import intake
from openhaven.core import system, utcnow
from openhaven.intake import Account, Event, Item
from openhaven.line import Haven
from openhaven.line.jobs import judge_events

ME = system("operator")


def test_stuck_events_are_judged_again(haven: Haven) -> None:
    event = Event(id="e1", kind="post.create", at=utcnow(), account=Account(id="a1"),
                  item=Item(id="i1", text="Good morning."))  # fmt: skip
    with haven.db.begin(ME) as tx:
        platform = intake.platform_named(tx, "default").id
        seq = intake.accept(tx, platform, [event])[0].seq
        assert [intake.stumble(tx, seq) for _ in range(3)] == [False, False, True]
    assert judge_events(haven) == 0
    with haven.db.begin(ME) as tx:
        assert intake.retry_stuck(tx) == 1
        assert intake.retry_stuck(tx) == 0
    assert judge_events(haven) == 1
    with haven.db.read() as tx:
        row = intake.event_of(tx, platform, "e1")
        kinds = [one["kind"] for one in tx.rows("SELECT kind FROM ledger_entries ORDER BY id")]
    assert row is not None
    assert row.outcome == "allow"
    assert kinds.count("event.retried") == 1
