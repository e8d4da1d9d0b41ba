"""`openhaven match`: files and folders compared, named when unreadable, nothing kept of them."""

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw

from openhaven.cli.match import MATCHED, UNREADABLE, match
from openhaven.core import system
from openhaven.line import Haven
from openhaven.signals.banks import NewEntry, add_entries, create_bank
from openhaven.signals.banks.commands import bank
from openhaven.signals.hashes import MediaHasher

OPERATOR = system("operator")


def picture(shift: int) -> bytes:
    """Return a PNG of coloured shapes."""
    made = Image.new("RGB", (320, 240), "#d8e4f4")
    draw = ImageDraw.Draw(made)
    for n in range(9):
        x, y = (n * 97 + shift * 31) % 320, (n * 53 + shift * 71) % 240
        draw.ellipse((x - 40, y - 30, x + 40, y + 30), fill=(n * 25, 200 - n * 15, shift % 255))
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "given"
    (top / "below").mkdir(parents=True)
    (top / "a.png").write_bytes(picture(1))
    (top / "below" / "b.png").write_bytes(picture(90))
    (top / "below" / "words.txt").write_text("Not a picture.")
    return top


@pytest.fixture
def filled(haven: Haven) -> Haven:
    hasher = MediaHasher()
    seen = hasher.hash(picture(1))
    hasher.close()
    assert seen.pdq is not None
    with haven.db.begin(OPERATOR) as tx:
        for name, harm in (("known", "scam"), ("closed", "csam.known")):
            create_bank(tx, name, kind="pdq", harm=harm, owner="us", purpose="a test")
            add_entries(tx, name, [NewEntry(seen.pdq, 90, "a partner")])
    return haven


def run(haven: Haven | None, *words: str) -> Result:
    return CliRunner().invoke(match, list(words), obj=haven)


def lines(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_files_and_folders_are_compared(filled: Haven, folder: Path) -> None:
    result = run(filled, str(folder))
    assert result.exit_code == MATCHED
    assert "a.png\tknown\tentry 1\t0 of 256 bits\tpositive" in result.stdout
    assert "b.png\tno match" in result.stdout
    assert "words.txt\tno match\n" in result.stdout
    assert "Not asked: closed." in result.stderr
    assert run(filled, str(folder / "below")).exit_code == 0


def test_nothing_of_the_files_is_kept(filled: Haven, folder: Path) -> None:
    run(filled, str(folder))
    with filled.db.read() as tx:
        assert tx.value("SELECT count(*) FROM media") == 0
        assert tx.value("SELECT count(*) FROM ledger_entries WHERE kind = 'bank.compared'") == 0
    assert not [one for one in filled.settings.home.rglob("blobs/*/*") if one.is_file()]


def test_banks_about_harm_to_children_are_asked_by_name_and_on_record(
    filled: Haven, folder: Path
) -> None:
    result = run(filled, "--bank", "closed", "--json", str(folder / "a.png"))
    assert result.exit_code == MATCHED
    assert [one["bank"] for one in lines(result)[0]["matches"]] == ["closed"]
    assert "put into the ledger" in result.stderr
    with filled.db.read() as tx:
        rows = tx.rows("SELECT kind FROM ledger_entries WHERE kind = 'bank.compared'")
    assert len(rows) == 1


def test_what_cannot_be_read_is_named_and_stops_nothing(filled: Haven, folder: Path) -> None:
    missing = folder / "gone\x1b[31m.png"
    result = run(filled, str(missing), str(folder / "below" / "b.png"), "/dev/null")
    assert result.exit_code == UNREADABLE
    assert "No such file or directory" in result.stderr
    assert "it is no regular file" in result.stderr
    assert "2 of 3 could not be read." in result.stderr
    assert "\x1b" not in result.stderr
    assert "b.png\tno match" in result.stdout
    assert run(filled, str(missing), str(folder / "a.png")).exit_code == MATCHED


def test_a_broken_picture_is_told(filled: Haven, folder: Path) -> None:
    broken = folder / "broken.png"
    broken.write_bytes(picture(3)[:40])
    result = run(filled, str(broken))
    assert "not seen as a picture" in result.stdout


def test_hashes_need_no_house(folder: Path) -> None:
    result = run(None, "--hash", str(folder / "a.png"))
    assert result.exit_code == 0
    name, pdq, quality, sha256 = result.stdout.strip().split("\t")
    assert (name, len(pdq), len(sha256)) == (str(folder / "a.png"), 64, 64)
    assert int(quality) >= 50
    (told,) = lines(run(None, "--hash", "--json", str(folder / "a.png")))
    assert (told["pdq"], "matches" in told) == (pdq, False)


def test_an_unknown_bank_is_told(filled: Haven, folder: Path) -> None:
    result = run(filled, "--bank", "nothing", str(folder))
    assert result.exit_code == 1
    assert "There is no bank" in str(result.exception)


def test_looking_back_by_command(filled: Haven) -> None:
    def look(*words: str) -> Result:
        return CliRunner().invoke(bank, ["look-back", *words], obj=filled)

    result = look("closed", "--days", "7")
    assert result.exit_code == 0, result.output
    assert "\tdone\t7 days\t1 entries\t0 of 0 media" in result.stdout
    assert "\tdone\t7 days" in look("closed", "--show").stdout
    assert "may not look back" in str(look("known").exception)
    assert "is not looking back" in str(look("closed", "--cancel").exception)
