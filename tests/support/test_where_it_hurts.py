"""The right help stands wherever something painful is said: in notices and on every such page."""

import json
import re
import time
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import msgspec
import pytest
from pages_scene import Scene
from support_scene import put, service
from web_scene import Place, serving

from openhaven import decisions, intake
from openhaven.decisions import views, words
from openhaven.support import Guide
from openhaven.support.api import ways_of

if TYPE_CHECKING:
    from openhaven.line import Haven

HTML = {"accept": "text/html"}


@pytest.fixture
def scene(haven: "Haven") -> Scene:
    put(haven, service("gb-line", text="12345"))
    haven.support.current()
    return Scene(haven).begin()


@pytest.fixture
def place(scene: Scene) -> Iterator[Place]:
    with serving(scene.haven, ()) as running:
        yield running


def text_of(body: bytes) -> str:
    return re.sub(r"\s+", " ", body.decode())


def notices(scene: Scene, decision: str) -> dict[str, str]:
    """Return the text of each notice by its audience."""
    with scene.haven.db.read() as tx:
        return {one.audience: one.notice.text for one in views.notices_of(tx, decision)}


def decided(scene: Scene, **more: str) -> str:
    hurt = scene.post("Nobody here wants you. Everyone hates you, just leave.", account="max",
                      **more)  # fmt: skip
    scene.report(hurt, "bullying", "They do this to her every day.")
    rules = scene.haven.packs.current.rules
    clause = next(one.clause for one in rules if one.then.harm in ("bullying", "harassment"))
    return scene.decide(scene.task_of(hurt), "remove", "The post bullies.", clause=clause)


def test_notices_to_both_sides_name_who_helps(scene: Scene) -> None:
    told = notices(scene, decided(scene))
    assert told.keys() == {"account", "reporter"}
    for text in told.values():
        assert "If you need to talk to somebody:" in text
        assert "Find A Helpline: https://findahelpline.com/" in text
        assert f"More places to turn to: {scene.haven.settings.url}/help" in text
    # Of the one who posted the country is known; of the one who reported it is not.
    assert "Line gb-line: call 0000 1111, write to 12345" in told["account"]
    assert "In danger now? Call 999." in told["account"]
    assert "gb-line" not in told["reporter"]


def test_the_page_of_an_appeal_names_who_helps_there(scene: Scene, place: Place) -> None:
    token = scene.token(decided(scene))
    page = text_of(place.ask("GET", f"/appeal/{token}", headers=HTML).body)
    assert 'href="tel:00001111"' in page
    assert 'href="/help"' in page


def test_who_reports_is_told_at_once_who_helps(scene: Scene, place: Place) -> None:
    form = {"content-type": "application/x-www-form-urlencoded", **HTML}
    body = b"platform=plaza&item=post-1&category=suicide&text=x"
    reply = place.ask("POST", "/report", body, form)
    assert reply.status == 201
    page = text_of(reply.body)
    assert "https://findahelpline.com/" in page
    assert "Leave this page quickly" in page
    receipt = re.search(r'class="receipt">([^<]+)<', page)
    assert receipt
    state = text_of(place.ask("GET", f"/report/{receipt[1]}", headers=HTML).body)
    assert "https://findahelpline.com/" in state


def reader(band: str) -> words.Reader:
    return words.Reader(guide=Guide().at("GB", band))


def made(harm: str) -> decisions.Decision:
    """Return a decision of which only the harm counts here."""
    given = dict.fromkeys(decisions.Decision.__struct_fields__, "x")
    del given["scope"], given["until"]
    moment = f"{date.today()}T00:00:00Z"  # noqa: DTZ011
    given |= {"outcome": "remove", "ground": "terms", "source": "report", "content_type": [],
              "automated_decision": "not", "harm": harm, "event": None,
              "automated_detection": True, "permanent": True, "content_at": moment,
              "decided_at": moment, "appeal_until": moment, "overturned_at": None,
              "measure": "", "starts_at": None}  # fmt: skip
    return msgspec.convert(given, decisions.Decision)


@pytest.mark.parametrize(
    ("harm", "band", "topics"),
    [
        # A child may itself be the one who was hurt, and is helped as such.
        ("csam.known", "13-15", ("child-abuse",)),
        ("sextortion.minor", "16-17", ("sextortion", "child-abuse")),
        # An adult is offered help for what they may have done.
        ("csam.known", "18-plus", ("prevention",)),
        ("grooming", "unknown", ("child-abuse", "prevention")),
        ("bullying", "18-plus", ("bullying",)),
        ("spam", "18-plus", ()),
    ],
)
def test_help_fits_who_is_told(harm: str, band: str, topics: tuple[str, ...]) -> None:
    assert words.topics_of(made(harm), reader(band)) == topics


def test_spam_is_no_painful_moment() -> None:
    assert Guide().lines((), "en") == []


def test_lines_lead_to_our_page_in_the_readers_language() -> None:
    found = Guide(page="https://x.example/help").lines(("suicide",), "de")
    assert found[-1].endswith("https://x.example/help?lang=de")


# Protections ----------------------------------------------------------------------------------


def asked(scene: Scene, place: Place, path: str, body: dict | None = None) -> dict:
    """Ask the API of protections as a platform does."""
    with scene.tx() as tx:
        key = intake.create_key(tx, "k", intake.platform_named(tx, "plaza"))
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    raw = json.dumps(body).encode() if body else None
    reply = place.ask("POST" if body else "GET", path, raw, headers)
    assert reply.status == 200, reply.body
    return reply.json


def question(band: str) -> dict:
    return {
        "action": "message.send",
        "from": {"id": "ann", "age_band": "18-plus"},
        "to": {"id": f"kid-{band}", "age_band": band, "country": "GB"},
        "language": "en",
    }


def test_a_child_that_somebody_wanted_to_reach_is_told_who_helps(
    scene: Scene, place: Place
) -> None:
    told = asked(scene, place, "/v1/protections/check", question("13-15"))
    assert told["answer"] == "deny"
    assert told["recipient"]["help"] == ["child", "child-abuse"]
    first = told["recipient"]["services"][0]
    assert (first["id"], first["call"]) == ("gb-line", "0000 1111")
    # What the sender is told has no place where help could show that there is a child.
    assert told["sender"].keys() == {"code", "text", "help"}
    assert told["sender"]["help"] == []


def test_an_adult_is_sent_to_nobody(scene: Scene, place: Place) -> None:
    told = asked(scene, place, "/v1/protections/check", question("18-plus"))
    assert told["recipient"]["help"] == []
    assert not told["recipient"].get("services")


def test_the_explanation_of_protections_names_who_helps(scene: Scene, place: Place) -> None:
    told = asked(scene, place, "/v1/protections/somebody?language=en")
    assert [one["id"] for one in told["services"]][-1] == "child-helpline-international"


def test_help_in_a_check_costs_little(scene: Scene) -> None:
    held = scene.haven.support.now
    ways_of(held, "GB", ("child", "child-abuse"), "13-15", "en")
    began = time.thread_time()
    for _ in range(2_000):
        ways_of(held, "GB", ("child", "child-abuse"), "13-15", "en")
    assert (time.thread_time() - began) / 2_000 < 20e-6
