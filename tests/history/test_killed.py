"""A worker is killed in the middle of counting: every event counts once, whatever the moment."""

import time
from pathlib import Path

import msgspec
import pytest
from history_scene import HISTORY_PACK
from line_house import House, stopping
from line_scene import Scene, event, scene

from openhaven import history, intake
from openhaven.core import new_id, system
from openhaven.intake import Event
from openhaven.line import Haven
from openhaven.storage import Settings

pytestmark = pytest.mark.slow
DEATHS = [
    ("openhaven.history.actions:_taken", "after"),
    ("openhaven.history.actions:_write", "before"),
    ("openhaven.history.actions:_write", "after"),
    ("openhaven.history:count", "after"),
    ("openhaven.intake:record", "after"),
]
EACH, ACCOUNTS = 12, 3


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings in which a pack that counts posts is in force, in every process."""
    folder = tmp_path / "pack"
    folder.mkdir()
    for name, text in HISTORY_PACK.items():
        (folder / name).write_text(text)
    return Settings(home=tmp_path / "home", service_name="Testplace", pack=str(folder))


@pytest.fixture
def here(haven: Haven) -> Scene:
    return scene(haven)


def test_a_worker_that_is_killed_while_it_counts_loses_and_repeats_nothing(here: Scene) -> None:
    house = House(here)
    sent = 0
    for target, when in DEATHS:
        here.accept(*(_post(number) for number in range(EACH)))
        sent += EACH
        worker = house.start("work", (target, when, 1))
        try:
            assert worker.wait(timeout=300) == -9, (target, when)
        finally:
            worker.kill()
            worker.wait()
        assert _waiting(here) > 0, "what was under way waits again"
    with stopping(house.start("work")):
        end = time.monotonic() + 300
        while _waiting(here) and time.monotonic() < end:
            time.sleep(0.1)
    assert _waiting(here) == 0
    assert _totals(here) == dict.fromkeys(_names(), sent // ACCOUNTS)


def _names() -> list[str]:
    return [f"a{number}" for number in range(ACCOUNTS)]


def _post(number: int) -> dict[str, object]:
    return event(account={"id": f"a{number % ACCOUNTS}"})


def _waiting(here: Scene) -> int:
    return int(here.rows("SELECT count(*) AS n FROM events WHERE state <> 'done'")[0]["n"])


def _totals(here: Scene) -> dict[str, int]:
    """Return how many posts are counted for each account, without the one that asks."""
    asking = [msgspec.convert(event(id=new_id("t"), account={"id": one}), Event)
              for one in _names()]  # fmt: skip
    claimed = [intake.Claimed(10_000 + at, here.platform, "per", one, True)
               for at, one in enumerate(asking)]  # fmt: skip
    counters = [msgspec.structs.replace(one, asked=one.on)
                for one in here.haven.packs.current.counters]  # fmt: skip
    with here.haven.db.begin(system("test")) as tx:
        values = history.count(tx, claimed, counters)
    return {one.account.id: int(told["posts.in_1d"]) - 1
            for one, told in zip(asking, values, strict=True)}  # fmt: skip
