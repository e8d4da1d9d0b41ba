"""A pack is tried over what happened: nothing differs where nothing changed, else what and why."""

from pathlib import Path

import pytest
from backtest_scene import RULES, figures, run_with, tried, wish
from line_scene import Scene, event, post, scene
from policy_scene import write

from openhaven.line import Haven
from openhaven.policy import load
from openhaven.policy.backtest.figures import Cell, hidden


@pytest.fixture
def here(haven: Haven, tmp_path: Path) -> Scene:
    run_with(haven, load(write(tmp_path / "running", {"rules.yaml": RULES})))
    return scene(haven)


def test_the_pack_in_force_changes_nothing(here: Scene, tmp_path: Path) -> None:
    here.accept(*(post("A zorgblat came by.") for _ in range(3)), *(event() for _ in range(5)))
    here.work()
    done = tried(here.haven, wish(tmp_path / "running"))
    assert (done.state, done.done, done.total) == ("done", 8, 8)
    assert done.figures
    assert done.figures["changes"] == {}
    assert done.figures["outcomes"]["review"] == {"now": 3, "draft": 3}
    assert done.figures["load"] == {"care": {"now": 3, "draft": 3, "minutes": None}}


def test_a_new_word_is_newly_matched_and_an_old_one_no_longer(here: Scene, tmp_path: Path) -> None:
    here.accept(*(post("A zorgblat came by.") for _ in range(3)), post("A flumquist did."))
    here.work()
    draft = write(tmp_path / "draft", {"rules.yaml": RULES, "terms/bad.txt": "flumquist\n"})
    told = figures(here.haven, wish(draft))
    assert told["changes"] == {"newly": 1, "no longer": 3}
    one = told["rules"]["bad-words"]
    assert (one["now"], one["draft"], one["newly"], one["gone"]) == (3, 1, 1, 3)
    assert told["clauses"] == {"kind": {"now": 3, "draft": 1}}


def test_a_small_number_is_never_hidden_alone() -> None:
    """From the total, which is told, and from the others it could be worked out."""
    for numbers, shown in (
        ([50, 3, 0], [None, None, 0]),
        ([40, 0, 3], [None, 0, None]),
        ([3, 0], [None, None]),
        ([2, 3, 9], [None, None, 9]),
        ([7, 0], [7, 0]),
    ):
        cells = {str(place): Cell(events=n) for place, n in enumerate(numbers)}
        assert [one.events for one in hidden(cells).values()] == shown
