"""What the documentation names exists, and is what the documentation says."""

import ast
import re
import shlex
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import yaml
from docs_scene import (
    OPERATIONS,
    PAGES,
    ROOT,
    SOURCE,
    anchors,
    blocks,
    links,
    name,
    prose,
    quoted,
    rows,
)

from openhaven.cli import VERBS, cli
from openhaven.core.permissions import GRANTS
from openhaven.core.words import AgeBand, Outcome, Verb
from openhaven.decisions.model import APPEAL_WINDOW
from openhaven.storage import Settings

HAVEN = SOURCE / "openhaven"
ROOMS = sorted(path.parent.name for path in HAVEN.glob("*/__init__.py"))
DEPLOY = sorted((ROOT / "docs" / "deploy").iterdir())
# The words of the project, each with one meaning.
WORDS = """event, item, account, entity, signal, finding, bank, feature, rule, policy, pack,
verdict, report, case, task, queue, judgement, decision, statement of reasons, act, notice, appeal,
filing, hold, evidence item, custody event, indicator, strike, severity, ledger entry, checkpoint,
receipt, platform, clause, outcome, seal, commitment, connector, lease, erase, retention, actor,
room, level, door, line, spine, leaf, face, home"""

pages = pytest.mark.parametrize("page", PAGES, ids=name)


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return everything that a module defines: functions, classes, methods, constants."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {one.id for one in node.targets if isinstance(one, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return frozenset(found)


@cache
def strings() -> frozenset[str]:
    """Return every text constant of the source."""
    trees = (ast.parse(path.read_text("utf-8")) for path in HAVEN.rglob("*.py"))
    return frozenset(
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


# Links, files, names ----------------------------------------------------------------------------


@pages
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for _, target in links(page):
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            wrong.append(target)
    assert wrong == []


@pages
def test_what_a_link_names_is_defined_there(page: Path) -> None:
    wrong = []
    for text, target in links(page):
        said = re.fullmatch(r"`([A-Za-z_.]+)`", text)
        if said is None or not target.endswith(".py") or said[1].endswith(".py"):
            continue
        if not set(said[1].split(".")) <= names_in((page.parent / target).resolve()):
            wrong.append(f"{text} in {target}")
    assert wrong == []


@pages
def test_files_exist(page: Path) -> None:
    made = {"receiver.py"}
    files = {path.name for path in ROOT.glob("src/**/*.*")} | {path.name for path in DEPLOY}
    wrong = []
    for word in quoted(page):
        if not re.fullmatch(r"[\w@./-]+\.(py|sql|html|service|timer)", word) or word in made:
            continue
        places = (ROOT, SOURCE, HAVEN, page.parent)
        if not any((place / word).exists() for place in places) and word not in files:
            wrong.append(word)
    assert wrong == []


@pages
def test_names_of_rooms_are_public(page: Path) -> None:
    wrong = []
    for word in quoted(page):
        said = re.fullmatch(r"([a-z]+)\.([a-z_]+)(?:\(\))?", word)
        if said is None or said[1] not in ROOMS or said[2] in ("py", "sql"):
            continue
        # A group of settings may have the name of the room that it is for.
        known = word in strings() or word in defaults(Settings())
        if not known and not hasattr(import_module(f"openhaven.{said[1]}"), said[2]):
            wrong.append(word)
    assert wrong == []


# Commands and variables -------------------------------------------------------------------------


def command(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that these words call, and what is left of them."""
    found: click.Command = cli
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        inner = found.get_command(click.Context(found), words[0])
        assert inner is not None, f"there is no command {words[0]}"
        found, words = inner, words[1:]
    return found, words


def called(text: str) -> list[str]:
    """Return every call of the command line in a text: in backticks, in blocks, in units."""
    text = text.replace("\\\n", " ")
    found = re.findall(r"`openhaven ([^`]+)`", text)
    found += re.findall(
        r"^(?:\$ |ExecStart=)?(?:\S*=\S+ )*(?:\S*/)?openhaven ([a-z].*)$", text, re.M
    )
    found += re.findall(r"bin/openhaven ((?!%)[a-z][^'\n]*)", text)
    return found


@pytest.mark.parametrize("page", [*PAGES, *DEPLOY], ids=name)
def test_commands_exist(page: Path) -> None:
    for call in called(page.read_text("utf-8")):
        words = shlex.split(call, comments=True)
        if words and words[0] not in VERBS and page.suffix != ".md":
            continue
        found, left = command(words)
        options = {option for one in found.params for option in one.opts}
        used = {word.partition("=")[0] for word in left if word.startswith("--")}
        assert used <= options | {"--help"}, call


def test_commands_that_the_program_names_exist() -> None:
    wrong = []
    files = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html")]
    for path in files:
        text = path.read_text("utf-8")
        for call in re.findall(r"(?:`|<code>|: )openhaven ([a-z]+(?: [a-z-]+)?)(?![\w./])", text):
            try:
                command(call.split())
            except AssertionError as error:
                wrong.append(f"{path.relative_to(SOURCE)}: openhaven {call} ({error})")
    assert wrong == []


def known_variables() -> set[str]:
    found = {f"OPENHAVEN_{one.upper()}" for one in Settings.__struct_fields__}
    for path in SOURCE.rglob("*.py"):
        found |= set(re.findall(r"\b(?:OPENHAVEN|PLAZA)_[A-Z_]+\b", path.read_text("utf-8")))
    return found


@pytest.mark.parametrize("page", [*PAGES, *DEPLOY], ids=name)
def test_variables_exist(page: Path) -> None:
    used = set(re.findall(r"\b(?:OPENHAVEN|PLAZA)_[A-Z_]+\b", page.read_text("utf-8")))
    assert used <= known_variables()


# Settings, roles, messages ----------------------------------------------------------------------


def shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def defaults(struct: msgspec.Struct, prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for field, value in msgspec.structs.asdict(struct).items():
        inner = isinstance(value, msgspec.Struct)
        found |= defaults(value, f"{field}.") if inner else {prefix + field: shown(value)}
    return found


def test_every_setting_is_described_with_its_default() -> None:
    table = rows(OPERATIONS, "setting", "variable", "default")
    assert {row[0].strip("`"): row[2].strip("`") for row in table} == defaults(Settings())


def test_every_variable_sets_its_setting() -> None:
    example = {"int": "4711", "bool": "true", "str": "starter", "Path": "/nowhere"}
    for setting, variable, _, *_ in rows(OPERATIONS, "setting", "variable", "default"):
        plain = setting.strip("`")
        if variable == "–":
            listed = "." not in plain and isinstance(getattr(Settings(), plain), tuple)
            assert "." in plain or listed, f"{plain} has a variable"
            continue
        kind = type(getattr(Settings(), plain))
        given = example[kind.__name__ if kind.__name__ in example else "Path"]
        # A share in a hundred and a short time are small numbers.
        small = ("double_review", "undo_seconds", "age_link_days")
        given = "17" if plain in small else given
        given = {"staffing": "solo", "returning": "friction"}.get(plain, given)
        read = getattr(Settings.load({variable.strip("`"): given}), plain)
        assert shown(read) == given, setting


def test_the_example_of_settings_is_valid(tmp_path: Path) -> None:
    (text,) = blocks(OPERATIONS, "toml")
    (tmp_path / "openhaven.toml").write_text(text, "utf-8")
    found = Settings.load({"OPENHAVEN_CONFIG": str(tmp_path / "openhaven.toml")})
    assert found.mail.port == tomllib.loads(text)["mail"]["port"]


def test_roles_are_as_described() -> None:
    table = {row[0].strip("`"): set(re.findall(r"`([a-z.]+)`", row[1]))
             for row in rows(OPERATIONS, "role", "may")}  # fmt: skip
    assert table == {role: set(may) for role, may in GRANTS.items()}


def test_retention_is_described() -> None:
    table = {row[1].strip("`") for row in rows(OPERATIONS, "what", "setting (days)")}
    assert {f"retention.{one}" for one in msgspec.structs.asdict(Settings().retention)} <= table
    copies = next(row for row in rows(OPERATIONS, "what", "setting (days)") if "copy" in row[0])
    assert str(APPEAL_WINDOW.days) in copies[2]
    assert str(APPEAL_WINDOW.days + 30) in copies[1]


def test_log_messages_exist() -> None:
    for said, *_ in rows(OPERATIONS, "message", "what happened"):
        assert set(re.findall(r"`([^`]+)`", said)) <= strings(), said


def test_alarms_use_measures_that_are_described() -> None:
    described = {row[0].strip("`") for row in rows(OPERATIONS, "measure", "meaning")}
    alarms = yaml.safe_load((ROOT / "docs/deploy/alarms.yml").read_text("utf-8"))
    rules = [rule for group in alarms["groups"] for rule in group["rules"]]
    used = set(re.findall(r"openhaven_\w+", " ".join(rule["expr"] for rule in rules)))
    assert used <= described
    assert all(rule["annotations"]["summary"] for rule in rules)
    yaml.safe_load((ROOT / "docs/deploy/prometheus.yml").read_text("utf-8"))


def test_units_are_hardened() -> None:
    wanted = {"NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "ProtectHome=yes",
              "CapabilityBoundingSet=", "UMask=0077", "User=openhaven"}  # fmt: skip
    for unit in (path for path in DEPLOY if path.suffix == ".service"):
        assert wanted <= set(unit.read_text("utf-8").splitlines()), unit.name


# Words, decisions, rooms ------------------------------------------------------------------------


def test_the_glossary_has_every_word() -> None:
    text = prose(ROOT / "docs" / "glossary.md")
    bold = {word.lower() for word in re.findall(r"\*\*([^*]+)\*\*", text)}
    assert set(WORDS.replace("\n", " ").split(", ")) - bold == set()


def test_the_glossary_has_the_closed_lists() -> None:
    said = set(quoted(ROOT / "docs" / "glossary.md"))
    for words in (AgeBand, Outcome, Verb):
        assert set(words.__args__) <= said


def test_decisions_are_listed_numbered_and_dated() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert sorted(target for _, target in links(folder / "README.md")) == records
    assert len({one[:4] for one in records}) == len(records)
    for one in records:
        assert re.search(r"^\*\*Decided\*\* \d{4}-\d\d-\d\d", prose(folder / one), re.M), one


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_tells_its_story(room: str) -> None:
    story = ast.get_docstring(ast.parse((HAVEN / room / "__init__.py").read_text("utf-8")))
    assert story is not None
    assert len(story) >= 40
    assert story.endswith(".")
