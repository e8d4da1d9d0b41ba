"""docs/client.md is true: its code runs from top to bottom and prints what it shows."""

import contextlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from protection_scene import asking

if TYPE_CHECKING:
    from openhaven.line import Haven

PAGE = Path(__file__).resolve().parents[2] / "docs" / "client.md"
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_page_runs_as_it_stands(haven: "Haven", monkeypatch: pytest.MonkeyPatch) -> None:
    space: dict[str, Any] = {}
    printed, shown = io.StringIO(), ""
    with asking(haven) as asker:
        monkeypatch.setenv("OPENHAVEN_URL", asker.place.url)
        monkeypatch.setenv("OPENHAVEN_KEY", asker.scene.key)
        for kind, text in BLOCKS:
            if kind == "text":
                shown += text
                assert printed.getvalue() == shown
                continue
            with contextlib.redirect_stdout(printed):
                exec(compile(text, str(PAGE), "exec"), space)
    assert printed.getvalue() == shown
    assert len(BLOCKS) == 14
