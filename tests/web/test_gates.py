"""Who may do what: keys of platforms, sessions of staff, tokens in forms, the table of roles."""

import dataclasses
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest
from web_scene import Place, Reply, serving

from openhaven import intake, staff
from openhaven.core import Actor, Role, permits
from openhaven.web.routes import ROUTES
from openhaven.web.table import Route

if TYPE_CHECKING:
    from openhaven.line import Haven

ME = Actor("system", "test")
JSON = {"content-type": "application/json"}
BYTES = {"content-type": "application/octet-stream"}
UPLOAD = {"content-type": "multipart/form-data; boundary=x"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
ROLES = get_args(Role)
TABLE = Path(__file__).with_name("roles.txt")


@pytest.fixture
def place(haven: "Haven") -> Iterator[Place]:
    with serving(haven) as running:
        yield running


def key(haven: "Haven", name: str = "k") -> str:
    with haven.db.begin(ME) as tx:
        return intake.create_key(tx, name, intake.platform_named(tx, "default"))


def link(haven: "Haven", name: str, *roles: str) -> str:
    with haven.db.begin(ME) as tx:
        return staff.sign_in_link(tx, staff.create(tx, name, roles))


def enter(place: Place, path: str) -> dict[str, str]:
    """Sign in and return the headers that later requests carry."""
    reply = place.ask("POST", path, b"", FORM)
    assert reply.status == 303, reply.body
    return {"cookie": reply.headers["set-cookie"].partition(";")[0]}


def token(page: Reply) -> str:
    found = re.search(rb'name="csrf" value="([0-9a-f]{64})"', page.body)
    assert found, page.body
    return found.group(1).decode()


# Keys -----------------------------------------------------------------------------------------


def test_without_a_key(place: Place) -> None:
    reply = place.ask("GET", "/v1/events/x")
    assert (reply.status, reply.json["code"]) == (401, "key.missing")
    assert reply.headers["www-authenticate"] == 'Bearer realm="openhaven"'
    # A body is not even read before the key is known.
    assert place.ask("POST", "/v1/media", b"x" * 40_000_000).status == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer oh_", "Bearer oh_" + "x" * 43, "Basic b2g6", "oh_" + "x" * 43, "Bearer oh_é",
     "Bearer oh_" + "x" * 5_000, "\x01", "Bearer oh_" + "x" * 30 + "' OR 1=1 --"],
)  # fmt: skip
def test_a_wrong_key(place: Place, header: str) -> None:
    reply = place.ask("GET", "/v1/events/x", headers={"authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert reply.status in (400, 401)
    if reply.status == 401:
        assert 'error="invalid_token"' in reply.headers["www-authenticate"]


def test_a_key_works_until_it_is_revoked(haven: "Haven", place: Place) -> None:
    given = {"authorization": f"Bearer {key(haven)}"}
    assert place.ask("GET", "/v1/events/x", headers=given).json["code"] == "event.unknown"
    assert place.ask("GET", "/v1/events/x", headers=given).status == 404
    with haven.db.begin(ME) as tx:
        intake.revoke_key(tx, "k")
    time.sleep(1.1)
    assert place.ask("GET", "/v1/events/x", headers=given).json["code"] == "key.refused"


# Sessions -------------------------------------------------------------------------------------


def test_signing_in_takes_a_button(haven: "Haven", place: Place) -> None:
    path = link(haven, "Ada", "moderator")
    for _ in range(3):
        page = place.ask("GET", path)
        assert (page.status, b'<form method="post"' in page.body) == (200, True)
        assert "set-cookie" not in page.headers
    assert place.ask("HEAD", path).status == 200
    reply = place.ask("POST", path, b"", FORM)
    assert (reply.status, reply.headers["location"]) == (303, "/console")
    cookie = reply.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert place.ask("GET", "/console", headers={"cookie": cookie.partition(";")[0]}).status == 200
    assert place.ask("POST", path, b"", FORM).status == 410
    assert place.ask("GET", path).status == 410


def test_a_link_cannot_be_used_from_another_site(haven: "Haven", place: Place) -> None:
    path = link(haven, "Ada", "moderator")
    foreign = FORM | {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert place.ask("POST", path, b"", foreign).status == 403
    assert enter(place, path)


def test_without_a_session(place: Place) -> None:
    name = "openhaven-8700"
    for cookie in ("", f"{name}=", f"{name}=" + "x" * 43, f"{name}=é;;=;", "a" * 3000):
        reply = place.ask("GET", "/console", headers={"cookie": cookie, "accept": "text/html"})
        assert reply.status == 401, cookie
        assert b"sign-in link" in reply.body


def test_forms_need_the_session_s_own_token(haven: "Haven", place: Place) -> None:
    ada, ben = (enter(place, link(haven, name, "moderator")) for name in ("Ada", "Ben"))
    mine = token(place.ask("GET", "/console/help", headers=ada))
    theirs = token(place.ask("GET", "/console/help", headers=ben))
    assert mine != theirs
    for body in (b"", b"csrf=", f"csrf={theirs}".encode(), b"csrf=%C3%A9"):
        assert place.ask("POST", "/sign-out", body, FORM | ada).json["code"] == "form.stale"
    good = f"csrf={mine}".encode()
    foreign = FORM | ada | {"origin": "https://evil.example"}
    assert place.ask("POST", "/sign-out", good, foreign).json["code"] == "form.foreign"
    left = place.ask("POST", "/sign-out", good, FORM | ada)
    assert (left.status, left.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert place.ask("GET", "/console", headers=ada).status == 401
    assert place.ask("GET", "/console", headers=ben).status == 200


def test_who_leaves_is_out_at_once(haven: "Haven", place: Place) -> None:
    ada = enter(place, link(haven, "Ada", "moderator"))
    with haven.db.begin(ME) as tx:
        staff.disable(tx, staff.named(tx, "Ada"))
    assert place.ask("GET", "/console", headers=ada).status == 401


def test_signing_in_leads_to_the_page_that_was_asked_for(haven: "Haven", place: Place) -> None:
    html = {"accept": "text/html,*/*"}
    reply = place.ask("GET", "/console/decisions", headers=html)
    assert reply.status == 401
    asked = reply.headers["set-cookie"]
    assert "Path=/sign-in" in asked
    assert "HttpOnly" in asked
    cookie = asked.partition(";")[0]
    reply = place.ask("POST", link(haven, "ada", "moderator"), b"", FORM | {"cookie": cookie})
    assert reply.headers["location"] == "/console/decisions"
    # What no person looks at is not gone back to, and no other place is gone to.
    assert "set-cookie" not in place.ask("GET", "/console/stream").headers
    name = cookie.partition("=")[0]
    for number, bad in enumerate(("//evil.example", "/console/../x", "https://e.example", "/x")):
        path = link(haven, f"ben{number}", "moderator")
        reply = place.ask("POST", path, b"", FORM | {"cookie": f"{name}={bad}"})
        assert reply.headers["location"] == "/console", bad


# Routes and roles -----------------------------------------------------------------------------


def line(route: Route) -> str:
    """Return one line of the table: the URL, its gate, and the roles that pass it."""
    gate = route.gate
    may = [role for role in ROLES if gate.permission is None or permits([role], gate.permission)]
    who = {"public": "everybody", "key": "a key", "matrix": "a homeserver"}.get(
        gate.kind, " ".join(may)
    )
    return f"{route.method:5} {route.path:40} {gate!s:24} {who}".rstrip()


def test_routes_and_roles_are_those_of_the_table() -> None:
    """A change of who may do what shows as a change of roles.txt, for somebody to agree to."""
    assert [line(route) for route in ROUTES] == TABLE.read_text("utf-8").splitlines()


def test_every_role_gets_what_the_table_says_and_no_more(haven: "Haven", place: Place) -> None:
    cookies = {role: enter(place, link(haven, role, role)) for role in ROLES}
    for route in ROUTES:
        path = re.sub(r"\{\w+(:path)?\}", "none", route.path)
        if route.gate.kind != "signed in" or path in ("/sign-out", "/console/stream"):
            continue
        kinds = {"form": FORM, "json": JSON, "bytes": BYTES, "upload": UPLOAD}
        kind = kinds.get(route.takes, {})
        assert place.ask(route.method, path, b"" if kind else None, kind).status == 401, path
        for role, cookie in cookies.items():
            allowed = route.gate.permission is None or permits([role], route.gate.permission)
            reply = place.ask(route.method, path, b"" if kind else None, kind | cookie)
            # A form without its token is refused only after the gate has let somebody in.
            stopped = reply.status == 403 and b"staff.forbidden" in reply.body
            assert stopped is not allowed, (role, route.method, path, reply.status)
            assert reply.status < 500, (role, path)


# Operations -----------------------------------------------------------------------------------


def test_ready_and_not(haven: "Haven", place: Place) -> None:
    assert place.ask("GET", "/readyz").json == {
        "status": "ready", "pack": haven.packs.current.fingerprint}  # fmt: skip
    with haven.db.begin(ME) as tx:
        tx.run("DELETE FROM migrations WHERE number = (SELECT max(number) FROM migrations)")
    reply = place.ask("GET", "/readyz")
    assert (reply.status, reply.json["code"]) == (503, "server.not_ready")
    assert "this program needs" in reply.json["detail"]


def test_without_a_database_the_process_lives(haven: "Haven", place: Place) -> None:
    haven.db.close()
    assert place.ask("GET", "/healthz").status == 200
    for path in ("/readyz", "/v1/events/x"):
        reply = place.ask("GET", path, headers={"authorization": "Bearer oh_" + "x" * 43})
        assert (reply.status, "retry-after" in reply.headers) == (503, True), path


def test_the_measures(place: Place) -> None:
    place.ask("GET", "/nothing/secret-7")
    place.ask("GET", "/v1/events/secret-7")
    text = place.ask("GET", "/metrics").body.decode()
    assert 'openhaven_http_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert 'route="/v1/events/{id}",status="401"' in text
    assert "openhaven_events_waiting 0.0" in text
    assert "openhaven_ledger_unsequenced_seconds" in text
    assert "secret-7" not in text


def test_the_measures_are_for_this_machine(place: Place) -> None:
    for headers in ({"x-forwarded-for": "192.0.2.1"}, {"forwarded": "for=192.0.2.1"},
                    {"host": "192.0.2.1"}, {"authorization": "Bearer "}):  # fmt: skip
        status = place.ask("GET", "/metrics", headers=headers).status
        assert status == (200 if "authorization" in headers else 401), headers


def test_the_measures_from_elsewhere_take_a_token(haven: "Haven") -> None:
    settings = msgspec.structs.replace(haven.settings, metrics_token="m-1", behind_proxy=True)
    with serving(dataclasses.replace(haven, settings=settings)) as place:
        for header, status in ((None, 401), ("Bearer m-2", 401), ("Bearer m-1", 200)):
            headers = {"authorization": header} if header else {}
            assert place.ask("GET", "/metrics", headers=headers).status == status, header


def test_with_tls_the_cookie_is_bound_to_this_host(haven: "Haven") -> None:
    settings = msgspec.structs.replace(haven.settings, public_url="https://safe.example")
    with serving(dataclasses.replace(haven, settings=settings)) as place:
        reply = place.ask("POST", link(haven, "Ada", "moderator"), b"", FORM)
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("__Host-openhaven=")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_a_problem_keeps_staff_in_the_console(haven: "Haven", place: Place) -> None:
    ada = enter(place, link(haven, "Ada", "moderator")) | {"accept": "text/html"}
    page = place.ask("GET", "/console/tasks/none", headers=ada)
    assert page.status == 404
    assert b"Sign out" in page.body
