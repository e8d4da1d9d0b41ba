"""`openhaven support`: what an operator types, and what comes of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from support_scene import HEAD, days_ago, put, service, today

from openhaven.core import Problem
from openhaven.support.commands import support as verb

if TYPE_CHECKING:
    from openhaven.line import Haven


@pytest.fixture
def say(haven: "Haven") -> Iterator:
    def run(*words: str) -> Result:
        return CliRunner().invoke(verb, words, obj=haven)

    return run


def test_a_good_file_is_imported_whole(say, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(HEAD + "nz-a,NZ,A,all,0000\nnz-b,NZ,B,all,1111\n")
    assert say("import", str(file)).output == "2 new, 0 changed, 0 as they were.\n"
    assert say("import", str(file)).output == "0 new, 0 changed, 2 as they were.\n"
    assert say("list", "--country", "NZ").output.splitlines()[:2] == [
        "nz-a\tNZ\tA\t0000\tunverified",
        "nz-b\tNZ\tB\t1111\tunverified",
    ]


def test_a_file_with_mistakes_is_not_imported_and_each_has_its_line(say, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(HEAD + "nz-a,NZ,A,all,0000\nnz-a,XX,=B(),all,x\n")
    done = say("import", str(file))
    assert done.exit_code == 1
    assert [one.partition(": ")[0] for one in done.stderr.splitlines()] == ["line 3"] * 3
    assert "nz-a" not in say("list").output


def test_who_verified_what_when(say) -> None:
    line = say("verify", "gb-childline", "--by", "Ann Example").output
    assert line.endswith(f"verified {today()} by Ann Example\n")
    back = say("verify", "gb-childline", "--by", "Ann", "--on", days_ago(40).isoformat())
    assert back.output.endswith(f"verified {days_ago(40)} by Ann\n")
    assert isinstance(say("verify", "nobody", "--by", "Ann").exception, Problem)
    late = say("verify", "gb-childline", "--by", "Ann", "--on", "9999-01-01")
    assert "has not come yet" in str(late.exception)


def test_what_is_stale_ends_with_one(say, haven: "Haven") -> None:
    put(haven, service(), service("gb-old", verified_on=days_ago(181)))
    done = say("stale")
    assert done.exit_code == 1
    named = {one.partition("\t")[0] for one in done.output.splitlines()}
    assert "gb-old" in named
    assert "gb-line" not in named


def test_withdrawn_services_are_not_listed(say) -> None:
    assert say("withdraw", "in-childline").output == "in-childline is no longer shown.\n"
    assert "in-childline" not in say("list").output


def test_fetching_needs_an_address(say) -> None:
    assert "not said where" in str(say("fetch").exception)
    assert "https" in str(say("fetch", "--url", "http://example.org/").exception)
