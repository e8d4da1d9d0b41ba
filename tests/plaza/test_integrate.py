"""docs/integrate.md is true: its commands run, its answers are those of the real Openhaven."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import types
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from plaza_scene import Site, Visitor, deliver, until
from plaza_town import Town

from plaza import pictures
from plaza.openhaven import OUTBOX, Openhaven, Outbox
from ports import free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "integrate.md"
BLOCKS = re.findall(r"```(sh|json|python)\n(.*?)```", PAGE.read_text("utf-8"), re.S)


def _fits(shown: Any, real: Any) -> bool:
    """Say whether an answer has what the page shows; `…` stands for any text."""
    if isinstance(shown, dict):
        return all(name in real and _fits(value, real[name]) for name, value in shown.items())
    if isinstance(shown, list) and shown != []:
        return all(_fits(a, b) for a, b in zip(shown, real, strict=False)) and bool(real)
    if isinstance(shown, str) and "…" in shown:
        return not isinstance(real, str) or real.startswith(shown.partition("…")[0])
    return bool(shown == real)


def test_every_call_on_the_page_answers_as_shown(town: Town, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(pictures.planted())
    settings = town.plaza.settings
    env = os.environ | {"OPENHAVEN_URL": settings.openhaven_url,
                        "OPENHAVEN_KEY": settings.openhaven_key}  # fmt: skip
    calls = 0
    for (kind, command), (_, shown) in pairwise(BLOCKS):
        if kind != "sh" or not command.startswith("curl"):
            continue
        done = subprocess.run(["bash", "-c", command], env=env, cwd=tmp_path, text=True,
                              capture_output=True, timeout=300, check=True)  # fmt: skip
        real = json.loads(done.stdout)
        assert _fits(json.loads(shown), real), (command, shown, real)
        if "DECISION" not in env and (decision := real.get("decision")):
            env["DECISION"] = decision
            with town.haven.db.read() as tx:
                sql = "SELECT id FROM acts WHERE decision = %(d)s AND verb = 'block'"
                env["ACT"] = tx.value(sql, d=decision)
        calls += 1
    assert calls == len(re.findall(r"^curl ", PAGE.read_text("utf-8"), re.M)) == 7


def test_the_commands_of_the_page_print_a_secret_and_a_key(
    database_url: str, tmp_path: Path
) -> None:
    env = os.environ | {"OPENHAVEN_DATABASE_URL": database_url, "OPENHAVEN_HOME": str(tmp_path)}
    command = next(text for kind, text in BLOCKS if kind == "sh" and text.startswith("openhaven"))
    command = re.sub(r"^openhaven ", f"{sys.executable} -m openhaven ", command, flags=re.M)
    done = subprocess.run(["bash", "-ec", command], env=env, text=True, capture_output=True,
                          timeout=300, check=True)  # fmt: skip
    secret, key = done.stdout.split()
    assert secret.startswith("whsec_")
    assert key.startswith("oh_")


@pytest.fixture
def receiver(town: Town, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Return the receiver of the page, as a module."""
    monkeypatch.setenv("OPENHAVEN_URL", town.plaza.settings.openhaven_url)
    monkeypatch.setenv("OPENHAVEN_KEY", town.plaza.settings.openhaven_key)
    monkeypatch.setenv("OPENHAVEN_WEBHOOK_SECRET", town.plaza.settings.webhook_secret)
    code = next(text for kind, text in BLOCKS if kind == "python" and "Starlette(" in text)
    module = types.ModuleType("receiver")
    exec(compile(code, "integrate.md", "exec"), module.__dict__)
    return module


def test_the_receiver_of_the_page_works(town: Town, receiver: types.ModuleType) -> None:
    Visitor(town.plaza.url).be("v-alex").send("/posts", text="zorgblat")
    until(lambda: ("remove", "done") in town.acts())
    with town.haven.db.read() as tx:
        row = tx.rows("SELECT id, decision, target FROM acts WHERE verb = 'remove'")[0]
    act = {"id": row["id"], "verb": "remove", "subject": row["target"],
           "decision": row["decision"], "until": None, "reverses": None}  # fmt: skip
    port, secret = free_port(), town.plaza.settings.webhook_secret
    site = Site(receiver.app, port)
    try:
        url = f"http://127.0.0.1:{port}/openhaven/acts"
        assert deliver(url, act, secret) == 202
        assert receiver.hidden == {act["id"]: act["subject"]["item"]}
        assert deliver(url, act, secret, body=b"{}") == 401
    finally:
        site.stop()


def test_the_outbox_snippet_stores_both_or_nothing(tmp_path: Path) -> None:
    code = next(text for kind, text in BLOCKS if kind == "python" and "def publish" in text)
    module: dict[str, Any] = {}
    exec(code, module)
    db = sqlite3.connect(tmp_path / "shop.sqlite", isolation_level=None)
    db.executescript(OUTBOX + "CREATE TABLE posts (body BLOB)")

    @contextmanager
    def begin():  # type: ignore[no-untyped-def]
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")

    outbox = Outbox(begin, Openhaven("http://127.0.0.1:1", "oh_x"), None)  # type: ignore[arg-type]
    with begin() as transaction:
        module["publish"](transaction, outbox, b"{}")
    letter = outbox.about("i9")
    assert letter is not None
    assert not outbox.send(letter)
    assert outbox.about("i9") is not None
    assert db.execute("SELECT count(*) FROM posts").fetchone() == (1,)


def test_the_file_to_copy_stands_alone() -> None:
    """`openhaven.py` imports nothing of Plaza, so that a copy of it works."""
    source = (PAGE.parents[1] / "src" / "plaza" / "openhaven.py").read_text("utf-8")
    assert "plaza" not in source.lower()
    assert "openhaven" not in "".join(re.findall(r"^from (\S+)", source, re.M))
    assert sys.version_info >= (3, 11)
