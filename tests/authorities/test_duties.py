"""Duties: who must be told, until when, and the only three ways in which a duty ends."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from authorities_scene import NOW, Desk, a_case, desk

from openhaven.authorities import Facts, due, duties, route
from openhaven.authorities.duties import actions
from openhaven.authorities.router import laws
from openhaven.core import HARMS, Problem
from openhaven.line import Haven
from openhaven.staff import approvals
from openhaven.staff.staffing import set_staffing
from openhaven.storage.settings import Authorities

SINCE = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)


@pytest.fixture
def here(house: Haven) -> Desk:
    return desk(house)


def facts(**changes: object) -> Facts:
    return Facts(**({"harm": "csam.known", "since": SINCE} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("established", "told", "countries", "danger", "wanted"),
    [
        ("US", (), (), False, {"US": ""}),
        ("US", (), ("GB",), False, {"US": "", "GB": "US"}),
        ("GB", (), (), False, {"GB": ""}),
        ("GB", ("US",), (), False, {"US": "", "GB": ""}),
        ("DE", ("US",), ("GB",), True, {"US": "", "GB": "US", "EU": ""}),
        ("DE", (), ("FR",), False, {}),
        ("", (), ("GB",), False, {"GB": ""}),
    ],
)
def test_the_law_of_each_country_that_is_concerned(
    established: str, told: tuple[str, ...], countries: tuple[str, ...], danger: bool,
    wanted: dict[str, str],
) -> None:  # fmt: skip
    found = route(facts(countries=frozenset(countries), danger=danger), established, told)
    assert {one.jurisdiction: one.covered_by for one in found} == wanted
    assert all(one.due_at > SINCE for one in found)


def test_what_no_law_asks_for_brings_no_duty() -> None:
    assert route(facts(harm="spam", countries=frozenset(["GB"])), "US") == []
    assert all(set(law.harms) <= HARMS.keys() for law in laws())


def test_danger_makes_the_clock_shorter() -> None:
    calm, urgent = (route(facts(danger=danger), "US")[0] for danger in (False, True))
    assert urgent.due_at < calm.due_at


def test_a_report_ends_the_duty_and_the_one_that_it_covers(here: Desk) -> None:
    case, where = a_case(here), Authorities(established="US")
    with here.haven.db.begin(here.ada, NOW) as tx:
        made = due(tx, case, facts(countries=frozenset(["GB"])), where)
        assert due(tx, case, facts(countries=frozenset(["GB"])), where) == made
        assert [one.jurisdiction for one in duties.list(tx, case=case)] in (
            ["US", "GB"],
            ["GB", "US"],
        )
        duties.reported(tx, case, "ncmec", "4711")
    with here.haven.db.read(NOW) as tx:
        ended = {one.jurisdiction: one for one in duties.list(tx, case=case, ended=True)}
        assert duties.list(tx, case=case) == []
    assert (ended["US"].state, ended["GB"].state) == ("reported", "covered")
    assert ended["GB"].reference == "4711"


def test_no_report_takes_a_reason_and_a_second_person(here: Desk) -> None:
    case, where = a_case(here), Authorities(established="US")
    db = here.haven.db
    with db.begin(here.ada, NOW) as tx:
        made = due(tx, case, facts(countries=frozenset(["GB"])), where)
        assert not duties.close(
            tx, made["US"], no_report_reason="A museum's photograph of a statue."
        )
    with db.begin(here.ada, NOW) as tx:
        assert duties.settle(tx) == 0
        (asked,) = approvals.waiting(tx)
    with db.begin(here.ada, NOW) as tx, pytest.raises(Problem):
        approvals.answer(tx, asked.id, True)
    with db.begin(here.ben, NOW) as tx:
        approvals.answer(tx, asked.id, False, "It is none.")
        assert duties.settle(tx) == 0
        assert len(duties.list(tx, case=case)) == 2
    with db.begin(here.ada, NOW) as tx:
        duties.close(tx, made["US"], no_report_reason="It is a statue, see the museum's page.")
        (asked,) = approvals.waiting(tx)
    with db.begin(here.ben, NOW) as tx:
        approvals.answer(tx, asked.id, True)
        assert duties.settle(tx) == 1
    with db.read(NOW) as tx:
        # What the report would have covered has to be reported itself.
        (left,) = duties.list(tx, case=case)
        assert (left.jurisdiction, left.covered_by) == ("GB", None)
        assert duties.reason(tx, made["US"]) == "It is a statue, see the museum's page."
    assert "statue" not in str(here.rows("SELECT no_report::text FROM duties"))


def test_a_duty_does_not_end_in_silence(here: Desk) -> None:
    case = a_case(here)
    with here.haven.db.begin(here.ada, NOW) as tx:
        made = duties.open(tx, case, "US", NOW + timedelta(hours=24), "18 U.S.C. 2258A")
    for words in ({"reference": "  "}, {"no_report_reason": ""}, {}):
        with here.haven.db.begin(here.ada, NOW) as tx, pytest.raises(Problem):
            duties.close(tx, made, **words)
    with here.haven.db.begin(here.ada, NOW) as tx, pytest.raises(psycopg.errors.CheckViolation):
        tx.run("UPDATE duties SET state = 'reported', closed_at = now() WHERE id = %(id)s", id=made)


def test_more_urgent_is_sooner_and_never_later(here: Desk) -> None:
    case = a_case(here)
    with here.haven.db.begin(here.ada, NOW) as tx:
        made = duties.open(tx, case, "US", NOW + timedelta(hours=24), "law")
        assert duties.open(tx, case, "US", NOW + timedelta(hours=1), "law") == made
        assert duties.open(tx, case, "US", NOW + timedelta(hours=9), "law") == made
        found = duties.duty(tx, made)
    assert found.due_at == NOW + timedelta(hours=1)
    assert found.late(NOW + timedelta(hours=2))
    assert found.soon(NOW + timedelta(minutes=59))
    assert not found.soon(NOW)


def test_who_works_alone_needs_nobody_and_it_is_marked(here: Desk) -> None:
    case = a_case(here)
    with here.haven.db.begin(here.ada, NOW) as tx:
        everybody = [row["id"] for row in tx.rows("SELECT id FROM staff")]
        for one in everybody:
            if one != here.ada.id:
                tx.run("UPDATE staff SET disabled_at = now() WHERE id = %(i)s", i=one)
        set_staffing(tx, "solo")
        made = duties.open(tx, case, "US", NOW + timedelta(hours=1), "18 U.S.C. 2258A")
        assert duties.close(tx, made, no_report_reason="It is a statue.")
        assert duties.duty(tx, made).state == "no_report"
        assert not approvals.independent(tx, "no-report", made)
        set_staffing(tx, "team")


def test_a_duty_that_ended_once_is_told_once(here: Desk) -> None:
    case = a_case(here)
    with here.haven.db.begin(here.ada) as tx:
        made = duties.open(tx, case, "US", tx.now, "18 U.S.C. 2258A")
        found = duties.duty(tx, made)
        assert duties.close(tx, made, reference="R-1")
        # The sender had read it as open a moment before.
        actions._fulfil(tx, found, "R-2")
        assert duties.duty(tx, made).reference == "R-1"
    told = here.rows("""SELECT kind FROM ledger_entries WHERE ids ->> 'duty' = %(d)s
                        AND kind = 'duty.reported'""", d=made)  # fmt: skip
    assert len(told) == 1
