"""A back-test whose process died goes on where it was; a cancelled one says what it knows."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from backtest_scene import HERE, ME, begun, found, run_with, wish
from line_scene import Scene, event, scene
from policy_scene import write

from openhaven.core import new_id
from openhaven.line import Haven
from openhaven.policy import backtest, load
from openhaven.policy.backtest import Tender, jobs

SEED = 20_261_122
WORDS = ("lake", "zorgblat", "and", "flumquist", "go", "home", "today", "with", "us", "all")
COUNTERS = """posts:
  distinct: item.id
  by: account.id
  on: [post.create]
  in: [1h, 1d]
"""
RULES = """- id: bad-words
  clause: kind
  on: [post.create]
  when: terms.bad
  then: {outcome: review, harm: harassment, queue: care}
- id: many
  clause: spam
  on: [post.create]
  when: terms.worse && counters.posts.in_1h > 2
  then: {outcome: remove, harm: spam}
  daily_cap: 20
"""


def pack(folder: Path) -> Path:
    return write(folder, {"rules.yaml": RULES, "counters.yaml": COUNTERS})


@pytest.fixture
def here(haven: Haven, tmp_path: Path) -> Scene:
    only_words = RULES.partition("- id: many")[0]
    run_with(haven, load(write(tmp_path / "running", {"rules.yaml": only_words})))
    return scene(haven)


def happened(here: Scene, number: int) -> None:
    """Let so many posts have happened, made from a seed, which the line found nothing in."""
    dice = random.Random(SEED)
    here.accept(event(id="first"))
    here.work()
    verdict = json.dumps({**here.verdict("first"), "event": "x"})
    for begin in range(0, number, 2_000):
        bodies = [
            event(
                account={"id": f"a{dice.randrange(200)}", "age_band": "unknown"},
                item={
                    "id": new_id("i"),
                    "type": "post",
                    "text": " ".join(dice.choices(WORDS, k=8)),
                },
            )
            for _ in range(min(2_000, number - begin))
        ]
        here.accept(*bodies)
        with here.haven.db.begin(ME) as tx:
            tx.run("""UPDATE events SET state = 'done', outcome = 'allow', done_at = now(),
                        verdict = %(v)s::jsonb WHERE state = 'received'""", v=verdict)  # fmt: skip


def told(haven: Haven, number: str) -> tuple[dict[str, Any], Any]:
    """Return the figures of a back-test that is done, without its duration, and its examples."""
    done = found(haven, number)
    assert done.state == "done", done
    assert done.figures is not None
    with haven.db.read() as tx:
        return {**done.figures, "seconds": 0}, backtest.examples(tx, number)


class Died(BaseException):
    """Stands for the sudden end of a process."""


def dying(here: Scene) -> Callable[[int, int], None]:
    """Return what kills the process once it has come further than it was."""
    before = saved(here)

    def tell(_done: int, _total: int) -> None:
        if saved(here) > before:
            raise Died

    return tell


def test_after_a_death_it_goes_on_and_the_figures_are_the_same(
    here: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened(here, 2_500)
    asked = wish(pack(tmp_path / "draft"))
    straight = begun(here.haven, asked)
    backtest.run(here.haven.db, straight, HERE)
    monkeypatch.setattr(jobs, "EVERY_S", 0.0)
    monkeypatch.setattr(jobs, "SAVE_S", 0.0)
    number = begun(here.haven, asked)
    steps = []
    # More deaths than a back-test may have, but each time it has come further.
    for _ in range(4):
        with pytest.raises(Died):
            backtest.run(here.haven.db, number, HERE, progress=dying(here))
        steps.append(saved(here))
        with here.haven.db.begin(ME) as tx:
            tx.run("UPDATE backtests SET heard_at = now() - interval '1 minute' WHERE id = %(n)s",
                   n=number)  # fmt: skip
            assert backtest.claim(tx, HERE) == number
    assert steps == sorted(set(steps))
    backtest.run(here.haven.db, number, HERE)
    assert told(here.haven, number) == told(here.haven, straight)
    assert here.rows("SELECT 1 FROM backtest_progress") == []


def saved(here: Scene) -> int:
    rows = here.rows("SELECT after FROM backtest_progress")
    return rows[0]["after"] if rows else 0


def test_one_that_is_given_back_goes_on_elsewhere(here: Scene, tmp_path: Path) -> None:
    happened(here, 1_300)
    number = begun(here.haven, wish(pack(tmp_path / "draft")))
    asked = iter([False, False, True])
    original, jobs.EVERY_S = jobs.EVERY_S, 0.0
    try:
        backtest.run(here.haven.db, number, HERE, stopping=lambda: next(asked, True))
    finally:
        jobs.EVERY_S = original
    assert found(here.haven, number).state == "waiting"
    with here.haven.db.begin(ME) as tx:
        assert backtest.claim(tx, HERE) == number
    assert backtest.run(here.haven.db, number, HERE) == "done"
    assert told(here.haven, number)[0]["events"] == 1_301


def test_progress_of_another_version_is_begun_anew(here: Scene, tmp_path: Path) -> None:
    happened(here, 50)
    number = begun(here.haven, wish(pack(tmp_path / "draft")))
    with here.haven.db.begin(ME) as tx:
        tx.run("INSERT INTO backtest_progress VALUES (%(n)s, 7, '\\x80')", n=number)
    assert backtest.run(here.haven.db, number, HERE) == "done"
    assert told(here.haven, number)[0]["events"] == 51


def test_one_that_is_cancelled_says_what_it_knows(
    here: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened(here, 1_300)
    number = begun(here.haven, wish(pack(tmp_path / "draft")))
    monkeypatch.setattr(jobs, "EVERY_S", 0.0)

    def cancel(done: int, _total: int) -> None:
        if done >= 800:
            with here.haven.db.begin(ME) as tx:
                backtest.ask_cancel(tx, number)

    assert backtest.run(here.haven.db, number, HERE, progress=cancel) == "cancelled"
    done = found(here.haven, number)
    assert done.figures is not None
    assert 0 < done.figures["events"] < 1_301
    assert done.figures["evaluated"] == done.figures["events"]


@pytest.fixture
def many(here: Scene) -> int:
    number = int(os.environ.get("BACKTEST_EVENTS", "15000"))
    happened(here, number)
    return number + 1


@pytest.fixture
def tender(here: Scene) -> Iterator[Tender]:
    made = Tender(here.haven.db, here.haven.settings.home)
    yield made
    made.stop()


def until(true: Callable[[], object], seconds: float = 600.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_events_survive_kills_and_an_interrupt(
    here: Scene, many: int, tender: Tender, tmp_path: Path
) -> None:
    draft = pack(tmp_path / "draft")
    asked = wish(draft)
    straight = begun(here.haven, asked)
    backtest.run(here.haven.db, straight, HERE)
    with here.haven.db.begin(ME) as tx:
        number = backtest.start(tx, asked)
    reached = 0
    for _ in range(2):
        until(lambda: tender.tend() == 0 and (tender.pid or ended(here, number)))
        until(lambda before=reached: ended(here, number) or saved(here) > before)
        if (pid := tender.pid) is not None and not ended(here, number):
            reached = saved(here)
            os.kill(pid, signal.SIGKILL)
            until(lambda: tender.pid is None)
    until(lambda: tender.tend() == 0 and ended(here, number))
    assert told(here.haven, number) == told(here.haven, straight)
    assert told(here.haven, number)[0]["events"] == many
    interrupted(here, draft)


def ended(here: Scene, number: str) -> bool:
    return found(here.haven, number).ended_at is not None


def interrupted(here: Scene, draft: Path) -> None:
    """Run the command, press Ctrl-C, and see that it ends cleanly with what is known."""
    code = "import sys; from openhaven.__main__ import main; sys.exit(main())"
    ours = {"OPENHAVEN_HOME": str(here.haven.settings.home.resolve()),
            "OPENHAVEN_DATABASE_URL": here.haven.db.url}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", code, "pack", "backtest", str(draft), "--from", "2026-01-01"],
        env={**os.environ, **ours}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(
        lambda: (
            process.poll() is not None
            or any(one.state == "running" and one.done > 400 for one in latest(here))
        )
    )
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    newest = latest(here)[0]
    assert newest.state == "cancelled", (out, err)
    assert f"It was cancelled after {newest.done} of {newest.total} events" in out
    assert "Traceback" not in err
    assert process.returncode == 1


def latest(here: Scene) -> list[backtest.Backtest]:
    with here.haven.db.read() as tx:
        return backtest.latest(tx)
