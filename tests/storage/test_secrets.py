"""The file of secrets: made once, for its owner only; trouble with it is a sentence."""

from pathlib import Path

import pytest

from openhaven.core import Problem
from openhaven.storage import Secrets


def test_they_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "secrets.json"
    made = Secrets.at(path)
    assert Secrets.at(path) == made
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_home_that_cannot_be_used_is_a_sentence_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(Problem) as raised:
        Secrets.at(tmp_path / "file" / "secrets.json")
    assert raised.value.code == "home.closed"
    assert "OPENHAVEN_HOME" in (raised.value.next_step or "")


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    Secrets.at(path)
    path.chmod(0o644)
    with pytest.raises(Problem, match="can read"):
        Secrets.at(path)
