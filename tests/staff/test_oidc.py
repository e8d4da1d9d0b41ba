"""Another service's word: with a real provider, and with one that lies in every way."""

import re
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from door_scene import ME, Visitor, age, enter, hire, kinds, named_house
from oidc_provider_mock import User, run_server_in_thread
from provider_scene import SECRET, Service, new_key, service
from web_scene import Place

from openhaven import staff
from openhaven.core import Problem
from openhaven.staff import oidc, passwords
from openhaven.staff.oidc import provider
from openhaven.staff.passwords import totp
from openhaven.storage.settings import Oidc

if TYPE_CHECKING:
    from openhaven.line import Haven

BACK = "https://safe.example"
ROLES = {"Trust": ("moderator", "appeals"), "Leads": ("senior",)}


@pytest.fixture(scope="module")
def liar() -> Iterator[Service]:
    with service() as running:
        yield running


@contextmanager
def house(haven: "Haven", issuer: str, **more: Any) -> Iterator[Place]:
    said = {"issuer": issuer, "client_id": "openhaven", "client_secret": SECRET, "name": "Ourplace",
            "roles": ROLES} | more  # fmt: skip
    with named_house(haven, oidc=Oidc(**said)) as place:
        yield place


def come_back(visitor: Visitor, where: str) -> int:
    return visitor.see(where.removeprefix(BACK)).status


def sign_in(place: Place, said: Service) -> tuple[Visitor, int]:
    visitor = Visitor(place)
    gone = visitor.see("/sign-in/service")
    assert gone.status == 303, gone.body
    return visitor, come_back(visitor, said.authorize(gone.headers["location"]))


def onwards(visitor: Visitor, path: str) -> str:
    """Send a form that leads to the service; return the address of the link on the next page."""
    found = re.search(r'href="(http://127[^"]+)"', visitor.send(path).body.decode())
    assert found
    return found[1].replace("&amp;", "&")


def roles_of(haven: "Haven", name: str) -> tuple[str, ...]:
    with haven.db.read() as tx:
        return staff.named(tx, name).roles


def test_with_a_real_provider(haven: "Haven") -> None:
    """A provider that others wrote, on a socket of its own, with its own keys."""
    person = User(sub="ida@ourplace.example", claims={"name": "Ida", "groups": ["Trust", "Other"]})
    with (
        run_server_in_thread(user_claims=[person], require_nonce=True) as server,
        house(haven, f"http://localhost:{server.server_port}") as place,
    ):
        visitor, http = Visitor(place), urllib3.PoolManager(retries=False)
        assert b"Go on to Ourplace" in visitor.see("/sign-in").body
        for _ in range(2):
            where = visitor.see("/sign-in/service").headers["location"]
            body = urllib.parse.urlencode({"sub": person.sub})
            kind = {"content-type": "application/x-www-form-urlencoded"}
            sent = http.request("POST", where, body=body, headers=kind, redirect=False)
            assert sent.status in (302, 303), sent.data
            assert come_back(visitor, sent.headers["location"]) == 303
        assert visitor.see("/console").status == 200
        assert roles_of(haven, "Ida") == ("appeals", "moderator")
        denied = visitor.see("/sign-in/service").headers["location"]
        sent = http.request("POST", denied, body="action=deny", headers=kind, redirect=False)
        assert come_back(Visitor(place, visitor.cookies), sent.headers["location"]) in (
            400,
            403,
        )
        with haven.db.read() as tx:
            kept = str(tx.rows("SELECT * FROM identities"))
            assert person.sub not in kept
            assert tx.value("SELECT count(*) FROM staff") == 1


def test_groups_stand_for_roles_each_time(haven: "Haven", liar: Service) -> None:
    with house(haven, liar.url) as place:
        for groups, status, roles in (
            (["Trust"], 303, ("appeals", "moderator")),
            (["Trust", "Leads", 7], 303, ("appeals", "moderator", "senior")),
            (["Leads"], 303, ("senior",)),
        ):
            liar.claims = {"sub": "u-groups", "name": "Gus", "groups": groups}
            visitor, got = sign_in(place, liar)
            assert (got, roles_of(haven, "Gus")) == (status, roles)
        liar.claims["groups"] = ["Strangers"]
        assert sign_in(place, liar)[1] == 403
        # Whoever has no group any more is out everywhere, at once.
        assert visitor.see("/console").status == 401
        liar.claims = {"sub": "u-nobody", "name": "Nob", "groups": "Trust"}
        assert sign_in(place, liar)[1] == 403


def test_nobody_becomes_an_administrator_by_a_group(haven: "Haven", liar: Service) -> None:
    for roles in ({"Bosses": ("administrator",)}, {"Trust": ("king",)}):
        with pytest.raises(Problem) as caught:
            oidc.check_settings(Oidc(issuer=liar.url, client_id="x", roles=roles))
        assert caught.value.code == "settings.wrong"
    for wrong in (Oidc(issuer="http://id.example", client_id="x"), Oidc(issuer=liar.url)):
        with pytest.raises(Problem):
            oidc.check_settings(wrong)
    with house(haven, liar.url) as place:
        liar.claims = {"sub": "u-adm", "name": "Amy", "groups": ["Trust", "administrator"]}
        assert sign_in(place, liar)[1] == 303
        assert "administrator" not in roles_of(haven, "Amy")
        # Who was made one here stays one, and gets what the groups say besides.
        with haven.db.begin(ME) as tx:
            staff.set_roles(tx, staff.named(tx, "Amy"), ("administrator",))
        assert sign_in(place, liar)[1] == 303
        assert roles_of(haven, "Amy") == ("administrator", "appeals", "moderator")


def test_a_name_is_no_proof(haven: "Haven", liar: Service) -> None:
    hire(haven, "Ida", "administrator")
    with house(haven, liar.url) as place:
        liar.claims = {"sub": "u-thief", "name": "Ida", "groups": ["Trust"]}
        visitor, status = sign_in(place, liar)
        assert (status, visitor.see("/console").status) == (409, 401)
        # The real one connects it herself; her roles are not the service's matter.
        ida = enter(haven, place, "Ida")
        address = onwards(ida, "/console/account/service")
        liar.claims = {"sub": "u-ida", "name": "Somebody", "groups": []}
        assert come_back(ida, liar.authorize(address)) == 303
        assert sign_in(place, liar)[1] == 303
        assert roles_of(haven, "Ida") == ("administrator",)
        # Another member cannot connect the same account.
        hire(haven, "Ben")
        ben = enter(haven, place, "Ben")
        address = onwards(ben, "/console/account/service")
        assert come_back(ben, liar.authorize(address)) == 409
        # It can show once more who she is, and only for her, and only now.
        age(haven, 11)
        long_ago = int(time.time()) - 86_400
        for claims, status in (
            ({"sub": "u-ben"}, 403),
            ({"auth_time": None}, 403),
            ({"auth_time": long_ago}, 403),
            ({}, 303),
        ):
            liar.claims = {"sub": "u-ida"} | claims
            address = onwards(ida, "/console/confirm/service")
            assert "prompt=login" in address
            assert come_back(ida, liar.authorize(address)) == status, claims
            ida.see("/console/account")
        assert ida.send("/console/account/service/remove").status == 303
        assert sign_in(place, liar)[1] == 403
        assert {"staff.identity_connected", "staff.identity_disconnected"} <= set(kinds(haven))


NOW = int(time.time())
LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.test"},
    "for somebody else": {"aud": "another"},
    "for several, given to another": {"aud": ["openhaven", "x"], "azp": "x"},
    "for several, given to nobody": {"aud": ["openhaven", "x"]},
    "too old": {"exp": NOW - 3_600},
    "from the future": {"iat": NOW + 86_400},
    "without an end": {"exp": None},
    "another nonce": {"nonce": "0" * 64},
    "no nonce": {"nonce": None},
    "nobody": {"sub": None},
    "an endless name": {"sub": "x" * 256},
    "a number": {"sub": 7},
}


def test_no_lie_lets_anybody_in(haven: "Haven", liar: Service) -> None:
    with house(haven, liar.url) as place:
        for why, claims in LIES.items():
            liar.claims = {"name": "Liz", "groups": ["Trust"]} | claims
            visitor, status = sign_in(place, liar)
            assert (status, visitor.see("/console").status) == (400, 401), why
        liar.claims = {"name": "Liz", "groups": ["Trust"]}
        stranger, good = new_key("k1"), liar.keys[-1]
        for alg, key in (("RS256", stranger), ("HS256", good), ("none", None)):
            liar.alg, liar.signs_with = alg, key
            assert sign_in(place, liar)[1] == 400, alg
        liar.alg, liar.signs_with = "RS256", None
        assert sign_in(place, liar)[1] == 303


def test_state_code_and_browser_belong_together(haven: "Haven", liar: Service) -> None:
    liar.claims = {"sub": "u-state", "name": "Stan", "groups": ["Trust"]}
    with house(haven, liar.url) as place:
        mine, theirs = Visitor(place), Visitor(place)
        where = mine.see("/sign-in/service").headers["location"]
        back = liar.authorize(where)
        # A link that somebody else began (login CSRF), with no cookie or another one.
        assert come_back(Visitor(place), back) == 400
        theirs.see("/sign-in/service")
        assert come_back(theirs, back) == 400
        assert come_back(mine, back.replace("state=", "state=0")) == 400
        # That attempt is over; a new one works, once.
        back = liar.authorize(mine.see("/sign-in/service").headers["location"])
        again = Visitor(place, dict(mine.cookies))
        assert come_back(mine, back) == 303
        assert come_back(again, back) == 410
        # A code of another browser's sign-in does not fit this one's proof (PKCE).
        one, two = Visitor(place), Visitor(place)
        first = liar.authorize(one.see("/sign-in/service").headers["location"])
        second = liar.authorize(two.see("/sign-in/service").headers["location"])
        code = re.search("code=([^&]+)", first)[1]  # type: ignore[index]
        swapped = re.sub("code=[^&]+", f"code={code}", second)
        assert come_back(two, swapped) == 502


def test_keys_rotate(haven: "Haven", liar: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    liar.claims = {"sub": "u-keys", "name": "Kay", "groups": ["Trust"]}
    liar.keys = [new_key("old")]
    with house(haven, liar.url) as place:
        assert sign_in(place, liar)[1] == 303
        asked = liar.asked.count("/keys")
        assert sign_in(place, liar)[1] == 303
        assert liar.asked.count("/keys") == asked
        # A new key is learnt at once when the last look was a while ago, else a little later:
        # whoever sends words with unknown keys does not make us ask all the time.
        liar.keys = [*liar.keys, new_key("new")]
        monkeypatch.setattr(provider, "_AGAIN_S", 1e9)
        assert sign_in(place, liar)[1] == 400
        assert liar.asked.count("/keys") == asked
        monkeypatch.setattr(provider, "_AGAIN_S", 0.0)
        assert sign_in(place, liar)[1] == 303
        # What the service withdraws counts no more after that.
        liar.signs_with, liar.keys = liar.keys[0], liar.keys[1:]
        monkeypatch.setattr(provider, "_KEPT_S", 0.0)
        assert sign_in(place, liar)[1] == 400
    liar.signs_with = None


def test_a_service_that_describes_others_is_not_believed(haven: "Haven", liar: Service) -> None:
    inside = "http://169.254.169.254/latest"
    for offer in ({"issuer": "https://evil.test"}, {"token_endpoint": "http://evil.test/token"},
                  {"jwks_uri": inside}, {"authorization_endpoint": "javascript:alert(1)"},
                  {"token_endpoint": "https://169.254.169.254/token"}):  # fmt: skip
        liar.offer = offer
        with house(haven, liar.url) as place:
            visitor = Visitor(place)
            gone = visitor.see("/sign-in/service")
            if gone.status == 303:
                assert come_back(visitor, liar.authorize(gone.headers["location"])) in (400, 502)
            else:
                assert gone.status == 400, offer
    liar.offer = {}


def test_without_a_service_there_is_none(haven: "Haven") -> None:
    with named_house(haven) as place:
        assert Visitor(place).see("/sign-in/service").status == 404
        assert Visitor(place).see("/sign-in/service/back?code=x&state=y").status == 400
        assert b"/sign-in/service" not in Visitor(place).see("/sign-in").body


def test_who_has_no_group_any_more_has_no_other_way_in(haven: "Haven", liar: Service) -> None:
    with house(haven, liar.url) as place:
        liar.claims = {"sub": "u-left", "name": "Lea", "groups": ["Trust"]}
        assert sign_in(place, liar)[1] == 303
        with haven.db.begin(ME) as tx:
            lea = staff.named(tx, "Lea")
            code = totp.code_at(bytes(20), int(tx.now.timestamp()) // totp.STEP)
            passwords.keep(tx, lea, "four words of a song", bytes(20), code)
            path = staff.sign_in_link(tx, lea)
        liar.claims["groups"] = []
        assert sign_in(place, liar)[1] == 403
        with haven.db.read() as tx:
            assert passwords.standing(tx, lea.id) is None
        assert Visitor(place).send(path).status == 410
        liar.claims["groups"] = ["Trust"]
        assert sign_in(place, liar)[1] == 303


# Signing out ------------------------------------------------------------------------------------

EVENT = {"http://schemas.openid.net/event/backchannel-logout": {}}


def word(said: Service, **changes: Any) -> str:
    """Return a logout token as the service sends it, bent in some respect; None leaves one out."""
    now = int(time.time())
    claims = {"iss": said.url, "aud": "openhaven", "sub": "u-1", "iat": now, "exp": now + 120,
              "jti": "j-1", "events": EVENT} | changes  # fmt: skip
    return said.signed({name: one for name, one in claims.items() if one is not None})


def told(place: Place, token: str) -> int:
    body = urllib.parse.urlencode({"logout_token": token}).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return int(place.ask("POST", "/sign-in/service/end", body, kind).status)


def test_who_signs_out_at_the_service_is_signed_out_here(haven: "Haven", liar: Service) -> None:
    liar.claims = {"sub": "u-out", "name": "Ola", "groups": ["Trust"]}
    with house(haven, liar.url) as place:
        first, _ = sign_in(place, liar)
        second, _ = sign_in(place, liar)
        assert [one.see("/console").status for one in (first, second)] == [200, 200]
        now = int(time.time())
        wrong = (
            {"iss": "https://other.example"}, {"aud": "other"}, {"events": {}}, {"events": None},
            {"nonce": "n"}, {"jti": None}, {"sub": None}, {"iat": now - 3_600, "exp": None},
            {"iat": now + 3_600}, {"exp": now - 3_600},
        )  # fmt: skip
        for changes in wrong:
            assert told(place, word(liar, **({"sub": "u-out"} | changes))) == 400, changes
        for sign in (new_key("k1"), new_key("other")):
            liar.signs_with = sign
            assert told(place, word(liar, sub="u-out")) == 400
        liar.signs_with = None
        assert told(place, "") == told(place, "a.b.c") == 400
        assert told(place, word(liar, sub="somebody-else")) == 200
        assert [one.see("/console").status for one in (first, second)] == [200, 200]
        assert told(place, word(liar, sub="u-out")) == 200
        assert [one.see("/console").status for one in (first, second)] == [401, 401]
        assert "staff.signed_out_by_service" in kinds(haven)


def test_old_word_ends_nothing_that_began_since(haven: "Haven", liar: Service) -> None:
    liar.claims = {"sub": "u-since", "name": "Sina", "groups": ["Trust"]}
    with house(haven, liar.url) as place:
        visitor, _ = sign_in(place, liar)
        assert told(place, word(liar, sub="u-since", iat=int(time.time()) - 500, exp=None)) == 200
        assert visitor.see("/console").status == 200


def test_who_signs_out_here_is_led_to_do_so_at_the_service(haven: "Haven", liar: Service) -> None:
    liar.claims = {"sub": "u-leave", "name": "Lea", "groups": ["Trust"]}
    for page, leads in ((f"{liar.url}/logout", True), ("http://plain.example/logout", False)):
        liar.offer = {"end_session_endpoint": page}
        with house(haven, liar.url) as place:
            visitor, _ = sign_in(place, liar)
            assert visitor.see("/console").status == 200
            left = visitor.send("/sign-out")
            assert (left.status == 200) == leads
            assert (b"post_logout_redirect_uri=https%3A%2F%2Fsafe.example%2Fsign-in"
                    in left.body) == leads  # fmt: skip
            assert visitor.see("/console").status == 401
    liar.offer = {}
