"""Lists of tokens between operators: under an agreement, by two people, and poison stays out."""

import base64
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from line_scene import OPERATOR, scene
from returning_scene import ALL, DEVICE, MAIL, Return

from openhaven import staff
from openhaven.core import Actor, Problem, utcnow
from openhaven.exchange import returning
from openhaven.exchange.returning import lists
from openhaven.exchange.returning.lists.checking import Known, check, mark_of, signed_bytes
from openhaven.exchange.returning.lists.model import Listed
from openhaven.line import Haven
from openhaven.staff import approvals

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET, DATA = bytes(range(32)), returning.setting()
PEER = Ed25519PrivateKey.from_private_bytes(bytes(reversed(range(32))))
KEY = PEER.public_key().public_bytes_raw()
Body = dict[str, Any]


def token(number: int) -> str:
    return f"{number:064x}"


def entry(number: int, **changes: Any) -> Body:
    whole = {"id": f"e{number}", "harm": "grooming", "expires_at": "2027-05-01T00:00:00Z",
             "tokens": [{"kind": "email", "token": token(2 * number)},
                        {"kind": "device", "token": token(2 * number + 1)}]}  # fmt: skip
    return whole | changes


def listed(entries: list[Any], key: Ed25519PrivateKey = PEER, **changes: Any) -> bytes:
    bare = Listed(**{"format": "openhaven-returning-1", "agreement": mark_of(SECRET),
                     "made_at": NOW, "entries": tuple(entries)} | changes)  # fmt: skip
    signature = base64.b64encode(key.sign(signed_bytes(bare))).decode()
    return msgspec.json.encode(msgspec.structs.replace(bare, signature=signature))


def found(body: bytes, known: Known | None = None) -> lists.Report:
    return check(body, SECRET, KEY, ["grooming"], known or Known(), NOW, DATA)[0]


def test_a_good_list_is_good() -> None:
    report, good = check(listed([entry(n) for n in range(30)]), SECRET, KEY, ["grooming"], Known(),
                         NOW, DATA)  # fmt: skip
    assert (report.entries, report.good, report.bad, report.refused) == (30, 30, {}, "")
    assert [one.id for one in good] == [f"e{n}" for n in range(30)]


MANY_OF_ONE = [{"kind": "email", "token": token(9_000 + n)} for n in range(7)]
POISON: dict[str, list[Any]] = {
    "malformed": [entry(900, tokens=[{"kind": "email", "token": "not a token"}])],
    "class": [entry(900, harm="spam")],
    "expired": [entry(900, expires_at="2026-11-22T12:00:00Z")],
    "mass": [entry(900, tokens=[*MANY_OF_ONE, {"kind": "device", "token": token(9_100)}])],
    "thin": [entry(900, tokens=[{"kind": "device", "token": token(9_000)},
                                {"kind": "network", "token": token(9_001)}])],
    "crowd": [entry(900, tokens=[{"kind": "email", "token": token(77_777)},
                                 {"kind": "device", "token": token(9_000)}])],
    "duplicate": [entry(3)],
    "common": [entry(900 + n, tokens=[{"kind": "network", "token": token(5)},
                                      {"kind": "email", "token": token(9_000 + n)}])
               for n in range(3)],
}  # fmt: skip


@pytest.mark.parametrize("reason", POISON)
def test_what_is_poisoned_stays_out_and_says_why(reason: str) -> None:
    assert reason in lists.REASONS
    good = [entry(n) for n in range(10, 60)] + [entry(3)]
    known = Known(shared=frozenset({token(77_777)}))
    report = found(listed(good + POISON[reason]), known)
    assert (report.bad, report.refused) == ({reason: len(POISON[reason])}, "")
    assert report.good == len(good)
    # Where much of a list is bad, nobody looked after it, and none of it is taken.
    much = found(listed([*POISON[reason], *POISON["mass"] * 3, entry(1)]), known)
    assert much.refused
    assert much.good == 0


def test_every_kind_of_poison_is_tried() -> None:
    assert POISON.keys() == lists.REASONS.keys()


WHOLE: dict[str, Callable[[], bytes]] = {
    "signature": lambda: listed([entry(1)], key=Ed25519PrivateKey.from_private_bytes(SECRET)),
    "agreement": lambda: listed([entry(1)], agreement=mark_of(bytes(32))),
    "older": lambda: listed([entry(1)], made_at=NOW - timedelta(days=31)),
    "future": lambda: listed([entry(1)], made_at=NOW + timedelta(days=2)),
    "form": lambda: b'{"format": "openhaven-returning-2"}',
    "this form": lambda: b"[" * 100_000,
}


@pytest.mark.parametrize("what", WHOLE)
def test_a_list_that_is_not_theirs_is_refused_wholly(what: str) -> None:
    report = found(WHOLE[what]())
    assert what in report.refused
    assert report.good == 0


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_one_altered_bit_is_seen(place: int, bit: int) -> None:
    """Whatever is changed: the list is another one, or it cannot be read, and is not taken."""
    body = bytearray(listed([entry(n) for n in range(3)]))
    body[place % len(body)] ^= 1 << bit
    report, good = check(bytes(body), SECRET, KEY, ["grooming"], Known(), NOW, DATA)
    same = msgspec.json.decode(listed([entry(n) for n in range(3)]))
    try:
        altered = msgspec.json.decode(bytes(body))
    except (msgspec.DecodeError, ValueError):
        altered = None
    assert good == [] or altered == same
    assert report.refused or altered == same


# Through the house ----------------------------------------------------------------------------


@pytest.fixture
def back(haven: Haven) -> Return:
    here = scene(haven)
    return Return(here, here.reviewer("ana"), here.reviewer("ben"))


def keeper(back: Return, name: str) -> Actor:
    with back.haven.db.begin(OPERATOR) as tx:
        member = staff.create(tx, name, ("policy",))
    return Actor("staff", member.id, member.roles)


def agree(back: Return, name: str, secret: bytes, days: int = 90) -> str:
    with back.haven.db.begin(OPERATOR) as tx:
        return lists.agree(tx, name, secret, lists.public_key(tx), ["grooming"], days)


def yes(back: Return, who: Actor) -> None:
    with back.haven.db.begin(who) as tx:
        [waiting] = approvals.waiting(tx, "returning-list")
        approvals.answer(tx, waiting.id, True, "")
    returning.keep_returning(back.haven.db)


def exported(back: Return, one: Actor, two: Actor) -> bytes:
    with back.haven.db.begin(one) as tx:
        made = lists.ask_export(tx, "them")
    with pytest.raises(Problem, match="second person"), back.haven.db.begin(one) as tx:
        lists.export(tx, made)
    yes(back, two)
    with back.haven.db.begin(one) as tx:
        return lists.export(tx, made)


def test_a_list_goes_out_comes_in_and_ends_with_its_agreement(back: Return) -> None:
    """Our own list under one agreement is read as if another operator had sent it."""
    one, two = keeper(back, "cleo"), keeper(back, "dora")
    secret = secrets.token_bytes(32)
    agreed = agree(back, "them", secret)
    made = back.ended()
    back.hand_over(made)
    assert back.count("returning_tokens", "purpose <> 'own'") == len(ALL)
    body = exported(back, one, two)
    assert not any(value.lower().encode() in body.lower() for _, value in ALL)
    assert made.encode() not in body
    # Here it would only say again what is known: so our own is let go before.
    with back.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE decisions SET state = 'expired' WHERE id = %(d)s", d=made)
    assert "returning" not in back.comes(*ALL)
    with pytest.raises(Problem, match="role"), back.haven.db.begin(back.ana) as tx:
        lists.ask_import(tx, "them", body)
    with back.haven.db.begin(one) as tx:
        report = lists.ask_import(tx, "them", body)
    assert (report.good, report.refused) == (1, "")
    with pytest.raises(Problem, match="yourself"):
        yes(back, one)
    assert back.count("returning_entries") == 0
    yes(back, two)
    verdict = back.comes(MAIL, DEVICE)
    assert (verdict["outcome"], verdict["returning"]["review"]) == ("review", True)
    assert verdict["returning"]["friction"] is False
    with pytest.raises(Problem, match="came before"), back.haven.db.begin(one) as tx:
        lists.ask_import(tx, "them", body)
    returning.keep_returning(back.haven.db, utcnow() + timedelta(days=91))
    assert [back.count(f"returning_{name}") for name in ("entries", "tokens")] == [0, 0]
    assert back.count("returning_agreements", "secret IS NULL AND ended_at IS NOT NULL") == 1
    [key] = back.here.rows("SELECT wrapped FROM subject_keys WHERE subject = %(s)s",
                           s=f"returning:{agreed}")  # fmt: skip
    assert bytes(key["wrapped"]) == b""
    [end] = back.here.rows("SELECT tokens FROM returning_ends WHERE reason = 'agreement'")
    # Some had ended by their own time; the others went with the agreement.
    assert 0 < end["tokens"] < len(ALL)


def test_what_the_sender_has_let_go_ends_with_their_next_list(back: Return) -> None:
    """An appeal upheld over there ends here, too: a list says all that its sender still keeps."""
    one, two = keeper(back, "cleo"), keeper(back, "dora")
    with back.haven.db.begin(OPERATOR) as tx:
        lists.agree(tx, "them", SECRET, KEY, ["grooming"], 90)
    until = (utcnow() + timedelta(days=60)).isoformat()
    for numbers, left in (((1, 2), {"e1", "e2"}), ((2, 3), {"e2", "e3"})):
        told = [entry(number, expires_at=until) for number in numbers]
        with back.haven.db.begin(one) as tx:
            assert not lists.ask_import(tx, "them", listed(told, made_at=utcnow())).refused
        yes(back, two)
        assert {row["remote"] for row in back.here.rows("SELECT remote FROM returning_entries")
                } == left  # fmt: skip
    [end] = back.here.rows("SELECT reason, tokens FROM returning_ends")
    assert list(end.values()) == ["replaced", 2]


def test_without_the_secret_nobody_makes_the_same_tokens(back: Return) -> None:
    one, two = keeper(back, "cleo"), keeper(back, "dora")
    agree(back, "them", secrets.token_bytes(32))
    agree(back, "others", secrets.token_bytes(32))
    back.hand_over(back.ended())
    body = exported(back, one, two)
    with back.haven.db.begin(one) as tx:
        assert "another agreement" in lists.ask_import(tx, "others", body).refused
    purposes = back.here.rows("SELECT token, count(*) AS n FROM returning_tokens GROUP BY 1")
    assert {row["n"] for row in purposes} == {1}
    assert len(purposes) == 3 * len(ALL)


def test_what_is_refused_is_in_the_register_and_nothing_is_kept_of_it(back: Return) -> None:
    one = keeper(back, "cleo")
    agree(back, "them", SECRET)
    with back.haven.db.begin(one) as tx:
        assert lists.ask_import(tx, "them", b"{}").refused
    [row] = back.here.rows("SELECT state, body FROM returning_lists")
    assert (row["state"], row["body"]) == ("refused", None)
    assert back.count("approvals", "kind = 'returning-list'") == 0


@pytest.mark.parametrize("wrong", [
    {"secret": b"short"}, {"key": b"short"}, {"classes": ["suicide"]}, {"classes": []},
    {"days": 400}, {"days": 0},
])  # fmt: skip
def test_an_agreement_is_whole_or_none(back: Return, wrong: dict[str, Any]) -> None:
    whole = {"secret": SECRET, "key": KEY, "classes": ["grooming"], "days": 90} | wrong
    with pytest.raises(Problem), back.haven.db.begin(OPERATOR) as tx:
        lists.agree(tx, "them", whole["secret"], whole["key"], whole["classes"], whole["days"])
