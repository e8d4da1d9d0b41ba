"""Passkeys over HTTP, with a key of software: what fits signs in, and nothing else does."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from door_scene import Visitor, age, enter, hire, kinds, named_house
from hypothesis import given, settings
from hypothesis import strategies as st
from key_scene import PRESENT, SoftKey
from web_scene import Place

from openhaven.core import Problem
from openhaven.staff import passkeys
from openhaven.staff.passkeys.checking import check_made, check_signed, credential_of, holder_of
from openhaven.storage import Settings

if TYPE_CHECKING:
    from openhaven.line import Haven


@pytest.fixture
def place(haven: "Haven") -> Iterator[Place]:
    with named_house(haven) as running:
        yield running


def add(visitor: Visitor, key: SoftKey, name: str = "Ring") -> int:
    begun = visitor.json("/console/account/passkeys/begin").json
    made = {"step": begun["step"], "credential": key.make(begun["options"]), "name": name}
    return visitor.json("/console/account/passkeys", made).status


def sign_in(place: Place, key: SoftKey, **said: Any) -> tuple[Visitor, int]:
    visitor = Visitor(place)
    begun = visitor.json("/sign-in/passkey/begin").json
    shown = {"step": begun["step"], "credential": key.sign(begun["options"], **said)}
    return visitor, visitor.json("/sign-in/passkey", shown).status


def test_a_passkey_signs_in_without_a_name(haven: "Haven", place: Place) -> None:
    hire(haven, "Ada")
    ada, key, second = enter(haven, place, "Ada"), SoftKey(), SoftKey()
    assert (add(ada, key), add(ada, second, "Telephone")) == (201, 201)
    for one in (key, second, key):
        visitor, status = sign_in(place, one)
        assert (status, visitor.see("/console").status) == (200, 200)
    page = ada.see("/console/account")
    assert b"Telephone" in page.body
    assert b"by a passkey" in page.body
    with haven.db.read() as tx:
        (first, _) = passkeys.passkeys_of(tx, tx.value("SELECT id FROM staff"))
    assert ada.send(f"/console/account/passkeys/{first.id}/remove").status == 303
    assert sign_in(place, key)[1] == 400
    assert sign_in(place, second)[1] == 200
    told = {"staff.passkey_added", "staff.passkey_removed", "staff.signed_in"}
    assert told <= set(kinds(haven))


def test_what_does_not_fit_signs_nobody_in(haven: "Haven", place: Place) -> None:
    hire(haven, "Ada")
    ada, key = enter(haven, place, "Ada"), SoftKey()
    assert add(ada, key) == 201

    def like(**other: Any) -> SoftKey:
        return SoftKey(credential=key.credential, key=other.pop("key", key.key), uses=50,
                       holder=other.pop("holder", key.holder), **other)  # fmt: skip

    wrong = {
        "another origin": like(origin="https://safe.example.evil.test"),
        "a look-alike": like(origin="http://safe.example"),
        "another site": like(name="evil.test"),
        "nobody was there": like(flags=0),
        "nobody was known": like(flags=PRESENT),
        "another key": like(key=SoftKey().key),
        "another holder": like(holder="c3RmX290aGVy"),
        "a stranger": SoftKey(),
    }
    for why, one in wrong.items():
        visitor, status = sign_in(place, one)
        assert status == 400, why
        assert visitor.see("/console").status == 401, why
    assert sign_in(place, key, crossOrigin=True)[1] == 400
    assert sign_in(place, key, type="webauthn.create")[1] == 400
    # And none of that made the key suspect, or kept its owner out.
    assert sign_in(place, key)[1] == 200


def test_a_challenge_works_once_and_for_what_it_was_made(haven: "Haven", place: Place) -> None:
    hire(haven, "Ada")
    ada, key = enter(haven, place, "Ada"), SoftKey()
    assert add(ada, key) == 201
    visitor = Visitor(place)
    begun = visitor.json("/sign-in/passkey/begin").json
    shown = {"step": begun["step"], "credential": key.sign(begun["options"])}
    assert visitor.json("/sign-in/passkey", shown).status == 200
    assert Visitor(place).json("/sign-in/passkey", shown).status == 410
    # A challenge of another step, or a step of somebody else's, is worth nothing.
    other = visitor.json("/sign-in/passkey/begin").json
    mixed = {"step": other["step"], "credential": key.sign(begun["options"])}
    assert Visitor(place).json("/sign-in/passkey", mixed).status == 400
    theirs = {"step": ada.json("/console/account/passkeys/begin").json["step"],
              "credential": key.sign(begun["options"])}  # fmt: skip
    assert Visitor(place).json("/sign-in/passkey", theirs).status == 410
    # A try that failed has used its challenge up.
    again = {"step": other["step"], "credential": key.sign(other["options"])}
    assert Visitor(place).json("/sign-in/passkey", again).status == 410


def test_a_copied_key_is_found_out(haven: "Haven", place: Place) -> None:
    hire(haven, "Ada")
    ada, key = enter(haven, place, "Ada"), SoftKey()
    assert add(ada, key) == 201
    copy = SoftKey(credential=key.credential, key=key.key, holder=key.holder, uses=key.uses)
    assert sign_in(place, key)[1] == 200
    assert sign_in(place, key)[1] == 200
    assert sign_in(place, copy)[1] == 400
    # From now on nobody gets in with it, not even its owner, who is told.
    assert sign_in(place, key)[1] == 400
    assert b"There may be a copy of this passkey" in ada.see("/console/account").body
    assert "staff.passkey_doubted" in kinds(haven)


def test_a_forged_count_locks_nobody_out(haven: "Haven", place: Place) -> None:
    """Whoever knows the id of a key, and has not the key, cannot make it suspect."""
    hire(haven, "Ada")
    ada, key = enter(haven, place, "Ada"), SoftKey(uses=9)
    assert add(ada, key) == 201
    forged = SoftKey(credential=key.credential, holder=key.holder, uses=0)
    assert sign_in(place, forged)[1] == 400
    assert sign_in(place, key)[1] == 200


def test_who_left_or_was_signed_out_is_out(haven: "Haven", place: Place) -> None:
    from openhaven import staff

    member = hire(haven, "Ada")
    ada, key = enter(haven, place, "Ada"), SoftKey()
    assert add(ada, key) == 201
    visitor, _ = sign_in(place, key)
    with haven.db.begin(member.actor) as tx:
        assert staff.sign_out_everywhere(tx, member) == 2
    assert (ada.see("/console").status, visitor.see("/console").status) == (401, 401)
    with haven.db.begin(member.actor) as tx:
        staff.disable(tx, member)
    assert sign_in(place, key)[1] == 400


def test_changing_ways_in_takes_a_fresh_proof(haven: "Haven", place: Place) -> None:
    hire(haven, "Ada")
    ada, key = enter(haven, place, "Ada"), SoftKey()
    assert add(ada, key) == 201
    age(haven, 11)
    assert ada.json("/console/account/passkeys/begin").json["code"] == "session.stale"
    assert ada.send("/console/account/password").status == 403
    before = ada.session
    begun = ada.json("/console/confirm/passkey/begin").json
    shown = {"step": begun["step"], "credential": key.sign(begun["options"]),
             "then": "//evil.test"}  # fmt: skip
    told = ada.json("/console/confirm/passkey", shown)
    assert told.json == {"go": "/console/account"}
    # The session has another secret now, and the old one is worth nothing.
    assert ada.session not in ("", before)
    ada.see("/console/account")
    assert add(ada, SoftKey()) == 201
    stale = Visitor(place, {"__Host-openhaven": before})
    assert stale.see("/console").status == 401


def test_another_s_passkey_proves_nothing(haven: "Haven", place: Place) -> None:
    hire(haven, "Ada")
    hire(haven, "Ben")
    ada, ben, key = enter(haven, place, "Ada"), enter(haven, place, "Ben"), SoftKey()
    assert add(ben, key) == 201
    begun = ada.json("/console/confirm/passkey/begin").json
    shown = {"step": begun["step"], "credential": key.sign(begun["options"])}
    assert ada.json("/console/confirm/passkey", shown).status == 400
    known = ada.json("/console/account/passkeys/begin").json
    twice = {"step": known["step"], "credential": key.make(known["options"]), "name": "Mine"}
    assert ada.json("/console/account/passkeys", twice).status == 409


@pytest.mark.parametrize(
    ("url", "name", "origin"),
    [
        ("", "localhost", "http://localhost:8700"),
        ("https://safe.example", "safe.example", "https://safe.example"),
        ("https://Safe.Example:8443/", "safe.example", "https://safe.example:8443"),
        ("http://localhost:9000", "localhost", "http://localhost:9000"),
        ("http://safe.example", None, None),
        ("https://192.0.2.7", None, None),
        ("https://[2001:db8::1]", None, None),
    ],
)
def test_where_passkeys_work(url: str, name: str | None, origin: str | None) -> None:
    site = passkeys.site_of(Settings(public_url=url))
    assert (site and site.name, site and site.origin) == (name, origin)


SITE = passkeys.Site("safe.example", "https://safe.example")
_said = SoftKey().sign({"challenge": "AAAA"})["response"]["clientDataJSON"]
_texts = st.one_of(st.text(max_size=200), st.binary(max_size=300).map(bytes.hex), st.just(_said))


@settings(max_examples=150, deadline=None)
@given(_texts, _texts, _texts, _texts, _texts)
def test_whatever_a_browser_says_is_refused_in_words(
    a: str, b: str, c: str, d: str, e: str
) -> None:
    signed = passkeys.Signed(a, passkeys.checking._SignedAnswer(b, c, d, e))
    made = passkeys.Made(a, passkeys.checking._MadeAnswer(b, c))
    for judge in (
        lambda: check_signed(SITE, b"x" * 32, signed, b"\xa1\x01\x02"),
        lambda: check_made(SITE, b"x" * 32, made),
    ):
        with pytest.raises(Problem):
            judge()
    for name in (credential_of, holder_of):
        with suppress(Problem):
            name(signed)
