"""`openhaven bank …` as a person calls it."""

import json
import tracemalloc
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from openhaven import staff
from openhaven.core import Problem, system
from openhaven.signals.banks import Banks
from openhaven.signals.banks.commands import bank
from openhaven.signals.banks.reading import read_entries
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


def test_duplicates_and_what_cannot_be_a_hash_are_told_one_by_one(
    haven: SimpleNamespace, tmp_path: Path
) -> None:
    call(haven, "create", "partners", "--kind", "sha1", "--harm", "other")
    good = "ab" * 19 + "cd"
    file = tmp_path / "list.txt"
    file.write_bytes(
        b"\xef\xbb\xbf" + f"{good}\n{good.upper()}\n{good}\n".encode()
        + b"00" * 20 + b"\nabcd\n" + b"f" * 100_000 + b"\n\xff\xfe\n{broken\n"
    )  # fmt: skip
    result = call(haven, "import", "partners", str(file))
    assert "1 added, 2 known already, 5 refused." in result.output
    for words in ("line 4: all bytes are the same", "line 5: sha1 has 20 bytes, this has 2",
                  "line 6: the line is longer", "line 7: this is not",
                  "line 8: the line begins"):  # fmt: skip
        assert words in result.output
    assert "state: living" in call(haven, "show", "partners", good).output
    assert "entries: 1" in call(haven, "show", "partners").output


def test_a_long_list_is_read_in_little_memory(haven: SimpleNamespace, tmp_path: Path) -> None:
    call(haven, "create", "partners", "--kind", "md5", "--harm", "other")
    file, count = tmp_path / "list.csv", 20_000
    with file.open("w") as out:
        out.write("md5,quality,provenance\n")
        for number in range(count):
            out.write(f"{number + 1:032x},,a list that somebody made for a test of length\n")
    tracemalloc.start()
    with file.open("rb") as source:
        found = islice(read_entries("md5", source, "x"), count // 4)
        assert sum(line.entry is not None for line in found) == count // 4
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000
    result = call(haven, "import", "partners", str(file))
    assert result.output.endswith(f"{count} added, 0 known already, 0 refused.\n")


def test_people_are_named_where_two_are_needed(haven: SimpleNamespace) -> None:
    with haven.db.begin(system("test")) as tx:
        for name in ("Ada", "Bo"):
            staff.create(tx, name, ("policy",))
    call(haven, "create", "fine", "--kind", "md5", "--harm", "other", "--opinion", "negative")
    value = "ab" * 15 + "cd"
    assert isinstance(call(haven, "add", "fine", value).exception, Problem)
    assert "1 added" in call(haven, "add", "fine", value, "--as", "Ada").output
    assert "waiting for a second person: 1" in call(haven, "show", "fine").output
    assert banks(haven).match("md5", bytes.fromhex(value)) == []
    assert isinstance(call(haven, "confirm", "fine", value, "--as", "Ada").exception, Problem)
    assert "is confirmed" in call(haven, "confirm", "fine", value, "--as", "Bo").output
    assert len(banks(haven).match("md5", bytes.fromhex(value))) == 1
    assert isinstance(call(haven, "feedback", "77", "confirm", "--as", "Ada").exception, Problem)
