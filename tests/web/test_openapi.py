"""The description of the API is valid, complete, and true: random calls get what it says."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)
from web_scene import Place, serving

from openhaven import intake
from openhaven.core import Actor
from openhaven.web import openapi
from openhaven.web.routes import ROUTES

if TYPE_CHECKING:
    from openhaven.line import Haven

CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]
EVENT = {"id": "e/1", "kind": "post.create", "at": "2026-11-21T20:00:00Z", "account": {"id": "a1"},
         "item": {"id": "i1", "text": "a mild text"}}  # fmt: skip


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
        assert shown is (route.gate.kind != "signed in"), route.path
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


def test_real_answers_fit_the_description(
    place: Place, key: dict[str, str], described: Any
) -> None:
    sent = place.post_json("/v1/events?wait=verdict", EVENT, **key)
    assert sent.status == 200, sent.body
    again = place.ask("GET", "/v1/events/e%2F1", headers=key)
    assert again.json == sent.json
    batch = place.post_json("/v1/events", [EVENT, {"id": "bad"}, EVENT | {"kind": "x"}], **key)
    assert [one["status"] for one in batch.json] == [202, 400, 400]
    conflict = place.post_json("/v1/events", EVENT | {"kind": "post.edit"}, **key)
    assert (conflict.status, conflict.json["code"]) == (409, "event.conflict")
