"""The description of the API is valid, complete, and true: random calls get what it says."""

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)
from web_scene import Place, Reply, serving

from openhaven import intake
from openhaven.core import Actor
from openhaven.web import openapi
from openhaven.web.routes import ROUTES

if TYPE_CHECKING:
    from openhaven.line import Haven

CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]
EVENT: dict[str, Any] = {
    "id": "e/1", "kind": "post.create", "at": "2026-11-21T20:00:00Z", "account": {"id": "a1"},
    "item": {"id": "i1", "text": "a mild text"},
}  # fmt: skip


@pytest.fixture
def place(haven: "Haven", monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    # Random calls come faster than any person's.
    monkeypatch.setattr("openhaven.web.limits.RATES", {})
    monkeypatch.setattr("openhaven.web.limits.Buckets.take", lambda *_: None)
    with serving(haven, ()) as running:
        yield running


@pytest.fixture
def key(haven: "Haven") -> dict[str, str]:
    with haven.db.begin(Actor("system", "test")) as tx:
        made = intake.create_key(tx, "k", intake.platform_named(tx, "default"))
    return {"authorization": f"Bearer {made}"}


@pytest.fixture
def described(place: Place) -> Any:
    return schemathesis.openapi.from_url(place.url + "/openapi.json")


def test_the_description_is_valid_and_complete(place: Place) -> None:
    text = place.ask("GET", "/openapi.json")
    assert text.headers["content-type"] == "application/json"
    described = text.json
    schemathesis.openapi.from_dict(described).validate()
    assert described["openapi"] == "3.1.0"
    for route in ROUTES:
        shown = openapi._plain(route.path) in described["paths"]
        assert shown is openapi.is_described(route), route.path
    names = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))
    for path in described["paths"].values():
        for one in path.values():
            assert one["summary"]
            assert "default" in one["responses"]


def test_references_lead_somewhere() -> None:
    text = openapi.document(ROUTES)
    schemas = json.loads(text)["components"]["schemas"]
    for name in _references(json.loads(text)):
        assert name.removeprefix("#/components/schemas/") in schemas


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


@pytest.mark.parametrize("count", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_random_calls_get_what_the_description_says(
    described: Any, key: dict[str, str], count: int
) -> None:
    operations = [result.ok() for result in described.get_all_operations()]
    assert len(operations) >= 20
    for operation in operations:
        _explore(operation, key, count)


def _explore(operation: Any, key: dict[str, str], count: int) -> None:
    """Make `count` calls of one kind, the same ones each time."""

    @settings(max_examples=count, deadline=None, derandomize=True, database=None,
              phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        case.call_and_validate(headers=key, checks=CHECKS)

    call()


class Checker:
    """Holds answers against the description, with another library than the one that made it."""

    def __init__(self, place: Place, key: dict[str, str]) -> None:
        self.place, self.key = place, key
        self.text = place.ask("GET", "/openapi.json").json

    def ask(self, method: str, path: str, template: str, body: Any = None) -> Reply:
        """Call `path`, hold the answer against what stands under `template`, and return it."""
        raw = (
            None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        reply = self.place.ask(method, path, raw, self.key | {"content-type": "application/json"})
        answers = self.text["paths"][template][method.lower()]["responses"]
        described = answers.get(str(reply.status), answers["default"])
        schema = described["content"][reply.headers["content-type"]]["schema"]
        whole = schema | {"components": self.text["components"]}
        jsonschema.Draft202012Validator(whole).validate(reply.json)
        return reply


def test_real_answers_fit_the_description(place: Place, key: dict[str, str]) -> None:
    check = Checker(place, key)
    item = EVENT["item"] | {"text": "zorgblat"}  # A made-up word that the starter pack removes.
    sent = check.ask("POST", "/v1/events?wait=verdict", "/v1/events", EVENT | {"item": item})
    assert (sent.status, sent.json["outcome"]) == (200, "remove")
    assert check.ask("GET", "/v1/events/e%2F1", "/v1/events/{id}").json == sent.json
    decision = f"/v1/decisions/{sent.json['decision']}"
    acts = check.ask("GET", decision, "/v1/decisions/{id}").json["acts"]
    assert "remove" in {act["verb"] for act in acts}
    statement = check.ask("GET", f"{decision}/statement", "/v1/decisions/{id}/statement").json
    assert "/appeal/" in statement["notice"]["appeal_url"]
    batch = [EVENT | {"id": "e2"}, {"id": "bad"}, EVENT | {"id": "e3", "kind": "x"}]
    several = check.ask("POST", "/v1/events", "/v1/events", batch)
    assert [one["status"] for one in several.json] == [202, 400, 400]
    waiting = check.ask("GET", "/v1/events/e2", "/v1/events/{id}")
    assert waiting.status == 202
    conflict = check.ask("POST", "/v1/events", "/v1/events", EVENT | {"kind": "post.edit"})
    assert (conflict.status, conflict.json["code"]) == (409, "event.conflict")


def test_real_media_and_reports_fit_the_description(place: Place, key: dict[str, str]) -> None:
    check = Checker(place, key)
    buffer = io.BytesIO()
    Image.radial_gradient("L").save(buffer, "PNG")
    media = check.ask("POST", "/v1/media", "/v1/media", buffer.getvalue())
    assert (media.status, media.json["type"]) == (201, "image/png")
    assert check.ask("POST", "/v1/media", "/v1/media", b"not a picture").status == 201
    report = {"subject": {"item": "i1"}, "category": "spam", "text": "This is spam."}
    receipt = check.ask("POST", "/v1/reports", "/v1/reports", report).json["receipt"]
    state = check.ask("GET", f"/v1/reports/{receipt}", "/v1/reports/{receipt}")
    assert state.json["state"] == "received"
    act = check.ask("POST", "/v1/acts/none/outcome", "/v1/acts/{id}/outcome", {"state": "done"})
    assert act.status == 404
