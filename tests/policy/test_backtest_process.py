"""The process that works on back-tests: started when one waits, killed, ended, called by hand."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from backtest_scene import ME, RULES, found, run_with, wish
from click.testing import CliRunner
from line_scene import Scene, post, scene
from policy_scene import write

from openhaven.core import utcnow
from openhaven.line import Haven
from openhaven.policy import backtest, load
from openhaven.policy.backtest import Tender
from openhaven.policy.backtest.commands import backtest_command, backtests_command


@pytest.fixture
def here(haven: Haven, tmp_path: Path) -> Scene:
    run_with(haven, load(write(tmp_path / "running", {"rules.yaml": RULES})))
    place = scene(haven)
    place.accept(*(post("A zorgblat came by.") for _ in range(4)))
    place.work()
    return place


@pytest.fixture
def tender(here: Scene) -> Iterator[Tender]:
    made = Tender(here.haven.db, here.haven.settings.home)
    yield made
    made.stop()


def asked(here: Scene) -> str:
    with here.haven.db.begin(ME) as tx:
        return backtest.start(tx, wish(here.haven.packs.current))


def until(true: Callable[[], object], seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_process_is_started_of_the_lowest_priority_and_ends_by_itself(
    here: Scene, tender: Tender
) -> None:
    assert tender.tend() == 0
    assert tender.pid is None
    number = asked(here)
    tender.tend()
    pid = tender.pid
    assert pid is not None
    until(lambda: tender.pid is None or os.getpriority(os.PRIO_PROCESS, pid) == 19)
    until(lambda: found(here.haven, number).state == "done")
    until(lambda: tender.pid is None)


def test_one_that_was_killed_is_taken_again(here: Scene, tender: Tender) -> None:
    number = asked(here)
    tender.tend()
    assert tender.pid is not None
    # Killed in the middle of its work: what it had claimed stands as running, under its name.
    with here.haven.db.begin(ME) as tx:
        assert backtest.claim(tx, tender._runner) == number
    os.kill(tender.pid, signal.SIGKILL)
    until(lambda: tender.pid is None)
    tender.tend()
    until(lambda: tender.tend() == 0 and found(here.haven, number).state == "done")
    assert found(here.haven, number).attempts == 2


def test_when_the_parent_ends_the_process_does(here: Scene, tender: Tender) -> None:
    asked(here)
    tender.tend()
    pid = tender.pid
    assert pid is not None
    tender.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_command_tries_a_pack_and_lists_it(here: Scene, tmp_path: Path) -> None:
    draft = write(tmp_path / "draft", {"rules.yaml": RULES, "terms/bad.txt": "flumquist\n"})
    begin = (utcnow() - timedelta(hours=1)).isoformat()
    nice = os.nice(0)
    answer = CliRunner().invoke(backtest_command, [str(draft), "--from", begin], obj=here.haven)
    assert answer.exit_code == 0, answer.output
    assert os.nice(0) in (nice, 19)
    assert "4 events would end otherwise: 4 no longer acted on." in answer.output
    assert "zorgblat" not in answer.output
    listed = CliRunner().invoke(backtests_command, [], obj=here.haven)
    assert "done" in listed.output
    unsaid = CliRunner().invoke(
        backtest_command, [str(draft), "--from", begin, "--show"], obj=here.haven
    )
    assert unsaid.exit_code == 2
