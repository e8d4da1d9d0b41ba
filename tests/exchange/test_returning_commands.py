"""`openhaven returning`: agreements are made and ended by who runs the machine."""

import base64
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from line_scene import scene

from openhaven.core import Problem
from openhaven.exchange.returning.commands import returning
from openhaven.line import Haven


def said(haven: Haven, *words: str, **more: str) -> Result:
    found = CliRunner().invoke(returning, words, obj=haven, **more)  # type: ignore[arg-type]
    if isinstance(found.exception, Problem):
        raise found.exception
    return found


def test_an_agreement_is_made_shown_and_ended(haven: Haven, tmp_path: Path) -> None:
    scene(haven)
    key = said(haven, "key").output.strip()
    assert len(base64.b64decode(key, validate=True)) == 32
    secret = tmp_path / "shelter.secret"
    made = ("agree", "shelter", "--key", key, "--secret", str(secret), "--for", "grooming")
    assert "agreed for 180 days" in said(haven, *made).output
    assert secret.stat().st_mode & 0o077 == 0
    plain = base64.b64decode(secret.read_text())
    assert len(plain) == 32
    assert "shelter\tuntil" in said(haven, "agreements").output
    with pytest.raises(Problem, match="of this name"):
        said(haven, *made)
    with haven.db.read() as tx:
        [row] = tx.rows("SELECT secret FROM returning_agreements")
    assert plain not in bytes(row["secret"])
    assert "has ended" in said(haven, "end", "shelter", input="y\n").output
    assert "shelter\tended" in said(haven, "agreements").output
    with pytest.raises(Problem, match="in force"):
        said(haven, "end", "shelter", "--yes")
    assert said(haven, "show").exit_code == 0
    assert "grooming\t1826 days\treview" in said(haven, "classes").output


@pytest.mark.parametrize("secret", ["short", "not base64 at all, not base64 at all"])
def test_a_secret_that_is_none_is_refused(haven: Haven, tmp_path: Path, secret: str) -> None:
    file = tmp_path / "secret"
    file.write_text(secret)
    file.chmod(0o600)
    made = ("agree", "them", "--key", base64.b64encode(bytes(32)).decode(), "--for", "spam",
            "--secret", str(file))  # fmt: skip
    with pytest.raises(Problem, match="32 bytes"):
        said(haven, *made)
    file.chmod(0o644)
    with pytest.raises(Problem, match="Other users"):
        said(haven, *made)
