"""What the public reads of reports to authorities, and who here reads what they state."""

from datetime import timedelta
from pathlib import Path

import pytest
from authorities_scene import Desk, a_case, desk
from filing_scene import office, schema_of
from test_filing_pages import Person
from web_scene import serving

from openhaven.authorities import counted, duties, file, withdraw, write
from openhaven.core import Actor
from openhaven.core.permissions import GRANTS, TAKEABLE
from openhaven.line import Haven
from openhaven.staff import approvals
from openhaven.transparency import told
from openhaven.transparency.model import Table


@pytest.fixture(scope="module")
def here(house: Haven) -> Desk:
    found = desk(house)
    for number in range(7):
        reported(found, "ncmec", 1 if number == 6 else 2, hours=number)
    for _ in range(6):
        reported(found, "nca", 1)
    for _ in range(2):
        reported(found, "hotline-de", None)
    supplemented(found)
    with house.db.begin(found.ada) as tx:
        gone = write(tx, a_case(found), "ncmec", b"{}", priority=2)
        file(tx, gone.id, gone.version, test=False)
        withdraw(tx, gone.id)
        # A report to a server for tests is none.
        trial = write(tx, a_case(found), "ncmec", b"{}", priority=1)
        file(tx, trial.id, trial.version, test=True)
        finished(found, trial.id, tx)
    for _ in range(5):
        not_reported(found, "no_child")
    return found


def finished(here: Desk, filing: str, tx: object = None) -> None:
    sql = """UPDATE filings SET state = 'finished', finished_at = now(), next_at = NULL,
               reference = 'R' WHERE id = %(f)s"""
    if tx is not None:
        tx.run(sql, f=filing)  # type: ignore[attr-defined]
        return
    with here.haven.db.begin(here.ada) as own:
        own.run(sql, f=filing)


def reported(here: Desk, authority: str, priority: int | None, hours: int = 1) -> str:
    case = a_case(here)
    with here.haven.db.begin(here.ada) as tx:
        duties.open(tx, case, "US", tx.now + timedelta(days=1), "A law.", authority=authority)
        made = write(tx, case, authority, b"{}", priority=priority)
        file(tx, made.id, made.version, test=False)
    finished(here, made.id)
    with here.haven.db.begin(here.ada) as tx:
        duties.reported(tx, case, authority, "R")
        tx.run("UPDATE duties SET opened_at = closed_at - %(h)s * interval '1 hour' "
               "WHERE case_id = %(c)s", h=hours, c=case)  # fmt: skip
    return case


def supplemented(here: Desk) -> None:
    case = reported(here, "ncmec", 2, hours=3)
    with here.haven.db.begin(here.ada) as tx:
        more = write(tx, case, "ncmec", b"{}", number=1, priority=2)
        file(tx, more.id, more.version, test=False)
    finished(here, more.id)


def not_reported(here: Desk, ground: str) -> None:
    case = a_case(here)
    with here.haven.db.begin(here.ada) as tx:
        duty = duties.open(tx, case, "US", tx.now + timedelta(days=1), "A law.")
        duties.close(tx, duty, no_report_reason="A secret reason.", ground=ground)
        (asked,) = tx.rows("SELECT id FROM approvals WHERE matter = %(d)s", d=duty)
    with here.haven.db.begin(here.ben) as tx:
        approvals.answer(tx, str(asked["id"]), True)
    with here.haven.db.begin(Actor("system", "authorities")) as tx:
        assert duties.settle(tx) == 1


def rows(table: Table) -> dict[str, int | None]:
    return {row.key: row.n for row in table.rows}


def test_what_is_counted_is_what_arrived(here: Desk) -> None:
    with here.haven.db.read() as tx:
        assert counted(tx, "authority") == {"ncmec": 8, "nca": 6, "hotline": 2}
        assert counted(tx, "priority") == {"1": 7, "2": 7, "none": 2}
        assert counted(tx, "after") == {"supplemented": 1, "withdrawn": 1}
        assert counted(tx, "no_report") == {"no_child": 5}
        assert told.median(tx) == pytest.approx(1.0)


def test_small_numbers_are_withheld_and_cannot_be_worked_out(here: Desk) -> None:
    with here.haven.db.read() as tx:
        by = {table.name: table for table in told.tables(tx)}
    assert by["filings_authority"].total == 16
    assert rows(by["filings_authority"]) == {
        "ncmec": 8, "nca": None, "police-eu": 0, "hotline": None}  # fmt: skip
    # Two equal rows are withheld together, so that then nothing but the total is left.
    assert (by["filings_priority"].rows, by["filings_priority"].total) == ((), 16)
    assert (by["filings_after"].rows, by["filings_after"].total) == ((), None)
    assert rows(by["filings_no_report"])["no_child"] == 5


def test_the_public_reads_numbers_and_no_reason(here: Desk) -> None:
    with serving(here.haven, ()) as place:
        page = place.ask("GET", "/transparency").body.decode()
        data = place.ask("GET", "/transparency/data.json").body.decode()
        text = place.ask("GET", "/transparency/data.csv").body.decode()
    assert "Reports of exploited children, by authority" in page
    assert "Median time to a report: 1 hour." in page, page[page.index("Median time to a") :][:80]
    assert '"filings_no_report"' in data
    assert "filings_authority,ncmec,NCMEC (United States),8,no" in text
    for said in (page, data, text):
        assert "A secret reason." not in said


@pytest.mark.parametrize("role", ["auditor", "administrator"])
def test_states_and_receipts_are_for_more_people_than_what_is_stated(
    house: Haven, shared: Path, role: str
) -> None:
    with office(house, schema_of(shared)) as at:
        case = at.case()
        with house.db.begin(at.desk.ada) as tx:
            duty = duties.open(tx, case, "US", tx.now + timedelta(hours=2), "A law.")
        filed = at.press(at.draft(case, notes="A secret of the case."))
        at.until_quiet()
        (held,) = at.finished()
        with house.db.begin(at.desk.ada) as tx:
            duties.open(tx, case, "GB", tx.now, "Another law.")
            other = duties.open(tx, case, "EU", tx.now, "A third law.")
            duties.close(tx, other, no_report_reason="A secret reason.", ground="no_child")
        with house.db.begin(Actor("system", "test")) as tx:
            sql = "UPDATE staff SET roles = %(r)s WHERE id = %(i)s"
            tx.run(sql, r=[role], i=at.desk.ben.id)
        with serving(house, ()) as place:
            ben = Person(place, at, at.desk.ben)
            seen = [ben.get(f"/console/{path}") for path in (
                "filings", f"filings/{filed.id}", f"duties/{duty}", f"duties/{other}")]  # fmt: skip
            closed = (f"cases/{case}/report/ncmec", f"filings/{filed.id}/sheet.txt",
                      f"lane/{case}", f"evidence/{case}")  # fmt: skip
            for path in closed:
                reply = place.ask("GET", f"/console/{path}", headers=ben.cookie)
                assert reply.status in (403, 404, 405), path
        assert str(held.id) in seen[1]
        assert "received by the authority" in seen[1]
        assert "Overdue" in seen[0] or "overdue" in seen[0]
        for page in seen:
            assert "A secret" not in page


def test_nobody_takes_in_need_what_is_for_specialists() -> None:
    holders = {role for role, may in GRANTS.items() if "filing.work" in may}
    assert holders == {"specialist"}
    assert "filing.work" not in TAKEABLE
    assert "filing.read" in TAKEABLE
