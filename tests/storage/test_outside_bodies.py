"""A body outside that people are sent to can be found: a name, and an address on the web."""

from pathlib import Path

import pytest

from openhaven.core import Problem
from openhaven.storage import Settings


def load(tmp_path: Path, body: str) -> tuple[str, ...]:
    file = tmp_path / "openhaven.toml"
    file.write_text(f"outside_bodies = ['{body}']\n", encoding="utf-8")
    return Settings.load({"OPENHAVEN_CONFIG": str(file)}).outside_bodies


@pytest.mark.parametrize("body", ["Example Board, https://board.example/",
                                  "Schlichtung, Berlin, https://schlichtung.example"])  # fmt: skip
def test_one_with_an_address_is_taken(tmp_path: Path, body: str) -> None:
    assert load(tmp_path, body) == (body,)


@pytest.mark.parametrize("body", ["", "Example Board", "https://board.example/", "Board, http://b.e",
                                  "Board, https://nowhere", "B; C, https://board.example",
                                  "B" * 200 + ", https://board.example"])  # fmt: skip
def test_one_that_nobody_finds_is_refused_with_its_place(tmp_path: Path, body: str) -> None:
    with pytest.raises(Problem) as refused:
        load(tmp_path, body)
    assert "$.outside_bodies[0]" in str(refused.value.detail)
    assert "https://" in str(refused.value.next_step)
