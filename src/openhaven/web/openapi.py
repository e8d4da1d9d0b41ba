"""The description of the API (OpenAPI 3.1), made from the table of URLs and its types."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from openhaven import __version__
from openhaven.web.call import FORM, JSON, PROBLEM, UPLOAD
from openhaven.web.table import Route

_VARIABLE = re.compile(r"\{(\w+)(?::\w+)?\}")
_REFERENCE = "#/components/schemas/{name}"


class ProblemBody(msgspec.Struct, kw_only=True):
    """An error for a person (RFC 9457): what happened, what it means, what to do next."""

    type: str
    title: str
    status: int
    detail: str | None = None
    code: str
    next: str | None = None


def document(routes: Iterable[Route]) -> bytes:
    """Return the description of `routes` (without the pages of staff) as JSON."""
    shown = [route for route in routes if is_described(route)]
    kinds = _kinds(shown)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    by_kind = dict(zip(map(_mark, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        paths.setdefault(_plain(route.path), {})[route.method.lower()] = _operation(route, by_kind)
    text = {
        "openapi": "3.1.0",
        "info": {
            "title": "Openhaven",
            "version": __version__,
            "summary": "Every decision explained, contestable, counted and provable.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "oh_…"},
                "homeserver": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-openhaven"},
                "token": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
    }
    return msgspec.json.encode(text)


def is_described(route: Route) -> bool:
    """Say whether a route is for programs or the public, and no page of staff."""
    return route.gate.kind != "signed in" or route.path.startswith("/console/api/")


def _kinds(routes: Sequence[Route]) -> list[Any]:
    found: dict[str, Any] = {_mark(ProblemBody): ProblemBody}
    for route in routes:
        for kind in (route.request, *(kind for _, kind in _answers(route))):
            if kind is not None and not isinstance(kind, str):
                found.setdefault(_mark(kind), kind)
    return list(found.values())


def _mark(kind: Any) -> str:
    """Return a name for a type that equal types share, unions and lists included."""
    return repr(kind)


def _plain(path: str) -> str:
    return _VARIABLE.sub(r"{\1}", path)


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {
            **{str(status): _answer(route, kind, schemas) for status, kind in _answers(route)},
            "default": {"description": "A problem.", "content": _problem(route, schemas)},
        },
    }
    if route.takes != "nothing":
        made["requestBody"] = {"required": True, "content": _request(route, schemas)}
    security = _security(route)
    return made | ({"security": [security]} if security else {})


def _security(route: Route) -> Mapping[str, Sequence[str]]:
    """Return what a call must carry; staff's writes also the token of their session."""
    if route.gate.kind == "signed in":
        return {"session": []} | ({} if route.method == "GET" else {"token": []})
    names = {"key": "key", "matrix": "homeserver"}
    return {names[route.gate.kind]: []} if route.gate.kind in names else {}


def _problem(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return how errors look: pages show them as pages, homeservers also get Matrix's own form."""
    made: dict[str, Any] = {PROBLEM: {"schema": schemas[_mark(ProblemBody)]}}
    if route.gate.kind == "matrix":
        made[JSON] = {"schema": {"type": "object"}}
    if route.answer == "text/html":
        made["text/html"] = {"schema": {}}
    return made


def _operation_id(route: Route) -> str:
    """Return the name for generated clients: room and handler, such as `intake_post_events`."""
    room = route.handler.__module__.split(".")[-2:][0]
    return f"{room}_{route.handler.__name__}"


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _VARIABLE.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": words, "schema": {"type": "string"}}
        for name, words in route.query
    ]


def _request(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    if route.takes == "bytes":
        return {"application/octet-stream": {"schema": {}}}
    if route.takes == "upload":
        return {UPLOAD: {"schema": {"type": "object"}}}
    schema = schemas[_mark(route.request)] if route.request is not None else {"type": "object"}
    return {JSON if route.takes == "json" else FORM: {"schema": schema}}


def _answers(route: Route) -> tuple[tuple[int, Any], ...]:
    kind = "" if route.status == 303 else route.answer
    return ((route.status, kind), *route.also)


def _answer(route: Route, kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"description": route.summary}
    if kind:
        named = isinstance(kind, str)
        schema = {} if named else schemas[_mark(kind)]
        made["content"] = {kind if named else JSON: {"schema": schema}}
    return made
