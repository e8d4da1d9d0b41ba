"""A process that is killed while it reads a source leaves a whole page or nothing of it."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from doubles import NcmecDouble, serving, until
from exchange_scene import Scene, due, hexed

from openhaven.storage import Database

pytestmark = pytest.mark.slow
CHILD = Path(__file__).with_name("fetch_child.py")
ENTRIES, SEED = 60, 20261122
UNDER_WAY = """SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
               AND pid <> pg_backend_pid() AND state <> 'idle'"""


class Slow(NcmecDouble):
    """The service, at a pace at which one can be killed between two pages."""

    def answer(self, asked):  # type: ignore[no-untyped-def]
        time.sleep(0.01)
        return super().answer(asked)


def test_killed_at_any_page_it_loses_nothing_and_repeats_nothing(
    db: Database, database_url: str
) -> None:
    scene, double, dice = Scene(db), Slow(size=2), random.Random(SEED)
    for number in range(ENTRIES):
        double.put(f"e{number}", f"2026-01-01T00:{number:02}:00Z", md5=hexed(number))
    with serving(double) as url:
        login = {"user": "us", "password": "secret"}
        scene.connect("centre", "ncmec", url, credentials=login)
        progress = []
        for _ in range(8):
            before = len(double.asked)
            child = subprocess.Popen([sys.executable, str(CHILD), database_url, "centre"])
            until(lambda before=before: len(double.asked) > before)  # type: ignore[misc]
            time.sleep(dice.uniform(0, 0.12))
            child.kill()
            child.wait(300)
            # What it had sent before its end is still done by the database.
            until(lambda: not scene.rows(UNDER_WAY))
            source = scene.source("centre")
            progress.append(source.pages)
            # Each page that was stored is there with all its entries, and none of the next one.
            assert len(scene.alive("centre-md5")) == min(source.pages * 2, ENTRIES)
            changes = scene.rows("SELECT count(*) AS n FROM bank_changes WHERE entry IS NOT NULL")
            assert changes[0]["n"] == min(source.pages * 2, ENTRIES)
            due(scene, "centre")
        scene.fetch("centre")
    assert progress == sorted(progress)
    assert progress[-1] > 0
    assert scene.alive("centre-md5") == {hexed(n) for n in range(ENTRIES)}
    assert len(scene.rows("SELECT 1 FROM bank_entries")) == ENTRIES
