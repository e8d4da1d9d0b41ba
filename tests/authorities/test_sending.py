"""One report, finished once, whatever happens on the way."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from filing_scene import Office, office, picture, schema_of

from openhaven import evidence
from openhaven.authorities import duties, file, withdraw, write
from openhaven.authorities.actions import forget
from openhaven.authorities.cybertip import store as cybertip
from openhaven.core import Problem, system, utcnow
from openhaven.line import Haven
from openhaven.records import erase
from plaza.authority import FAULTS


@pytest.fixture
def at(house: Haven, shared: Path) -> Iterator[Office]:
    with office(house, schema_of(shared)) as found:
        yield found


def test_a_report_arrives_and_ends_the_duty(at: Office) -> None:
    case = at.case(pictures=2)
    with at.haven.db.begin(at.desk.ada) as tx:
        duty = duties.open(tx, case, "US", tx.now, "18 U.S.C. 2258A")
    filed = at.press(at.draft(case))
    at.until_quiet()
    done = at.filing(filed)
    (held,) = at.finished()
    assert (done.state, done.reference, done.trouble) == ("finished", str(held.id), None)
    assert len(held.files) == len(held.details) == 2
    assert held.document.count(b"<espIdentifier>a1</espIdentifier>") == 1
    with at.haven.db.read() as tx:
        assert duties.duty(tx, duty).reference == str(held.id)
        (hold,) = evidence.holds(tx, case)
        assert (hold.ground, hold.reference) == ("us.2258a", str(held.id))
        items = evidence.items(tx, case)
        assert {one.md5.hex() for one in items} == set(held.files.values())
        kinds = {one.kind for item in items for one in evidence.custody(tx, item.id)}
        assert {"received", "opened", "released"} <= kinds
    (receipt,) = at.desk.rows("SELECT * FROM filing_receipts WHERE filing = %(f)s", f=filed.id)
    assert (receipt["reference"], receipt["files"]) == (str(held.id), 2)


def test_viewed_is_what_was_seen_and_nothing_else(at: Office) -> None:
    case = at.case(pictures=3)
    with at.haven.db.begin(at.desk.ada) as tx:
        veiled, seen, exif = evidence.items(tx, case)
        evidence.viewed(tx, veiled, "veiled", False)
        evidence.viewed(tx, seen, "grey", False)
        evidence.viewed(tx, exif, "original", True)
    at.press(at.draft(case))
    at.until_quiet()
    (held,) = at.finished()
    md5s = {one.md5.hex(): one.id for one in (veiled, seen, exif)}
    said = {md5s[held.files[file]]: paper for file, paper in held.details.items()}
    assert b"<fileViewedByEsp>false</fileViewedByEsp><exifViewedByEsp>false" in said[veiled.id]
    assert b"<fileViewedByEsp>true</fileViewedByEsp><exifViewedByEsp>false" in said[seen.id]
    assert b"<fileViewedByEsp>true</fileViewedByEsp><exifViewedByEsp>true" in said[exif.id]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_call_may_fail_and_one_report_is_finished(at: Office, fault: str) -> None:
    filed = []
    for path in ("/status", "/xsd", "/submit", "/upload", "/fileinfo", "/finish"):
        at.fault(path, fault)
        filed.append(at.press(at.draft(at.case())))
        at.until_quiet()
    assert [at.filing(one).state for one in filed] == ["finished"] * len(filed)
    assert len(at.finished()) == len(filed)
    assert {at.filing(one).reference for one in filed} == {str(one.id) for one in at.finished()}
    assert all(len(one.files) == len(one.details) == 1 for one in at.finished())


def test_a_lost_answer_to_finish_is_asked_again_for_the_same_report(at: Office) -> None:
    at.fault("/finish", "lost-after", times=5)
    filed = at.press(at.draft(at.case()))
    at.until_quiet()
    (held,) = at.finished()
    assert at.filing(filed).reference == str(held.id)
    assert at.authority.calls.count("/submit") == 1


def test_what_the_server_deleted_meanwhile_is_opened_again(at: Office) -> None:
    at.fault("/finish", "lost-before")
    filed = at.press(at.draft(at.case()))
    assert at.send()
    at.authority.pass_time(25 * 3600)
    at.until_quiet()
    assert len(at.finished()) == 1
    assert at.filing(filed).state == "finished"
    assert [one.state for one in at.authority.reports.values()] == ["deleted", "finished"]


def test_a_wrong_hash_takes_the_report_back(at: Office) -> None:
    at.fault("/upload", "wrong-md5")
    at.press(at.draft(at.case()))
    at.until_quiet()
    assert [one.state for one in at.authority.reports.values()] == ["retracted", "finished"]


def test_two_days_without_the_authority(at: Office) -> None:
    at.fault("/status", "lost-before", times=30)
    filed = at.press(at.draft(at.case()))
    for _ in range(30):
        assert at.send()
    waits = at.filing(filed)
    assert waits.state == "filed"
    assert waits.failing_since is not None
    assert "does not answer" in (waits.trouble or "")
    # The pause never grows beyond an hour: so it is sent soon after the authority is back.
    sql = "SELECT next_at - now() AS rest FROM filings WHERE id = %(f)s"
    (row,) = at.desk.rows(sql, f=filed.id)
    assert row["rest"].total_seconds() <= 3600
    at.until_quiet()
    assert at.filing(filed).state == "finished"
    sql = "SELECT count(*) AS n FROM filing_attempts WHERE filing = %(f)s"
    assert at.desk.rows(sql, f=filed.id) == [{"n": 1}]


def test_wrong_credentials_are_a_clear_alarm_and_nothing_is_lost(at: Office) -> None:
    at.authority.account = "here:another password"
    filed = at.press(at.draft(at.case()))
    assert at.send()
    assert "user and password" in (at.filing(filed).trouble or "")
    (row,) = at.desk.rows("SELECT trouble, credentials FROM authority_accounts")
    assert "openhaven authorities account" in row["trouble"]
    assert b"password of tests" not in bytes(row["credentials"])
    at.authority.account = "here:a password of tests"
    at.until_quiet()
    assert at.filing(filed).state == "finished"
    assert at.desk.rows("SELECT trouble FROM authority_accounts") == [{"trouble": None}]


def test_a_clock_that_is_off_sends_nothing(at: Office) -> None:
    at.authority.date = 1_600_000_000.0
    filed = at.press(at.draft(at.case()))
    assert at.send()
    assert "clock" in (at.filing(filed).trouble or "")
    assert at.authority.reports == {}
    at.authority.date = None
    at.until_quiet()
    assert at.filing(filed).state == "finished"


def test_a_file_that_vanished_is_a_persons_matter(at: Office) -> None:
    case = at.case(pictures=2)
    draft = at.draft(case)
    with at.haven.db.read() as tx:
        first = evidence.items(tx, case)[0]
    named = f"*{first.blob[-20:]}*"
    (stored,) = filter(Path.is_file, (at.haven.settings.home / "evidence").rglob(named))
    stored.parent.chmod(0o700)
    stored.unlink()
    filed = at.press(draft)
    at.until_quiet()
    failed = at.filing(filed)
    assert failed.state == "failed"
    assert "cannot be sent" in (failed.trouble or "")
    assert at.finished() == []
    assert [one.state for one in at.authority.reports.values()] == ["retracted"]


def test_what_the_authority_refuses_needs_a_person_and_is_filed_again(at: Office) -> None:
    case = at.case()
    filed = at.press(at.draft(case))
    good, at.authority.schema = at.authority.schema, schema_without_platform(at.authority.schema)
    with at.haven.db.begin(at.desk.ada) as tx:
        from openhaven.authorities.cybertip import actions, schema

        actions.keep_schema(tx, good, schema.digest(good))
    at.until_quiet()
    failed = at.filing(filed)
    assert failed.state == "failed"
    assert "refused" in (failed.trouble or "")
    at.authority.schema = good
    at.press(failed)
    at.until_quiet()
    assert at.filing(filed).state == "finished"
    assert len(at.finished()) == 1


def schema_without_platform(xsd: bytes) -> bytes:
    changed = xsd.replace(b'<xs:element name="platform" minOccurs="0"', b'<xs:element name="place"')
    assert changed != xsd
    return changed


def test_two_specialists_file_one_report(at: Office) -> None:
    case = at.case()
    draft = at.draft(case)
    with pytest.raises(Problem, match="changed"):
        at.draft(case, who=at.desk.ben)
    assert at.press(draft).id == at.press(draft, at.desk.ben).id
    at.until_quiet()
    assert at.press(draft, at.desk.ben).state == "finished"
    assert not at.send()
    assert len(at.finished()) == 1


def test_a_case_that_is_opened_again_gets_a_supplement(at: Office) -> None:
    case = at.case()
    with pytest.raises(Problem, match="supplement"):
        at.draft(case, number=1)
    first = at.press(at.draft(case))
    at.until_quiet()
    with pytest.raises(Problem, match="filed already"):
        at.draft(case)
    at.seal(case, picture(99))
    at.press(at.draft(case, number=1))
    at.until_quiet()
    one, two = at.finished()
    assert f"<priorCTReports>{one.id}</priorCTReports>".encode() in two.document
    assert at.filing(first).reference == str(one.id)
    # What was reported is kept for a year after the last report, not only after the first.
    with at.haven.db.read() as tx:
        kept = sorted((one.until, one.reference) for one in evidence.holds(tx, case)
                      if one.ground == "us.2258a")  # fmt: skip
    assert [reference for _, reference in kept] == [str(one.id), str(two.id)]
    assert kept[0][0] < kept[1][0]


def test_a_person_who_is_erased_meanwhile_is_still_reported_once(at: Office) -> None:
    case = at.case(account={"id": "erased-1"})
    with at.haven.db.begin(at.desk.ada) as tx:
        evidence.hold(tx, case, "lane")
    filed = at.press(at.draft(case, screen_name="zed"))
    at.fault("/status", "lost-before")
    assert at.send()
    with at.haven.db.begin(system("operator")) as tx:
        erase(tx, at.desk.platform, "erased-1")
    evidence.tend(at.vault, utcnow() + timedelta(days=9))
    at.until_quiet()
    (held,) = at.finished()
    assert (len(held.files), len(held.details)) == (1, 1)
    assert b"<screenName>zed</screenName>" in held.document
    assert at.filing(filed).reference == str(held.id)
    with at.haven.db.begin(at.desk.ada) as tx:
        longer = evidence.hold(tx, case, "operator", reference="An officer has asked.")
    assert longer.until > utcnow() + timedelta(days=300)


def test_a_draft_goes_with_the_erasure_unless_a_duty_is_open(at: Office) -> None:
    drafts = [at.draft(at.case(account={"id": f"left-{n}"}), screen_name="zed") for n in range(2)]
    with at.haven.db.begin(at.desk.ada) as tx:
        duties.open(tx, drafts[1].case_id, "US", tx.now + timedelta(days=1), "18 U.S.C. 2258A")
        forget(tx)
        assert cybertip.body(tx, drafts[0].id)
    with at.haven.db.begin(system("operator")) as tx:
        for n in range(2):
            erase(tx, at.desk.platform, f"left-{n}")
        forget(tx)
        assert cybertip.body(tx, drafts[0].id) is None
        assert cybertip.body(tx, drafts[1].id)


def test_what_is_withdrawn_is_taken_back(at: Office) -> None:
    at.fault("/fileinfo", "error")
    filed = at.press(at.draft(at.case()))
    assert at.send()
    with at.haven.db.begin(at.desk.ada) as tx:
        withdraw(tx, filed.id)
    at.until_quiet()
    assert [one.state for one in at.authority.reports.values()] == ["retracted"]
    assert at.filing(filed).state == "withdrawn"
    at.fault("/finish", "lost-before")
    again = at.press(at.draft(at.case()))
    assert at.send()
    with at.haven.db.begin(at.desk.ada) as tx, pytest.raises(Problem, match="asked to finish"):
        withdraw(tx, again.id)
    at.until_quiet()
    assert at.filing(again).state == "finished"


def test_what_is_withdrawn_while_it_is_being_opened_is_taken_back(at: Office) -> None:
    filed = at.press(at.draft(at.case()))

    def withdrawn_meanwhile(path: str) -> str:
        if path == "/submit":
            with at.haven.db.begin(at.desk.ada) as tx:
                withdraw(tx, filed.id)
        return ""

    at.authority.fault = withdrawn_meanwhile
    at.until_quiet()
    assert [one.state for one in at.authority.reports.values()] == ["retracted"]
    assert at.filing(filed).state == "withdrawn"


def test_a_report_of_many_accounts_about_one_viral_file(at: Office) -> None:
    case = at.case(pictures=2)
    at.press(at.draft(case, batch=("u2", "u3")))
    at.until_quiet()
    (held,) = at.finished()
    assert held.document.count(b"<personOrUserReported>") == 3
    assert len(held.files) == 1
    (paper,) = held.details.values()
    assert b"<viral>true</viral>" in paper
    assert b"originalFileName" not in paper


def test_only_a_specialist_files(at: Office) -> None:
    draft = at.draft(at.case())
    with at.haven.db.begin(at.desk.ada) as tx:
        tx.run("UPDATE staff SET roles = '{moderator}' WHERE id = %(i)s", i=at.desk.ben.id)
    with pytest.raises(Problem) as refused:
        at.press(draft, at.desk.ben)
    assert refused.value.status == 403


def test_what_nothing_keeps_is_forgotten_and_the_receipt_stays(at: Office) -> None:
    case = at.case()
    filed = at.press(at.draft(case))
    at.until_quiet()
    for days, left in ((100, 1), (380, 0)):
        with at.haven.db.begin(at.desk.ada, utcnow() + timedelta(days=days)) as tx:
            forget(tx)
            assert (cybertip.body(tx, filed.id) is not None) == bool(left)
    done = at.filing(filed)
    assert done.reference is not None
    assert (
        len(at.desk.rows("SELECT 1 AS x FROM filing_receipts WHERE filing = %(f)s", f=filed.id))
        == 1
    )
    assert at.desk.rows("SELECT body FROM filings WHERE id = %(f)s", f=filed.id) == [{"body": None}]


def test_who_edits_while_a_report_is_taken_back_loses_nothing(at: Office) -> None:
    case = at.case()
    filed = at.press(at.draft(case))
    at.fault("/fileinfo", "error", times=99)
    at.fault("/retract", "error", times=1)
    for _ in range(5):
        assert at.send()
    assert at.filing(filed).state == "filed"
    at.authority.fault = lambda _: ""
    at.until_quiet()
    assert at.filing(filed).state == "finished"
    assert len(at.finished()) == 1


def test_what_was_filed_a_moment_before_is_not_written_over(at: Office) -> None:
    draft = at.draft(at.case())
    refused: list[str] = []

    def write_too() -> None:
        with at.haven.db.begin(at.desk.ben) as tx:
            try:
                write(tx, draft.case_id, "ncmec", b"{}", version=draft.version)
            except Problem as problem:
                refused.append(problem.code)

    other = threading.Thread(target=write_too)
    with at.haven.db.begin(at.desk.ada) as tx:
        file(tx, draft.id, draft.version, test=False)
        other.start()
        while not at.desk.rows("""SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                                  AND datname = current_database()"""):
            assert other.is_alive()
    other.join()
    assert refused == ["filing.filed"]
    assert at.filing(draft).state == "filed"
