"""What an operator does by command when somebody lost what they had, or left a door open."""

import csv
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from click.testing import CliRunner, Result
from door_scene import enter, hire, named_house

from openhaven.core import Problem
from openhaven.staff import reads
from openhaven.staff.commands import staff as commands

if TYPE_CHECKING:
    from openhaven.line import Haven


def run(haven: "Haven", *words: str) -> Result:
    return CliRunner().invoke(commands, words, obj=haven)


def test_sign_out_ends_sessions_and_links(haven: "Haven") -> None:
    hire(haven, "Ana")
    with named_house(haven) as place:
        ana = enter(haven, place, "Ana")
        assert ana.see("/console").status == 200
        link = run(haven, "link", "Ana").output.strip()
        said = run(haven, "sign-out", "Ana")
        assert said.output == "Ana is signed out (1 session).\n"
        assert ana.see("/console").status == 401
        assert ana.see(urlsplit(link).path).status == 410
        assert "(0 sessions)" in run(haven, "sign-out", "Ana").output
    assert isinstance(run(haven, "sign-out", "Nobody").exception, Problem)


def test_reset_leaves_one_way_in(haven: "Haven") -> None:
    hire(haven, "Bo")
    with named_house(haven) as place:
        bo = enter(haven, place, "Bo")
        said = run(haven, "reset", "Bo")
        assert said.exit_code == 0, said.output
        assert bo.see("/console").status == 401
        path = urlsplit(said.output.strip()).path
        assert bo.send(path).status == 303
        assert bo.see("/console").status == 200


def test_reads_are_printed_as_a_table_and_checked(haven: "Haven") -> None:
    member = hire(haven, "=Cy")
    with haven.db.begin(member.actor) as tx:
        reads.note(tx, member.id, "task", "tsk_1")
        assert reads.seal(tx) == 1
    haven.sequencer.tick()
    assert run(haven, "reads", "--check").output == "Nothing was altered.\n"
    [row] = csv.DictReader(run(haven, "reads", "--person", "=Cy").output.splitlines())
    assert (row["person"], row["matter"], row["kind"]) == ("'=Cy", "tsk_1", "task")
    assert len(run(haven, "reads", "--matter", "tsk_2").output.splitlines()) == 1
    with haven.db.begin(member.actor) as tx:
        tx.run("ALTER TABLE reads DISABLE TRIGGER USER")
        tx.run("UPDATE reads SET matter = 'tsk_2'")
    altered = run(haven, "reads", "--check")
    assert altered.exit_code == 1
    assert isinstance(altered.exception, Problem)
