"""docs/counters.md is true: its files make a pack whose examples hold, its tables are complete."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from docs_scene import ROOT, rows

from openhaven import history
from openhaven.core import system
from openhaven.history.commands import counters
from openhaven.line import Haven
from openhaven.policy import Pack, load, measure_with, run_examples
from openhaven.policy.counted import NAMES
from openhaven.policy.counters import KINDS, read_counters
from openhaven.policy.places import PackError, Source

PAGE = ROOT / "docs" / "counters.md"
FILES = re.compile(r"^\*\*`([^`]+)`\*\*\n\n```yaml\n(.*?)^```", re.S | re.M)
OWN = {
    "pack.toml": 'name = "page"\nversion = "1.0.0"\nowner = "The page"\n'
    'languages = ["en"]\njurisdictions = ["*"]\n',
    "policy.md": "# Rules\n\n## Strangers {#strangers}\nGround: terms, a rule\n\nKeep away.\n",
}


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Return the pack that the files of the page make; a file may come in several parts."""
    texts = dict(OWN)
    for name, text in FILES.findall(PAGE.read_text("utf-8")):
        texts[name] = texts.get(name, "") + text
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return load(tmp_path)


def test_the_examples_of_the_page_hold(pack: Pack) -> None:
    tried = run_examples(pack, measure_with(pack))
    assert len(tried) == 2
    assert [one.fault for one in tried] == ["", ""]


def test_the_tables_are_complete_and_their_examples_sound() -> None:
    kinds = rows(PAGE, "kind", "what it answers")
    assert {row[0].strip("`") for row in kinds} == set(KINDS)
    names = [row[0].strip("`") for row in rows(PAGE, "name", "what it is")]
    assert set(names) == {*NAMES, "pair", "context.<name>"}
    errors: list[PackError] = []
    for number, (_, _, said) in enumerate(kinds):
        once = "seen" in said or "since" in said
        text = f"x{number}: {{{said.strip('`')}, by: pair, on: [post.create]"
        text += "}" if once else ", in: 1h}"
        assert len(read_counters(Source("counters.yaml", text), errors, {})) == 1
    for number, name in enumerate(names):
        key = name.replace("<name>", "room")
        text = f"x{number}: {{count: events, by: {key}, on: [post.create], in: 366d}}"
        assert len(read_counters(Source("counters.yaml", text), errors, {})) == 1
    assert errors == []


def test_the_command_shows_what_the_page_says(pack: Pack, haven: Haven) -> None:
    with haven.db.begin(system("test")) as tx:
        history.begin(tx, pack.counters)
    shown = CliRunner().invoke(counters, ["show"], obj=haven).output
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE.read_text("utf-8"), re.S | re.M)
    command, *lines = block.splitlines()
    assert command == "$ openhaven counters show"
    for line in lines[:2]:
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        assert re.search(f"^{pattern}$", shown, re.M), line
