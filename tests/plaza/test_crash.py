"""Plaza is killed again and again; every question still gets its answer, once."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import urllib3
from plaza_scene import SECRET, Double, Visitor, until

from ports import free_port


def _start(home: Path, haven: str, port: int) -> subprocess.Popen[bytes]:
    env = os.environ | {
        "OPENHAVEN_URL": haven, "OPENHAVEN_KEY": "oh_key", "OPENHAVEN_WEBHOOK_SECRET": SECRET,
        "PLAZA_HOME": str(home), "PLAZA_PORT": str(port), "PLAZA_GENERATOR": "0",
    }  # fmt: skip
    return subprocess.Popen([sys.executable, "-m", "plaza"], env=env)


def _answers(port: int) -> bool:
    try:
        return (
            urllib3.request("GET", f"http://127.0.0.1:{port}/healthz", retries=False).status == 200
        )
    except urllib3.exceptions.HTTPError:
        return False


def _write(site: Visitor, number: int) -> str:
    """Post something; returns its text when Plaza said that it has it."""
    text = f"post number {number}"
    try:
        site.send("/join", name=f"N{number}", age_band="unknown", country="IE", language="en")
        page = site.send("/posts", text=text)
    except urllib3.exceptions.HTTPError:
        return ""
    return text if text in page else ""


def test_killed_at_any_moment_nothing_acknowledged_is_lost(double: Double, home: Path) -> None:
    chance, port, kept = random.Random(7), free_port(), []
    for round_ in range(4):
        process = _start(home, double.url, port)
        until(lambda: _answers(port))
        double.mood = chance.choice(["fine", "broken", "slow"])
        site, end = Visitor(f"http://127.0.0.1:{port}"), time.monotonic() + chance.uniform(0.2, 0.8)
        number = 0
        while time.monotonic() < end:
            kept.append(_write(site, round_ * 1000 + number))
            number += 1
        process.send_signal(signal.SIGKILL)
        process.wait()
    double.mood = "fine"
    process = _start(home, double.url, port)
    db = sqlite3.connect(home / "plaza.sqlite")
    until(lambda: db.execute("SELECT count(*) FROM outbox").fetchone() == (0,))
    process.terminate()
    assert process.wait(300) is not None
    known = {event["item"]["text"] for event in double.events.values() if "item" in event}
    told = {text for text in kept if text}
    assert told
    assert told <= known
    unanswered = db.execute("SELECT count(*) FROM items WHERE outcome IS NULL").fetchone()
    assert unanswered == (0,)
