"""The inbox: once each, in order, whatever comes; nothing stops the ones behind."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from small_homeserver import Small, small_homeserver

from openhaven.connectors import Http, Wiring
from openhaven.connectors.matrix import actions, api, store
from openhaven.connectors.matrix.jobs import Jobs
from openhaven.connectors.matrix.model import PATIENCE, Server
from openhaven.core import Actor, system, utcnow
from openhaven.intake import set_private_basis
from openhaven.intake.store import opened, platform_named
from openhaven.signals import MediaHasher
from openhaven.storage import Blobs, Database, Settings
from openhaven.web.call import Call

ME = system("tests")
ROOM = "!r:haven.test"


class Inbox:
    """A connected homeserver, small or away, and the jobs that work on its inbox."""

    def __init__(self, wiring: Wiring, small: Small) -> None:
        self.wiring = wiring
        self.small = small
        self.jobs = Jobs(wiring)
        with wiring.db.begin(ME) as tx:
            self.platform = actions.connect(tx, "here", small.url, "haven.test", None)
        self.rule("public")

    @property
    def server(self) -> Server:
        with self.wiring.db.read() as tx:
            return store.server(tx, self.platform)

    def rule(self, rule: str) -> None:
        found = {"join_rules": rule, "history_visibility": "shared", "encryption": None}
        self.small.answer(f"GET /_synapse/admin/v1/rooms/{ROOM}", found)

    def put(self, events: Any, token: str | None = None) -> int:
        """Send a transaction as a homeserver does; return the status."""
        shown = self.server.tokens.theirs if token is None else token
        call = Call(
            haven=SimpleNamespace(db=self.wiring.db),  # type: ignore[arg-type]
            method="PUT",
            url_path="/_matrix/app/v1/transactions/1",
            actor=Actor("person", "anybody"),
            now=utcnow(),
            headers={"authorization": f"Bearer {shown}"} if shown else {},
            content=events
            if isinstance(events, bytes)
            else json.dumps({"events": events}).encode(),
        )
        return api.transactions(call).status

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        with self.wiring.db.read() as tx:
            return tx.rows(sql, **params)

    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows("SELECT id FROM events ORDER BY seq")]

    def hurry(self) -> None:
        """Let every pause be over."""
        with self.wiring.db.begin(ME) as tx:
            tx.run("UPDATE matrix_inbox SET next_at = %(n)s", n=tx.now - timedelta(seconds=1))

    def body(self, event: str) -> Any:
        with self.wiring.db.read() as tx:
            (row,) = tx.rows("SELECT subject, body FROM events WHERE id = %(i)s", i=event)
            return opened(tx, row["subject"], row["body"])


@pytest.fixture
def inbox(db: Database, settings: Settings) -> Iterator[Inbox]:
    hasher = MediaHasher()
    settings = msgspec.structs.replace(settings, media_limit=1_000)
    wiring = Wiring(settings, db, Blobs(settings.home / "blobs"), Http(), hasher)
    with small_homeserver() as small:
        yield Inbox(wiring, small)
    hasher.close()


def said(event: str, words: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "type": "m.room.message",
        "event_id": event,
        "room_id": ROOM,
        "sender": "@a:other.test",
        "origin_server_ts": 1795300000000,
        "content": {"msgtype": "m.text", "body": words, **more},
    }


def test_what_is_sent_twice_arrives_once_and_in_order(inbox: Inbox) -> None:
    events = [said(f"$e{n}") for n in range(30)]
    assert inbox.put(events) == 200
    assert inbox.put([*events[10:], said("$last")]) == 200
    assert inbox.jobs.drain() == 31
    assert inbox.jobs.drain() == 0
    assert inbox.ids() == [f"$e{n}" for n in range(30)] + ["$last"]
    left = inbox.rows("SELECT 1 FROM matrix_inbox WHERE done_at IS NULL OR body <> ''")
    assert left == []


@pytest.mark.parametrize("token", ["", "guess", "ünïcode"])
def test_a_stranger_s_transaction_is_refused(inbox: Inbox, token: str) -> None:
    assert inbox.put([said("$e")], token=token) in (401, 403)
    assert inbox.put([said("$e")], token=inbox.server.tokens.ours) == 403
    assert inbox.rows("SELECT 1 FROM matrix_inbox") == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"events": 7}', b"\xff", b"[" * 100_000])
def test_what_is_no_transaction_is_refused(inbox: Inbox, body: bytes) -> None:
    assert inbox.put(body) == 400


def test_an_unreadable_event_is_taken_set_aside_and_stops_nobody(inbox: Inbox) -> None:
    strange: list[Any] = [
        7,
        None,
        {},
        {"event_id": "x\0y"},
        {"event_id": "$no-room", "type": "m.room.message"},
    ]
    assert inbox.put([*strange, said("$good")]) == 200
    assert inbox.jobs.drain() == 1
    assert inbox.ids() == ["$good"]
    for _ in range(PATIENCE):
        inbox.hurry()
        inbox.jobs.drain()
    with inbox.wiring.db.read() as tx:
        health = store.health(tx, inbox.platform)
    assert (health.waiting, health.stuck) == (0, len(strange))
    assert health.last_error
    kinds = inbox.rows("SELECT kind FROM ledger_entries WHERE kind = 'matrix.set_aside'")
    assert len(kinds) == len(strange)
    with inbox.wiring.db.begin(ME) as tx:
        assert actions.try_again(tx, inbox.platform) == len(strange)


def test_an_outage_never_counts_against_an_event(inbox: Inbox) -> None:
    inbox.put([said("$one"), said("$two")])
    inbox.small.answer(f"GET /_synapse/admin/v1/rooms/{ROOM}", {}, 503)
    for _ in range(PATIENCE * 3):
        inbox.hurry()
        assert inbox.jobs.drain() == 0
    inbox.rule("public")
    inbox.hurry()
    assert inbox.jobs.drain() == 2
    assert inbox.ids() == ["$one", "$two"]


def test_two_workers_at_once_do_the_work_once(inbox: Inbox) -> None:
    inbox.put([said(f"$e{n}") for n in range(80)])
    workers = [threading.Thread(target=inbox.jobs.drain) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    while inbox.jobs.drain():
        pass
    assert inbox.ids() == [f"$e{n}" for n in range(80)]


def test_words_of_a_private_room_are_not_even_stored_without_a_legal_basis(inbox: Inbox) -> None:
    inbox.rule("invite")
    inbox.small.answer("GET /_matrix/client/v1/media/download/haven.test/f", b"some bytes")
    inbox.put([said("$before", "secret words", url="mxc://haven.test/f")])
    inbox.jobs.drain()
    event = inbox.body("$before")
    assert event.item.text is None
    assert event.item.media == ()
    assert event.conversation.visibility == "private"
    assert not any("download" in call for call in inbox.small.calls)
    with inbox.wiring.db.begin(ME) as tx:
        set_private_basis(tx, platform_named(tx, "here"), "consent")
    inbox.put([said("$after", "secret words", url="mxc://haven.test/f")])
    inbox.jobs.drain()
    event = inbox.body("$after")
    assert event.item.text == "secret words"
    assert len(event.item.media) == 1


@pytest.mark.parametrize(
    ("answer", "why"), [((404, {}), "gone"), ((200, b"x" * 2_000), "too large")]
)
def test_a_file_that_cannot_be_had_is_said_to_be_unread(
    inbox: Inbox, answer: tuple[int, Any], why: str
) -> None:
    inbox.small.answer("GET /_matrix/client/v1/media/download/haven.test/f", answer[1], answer[0])
    inbox.put([said("$e", url="mxc://haven.test/f")])
    assert inbox.jobs.drain() == 1
    assert inbox.body("$e").context["media_unread"] == why


def test_a_file_that_comes_late_is_waited_for_and_stops_nobody(inbox: Inbox) -> None:
    file = "GET /_matrix/client/v1/media/download/far.test/f"
    inbox.small.answer(file, {"errcode": "M_NOT_YET_UPLOADED"}, 504)
    inbox.put([said("$late", url="mxc://far.test/f"), said("$next")])
    assert inbox.jobs.drain() == 1
    assert inbox.ids() == ["$next"]
    with inbox.wiring.db.begin(ME) as tx:
        tx.run("UPDATE matrix_inbox SET received_at = received_at - interval '5 minutes'")
    inbox.hurry()
    assert inbox.jobs.drain() == 1
    assert inbox.body("$late").context["media_unread"] == "away"


def test_an_event_cannot_pass_itself_off_as_a_report(inbox: Inbox) -> None:
    forged = {"event_id": "report:7", "type": "x", "user_id": "@b:haven.test", "reason": "csam"}
    assert inbox.put([forged]) == 200
    inbox.jobs.drain()
    assert inbox.rows("SELECT 1 FROM reports") == []


def test_reports_are_fetched_once(inbox: Inbox) -> None:
    now = int(utcnow().timestamp() * 1000) + 1_000
    report = {"id": 3, "received_ts": now, "room_id": ROOM, "event_id": "$bad", "reason": "spam",
              "user_id": "@b:haven.test", "sender": "@a:other.test"}  # fmt: skip
    about = {"id": 4, "received_ts": now, "target_user_id": "@a:other.test",
             "user_id": "@b:haven.test", "reason": "bullying"}  # fmt: skip
    pages = "GET /_synapse/admin/v1/"
    inbox.small.answer("GET /_matrix/client/versions", {})
    inbox.small.answer(
        "GET /_matrix/client/v3/directory/room/#openhaven-own:haven.test", {"room_id": "!own"}
    )
    inbox.small.answer(pages + "event_reports", {"event_reports": [report], "total": 1})
    inbox.small.answer(pages + "user_reports", {"user_reports": [about], "total": 1})
    inbox.small.answer(pages + "fetch_event/$bad", {"event": said("$bad", "buy now")})
    for _ in range(3):
        inbox.jobs._polled = 0.0
        inbox.jobs.poll()
        inbox.jobs.drain()
    sql = "SELECT item, account, category, anonymous FROM reports ORDER BY category"
    assert inbox.rows(sql) == [
        {"item": None, "account": "@a:other.test", "category": "bullying", "anonymous": False},
        {"item": "$bad", "account": "@a:other.test", "category": "spam", "anonymous": False},
    ]
    # We had never seen the message: it came with the report.
    (row,) = inbox.rows("SELECT id FROM events WHERE kind = 'message.send'")
    assert inbox.body(row["id"]).item.text == "buy now"
