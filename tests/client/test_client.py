"""The client gives the server's answers without asking it, and protects when it cannot know."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from client_scene import connected, nowhere, soon
from protection_scene import Asker

from openhaven.client import AsyncClient, Client, Party, Refused, Subject, Unreachable, ask
from openhaven.core import utcnow
from openhaven.protections.model import ACTIONS, ALL_BANDS

if TYPE_CHECKING:
    from openhaven.line import Haven


@pytest.fixture
def both(haven: "Haven") -> Iterator[tuple[Asker, Client]]:
    with connected(haven) as found:
        yield found


def people(asker: Asker) -> list[str]:
    """Tell of one account of each band, and of one that shut itself off; return their names."""
    for band in ALL_BANDS[:4]:
        asker.age(band, band, "estimate")
    asker.age("shut", "18-plus", "estimate")
    for feature in ("dm.from_non_connections", "contact.requests", "profile.visibility"):
        assert asker.set("shut", feature, "nobody").status == 200
    return [*ALL_BANDS, "shut"]


def every_question(names: list[str]) -> list[Any]:
    return [
        ask(action, sender, recipient, connected=near, at=utcnow(), language="en")  # type: ignore[arg-type]
        for action in ACTIONS
        for sender in names
        for recipient in names
        for near in (False, True)
    ]


def test_it_answers_as_the_server_does(both: tuple[Asker, Client]) -> None:
    asker, client = both
    questions = every_question(people(asker))
    ours = client.check_all(questions)
    theirs: list[Any] = []
    for first in range(0, len(questions), 500):
        body = msgspec.to_builtins(questions[first : first + 500])
        theirs += asker.check(body).json
    for one in theirs:
        # Over HTTP who helps comes along; the client asks for it with `support`.
        one["recipient"].pop("services", None)
    assert len(ours) == len(ACTIONS) * 6 * 6 * 2
    assert json.loads(msgspec.json.encode(ours)) == theirs
    assert {one["answer"] for one in theirs} == {"allow", "ask", "deny"}


def test_it_answers_without_a_hop_and_goes_on_when_nobody_answers(haven: "Haven") -> None:
    # It does not look what changed: the first look forgets what is being read at that moment.
    with connected(haven, follow=3_600) as (asker, client):
        names = people(asker)
        asker.put("18-plus/settings/autoplay", {"value": "off", "by": "holder"})
        questions = every_question(names)
        before = client.check_all(questions)
        soon(lambda: client.health.reachable)
    # The house is gone. What was known still counts, to the last word.
    assert client.check_all(questions) == before
    with pytest.raises(Unreachable):
        client.settings("13-15")
    # Who was never asked about is a child where it is reached, and a stranger where it approaches.
    assert client.check("message.send", "18-plus", "new").answer == "deny"
    assert client.check("message.send", "new", "13-15").answer == "deny"
    assert client.check("message.send", "new", "18-plus").answer == "ask"
    assert not client.health.reachable


def test_changes_by_others_are_followed(both: tuple[Asker, Client]) -> None:
    asker, client = both
    asker.age("someone", "18-plus")
    assert client.check("ad.profiled", None, "someone").allowed
    asker.age("someone", "13-15", "estimate")
    soon(lambda: client.check("ad.profiled", None, "someone").answer == "deny")


def test_own_changes_count_at_once(both: tuple[Asker, Client]) -> None:
    _, client = both
    assert client.note_age("kid", "declared", "16-17").band == "16-17"
    shown = {one.feature: one for one in client.settings("kid").settings}
    assert shown["autoplay"].value == "off"
    assert client.check("autoplay", None, "kid").answer == "deny"
    with pytest.raises(Refused) as refused:
        client.set_setting("kid", "autoplay", "on", "child")
    assert (refused.value.status, refused.value.code) == (409, "protection.explain")
    assert client.set_setting("kid", "autoplay", "on", "child", explained=True).weaker
    assert client.check("autoplay", None, "kid").allowed
    client.add_carer("kid", "mum/1")
    assert client.set_setting("kid", "autoplay", "off", "carer", carer="mum/1").after == "off"
    assert client.check("autoplay", None, "kid").answer == "deny"
    client.remove_carer("kid", "mum/1")
    assert client.check("autoplay", None, "kid").allowed


def test_what_happened_is_told(both: tuple[Asker, Client]) -> None:
    asker, client = both
    event = {"id": "e1", "kind": "post.create", "at": utcnow(), "account": {"id": "a"},
             "item": {"id": "i", "text": "a quiet day"}}  # fmt: skip
    assert client.send_event(event).outcome == "pending"
    assert client.report(Subject(item="i"), "spam", "look", id="r1").receipt
    again = client.report(Subject(item="i"), "spam", "look", id="r1")
    assert again == client.report(Subject(item="i"), "spam", "look", id="r1")
    assert asker.scene.rows("SELECT * FROM reports") != []


def test_threads_share_one(both: tuple[Asker, Client]) -> None:
    asker, client = both
    asker.age("kid", "13-15")
    asker.age("man", "18-plus")
    said: list[str] = []

    def many() -> None:
        said.extend(client.check("message.send", "man", "kid").answer for _ in range(200))

    threads = [Thread(target=many) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert said == ["deny"] * 1_200


def test_it_can_be_awaited(both: tuple[Asker, Client]) -> None:
    asker, _ = both
    asker.age("kid", "13-15")

    async def talk() -> list[str]:
        async with AsyncClient(asker.place.url, asker.scene.key, seconds=300) as client:
            assert (await client.note_age("man", "declared", "18-plus")).band == "18-plus"
            first = await client.check("message.send", "man", "kid")
            many = await asyncio.gather(
                *(client.check("message.send", "man", "kid") for _ in range(50))
            )
            assert (await client.settings("kid")).age.band == "13-15"
            with pytest.raises(Refused):
                await client.set_setting("kid", "no.such", "on", "child")
            assert client.health.reachable
            return [first.answer, *{one.answer for one in many}]

    assert asyncio.run(talk()) == ["deny", "deny"]


def test_questions_that_cannot_be_meant(both: tuple[Asker, Client]) -> None:
    _, client = both
    with pytest.raises(ValueError, match="no action"):
        client.check("message.sned", "a", "b")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="offset"):
        client.check("autoplay", None, "a", at=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="300"):
        client.check("autoplay", None, "")
    with pytest.raises(Refused) as refused:
        client.check("message.send", "a")
    assert refused.value.code == "check.nobody"
    with pytest.raises(Refused) as refused:
        client.check("autoplay", None, "a", at=datetime.fromisoformat("1999-01-01T00:00:00Z"))
    assert refused.value.code == "check.time"


def test_before_it_ever_reached_the_server_it_protects() -> None:
    with Client(nowhere(), "oh_x", seconds=0.5) as client:
        told = client.check("message.send", "a", Party(id="b", language="en"))
        assert (told.answer, told.sender.code) == ("deny", "not_available")
        assert told.sender.text
        assert client.check("ad.profiled", None, "a").answer == "deny"
        assert client.check("livestream.start", "a").answer == "deny"
        # Friends still write to each other, and lawful information stays open.
        assert client.check("message.send", "a", "b", connected=True).allowed
        assert client.check("content.view", "a", content="health_information").allowed
        assert not client.health.reachable
        assert client.health.data == ""


def test_a_wrong_key_is_no_answer(both: tuple[Asker, Client]) -> None:
    asker, _ = both
    asker.age("man", "18-plus")
    with Client(asker.place.url, "oh_wrong", seconds=300) as client:
        assert client.check("message.send", "man", "man2").answer == "deny"
        assert "401" in client.health.why


def test_it_is_light() -> None:
    """What a platform loads is small: no database, no server, no pictures, no cryptography."""
    code = (
        "import sys, openhaven.client; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    run = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    heavy = {"psycopg", "litestar", "starlette", "uvicorn", "jinja2", "numpy", "numba", "PIL",
             "cryptography", "structlog", "click", "re2", "pydantic"}  # fmt: skip
    assert not loaded & heavy
    code = ("import sys, openhaven.client;"
            "print(*(m for m in sys.modules if m.startswith('openhaven.')))")  # fmt: skip
    run = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    rooms = {name.split(".")[1] for name in run.stdout.split()}
    assert rooms == {"client", "core", "protections"}
    assert "openhaven.protections.accounts" not in run.stdout.split()
