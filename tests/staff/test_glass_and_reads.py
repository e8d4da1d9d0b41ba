"""Permissions taken in need, who read what, and what ends at once: over HTTP."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from door_scene import ME, age, enter, hire, kinds, named_house
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from web_scene import Place

from openhaven import staff
from openhaven.core import Problem, permits, utcnow
from openhaven.core.permissions import GRANTS, TAKEABLE, taken
from openhaven.line.guarding import keep_guard, tell_of_glass
from openhaven.staff import glass, reads
from openhaven.staff.reads.model import Read, as_csv
from openhaven.storage.settings import Alerts, Mail
from openhaven.web.routes import ROUTES

if TYPE_CHECKING:
    from openhaven.line import Haven

WHY = "A child is in danger and nobody else is here."


@pytest.fixture
def place(haven: "Haven") -> Iterator[Place]:
    with named_house(haven) as running:
        yield running


def test_a_permission_in_need_from_taking_to_review(haven: "Haven", place: Place) -> None:
    hire(haven, "Ada", "administrator")
    hire(haven, "Ben", "moderator")
    ada, ben = enter(haven, place, "Ada"), enter(haven, place, "Ben")
    assert ben.see("/console/reads").status == 403
    before = ben.session
    for wrong in ({"reason": "short"}, {"permission": "staff.manage"}, {"minutes": "999"},
                  {"permission": "queue.read"}, {"permission": "evidence.open"},
                  {"permission": "decision.second"}):  # fmt: skip
        form = {"permission": "ledger.read", "minutes": "15", "reason": WHY} | wrong
        assert ben.send("/console/account/glass", **form).status in (400, 409), wrong
    form = {"permission": "ledger.read", "minutes": "15", "reason": WHY}
    assert ben.send("/console/account/glass", **form).status == 303
    # Whoever may do more has another session from then on.
    assert ben.session != before
    assert ben.see("/console/reads").status == 200
    assert b"Taken in need:" in ben.see("/console").body
    # Everybody who manages staff sees it, wherever they are.
    assert b"A permission was taken in need" in ada.see("/console").body
    page = ada.see("/console/staff")
    assert WHY.encode() in page.body
    assert b"1 look by it" in page.body
    with haven.db.read() as tx:
        (one,) = glass.breaks(tx)
        (look,) = reads.found(tx, reads.Seek(kind="reads"))
    assert look.glass == one.id
    # Nobody reviews their own, and whoever lacks staff.manage reviews nobody's.
    review = {"verdict": "right", "remark": "It was a child, and it is safe now."}
    assert ben.send(f"/console/staff/glass/{one.id}", **review).status == 403
    assert ada.send(f"/console/staff/glass/{one.id}", verdict="right", remark="ok").status == 400
    assert ada.send(f"/console/staff/glass/{one.id}", **review).status == 303
    assert ada.send(f"/console/staff/glass/{one.id}", **review).status == 409
    assert b"A permission was taken in need" not in ada.see("/console").body
    ben.see("/console/account")
    assert ben.send(f"/console/account/glass/{one.id}/give-back").status == 303
    assert ben.see("/console/reads").status == 403
    assert {"glass.broken", "glass.reviewed", "glass.given_back"} <= set(kinds(haven))


def test_it_ends_by_itself_and_stays_to_be_reviewed(haven: "Haven", place: Place) -> None:
    ben = hire(haven, "Ben", "moderator")
    long_ago = utcnow() - timedelta(minutes=16)
    with haven.db.begin(ben.actor, long_ago) as tx:
        glass.take(tx, ben, "ledger.read", WHY, timedelta(minutes=15))
    visitor = enter(haven, place, "Ben")
    assert visitor.see("/console/reads").status == 403
    with haven.db.read() as tx:
        (one,) = glass.breaks(tx)
        assert not one.lasts(tx.now)
        assert tx.value("SELECT count(*) FROM glass_breaks WHERE reviewed_at IS NULL") == 1


def test_one_s_own_is_reviewed_only_where_nobody_else_could(haven: "Haven") -> None:
    ada = hire(haven, "Ada", "administrator")
    with haven.db.begin(ada.actor) as tx:
        made = glass.take(tx, ada, "task.work", WHY, timedelta(minutes=15))
    ben = hire(haven, "Ben", "administrator")
    with pytest.raises(Problem) as caught, haven.db.begin(ada.actor) as tx:
        glass.review(tx, ada, made, "right", WHY)
    assert caught.value.code == "glass.own"
    # The database does not take it either.
    with pytest.raises(psycopg.errors.CheckViolation), haven.db.begin(ME) as tx:
        tx.run("""UPDATE glass_breaks SET reviewed_by = staff, reviewed_at = taken_at,
                  verdict = 'right', remark = '', alone = true""")
    with haven.db.begin(ME) as tx:
        staff.disable(tx, ben)
    with haven.db.begin(ada.actor) as tx:
        glass.review(tx, ada, made, "right", WHY)
        assert glass.breaks(tx)[0].alone


def test_those_who_manage_staff_are_called(haven: "Haven") -> None:
    ben = hire(haven, "Ben", "moderator")
    calls: list[tuple[str, bytes]] = []
    mails: list[str] = []
    alerts = Alerts(webhook="https://hook.example", email="on-call@example.org")
    settings = replace(haven.settings, mail=Mail(host="mail.example"), alerts=alerts)
    with haven.db.begin(ben.actor) as tx:
        glass.take(tx, ben, "ledger.read", WHY, timedelta(minutes=15))

    def post(url: str, body: bytes, headers: object) -> str | None:
        calls.append((url, body))
        return "It was answered with 500." if len(calls) == 1 else None

    def mail(given: object, address: str, title: str, text: str, name: str) -> str | None:
        mails.append(f"{address} {title} {text}")
        return None

    assert glass.tell(haven.db, settings, post, mail) == 2
    assert glass.tell(haven.db, settings, post, mail) == 0
    with haven.db.begin(ME) as tx:
        tx.run("UPDATE glass_calls SET next_at = now() WHERE state = 'intended'")
    assert glass.tell(haven.db, settings, post, mail) == 1
    assert len(calls) == 2
    assert len(mails) == 1
    # The words of the reason are nobody's but ours: they leave by no call.
    assert WHY not in mails[0] + str(calls)
    assert "Ben took the permission ledger.read" in mails[0]


def test_without_an_address_the_console_is_enough(haven: "Haven") -> None:
    ben = hire(haven, "Ben", "moderator")
    with haven.db.begin(ben.actor) as tx:
        glass.take(tx, ben, "ledger.read", WHY, timedelta(minutes=15))
    assert tell_of_glass(haven) == 2
    with haven.db.read() as tx:
        states = {row["state"] for row in tx.rows("SELECT state FROM glass_calls")}
    assert states == {"skipped"}


@given(st.lists(st.sampled_from([*GRANTS, "nobody", "taken:", "taken:staff.manage"])))
def test_roles_and_what_was_taken_grant_what_they_name(roles: list[str]) -> None:
    for permission in TAKEABLE:
        allowed = any(permission in GRANTS.get(role, ()) for role in roles)
        assert permits(roles, permission) == allowed  # type: ignore[arg-type]
        assert permits([*roles, taken(permission)], permission)  # type: ignore[arg-type]
    assert permits(roles, "staff.manage") == ("administrator" in roles)


# Who read what ----------------------------------------------------------------------------------


def test_looks_are_recorded_before_they_are_had(haven: "Haven", place: Place) -> None:
    hire(haven, "Ada", "auditor")
    hire(haven, "Ben", "moderator")
    ada, ben = enter(haven, place, "Ada"), enter(haven, place, "Ben")
    for _ in range(3):
        assert ben.see("/console/decisions/dec_1").status == 404
    ben.see("/console/decisions")
    assert ben.see("/console/reads").status == 403
    page = ada.see("/console/reads?matter=dec_1")
    assert page.body.count(b'href="/console/reads?matter=dec_1"') in (1, 2)
    with haven.db.read() as tx:
        seen = reads.found(tx, reads.Seek(person="Ben"))
    assert {(one.kind, one.matter) for one in seen} == {("decisions", ""), ("decision", "dec_1")}
    # What was refused was not seen; and that an auditor looked is a look as well.
    with haven.db.read() as tx:
        assert {one.name for one in reads.found(tx, reads.Seek(kind="reads"))} == {"Ada"}
    table = ada.see("/console/reads/file.csv?person=Ben")
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.body.decode())))
    assert {row["person"] for row in rows} == {"Ben"}
    assert ada.see("/console/reads?since=tomorrow").status == 400
    for odd in ("before=x", "before=99999999999999999999", "kind='", "person=%00"):
        assert ada.see(f"/console/reads?{odd}").status in (200, 400), odd


def test_what_was_read_is_sealed_in_the_ledger(haven: "Haven", place: Place) -> None:
    hire(haven, "Ben", "moderator")
    ben = enter(haven, place, "Ben")
    for number in range(5):
        ben.see(f"/console/decisions/dec_{number}")
    assert keep_guard(haven) == 5
    assert keep_guard(haven) == 0
    with haven.db.begin(ME) as tx:
        assert reads.check(tx) == []
        seal = tx.value("SELECT id FROM read_seals")
        tx.run("UPDATE reads SET matter = 'dec_9' WHERE matter = 'dec_3'")
        assert reads.check(tx) == [seal]
        tx.run("UPDATE reads SET matter = 'dec_3' WHERE matter = 'dec_9'")
        assert reads.check(tx) == []
        tx.run("DELETE FROM reads WHERE matter = 'dec_3'")
        assert reads.check(tx) == [seal]
    with haven.db.begin(ME, utcnow() + timedelta(days=400)) as tx:
        assert reads.forget(tx, 365) == 4
        assert reads.check(tx) == []
    assert "reads.sealed" in kinds(haven)


def test_every_page_about_a_matter_is_recorded() -> None:
    """A new page that shows somebody's content says what it shows, or stands here with why not."""
    nobody_s = {
        # blurred and grey, and part of a page that is recorded
        "/console/media/{id}", "/console/report-files/{id}",
        # our own rules, drafts, figures and directory
        "/console/rules/rule/{id}", "/console/rules/drafts/{id}", "/console/rules/drafts/{id}/edit",
        "/console/rules/backtests/{id}", "/console/rules/backtests/{id}/stream",
        "/console/rules/backtests/{id}/chart.svg", "/console/helplines/{id}",
        "/console/banks/{name}", "/console/api/policy/drafts/{id}",
        "/console/api/policy/backtests/{id}",
    }  # fmt: skip
    about = {route.path for route in ROUTES if route.method == "GET" and "{" in route.path
             and route.gate.kind == "signed in" and not route.reads}  # fmt: skip
    assert about - nobody_s == set()
    assert {route.reads for route in ROUTES} - {""} <= set(reads.KINDS)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_cell_is_a_formula(name: str, matter: str) -> None:
    look = Read(1, "stf_1", name, "task", matter, utcnow(), None, None)
    text = as_csv([look])
    (_, *rows) = list(csv.reader(io.StringIO(text, newline="")))
    for cell in rows[0]:
        assert cell[:1] not in tuple("=+-@\t\r") or not cell


# What ends at once ------------------------------------------------------------------------------


def test_a_role_withdrawn_in_mid_task_ends_at_once(haven: "Haven", place: Place) -> None:
    hire(haven, "Ada", "administrator")
    ben_member = hire(haven, "Ben", "moderator")
    ada, ben = enter(haven, place, "Ada"), enter(haven, place, "Ben")
    assert ben.send("/console/next").status == 303
    ada.see("/console/staff")
    done = ada.send(f"/console/staff/{ben_member.id}/roles", role=["auditor"])
    assert done.status == 303
    assert ben.send("/console/tasks/tsk_1/judge", outcome="none").status == 401
    assert ben.see("/console/api/session").status == 401
    again = enter(haven, place, "Ben")
    assert again.see("/console/live").status == 403


def test_one_s_own_sessions_are_listed_and_ended(haven: "Haven", place: Place) -> None:
    hire(haven, "Ben")
    hire(haven, "Ada")
    first, second, third = (enter(haven, place, "Ben") for _ in range(3))
    other = enter(haven, place, "Ada")
    with haven.db.read() as tx:
        ada_s = tx.value("""SELECT e.id FROM sessions e JOIN staff s ON s.id = e.staff
                            WHERE s.name = 'Ada'""")
    page = first.see("/console/account").body
    assert page.count(b"Firefox on Linux</strong>") + page.count(b"Firefox on Linux <span") == 3
    # Nobody ends another person's session by its id.
    assert first.send(f"/console/account/sessions/{ada_s}/end").status == 303
    assert other.see("/console").status == 200
    ids = [part.partition(b"/end")[0].decode() for part in page.split(b"/account/sessions/")[1:]]
    listed = [one for one in ids if one.startswith("ses_")]
    assert len(listed) == 2
    assert first.send(f"/console/account/sessions/{listed[0]}/end").status == 303
    statuses = sorted(one.see("/console").status for one in (second, third))
    assert statuses == [200, 401]
    assert first.send("/console/account/sessions/end-others").status == 303
    assert [one.see("/console").status for one in (first, second, third)] == [200, 401, 401]


def test_nobody_manages_themselves_and_all_of_it_takes_a_fresh_proof(
    haven: "Haven", place: Place
) -> None:
    ada_member = hire(haven, "Ada", "administrator")
    ben = hire(haven, "Ben")
    ada = enter(haven, place, "Ada")
    made = ada.send("/console/staff", name="Cleo", role=["moderator", "senior"])
    assert made.status == 200
    assert b"https://safe.example/sign-in/" in made.body
    assert ada.send("/console/staff", name="Cleo", role=["moderator"]).status == 409
    assert ada.send("/console/staff", name="Dora").status == 400
    assert ada.send("/console/staff", name="Dora", role=["king"]).status == 400
    for verb in ("roles", "link", "sign-out", "disable"):
        assert ada.send(f"/console/staff/{ada_member.id}/{verb}", role=["senior"]).status == 403
        assert ada.send(f"/console/staff/stf_none/{verb}", role=["senior"]).status == 404
    assert ada.send(f"/console/staff/{ben.id}/disable").status == 303
    age(haven, 11)
    for verb in ("roles", "link", "sign-out", "disable"):
        stale = ada.send(f"/console/staff/{ben.id}/{verb}", role=["senior"])
        assert stale.status == 403, verb
        assert b"/console/confirm?then=/console/staff" in stale.body
