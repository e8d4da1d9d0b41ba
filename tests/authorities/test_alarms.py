"""Staff is called for what is due, failed or expiring, once; the schema is compared each night."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from filing_scene import Office, office, schema_of
from msgspec.structs import replace

from openhaven import evidence
from openhaven.authorities import Facts, due, duties, file, jobs, nca, note_calls, write
from openhaven.authorities.commands import authorities
from openhaven.authorities.cybertip import Entered, accept_schema, fetch_schema
from openhaven.authorities.cybertip import store as cybertip
from openhaven.authorities.cybertip.wire import Account, Server, base_of, is_test
from openhaven.authorities.facts import facts_of
from openhaven.authorities.store import alarms
from openhaven.core import Problem, utcnow
from openhaven.line import Haven, filings
from openhaven.storage.settings import Authorities
from plaza.authority import ANY_SCHEMA


@pytest.fixture
def at(house: Haven, shared: Path) -> Iterator[Office]:
    with office(house, schema_of(shared)) as found:
        yield found


def calls(at: Office, **ahead: int) -> set[tuple[str, str]]:
    with at.haven.db.begin(at.desk.ada, utcnow() + timedelta(**ahead)) as tx:
        return set(note_calls(tx))


def test_staff_is_called_once_for_each_thing(at: Office) -> None:
    case = at.case()
    with at.haven.db.begin(at.desk.ada) as tx:
        facts = Facts(harm="csam.known", since=tx.now)
        duty = due(tx, case, facts, Authorities(established="US"))["US"]
    calls(at)
    assert ("duty", duty) in calls(at, hours=20)
    assert ("duty", duty) not in calls(at, hours=20)
    assert ("duty_overdue", duty) in calls(at, hours=25)
    at.fault("/finish", "error", times=99)
    filed = at.press(at.draft(case))
    assert at.send()
    assert ("filing_stuck", f"{filed.id}.1") in calls(at, hours=2)
    (attempt,) = at.desk.rows("SELECT id FROM filing_attempts WHERE filing = %(f)s", f=filed.id)
    assert ("filing_expiring", attempt["id"]) in calls(at, hours=21)
    at.authority.account = "here:other"
    assert at.send()
    assert any(kind == "authority_closed" for kind, _ in calls(at))


def test_staff_is_called_once_for_evidence_that_is_lost(at: Office) -> None:
    at.case()
    files = Path(at.haven.settings.home) / "evidence"
    away = files.rename(files.with_name("evidence-away"))
    calls(at)
    evidence.check(at.vault)
    assert [kind for kind, _ in calls(at)].count("evidence_lost") == 1
    evidence.check(at.vault)
    assert not any(kind == "evidence_lost" for kind, _ in calls(at))
    away.rename(files)
    assert evidence.check(at.vault).lost == ()
    assert not any(kind == "evidence_lost" for kind, _ in calls(at))


def test_everything_that_needs_somebody_stands_in_one_list(at: Office) -> None:
    overdue, soon, stuck, failed, sheet = (at.case() for _ in range(5))
    with at.haven.db.begin(at.desk.ada) as tx:
        # What other tests left in this house is on its way no more.
        tx.run("UPDATE filings SET next_at = NULL")
        duties.open(tx, overdue, "US", tx.now - timedelta(hours=1), "18 U.S.C. 2258A")
        duties.open(tx, soon, "US", tx.now + timedelta(hours=10), "18 U.S.C. 2258A")
        duties.open(tx, at.case(), "US", tx.now + timedelta(days=9), "18 U.S.C. 2258A")
        evidence.hold(tx, soon, "us.2703f", reference="letter")
        handed = write(tx, sheet, "nca", msgspec.json.encode(nca.Sheet()))
        file(tx, handed.id, handed.version, test=False)
    at.fault("/finish", "error", times=99)
    late = at.press(at.draft(stuck))
    assert at.send()
    at.fault("/submit", "lost-before")
    bad = at.press(at.draft(failed))
    with at.haven.db.begin(at.desk.ada) as tx:
        tx.run("UPDATE filings SET state = 'failed', next_at = NULL WHERE id = %(f)s", f=bad.id)

    def listed(**ahead: int) -> list[tuple[str, str]]:
        mine = (overdue, soon, stuck, failed, sheet)
        with at.haven.db.read(utcnow() + timedelta(**ahead)) as tx:
            return [(one.kind, one.about) for one in alarms(tx) if one.case_id in mine]

    now = listed()
    assert [kind for kind, _ in now] == ["overdue", "failed", "stuck"]
    assert now[1:] == [("failed", bad.id), ("stuck", late.id)]
    assert [kind for kind, _ in listed(hours=6)] == ["overdue", "failed", "stuck", "due"]
    later = listed(hours=25)
    assert [kind for kind, _ in later] == [
        "overdue", "overdue", "failed", "expiring", "stuck", "unanswered"]  # fmt: skip
    assert ("unanswered", handed.id) in later
    assert ("hold", "us.2703f") in listed(days=70)
    assert ("hold", "us.2703f") not in listed(days=91)


def test_the_worker_calls_staff(at: Office) -> None:
    with at.haven.db.begin(at.desk.ada) as tx:
        duty = duties.open(tx, at.case(), "US", tx.now - timedelta(hours=1), "18 U.S.C. 2258A")
    filings.watch(at.haven)
    filings.watch(at.haven)
    sql = "SELECT way FROM staff_alerts WHERE request = %(d)s AND kind = 'duty_overdue'"
    one = at.desk.rows("SELECT count(*) AS n FROM authority_calls WHERE about = %(d)s", d=duty)
    assert one == [{"n": 1}]
    # A call that waits stands for this one as well, where another duty was overdue just before.
    assert len(at.desk.rows(sql, d=duty)) in (0, 2)


def test_a_schema_that_changes_is_seen_by_somebody(at: Office) -> None:
    server = Server(at.http, at.url, Account("here", "a password of tests"))
    fetch_schema(at.haven.db, server)
    assert not any(kind == "schema_changed" for kind, _ in calls(at))
    at.authority.schema = at.authority.schema.replace(b'name="platform" minOccurs="0"',
                                                      b'name="platform"')  # fmt: skip
    with at.haven.db.begin(at.desk.ada) as tx:
        tx.run("UPDATE authority_schemas SET seen_at = seen_at - interval '25 hours'")
    where = Authorities(cybertip_url=at.url)
    jobs.compare_schema(at.haven.db, at.http, where)
    jobs.compare_schema(at.haven.db, at.http, where)
    assert at.authority.calls.count("/xsd") == 2
    assert any(kind == "schema_changed" for kind, _ in calls(at))
    with at.haven.db.begin(at.desk.ada) as tx:
        assert len(cybertip.schemas(tx)) == 2
        assert accept_schema(tx) == 1
        (kept,) = cybertip.schemas(tx)
    assert kept == at.authority.schema


def test_what_is_no_schema_changes_nothing(at: Office) -> None:
    server = Server(at.http, at.url, Account("here", "a password of tests"))
    other_letters = ANY_SCHEMA.decode().replace("?>", " encoding='ISO-8859-1'?><!-- \xe9 -->", 1)
    for bad in (b"<html/>", b"no xml", b'<!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>',
                other_letters.encode("latin-1")):  # fmt: skip
        at.authority.schema = bad
        with pytest.raises(Problem, match="no schema"):
            fetch_schema(at.haven.db, server)
    with at.haven.db.read() as tx:
        assert cybertip.schemas(tx) == []


@pytest.mark.parametrize("url", [
    "http://report.cybertip.org/ispws", "http://10.0.0.1/ispws", "ftp://127.0.0.1/x",
    "https://user:pass@report.cybertip.org/ispws", "https://", "report.cybertip.org",
])  # fmt: skip
def test_a_password_goes_nowhere_in_clear(url: str) -> None:
    with pytest.raises(Problem, match="https"):
        base_of(url)


def test_which_server_is_one_for_tests() -> None:
    assert is_test(Authorities().cybertip_url)
    assert not is_test("https://report.cybertip.org/ispws")


def test_a_report_to_the_test_server_ends_no_duty(at: Office) -> None:
    case = at.case()
    with at.haven.db.begin(at.desk.ada) as tx:
        duty = duties.open(tx, case, "US", tx.now, "18 U.S.C. 2258A")
    draft = at.draft(case)
    with at.haven.db.begin(at.desk.ada) as tx:
        from openhaven.authorities import file

        file(tx, draft.id, draft.version, test=True)
    at.until_quiet()
    assert at.filing(draft).state == "finished"
    with at.haven.db.read() as tx:
        assert duties.duty(tx, duty).state == "open"
    assert at.desk.rows("SELECT 1 AS x FROM holds WHERE case_id = %(c)s", c=case) == []


def test_the_command_line(at: Office, tmp_path: Path) -> None:
    where = replace(at.haven.settings, authorities=Authorities(cybertip_url=at.url))
    haven = _with(at.haven, where)
    secret = tmp_path / "account"
    secret.write_text("here\na password of tests\n")
    run = CliRunner().invoke
    assert "Stored" in run(authorities, ["account", str(secret)], obj=haven).output
    assert "all is well" in run(authorities, ["status"], obj=haven).output
    assert "is known" in run(authorities, ["schema"], obj=haven).output
    filed = at.press(at.draft(at.case()))
    at.until_quiet()
    shown = run(authorities, ["filings"], obj=haven)
    assert f"{filed.id}\tNCMEC CyberTipline (United States)\treceived" in shown.output
    with at.haven.db.begin(at.desk.ada) as tx:
        duties.open(tx, at.case(), "US", tx.now - timedelta(hours=1), "18 U.S.C. 2258A")
    listed = run(authorities, ["duties"], obj=haven)
    assert "OVERDUE" in listed.output
    assert listed.exit_code == 1
    at.authority.account = "here:other"
    refused = run(authorities, ["status"], obj=haven)
    assert isinstance(refused.exception, Problem)
    assert "password of tests" not in shown.output + listed.output + str(refused.exception)


def _with(haven: Haven, settings: object) -> Haven:
    from dataclasses import replace as changed

    return changed(haven, settings=settings)  # type: ignore[arg-type]


def test_a_letter_to_a_hotline_has_no_person_in_it(at: Office) -> None:
    case = at.case()
    with at.haven.db.read() as tx:
        facts = facts_of(tx, case)
    sheet = nca.letter(facts, Entered(screen_name="somebody", notes="Seen twice."), "Here")
    text = nca.text(sheet, head="A report")
    assert "https://here.example/i/1" in text
    assert "Seen twice." in text
    for secret in (
        "a1",
        "somebody",
        "192.0.2.10",
        facts.items[next(iter(facts.items))].sha256.hex(),
    ):
        assert secret not in text
