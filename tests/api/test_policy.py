"""The rules over HTTP: for platforms the public facts; for staff, drafts and publishing."""

import json
from typing import Any

import pytest
from api_scene import Town, body
from test_publishing_archives import zipped
from web_scene import Reply

from openhaven import staff
from openhaven.core import system
from openhaven.policy import publishing
from openhaven.policy.places import PackError

BASE = "/console/api/policy"
WORD = "quimblebrock"


class Person:
    """A signed-in member of staff who speaks JSON."""

    def __init__(self, town: Town, name: str, *roles: str) -> None:
        self.town = town
        with town.haven.db.begin(system("tests")) as tx:
            path = staff.sign_in_link(tx, staff.create(tx, name, roles))
        form = {"content-type": "application/x-www-form-urlencoded"}
        reply = town.place.ask("POST", path, b"", form)
        self.cookie = {"cookie": reply.headers["set-cookie"].partition(";")[0]}
        self.csrf = self.ask("GET", "/console/api/session").json["csrf"]

    def ask(self, method: str, path: str, **headers: str) -> Reply:
        return self.town.place.ask(method, path, headers={**self.cookie, **headers})

    def send(self, path: str, given: Any = None, method: str = "POST", **headers: str) -> Reply:
        kind = {} if given is None else {"content-type": "application/json"}
        raw = b"" if given is None else json.dumps(given).encode()
        token = {"x-csrf-token": self.csrf}
        return self.town.place.ask(
            method, BASE + path, raw, {**self.cookie, **token, **kind, **headers}
        )


@pytest.fixture(scope="module")
def ada(town: Town) -> Person:
    return Person(town, "Ada of the rules", "policy")


@pytest.fixture(scope="module")
def ben(town: Town) -> Person:
    return Person(town, "Ben of the rules", "policy")


def begun(who: Person) -> dict[str, Any]:
    """Begin a draft with one word more, and return it."""
    whole = who.send("/drafts", {"title": "One word more"}).json
    name = next(name for name in whole["files"] if name.endswith("terms/demo_remove.txt"))
    text = whole["files"][name] + WORD + "\n"
    edit = {"file": name, "text": text, "version": whole["draft"]["version"]}
    reply = who.send(f"/drafts/{whole['draft']['id']}/file", edit, "PUT")
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json
    return found


def test_a_platform_sees_the_rules_that_it_is_judged_by(town: Town) -> None:
    told = town.ask("GET", "/v1/policy").json
    pack = town.haven.packs.current
    assert (told["fingerprint"], told["name"]) == (pack.fingerprint, pack.name)
    assert {one["anchor"] for one in told["clauses"]} == set(pack.clauses)
    assert "rules" not in told
    assert town.place.ask("GET", "/v1/policy").status == 401


def test_from_a_draft_to_in_force_and_back(town: Town, ada: Person, ben: Person) -> None:
    before = town.haven.packs.current.fingerprint
    draft = begun(ada)
    where = f"/drafts/{draft['id']}"
    checked = ada.send(f"{where}/check", {}).json
    assert (checked["errors"], checked["faults"], checked["examples"] > 0) == ([], [], True)
    assert ada.send(f"{where}/propose", {}).json["draft"]["state"] == "proposed"
    mark = {"fingerprint": draft["fingerprint"]}
    own = ada.send(f"{where}/approve", {"reason": "Mine."} | mark)
    assert (own.status, own.json["code"]) == (403, "draft.own")
    assert ada.send(f"{where}/publish").json["code"] == "draft.not_approved"
    assert ben.send(f"{where}/approve", {"reason": "Fine."}).json["code"] == "draft.fingerprint"
    other = {"reason": "Fine.", "fingerprint": before}
    assert ben.send(f"{where}/approve", other).json["code"] == "draft.read_another"
    said = {"reason": "Fine.", "fingerprint": draft["fingerprint"][:19]}
    assert ben.send(f"{where}/approve", said).json["said"] == "approved"
    row = ben.send(f"{where}/publish").json
    assert row["pack"] == draft["fingerprint"] != before
    publishing.follow(town.haven.db, town.haven.banks, town.haven.packs)
    assert town.ask("GET", "/v1/policy").json["fingerprint"] == row["pack"]
    back = ben.send("/roll-back", {"reason": "Only a test."}).json
    assert (back["pack"], back["how"]) == (before, "rolled_back")
    publishing.follow(town.haven.db, town.haven.banks, town.haven.packs)
    told = ada.ask("GET", BASE).json
    assert [one["how"] for one in told["history"]][:2] == ["rolled_back", "published"]
    assert told["trouble"] == ""


def test_marks_come_as_data_without_saving_anything(ada: Person) -> None:
    draft = begun(ada)
    where = f"/drafts/{draft['id']}"
    files = ada.ask("GET", BASE + where).json["files"]
    rules = files["rules.yaml"].replace("terms.demo_remove", "terms.demo_remoof", 1)
    told = ada.send(f"{where}/check", {"files": {"rules.yaml": rules}}).json
    (error,) = [PackError(**one) for one in told["errors"]]
    assert error.file == "rules.yaml"
    assert error.source[error.column - 1 :].startswith(".demo_remoof")
    assert "Did you mean “terms.demo_remove”?" in error.message
    assert ada.ask("GET", BASE + where).json["files"] == files


def test_two_editors_and_odd_bodies(ada: Person, ben: Person) -> None:
    draft = begun(ada)
    where = f"/drafts/{draft['id']}"
    edit = {"file": "policy.md", "text": "x", "version": draft["version"]}
    assert ben.send(f"{where}/file", edit, "PUT").status == 200
    late = ada.send(f"{where}/file", edit, "PUT")
    assert (late.status, late.json["code"]) == (409, "draft.changed")
    for given, status in (({}, 400), ({"file": "../x", "text": "", "version": 9}, 400),
                          ({**edit, "version": "1"}, 400), ({**edit, "more": 1}, 400)):  # fmt: skip
        assert ada.send(f"{where}/file", given, "PUT").status in (status, 409), given
    assert ada.send("/drafts/none/propose", {}).status == 404
    assert ada.send(f"{where}/propose", {}).status == 422
    assert ada.send("/roll-back", {"reason": " "}).status in (400, 409)


def test_an_archive_becomes_a_draft_and_a_bomb_does_not(ada: Person) -> None:
    files = ada.ask("GET", BASE + f"/drafts/{begun(ada)['id']}").json["files"]
    kind = {"content-type": "application/zip"}
    for data, status in ((zipped(files), 201), (zipped({"terms/a.txt": "a" * 99_000_000}), 413),
                         (b"PK", 400), (b"x" * 9_000_000, 413)):  # fmt: skip
        reply = ada.town.place.ask("POST", f"{BASE}/archives?title=Mine", data,
                                   {**ada.cookie, **kind, "x-csrf-token": ada.csrf})  # fmt: skip
        assert reply.status == status, reply.body[:200]
        if status == 201:
            assert (reply.json["draft"]["title"], reply.json["files"]) == ("Mine", files)


def test_nobody_else_gets_in(town: Town, ada: Person) -> None:
    mia = Person(town, "Mia of the queue", "moderator")
    given = {"title": "Mine"}
    refused = mia.send("/drafts", given)
    assert (refused.status, refused.json["code"]) == (403, "staff.forbidden")
    assert mia.ask("GET", f"{BASE}/drafts").status == 200
    # A platform's key opens none of it, and no session works without its own token.
    key = {"authorization": f"Bearer {town.here.key}"}
    assert town.place.post_json(f"{BASE}/drafts", given, **key).status == 401
    for token in ("", mia.csrf, "0" * 64):
        reply = ada.send("/drafts", given, **{"x-csrf-token": token})
        assert (reply.status, reply.json["code"]) == (403, "form.stale"), token
    foreign = ada.send("/drafts", given, origin="https://evil.example")
    assert (foreign.status, foreign.json["code"]) == (403, "form.foreign")
    assert town.send(body(), "?wait=verdict").status == 200
