"""docs/rules.md is done, step by step: its files are written, its commands run, its tables true."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from docs_scene import ROOT, rows

from openhaven import staff
from openhaven.core import HARMS, system
from openhaven.core.words import OUTCOMES
from openhaven.line import Haven
from openhaven.policy import Rule, Then, load, shipped
from openhaven.policy.commands import pack as commands
from openhaven.policy.conditions import Condition, compile_condition
from openhaven.policy.examples import Example
from openhaven.policy.folder import FILES
from openhaven.policy.vocabulary import FUNCTIONS, declare

PAGE = ROOT / "docs" / "rules.md"
TEXT = PAGE.read_text("utf-8")
STEP = re.compile(
    r"(?:^\*\*`(?P<file>[^`]+)`\*\*\n\n)?^```(?P<kind>\w*)\n(?P<body>.*?)^```", re.S | re.M
)
DRAFT = re.compile(r"\bdra_\w+")
MARK = re.compile(r"sha256:\w{64}")


def steps() -> Iterator[tuple[str, str, str]]:
    """Yield kind, file and text of each fenced block; each file or command is a step."""
    for match in STEP.finditer(TEXT):
        yield match["kind"], match["file"] or "", match["body"]


def calls(block: str) -> Iterator[tuple[list[str], str, list[str]]]:
    """Yield the words of each command, what goes in, and the lines that it shows."""
    for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, shown = step.partition("\n")
        before, _, after = command.rpartition(" | ")
        typed = before.removeprefix("echo ")
        yield shlex.split(after), typed, shown.splitlines()


def missing(shown: list[str], printed: str) -> list[str]:
    """Return the lines that were not printed, in this order; `…` stands for anything."""
    left, lost = printed.splitlines(), []
    for line in shown:
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        at = next((n for n, one in enumerate(left) if re.fullmatch(pattern, one)), None)
        if at is None:
            lost.append(line)
        else:
            left = left[at + 1 :]
    return lost


@pytest.fixture
def office(haven: Haven) -> Haven:
    """Return a house with the two people of the page."""
    with haven.db.begin(system("tests")) as tx:
        for name in ("anna", "ben"):
            staff.create(tx, name, ("policy",))
    return haven


def test_the_page_is_done_step_by_step(
    office: Haven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    draft, mark, done = "", "", 0
    for kind, file, body in steps():
        if kind == "console":
            for words, typed, shown in calls(body):
                assert words[:2] == ["openhaven", "pack"], words
                known = {"DRAFT": draft, "FINGERPRINT": mark}
                given = [known.get(word, word) for word in words[2:]]
                result = CliRunner().invoke(commands, given, input=typed + "\n", obj=office)
                found = DRAFT.findall(result.output)
                draft = found[0] if found else draft
                mark = next(iter(MARK.findall(result.output)), mark)
                printed = DRAFT.sub("DRAFT", result.output)
                assert missing(shown, printed) == [], (words, result.output, result.exception)
                wrong = any(": There is no name" in line for line in shown)
                assert result.exit_code == int(wrong), (words, result.output)
                done += 1
        elif kind != "cel":
            assert file, f"A block that is not tried: {body[:60]}"
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, "utf-8")
            done += 1
    assert done >= 20
    assert load(tmp_path / "town-rules").term_lists["party_words"]


def test_every_condition_of_the_page_compiles(tmp_path: Path) -> None:
    for _, file, body in steps():
        if file and not file.endswith("rules.yaml"):
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, "utf-8")
    vocabulary = load(tmp_path / "town-rules").vocabulary
    (lines,) = [body.splitlines() for kind, _, body in steps() if kind == "cel"]
    made = {line: compile_condition(line, vocabulary) for line in lines}
    assert [line for line, one in made.items() if not isinstance(one, Condition)] == []


def cells(table: list[list[str]]) -> list[str]:
    return [row[0].strip("`") for row in table]


def test_all_words_are_listed() -> None:
    table = rows(PAGE, "word", "what it is", "when nothing is known")
    names = list(declare((), (), ()).types)
    assert cells(table) == [one for one in names if not one.startswith("behaviour.")]


def test_all_signs_are_listed() -> None:
    table = rows(PAGE.with_name("behaviour.md"), "sign", "what shows it")
    assert {f"behaviour.{one}" for one in cells(table)} == {
        one for one in declare((), (), ()).types if one.startswith("behaviour.")
    }


def test_all_functions_are_listed() -> None:
    said = re.search(r"there are these functions: (.*?)\.\n", TEXT, re.S)
    assert said
    assert re.findall(r"`(\w+)`", said[1]) == list(FUNCTIONS)


def test_all_that_a_rule_may_say_is_listed() -> None:
    part = TEXT.split("## All that a rule may say")[1]
    fields = re.findall(r"^\| `(\w+)` \| ", part.split("| harm |")[0], re.M)
    assert fields == [*Rule.__struct_fields__, *Then.__struct_fields__]
    outcomes = re.search(r"^\| `outcome` \| (.*?)\. Begin", part, re.M)
    assert outcomes
    assert re.findall(r"`(\w+)`", outcomes[1]) == list(OUTCOMES)


def test_all_harms_are_listed_with_their_help() -> None:
    table = rows(PAGE, "harm", "in words", "help that is shown")
    said = [(row[0].strip("`"), row[1], tuple(re.findall(r"`([\w-]+)`", row[2]))) for row in table]
    assert said == [(one.code, one.words, one.help) for one in HARMS.values()]


def test_all_packs_and_all_files_of_a_pack_are_listed() -> None:
    assert sorted(cells(rows(PAGE, "pack", "about"))) == list(shipped())
    named = set(
        re.findall(
            r"`([^`]+)`", " ".join(row[0] for row in rows(PAGE, "file", "what stands in it"))
        )
    )
    assert set(FILES) <= named


def test_the_page_speaks_of_what_examples_can_say() -> None:
    used = {field for field in Example.__struct_fields__ if re.search(rf"^  {field}:", TEXT, re.M)}
    assert {"event", "before", "counters", "must_match", "must_not_match", "topic"} <= used
