"""What a homeserver forgot to send is read from its records: all of it, once, and nothing older."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from test_inbox import ME, Inbox, inbox, said

from openhaven.connectors.matrix import catching_up, checkup
from openhaven.connectors.matrix.catching_up import CatchUp
from openhaven.connectors.matrix.catching_up.jobs import ROOMS
from openhaven.core import utcnow

__all__ = ["inbox"]
ADMIN = "/_synapse/admin/v1"
NOW = utcnow()


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def event(name: str, at: datetime, room: str, sender: str = "@a:haven.test") -> dict[str, Any]:
    made = int(at.timestamp() * 1000)
    return said(name) | {"room_id": room, "origin_server_ts": made, "sender": sender}


class Town:
    """The records of a small homeserver: its rooms, and what was said in each, oldest first."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.rooms: dict[str, list[dict[str, Any]]] = {}
        self.work = CatchUp(inbox.wiring)
        inbox.small.answer(f"GET {ADMIN}/rooms", self._list)
        with inbox.wiring.db.begin(ME) as tx:
            tx.run("UPDATE platforms SET created_at = %(t)s", t=ago(days=20))

    def room(self, name: str, *events: dict[str, Any], rule: str = "public") -> str:
        self.rooms[name] = list(events)
        found = {"join_rules": rule, "history_visibility": "shared", "encryption": None}
        self.inbox.small.answer(f"GET {ADMIN}/rooms/{name}", found)
        self.inbox.small.answer(f"GET {ADMIN}/rooms/{name}/messages", self._pages(name))
        return name

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        start, limit = int(query["from"]), int(query["limit"])
        more = {"next_batch": start + limit} if start + limit < len(self.rooms) else {}
        page = list(self.rooms)[start : start + limit]
        return {"rooms": [{"room_id": room} for room in page]} | more

    def _pages(self, room: str) -> Callable[[dict[str, str]], dict[str, Any]]:
        def page(query: dict[str, str]) -> dict[str, Any]:
            assert query["dir"] == "b"
            start, limit = int(query.get("from", 0)), int(query["limit"])
            newest = self.rooms[room][::-1]
            end = {"end": str(start + limit)} if start + limit < len(newest) else {}
            return {"chunk": newest[start : start + limit]} | end

        return page

    def owe(self, since: datetime | None = None) -> None:
        with self.inbox.wiring.db.begin(ME) as tx:
            catching_up.owe(tx, self.inbox.platform, since)

    def hurry(self) -> None:
        """Let every pause be over."""
        with self.inbox.wiring.db.begin(ME) as tx:
            late = tx.now - timedelta(seconds=1)
            tx.run(
                "UPDATE matrix_servers SET owed_next_at = %(t)s WHERE owed_since < now()", t=late
            )
            tx.run("UPDATE matrix_owed_rooms SET next_at = %(t)s", t=late)

    def catch_up(self) -> None:
        self.hurry()
        while self.work.step():
            pass

    def came(self) -> list[str]:
        return [row["id"] for row in self.inbox.rows("SELECT id FROM matrix_inbox ORDER BY seq")]

    @property
    def standing(self) -> catching_up.Standing:
        with self.inbox.wiring.db.read() as tx:
            return catching_up.standing(tx, self.inbox.platform)

    def checked(self) -> dict[bool, str]:
        """Return what `matrix check` says of this, by whether it works."""
        line = checkup._behind(self.inbox.wiring, self.inbox.server)
        return {line.works: line.words + line.next_step}


@pytest.fixture
def town(inbox: Inbox) -> Iterator[Town]:
    return Town(inbox)


def test_what_was_not_sent_comes_once_in_order_and_nothing_older(town: Town) -> None:
    there = event("$there", ago(minutes=4), "!a")
    town.room("!a", event("$old", ago(days=3), "!a"), there, event("$x", ago(minutes=3), "!a"),
              event("$y", ago(minutes=2), "!a"))  # fmt: skip
    town.room("!quiet", event("$ancient", ago(days=9), "!quiet"))
    town.inbox.put([there])
    for _ in range(2):
        town.owe(ago(hours=1))
        assert town.standing.owed
        town.catch_up()
    assert town.came() == ["$there", "$x", "$y"]
    assert (town.standing.owed, town.standing.error) == (False, None)
    assert town.inbox.jobs.drain() == 3
    assert town.inbox.ids() == ["$there", "$x", "$y"]
    (entry,) = town.inbox.rows("SELECT ids FROM ledger_entries WHERE kind = 'matrix.caught_up'")
    assert entry["ids"]["events"] == "2"


def test_many_pages_are_read_back_to_the_moment_and_no_further(town: Town) -> None:
    many = [event(f"$e{n}", ago(minutes=350 - n), "!a") for n in range(350)]
    older = [event(f"$o{n}", ago(days=2, minutes=500 - n), "!a") for n in range(500)]
    town.room("!a", *older, *many)
    town.owe(ago(hours=7))
    town.catch_up()
    assert town.came() == [f"$e{n}" for n in range(350)]
    calls = [call for call in town.inbox.small.calls if call.endswith("/messages")]
    assert len(calls) == 5


def test_a_very_long_time_in_one_room_is_read_in_parts(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up.jobs.reading, "PAGES", 2)
    town.room("!a", *[event(f"$e{n}", ago(minutes=450 - n), "!a") for n in range(450)])
    town.owe(ago(hours=8))
    town.catch_up()
    assert sorted(town.came()) == sorted(f"$e{n}" for n in range(450))
    assert not town.standing.owed


def test_a_crash_in_the_middle_forgets_nothing(town: Town) -> None:
    for n in range(ROOMS * 2 + 5):
        town.room(f"!r{n}", event(f"$e{n}", ago(minutes=1), f"!r{n}"))
    town.owe(ago(hours=1))
    town.hurry()
    assert town.work.step() == 1
    assert town.work.step() == ROOMS
    assert len(town.came()) == ROOMS
    assert town.standing.rooms == ROOMS + 5
    # A new process knows nothing but what is stored.
    town.work = CatchUp(town.inbox.wiring)
    town.catch_up()
    assert sorted(town.came()) == sorted(f"$e{n}" for n in range(ROOMS * 2 + 5))
    assert town.standing.events == ROOMS * 2 + 5


def test_two_who_see_the_same_restart_owe_the_longer_time(town: Town) -> None:
    town.room("!a", event("$e", ago(minutes=1), "!a"))
    town.owe(ago(hours=1))
    town.owe()  # A second worker has seen the same restart; the earlier moment counts.
    assert town.standing.listing
    assert town.standing.since is not None
    assert town.standing.since <= ago(hours=1)
    assert town.work.step() == 0  # Not yet: the homeserver has just started.
    CatchUp(town.inbox.wiring).step()
    town.catch_up()
    assert town.came() == ["$e"]


def test_what_is_owed_anew_while_a_room_is_read_is_read_again(town: Town) -> None:
    town.room("!a", event("$first", ago(minutes=2), "!a"))
    small = town.inbox.small
    page = town._pages("!a")

    def owed_meanwhile(query: dict[str, str]) -> dict[str, Any]:
        found = page(query)
        if "$late" not in [one["event_id"] for one in town.rooms["!a"]]:
            town.rooms["!a"].append(event("$late", ago(minutes=1), "!a"))
            town.owe(ago(hours=2))
            # Another process makes the list before this one has ticked its room off.
            with town.inbox.wiring.db.begin(ME) as tx:
                found_listing = catching_up.store.listing(tx, town.inbox.platform)
                assert found_listing is not None
                catching_up.actions.listed(tx, town.inbox.platform, found_listing, ["!a"])
        return found

    small.answer(f"GET {ADMIN}/rooms/!a/messages", owed_meanwhile)
    town.owe(ago(hours=1))
    town.catch_up()
    assert town.came() == ["$first", "$late"]
    assert not town.standing.owed


def test_one_room_that_cannot_be_read_stops_no_other_and_is_seen(town: Town) -> None:
    town.room("!bad", event("$bad", ago(minutes=1), "!bad"))
    town.room("!good", event("$good", ago(minutes=1), "!good"))
    broken = f"GET {ADMIN}/rooms/!bad/messages"
    town.inbox.small.answer(broken, {"errcode": "M_FORBIDDEN", "error": "no admin"}, 403)
    town.owe(ago(hours=1))
    town.catch_up()
    assert town.came() == ["$good"]
    assert "M_FORBIDDEN" in town.checked()[False]
    town.inbox.small.answer(broken, b"{not json")
    town.catch_up()
    assert "cannot be read" in town.checked()[False]
    town.inbox.small.answer(broken, town._pages("!bad"))
    town.catch_up()
    assert town.came() == ["$good", "$bad"]
    assert "2 events had not been sent" in town.checked()[True]


@pytest.mark.parametrize("status", [502, 429])
def test_a_homeserver_that_is_away_is_asked_again_later(town: Town, status: int) -> None:
    town.room("!a", event("$e", ago(minutes=1), "!a"))
    listing = f"GET {ADMIN}/rooms"
    town.inbox.small.answer(listing, {}, status)
    town.owe(ago(hours=1))
    town.catch_up()
    assert str(status) in town.checked()[False]
    town.inbox.small.answer(listing, town._list)
    town.inbox.small.answer(f"{listing}/!a/messages", {}, status)
    town.catch_up()
    assert str(status) in town.checked()[False]
    # It waits a little before it asks again.
    asked = len(town.inbox.small.calls)
    assert town.work.step() == 0
    assert len(town.inbox.small.calls) == asked
    town.inbox.small.answer(f"{listing}/!a/messages", town._pages("!a"))
    town.catch_up()
    assert town.came() == ["$e"]


def test_a_room_that_is_gone_is_done_with(town: Town) -> None:
    town.room("!gone")
    del town.inbox.small.answers[f"GET {ADMIN}/rooms/!gone/messages"]
    town.owe(ago(hours=1))
    town.catch_up()
    assert not town.standing.owed


def test_the_clock_of_another_server_hides_nothing(town: Town) -> None:
    there = event("$there", ago(minutes=4), "!a")
    liar = event("$liar", ago(days=400), "!a", "@liar:far.test")
    older = event("$older", ago(days=401), "!a", "@liar:far.test")
    town.room("!a", older, there, liar)
    town.inbox.put([there])
    town.owe(ago(hours=1))
    town.catch_up()
    assert town.came() == ["$there", "$liar"]


def test_what_was_taken_back_meanwhile_is_read_as_it_was_said(town: Town) -> None:
    gone = event("$gone", ago(minutes=2), "!a")
    pruned = gone | {"content": {}, "unsigned": {"redacted_because": {"type": "m.room.redaction"}}}
    town.room("!a", pruned)
    town.inbox.small.answer(f"GET {ADMIN}/fetch_event/$gone", {"event": gone})
    town.owe(ago(hours=1))
    town.catch_up()
    town.inbox.jobs.drain()
    assert town.inbox.body("$gone").item.text == gone["content"]["body"]


def test_a_private_room_stays_closed_and_our_own_are_not_asked_for(town: Town) -> None:
    town.room("!private", event("$secret", ago(minutes=2), "!private"), rule="invite")
    town.room("!ours", event("$notice", ago(minutes=2), "!ours"))
    with town.inbox.wiring.db.begin(ME) as tx:
        tx.run("""INSERT INTO matrix_rooms (platform, id, visibility, encrypted, person, seen_at)
                  VALUES (%(p)s, '!ours', 'private', false, '@a:haven.test', %(now)s)""",
               p=town.inbox.platform, now=tx.now)  # fmt: skip
    town.owe(ago(hours=1))
    town.catch_up()
    town.inbox.jobs.drain()
    assert town.inbox.ids() == ["$secret"]
    assert town.inbox.body("$secret").item.text is None


def test_a_restart_is_owed_a_reading_since_the_last_moment_that_is_sure(town: Town) -> None:
    small, jobs = town.inbox.small, town.inbox.jobs
    small.answer("GET /_matrix/client/versions", {})
    small.answer(f"GET {ADMIN}/event_reports", {"event_reports": []})
    small.answer(f"GET {ADMIN}/user_reports", {"user_reports": []})

    def poll() -> catching_up.Standing:
        jobs._polled = 0.0
        jobs.poll()
        return town.standing

    assert poll().since == ago(days=20)  # Nobody knows what was before: since it was connected.
    town.catch_up()
    heard = ago(minutes=30)
    town.inbox.put([event("$local", heard, "!a"), event("$far", NOW, "!a", "@x:far.test")])
    assert not poll().owed  # An unbroken beat: what was said until then is sure to have come.
    town.inbox.put([event("$later", NOW, "!a")])
    small.answer("GET /_matrix/client/versions", {}, 502)
    assert not poll().owed
    small.answer("GET /_matrix/client/versions", {})
    found = poll()
    assert found.since is not None
    assert abs(found.since - (heard - timedelta(minutes=5))) < timedelta(seconds=1)
    # What came after the restart makes nothing sure as long as the reading is owed.
    assert poll().since == found.since


def test_thousands_of_rooms_hold_up_nobody(town: Town) -> None:
    for n in range(600):
        town.room(f"!r{n}", event(f"$e{n}", ago(days=9), f"!r{n}"))
    town.room("!new", event("$new", ago(minutes=1), "!new"))
    town.owe(ago(hours=1))
    town.hurry()
    assert town.work.step() == 1
    assert town.work.step() == ROOMS
    # Reports and the inbox are worked on between any two steps, and beside them.
    town.inbox.put([said("$meanwhile")])
    town.inbox.jobs.drain()
    assert "$meanwhile" in town.inbox.ids()
    town.catch_up()
    assert set(town.came()) == {"$new", "$meanwhile"}
    calls = [call for call in town.inbox.small.calls if call.endswith("/messages")]
    assert len(calls) == 601
