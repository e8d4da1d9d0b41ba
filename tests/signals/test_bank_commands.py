"""`openhaven bank …` as a person calls it."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from openhaven.core import Problem
from openhaven.signals.banks import Banks
from openhaven.signals.banks.commands import bank
from openhaven.storage import Database


@pytest.fixture
def haven(db: Database) -> SimpleNamespace:
    return SimpleNamespace(db=db)


def call(haven: SimpleNamespace, *argv: str) -> Result:
    return CliRunner().invoke(bank, argv, obj=haven)


def banks(haven: SimpleNamespace) -> Banks:
    found = Banks()
    with haven.db.read() as tx:
        found.refresh(tx)
    return found


HASHES = [f"{number:064x}" for number in (0xABCDEF01, 0xABCDEF02, 0xABCDEF03)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.txt", "# a comment\n" + "\n".join(HASHES) + "\n\n"),
        ("list.csv", "quality,hash,source\n" + "\n".join(f"90,{one},there" for one in HASHES)),
        ("bare.csv", "\n".join(f"{one},90" for one in HASHES)),
        ("list.json", json.dumps(HASHES)),
        ("rows.json", json.dumps([{"pdq": one, "quality": 90} for one in HASHES])),
    ],
)
def test_lists_of_every_form_are_imported(
    haven: SimpleNamespace, tmp_path: Path, name: str, content: str
) -> None:
    assert call(haven, "create", "partners", "--kind", "pdq", "--harm", "other").exit_code == 0
    file = tmp_path / name
    file.write_text(content)
    result = call(haven, "import", "partners", str(file))
    assert result.exit_code == 0
    assert result.output.startswith("3 added, 0 known already, 0 refused.")
    assert "3 known already" in call(haven, "import", "partners", str(file)).output
    (first, *_) = banks(haven).match("pdq", bytes.fromhex(HASHES[0]))
    assert (first.bank, first.distance) == ("partners", 0)
    assert "partners\tpdq\tother\tpositive\t31\tlive\t3" in call(haven, "list").output


def test_faults_are_told_with_their_line(haven: SimpleNamespace, tmp_path: Path) -> None:
    call(haven, "create", "partners", "--kind", "pdq", "--harm", "other")
    file = tmp_path / "list.csv"
    file.write_text(f"{HASHES[0]},90\nnonsense\n{HASHES[1]},12\n{HASHES[2]},much\n,\n")
    result = call(haven, "import", "partners", str(file))
    assert result.exit_code == 0
    assert "1 added, 0 known already, 4 refused." in result.output
    assert "line 2: this is not hexadecimal" in result.output
    assert "line 3: quality 12 is under 50" in result.output
    assert "line 4: the quality is not a whole number" in result.output


def test_links_are_kept_in_their_canonical_form(haven: SimpleNamespace, tmp_path: Path) -> None:
    call(haven, "create", "sites", "--kind", "link", "--harm", "scam")
    file = tmp_path / "sites.txt"
    file.write_text("HTTPS://Bad.Example/Path/?utm_source=x\n")
    assert call(haven, "import", "sites", str(file)).exit_code == 0
    assert len(banks(haven).match("link", b"bad.example/Path")) == 1
    assert "withdrawn" in call(haven, "withdraw", "sites", "http://bad.example/Path").output
    assert banks(haven).match("link", b"bad.example/Path") == []


def test_mistakes_are_problems_for_a_person(haven: SimpleNamespace, tmp_path: Path) -> None:
    call(haven, "create", "partners", "--kind", "pdq", "--harm", "other")
    broken = tmp_path / "broken.json"
    broken.write_text("[1, 2")
    for argv in (
        ("import", "partners", str(broken)),
        ("import", "nowhere", str(broken)),
        ("withdraw", "partners", "xyz"),
        ("mode", "nowhere", "off"),
        ("create", "partners", "--kind", "pdq", "--harm", "other"),
    ):
        result = call(haven, *argv)
        assert isinstance(result.exception, Problem), argv


def test_a_bank_can_be_put_aside(haven: SimpleNamespace, tmp_path: Path) -> None:
    call(haven, "create", "partners", "--kind", "pdq", "--harm", "other")
    file = tmp_path / "list.txt"
    file.write_text(HASHES[0])
    call(haven, "import", "partners", str(file))
    assert "now off" in call(haven, "mode", "partners", "off").output
    assert banks(haven).match("pdq", bytes.fromhex(HASHES[0])) == []
