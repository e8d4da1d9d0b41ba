"""Lawful requests: nothing is given that was not checked, narrowed and agreed on by two."""

import hashlib
import io
import json
import subprocess
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests_scene import DAY, SAYS, Bureau, bureau, post

from openhaven import evidence, ledger, review
from openhaven.authorities.requests import (
    actions,
    answering,
    approving,
    contacts,
    keeping,
    store,
)
from openhaven.authorities.requests.keys import key_in, open_with, seal_to
from openhaven.authorities.requests.kinds import CATEGORIES, kinds
from openhaven.authorities.requests.model import ENDED, STATES, WAYS, Subject, after
from openhaven.authorities.requests.sender import mail_of
from openhaven.core import Problem, new_id, system, utcnow
from openhaven.line import Haven
from openhaven.records.erasure import erase
from openhaven.staff import approvals
from openhaven.storage import Tx


@pytest.fixture(scope="module")
def at(house: Haven) -> Bureau:
    return bureau(house)


# The law of the house --------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["authenticate", "check", "narrow", "ask", "agree", "disagree",
                                 "produce", "preserve", "remove", "refuse", "withdraw"]),
                max_size=30), st.sampled_from(sorted(kinds())))  # fmt: skip
def test_no_path_leads_to_giving_without_each_step(verbs: list[str], code: str) -> None:
    state, done = "received", list[str]()
    for verb in verbs:
        try:
            state = after(state, verb, kinds()[code])  # type: ignore[arg-type]
        except Problem:
            continue
        done.append(verb)
    if state in ("produced", "preserved", "removed"):
        first = [done.index(verb) for verb in ("authenticate", "check", "narrow")]
        assert first == sorted(first)
    if state == "produced":
        # What was agreed on is what was asked last: no narrowing stands between agreement and gift.
        last = max(at for at, verb in enumerate(done) if verb == "narrow")
        assert "ask" in done[last:]
        assert "agree" in done[last:]
        assert kinds()[code].produces


def test_every_state_has_words_and_every_end_is_one() -> None:
    assert set(WAYS) | ENDED == set(STATES)
    assert not set(WAYS) & ENDED
    assert all(one.due(utcnow(), life=False) >= one.due(utcnow(), life=True) - timedelta(seconds=5)
               for one in kinds().values())  # fmt: skip
    assert all(set(one.produces) <= set(CATEGORIES) for one in kinds().values())


_MOVES = ["call", "forged", "law", "narrow", "ask", "agree", "own", "no", "key", "produce",
          "refuse", "withdraw"]  # fmt: skip


def _move(at: Bureau, request: str, move: str) -> None:
    found = at.now_is(request)
    waiting = at.rows("SELECT id FROM approvals WHERE matter = %(s)s AND state = 'waiting'",
                      s=found.scope)  # fmt: skip
    approval = str(waiting[0]["id"]) if waiting else "apr_none"
    if move in ("call", "forged"):
        at.call_back(request, "genuine" if move == "call" else "forged")
    elif move == "law":
        at.lawful(request)
    elif move == "narrow":
        at.narrow(request)
    elif move == "ask":
        at.ask(request)
    elif move in ("agree", "own", "no"):
        at.agree(approval, at.ada if move == "own" else at.ben, yes=move != "no")
    elif move == "key":
        at.give_key(request)
    elif move == "produce":
        at.produce(request)
    else:
        with at.haven.db.begin(at.ada) as tx:
            if move == "refuse":
                actions.refuse(tx, request, "too_wide", "Too wide.")
            else:
                actions.withdraw(tx, request)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(_MOVES), min_size=4, max_size=14))
def test_whatever_people_do_in_whatever_order(at: Bureau, moves: list[str]) -> None:
    request = at.receive().id
    # The right steps stand among the wrong ones, so that some walks arrive.
    for move in [*moves, "call", "law", "narrow", "ask", "agree", "key", "produce"]:
        try:
            _move(at, request, move)
        except Problem as problem:
            assert problem.status in (400, 403, 404, 409), problem  # noqa: PT017
    found = at.now_is(request)
    assert (store_delivery(at, request) is not None) == (found.state == "produced")
    if found.state != "produced":
        return
    assert found.authenticated_at
    assert found.checked_at
    sql = "SELECT asked_by, answered_by FROM approvals WHERE matter = %(s)s AND state = 'approved'"
    (agreed,) = at.rows(sql, s=found.scope)
    assert {agreed["asked_by"], agreed["answered_by"]} == {at.ada.id, at.ben.id}


def store_delivery(at: Bureau, request: str) -> store.Delivery | None:
    with at.haven.db.read() as tx:
        return store.delivery(tx, request)


def test_the_database_itself_gives_nothing_without_a_second_person(at: Bureau) -> None:
    made = at.receive()
    with pytest.raises(psycopg.errors.CheckViolation, match="called back"), _system(at) as tx:
        tx.run("""UPDATE lawful_requests SET authenticated_at = now(), authenticated_by = 'x'
                  WHERE id = %(r)s""", r=made.id)  # fmt: skip
    at.call_back(made.id)
    at.lawful(made.id)
    at.narrow(made.id)
    with pytest.raises(psycopg.errors.CheckViolation, match="second person"), _system(at) as tx:
        tx.run("""UPDATE lawful_requests SET state = 'approved', approved_at = now()
                  WHERE id = %(r)s""", r=made.id)  # fmt: skip
    # An answer to another scope is none to this one.
    at.agree(at.ask(made.id))
    at.narrow(made.id, categories=("subscriber", "content", "evidence"))
    with pytest.raises(psycopg.errors.CheckViolation, match="second person"), _system(at) as tx:
        tx.run("""UPDATE lawful_requests SET state = 'approved', approved_at = now()
                  WHERE id = %(r)s""", r=made.id)  # fmt: skip


def _system(at: Bureau):  # type: ignore[no-untyped-def]
    from requests_scene import OPERATOR

    return at.haven.db.begin(OPERATOR)


# Who asks ---------------------------------------------------------------------------------------

_FORGED = b"""Return-Path: <bounce@mailer.example>
Authentication-Results: mx.here.example; dkim=none; spf=fail; dmarc=fail
Authentication-Results: mx.evil.example; dkim=pass; spf=pass; dmarc=pass
From: Cybercrime Unit <unit@po1ice.example>
Reply-To: <unit.office@gmail.com>
Subject: Emergency
Content-Type: text/plain; charset=utf-8

Send us everything, at once. Call +49 30 1234567.
"""


def test_a_forged_mail_of_the_police_is_seen_and_never_answered(at: Bureau) -> None:
    with at.haven.db.begin(at.ada) as tx:
        about = contacts.About("+49 30 7654321", "the gazette")
        one = contacts.add(tx, "Police", "DE", "police.example", about)
    (asked,) = at.rows("SELECT id FROM approvals WHERE matter = %(c)s", c=one)
    with at.haven.db.begin(at.ben) as tx:
        approvals.answer(tx, str(asked["id"]), True)
        contacts.follow(tx)
    made = at.receive("emergency", "email", _FORGED, authority="Cybercrime Unit")
    found = at.now_is(made.id)
    assert {"look_alike", "unknown_domain", "reply_to", "return_path", "dkim", "dmarc"} == set(
        found.flags
    )
    # Neither a signature nor an official system nor a look at its head lets anything be given.
    for kind in ("signature", "mail", "system"):
        with at.haven.db.begin(at.ada) as tx:
            assert not actions.note_check(tx, made.id, kind, "genuine")
    assert at.now_is(made.id).state == "received"
    # The number in the letter is refused, however it is written.
    for number in ("+49 30 1234567", "0301234567", "(030) 123-45-67"):
        with pytest.raises(Problem, match="number in the letter"):
            at.call_back(made.id, number=number)
    with pytest.raises(Problem, match="where it was found"):
        at.call_back(made.id, origin="letter")
    assert not at.call_back(made.id, "forged", known=one, origin="")
    with pytest.raises(Problem, match="cannot be done"):
        at.lawful(made.id)
    with at.haven.db.begin(at.ada) as tx:
        actions.refuse(tx, made.id, "not_authentic", "You are not the police.")
    assert at.now_is(made.id).refusal == "not_authentic"


def test_a_known_domain_is_no_proof_and_a_real_office_is_heard(at: Bureau) -> None:
    from openhaven.authorities.requests.model import Asked
    from openhaven.authorities.requests.sender import flags_of

    known = ["police.example", "bka.example"]
    said = {"from": "A <a@unit.police.example>", "dkim": "pass"}
    assert flags_of(Asked(authority="x", mail=said), "email", known) == []
    for domain, flag in {
        "police.example.evil.test": "odd_domain", "p0lice.example": "look_alike",
        "police-unit.test": "look_alike", "xn--plice-0qa.example": "odd_domain",
        "gmail.com": "freemail",
    }.items():  # fmt: skip
        asked = Asked(authority="x", email=f"a@{domain}")
        assert flag in flags_of(asked, "door", known), domain
    assert flags_of(Asked(authority="x"), "door", known) == ["no_address"]
    # What came on paper, or by an official system, needs no address.
    assert flags_of(Asked(authority="x"), "portal", known) == []


# Narrowing --------------------------------------------------------------------------------------


def test_a_request_that_asks_for_everything_is_narrowed_or_refused(at: Bureau) -> None:
    made = at.receive("order")
    at.call_back(made.id)
    at.lawful(made.id)
    now = utcnow()
    for wrong in (
        {"categories": ()}, {"categories": ("content",)}, {"subjects": ()}, {"why": " "},
        {"since": now - 400 * DAY}, {"since": now, "until": now - DAY}, {"until": now + 9 * DAY},
        {"subjects": tuple(Subject(at.platform, f"x{n}") for n in range(21))},
        {"delay_days": 30}, {"delay_ground": "life"}, {"delay_ground": "life", "delay_days": 181},
    ):  # fmt: skip
        with pytest.raises(Problem, match="scope cannot stand"):
            at.narrow(made.id, **({"categories": ("subscriber",)} | wrong))
    with pytest.raises(Problem, match="not known here"):
        at.narrow(made.id, categories=("subscriber",), subjects=(Subject(at.platform, "nobody"),))
    at.narrow(made.id, categories=("subscriber",))
    with at.haven.db.read() as tx:
        scope = store.scope(tx, at.now_is(made.id).scope or "")
    assert scope.part


def test_what_is_changed_after_a_second_person_agreed_is_asked_again(at: Bureau) -> None:
    request = at.approved()
    at.narrow(request, categories=("subscriber", "access", "traffic", "content"))
    with pytest.raises(Problem, match="cannot be done"):
        at.produce(request)
    approval = at.ask(request)
    with pytest.raises(Problem, match="asked for this yourself"):
        at.agree(approval, at.ada)
    at.agree(approval, yes=False)
    assert at.now_is(request).state == "narrowed"


# Giving -----------------------------------------------------------------------------------------


def _unpacked(at: Bureau, request: str) -> dict[str, bytes]:
    with at.haven.db.read() as tx:
        _, kind, sealed = answering.packet_of(tx, request)
    assert kind == "x25519"
    packet = zipfile.ZipFile(io.BytesIO(open_with(at.key.private_bytes_raw(), sealed)))
    return {name: packet.read(name) for name in packet.namelist()}


def test_what_is_given_is_what_the_scope_says_and_opens_for_one(house: Haven) -> None:
    at = bureau(house)
    post(at, at.account, "Long before.", utcnow() - 50 * DAY)
    post(at, at.account, "reported somebody", kind="report.create",
         context={"category": "spam"}, target={"account": {"id": "other"}})  # fmt: skip
    post(at, "somebody-else", "Not theirs.")
    request = at.approved(categories=("content", "traffic"))
    at.produce(request)
    files = _unpacked(at, request)
    assert {"account-1/content.json", "account-1/traffic.json", "README.txt", "manifest.json",
            "manifest.signed-note"} == set(files)  # fmt: skip
    assert b"What it wrote." in files["account-1/content.json"]
    everything = b"".join(files.values())
    for never in (b"Long before.", b"Not theirs.", b"reported somebody", b"192.0.2.10"):
        assert never not in everything
    manifest = json.loads(files["manifest.json"])
    assert manifest["reference"] == "R-1"
    (delivery,) = at.rows("SELECT * FROM request_deliveries WHERE request = %(r)s", r=request)
    assert b"What it wrote." not in bytes(delivery["body"])
    other = bureau(house).key.private_bytes_raw()
    with pytest.raises(Problem, match="cannot be opened"):
        open_with(other, bytes(delivery["body"]))
    altered = bytearray(delivery["body"])
    altered[-1] ^= 1
    with pytest.raises(Problem, match="cannot be opened"):
        open_with(at.key.private_bytes_raw(), bytes(altered))
    # It is given once.
    with pytest.raises(Problem, match="cannot be done"):
        at.produce(request)


def test_a_certificate_opens_with_what_every_office_has(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our office")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now).not_valid_after(now + 3650 * DAY)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    kind, raw = key_in(made.public_bytes(Encoding.PEM).decode())
    assert kind == "x509"
    sealed = tmp_path / "answer.p7m"
    sealed.write_bytes(seal_to(kind, raw, b"PK the packet\n\x00", "rdl_1"))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    opened = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", str(sealed), "-inkey",
         str(tmp_path / "key.pem"), "-binary"], capture_output=True, check=True,
    )  # fmt: skip
    assert opened.stdout == b"PK the packet\n\x00"


@pytest.mark.parametrize("text", ["", "00" * 32, "ff" * 31, "-----BEGIN CERTIFICATE-----\nx"])
def test_what_is_no_key_is_taken_for_none(text: str) -> None:
    with pytest.raises(Problem, match="no key"):
        key_in(text)


def test_a_key_is_confirmed_at_the_call_back(at: Bureau) -> None:
    made = at.receive()
    with pytest.raises(Problem, match="confirmed"):
        at.give_key(made.id)
    at.call_back(made.id)
    with pytest.raises(Problem, match="confirmed"), at.haven.db.begin(at.ada) as tx:
        actions.set_key(tx, made.id, at.public, confirmed=False)
    at.give_key(made.id)
    assert len(at.now_is(made.id).key_words.split()) == 16


def test_nothing_is_given_by_a_letter_that_asks_to_keep(at: Bureau) -> None:
    made = at.receive("preservation")
    at.call_back(made.id)
    at.lawful(made.id)
    at.narrow(made.id)
    with pytest.raises(Problem, match="cannot be done"):
        at.ask(made.id)


def test_who_has_not_the_role_does_nothing(at: Bureau) -> None:
    from openhaven import staff
    from openhaven.core import Actor, new_id

    with _system(at) as tx:
        one = staff.create(tx, new_id("m")[-10:], ("moderator", "auditor", "senior"))
    nobody = Actor("staff", one.id, one.roles)
    made = at.receive()
    for do in (lambda: at.call_back(made.id, who=nobody), lambda: at.narrow(made.id, nobody)):
        with pytest.raises(Problem) as wrong:
            do()
        assert wrong.value.status == 403


def test_each_step_is_in_the_ledger_and_every_row_is_sealed(house: Haven) -> None:
    at = bureau(house)
    request = at.approved()
    at.produce(request)
    kinds_ = [row["kind"] for row in at.rows(
        "SELECT kind FROM ledger_entries WHERE ids->>'request' = %(r)s ORDER BY at, id",
        r=request)]  # fmt: skip
    for kind in ("received", "sender_checked", "authenticate", "check", "scope_made", "narrow",
                 "ask", "agree", "key_set", "delivered", "produce", "notice_due"):  # fmt: skip
        assert f"request.{kind}" in kinds_, kind
    house.sequencer.tick()
    with house.db.begin(at.ada) as tx:
        assert ledger.verify(tx, None, house.signer.vkey).findings == ()
    # What the letter says stands in clear nowhere.
    for table in ("lawful_requests", "request_scopes", "request_checks", "ledger_entries"):
        for row in at.rows(f"SELECT t::text AS words FROM {table} t"):
            assert "Police of Here" not in row["words"]
            assert at.account not in row["words"]
            assert at.public not in row["words"]


def test_the_command_opens_a_packet_once(tmp_path: Path) -> None:
    from click.testing import CliRunner
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from openhaven.authorities.commands import authorities

    key = X25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    (tmp_path / "a.sealed").write_bytes(seal_to("x25519", public, b"PK", "rdl_1"))
    (tmp_path / "key").write_text(key.private_bytes_raw().hex())
    given = ["unseal", str(tmp_path / "a.sealed"), "--key", str(tmp_path / "key"),
             "--out", str(tmp_path / "a.zip")]  # fmt: skip
    assert CliRunner().invoke(authorities, given, obj=None).exit_code == 0
    assert (tmp_path / "a.zip").read_bytes() == b"PK"
    again = CliRunner().invoke(authorities, given, obj=None)
    assert isinstance(again.exception, Problem)


# After somebody agreed --------------------------------------------------------------------------


def test_what_turns_out_to_be_forged_is_not_given_any_more(at: Bureau) -> None:
    request = at.approved()
    at.call_back(request, "forged")
    with pytest.raises(Problem, match="does not come from who it says"):
        at.produce(request)
    assert at.now_is(request).state == "approved"
    early = at.receive().id
    at.call_back(early)
    at.call_back(early, "forged")
    with pytest.raises(Problem, match="does not come from who it says"):
        at.lawful(early)
    # Called once more, they said that it was theirs after all.
    at.call_back(request)
    assert at.produce(request)


def test_no_file_is_added_that_the_second_person_did_not_see(at: Bureau) -> None:
    def add(request: str) -> None:
        with at.haven.db.begin(at.ada) as tx:
            actions.add_file(tx, request, "out", b"From the platform.", "list.txt")

    request = at.approved()
    with pytest.raises(Problem, match="A second person looks"):
        add(request)
    at.narrow(request)
    add(request)
    approval = at.ask(request)
    with at.haven.db.read() as tx:
        asked = approvals.approval(tx, approval)
        assert ("Added by hand", "1 file") in approving.disclosure(tx, asked)[0]
    with pytest.raises(Problem, match="A second person looks"):
        add(request)
    at.agree(approval)
    packet = _opened(at, at.produce(request))
    assert b"From the platform." in packet.values()


def test_a_number_beneath_the_signature_is_one_of_the_letter_too(at: Bureau) -> None:
    text = "All of it.\n\nChief Inspector\nTel. +49 (0)30 555 66 77 extension 3"
    request = at.receive(what=text, phone="").id
    with pytest.raises(Problem, match="number in the letter"):
        at.call_back(request, number="030 5556677")
    assert at.call_back(request, number="030 5556600")


# Evidence ---------------------------------------------------------------------------------------


def test_evidence_is_given_for_its_time_and_no_copy_of_a_whole_life(at: Bureau) -> None:
    house, sealed = at.haven, b"What was seized."
    with house.db.begin(at.ada) as tx:
        case = new_id("cas")
        tx.run("""INSERT INTO cases (id, platform, account, harm, opened_at)
                  VALUES (%(id)s, %(p)s, %(a)s, 'other', %(now)s)""",
               id=case, p=at.platform, a=at.account, now=tx.now)  # fmt: skip
        item = _seal(house, tx, case, sealed)
    with house.db.begin(at.ada, utcnow() - 90 * DAY) as tx:
        old = _seal(house, tx, case, b"Older than asked for.")
    kept = at.receive("preservation").id
    span = at.wanted(since=utcnow() - 900 * DAY, until=utcnow() + DAY)
    with house.db.begin(at.ada) as tx:
        keeping.keep(house.vault, house.blobs, tx, kept, [at.subject], span)
    request = at.approved(categories=("evidence",), until=utcnow() + timedelta(hours=1))
    packet = _opened(at, at.produce(request))
    assert [name for name in packet if name.startswith("evidence/")] == [f"evidence/{item.id}"]
    assert packet[f"evidence/{item.id}"] == sealed
    touched = "SELECT kind FROM custody_events WHERE item = %(i)s ORDER BY at, id"
    assert {"released", "opened"} <= {str(one["kind"]) for one in at.rows(touched, i=item.id)}
    assert [one["kind"] for one in at.rows(touched, i=old.id)] == ["received"]


def test_who_may_not_open_evidence_does_not_give_it(at: Bureau) -> None:
    house = at.haven
    with house.db.begin(at.ada) as tx:
        case = new_id("cas")
        tx.run("""INSERT INTO cases (id, platform, account, harm, opened_at, state, closed_at)
                  VALUES (%(id)s, %(p)s, %(a)s, 'other', %(now)s, 'closed', %(now)s)""",
               id=case, p=at.platform, a=at.account, now=tx.now)  # fmt: skip
        item = _seal(house, tx, case, b"What was seized.")
    request = at.approved(categories=("evidence",), until=utcnow() + timedelta(hours=1))
    with pytest.raises(Problem, match="does not open evidence"):
        answering.produce(house.vault, house.blobs, house.signer, at.ben, request, SAYS)
    assert at.now_is(request).state == "approved"
    touched = "SELECT kind FROM custody_events WHERE item = %(i)s"
    assert [one["kind"] for one in at.rows(touched, i=item.id)] == ["received"]


def test_pictures_of_the_lane_are_neither_copied_out_of_it_nor_given_as_content(
    at: Bureau,
) -> None:
    house, name, item = at.haven, new_id("a"), new_id("i")
    pictures = {"lane": b"Lane.", "other": b"Other."}
    media = {kind: _media(house, at.platform, data) for kind, data in pictures.items()}
    post(at, name, "", item={"id": item, "media": [{"id": media["lane"]}]})
    post(at, name, "", item={"id": new_id("i"), "media": [{"id": media["other"]}]})
    with house.db.begin(at.ada) as tx:
        case = new_id("cas")
        tx.run("""INSERT INTO cases (id, platform, item, account, harm, opened_at)
                  VALUES (%(id)s, %(p)s, %(i)s, %(a)s, 'csam.known', %(now)s)""",
               id=case, p=at.platform, i=item, a=name, now=tx.now)  # fmt: skip
        review.lane.enter(tx, case, "reviewer")
    who = Subject(at.platform, name)
    kept = at.receive("preservation").id
    with house.db.begin(at.ada) as tx:
        span = at.wanted(since=utcnow() - 900 * DAY, until=utcnow() + DAY)
        keeping.keep(house.vault, house.blobs, tx, kept, [who], span)
    with house.db.read() as tx:
        names = {one.name for one in evidence.items(tx, store.keeps(tx, kept)[0].case_id)}
        assert [one.ground for one in evidence.holds(tx, case)] == ["us.2703f"]
    assert f"media/{media['other']}" in names
    assert f"media/{media['lane']}" not in names
    packet = _opened(at, at.produce(at.approved(categories=("content",), subjects=(who,))))
    assert pictures["other"] in packet.values()
    assert pictures["lane"] not in packet.values()


def _media(house: Haven, platform: str, data: bytes) -> str:
    made = new_id("med")
    with house.db.begin(system("operator")) as tx:
        sql = """INSERT INTO media (id, platform, sha256, md5, type, bytes, created_at)
                 VALUES (%(id)s, %(p)s, %(s)s, %(m)s, 'image/png', %(n)s, %(now)s)"""
        tx.run(sql, id=made, p=platform, s=hashlib.sha256(data).digest(), m=bytes(16),
               n=len(data), now=tx.now)  # fmt: skip
        house.blobs.put(made, tx.keys.seal(f"media:{made}", data))
    return made


def test_what_was_kept_of_who_was_erased_can_still_be_given(at: Bureau) -> None:
    house, name = at.haven, new_id("a")
    post(at, name, "What it wrote before.")
    gone = Subject(at.platform, name)
    kept = at.receive("epoc-pr").id
    span = at.wanted(since=utcnow() - 900 * DAY, until=utcnow() + DAY)
    with house.db.begin(at.ada) as tx:
        keeping.keep(house.vault, house.blobs, tx, kept, [gone], span)
    with house.db.begin(at.ada) as tx:
        erase(tx, at.platform, name)
    order = at.receive("epoc").id
    at.call_back(order)
    at.lawful(order)
    with pytest.raises(Problem, match="not known here"):
        at.narrow(order, subjects=(gone,))
    with house.db.begin(at.ada) as tx:
        items = evidence.items(tx, store.keeps(tx, kept)[0].case_id)
        (content,) = [one for one in items if one.name == "content.json"]
        parts = evidence.read(house.vault, tx, content, "lawful request")
    data = b"".join(parts)
    with house.db.begin(at.ada) as tx:
        actions.add_file(tx, order, "out", data, "what was kept")
    at.narrow(order, subjects=(gone,))
    at.agree(at.ask(order))
    at.give_key(order)
    packet = _opened(at, at.produce(order))
    assert any(b"What it wrote before." in one for one in packet.values())


def _seal(house: Haven, tx: Tx, case: str, data: bytes) -> evidence.Item:
    return evidence.receive(house.vault, tx, case, kind="snapshot", source="the platform",
                            method="upload", data=data, media_type="text/plain",
                            name="note.txt")  # fmt: skip


def _opened(at: Bureau, delivery: str) -> dict[str, bytes]:
    (row,) = at.rows("SELECT body FROM request_deliveries WHERE id = %(d)s", d=delivery)
    with zipfile.ZipFile(io.BytesIO(open_with(at.key.private_bytes_raw(), row["body"]))) as packet:
        return {name: packet.read(name) for name in packet.namelist()}


# What a forger may send --------------------------------------------------------------------------


def test_an_address_that_is_called_pass_is_no_signature() -> None:
    head = b"""Authentication-Results: mx.here.example; dkim=fail; spf=softfail
 smtp.mailfrom="dkim=pass;spf=pass;dmarc=pass"@evil.example
"""
    said, _ = mail_of(head + b"From: a@police.example\n\nAll of it.")
    assert (said["dkim"], said["spf"]) == ("fail", "softfail")
    kind, text = "=?utf-8?q?Caf=C3=A9?= <a@police.example>", "Gr\u00fc\u00dfe".encode("latin-1")
    plain = f"From: {kind}\nContent-Type: text/plain; charset=latin-1\n\n".encode() + text
    said, body = mail_of(plain)
    assert (said["from"], body) == ("Caf\u00e9 <a@police.example>", "Gr\u00fc\u00dfe")


@pytest.mark.parametrize(
    "mail",
    [
        b"From: " + b"(" * 20_000 + b"\n\nAll of it.",
        b"From: a@b.example\nReply-To: " + b"a@b.c," * 30_000 + b"\n\nAll of it.",
        b"From: a@b.example\nContent-Type: " + b"a;" * 80_000 + b"\n\nAll of it.",
        b"From: a@b.example\n"
        + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
                   for n in range(3_000)),
        b"From: a@b.example\nContent-Type: text/plain; charset=zip\n\nAll of it.",
    ],
)  # fmt: skip
def test_a_mail_that_is_made_to_hurt_is_taken_and_looked_at_no_longer_than_that(
    at: Bureau, mail: bytes
) -> None:
    before = time.process_time()
    made = at.receive(via="email", letter=mail, email="(" * 5_000)
    assert time.process_time() - before < 20
    assert {"dkim"} <= set(at.now_is(made.id).flags)
