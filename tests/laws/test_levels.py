"""Laws of the house: which room may import which, and where writes may stand."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "src" / "openhaven"
LEVELS = {
    "core": 0, "storage": 1, "ledger": 2, "staff": 3, "support": 3, "observatory": 3, "evidence": 4,
    "intake": 5, "history": 6, "protections": 6, "signals": 7, "policy": 8, "review": 9,
    "decisions": 10, "authorities": 11, "exchange": 11, "connectors": 11, "transparency": 12,
    "survivors": 11, "records": 12, "line": 12, "web": 13, "cli": 13, "supervise": 13, "main": 14,
    # Stands alone: it is loaded by platforms, and may have only what is named below.
    "client": 13,
}  # fmt: skip
# Within a level, `line` is the one that puts the others in order.
# Who goes outside goes through the one way out, which stands in `connectors`.
SAME_LEVEL = {
    ("line", "records"), ("exchange", "connectors"), ("survivors", "connectors"),
    ("authorities", "connectors"),
    ("cli", "supervise"), ("cli", "web"), ("cli", "main"),
}  # fmt: skip
# Faces are thin and count as level 13, whichever room they stand in.
FACES = re.compile(r"(^|_)(api|pages|commands|views)$")
WRITE = re.compile(
    r"^\s*(INSERT\s+INTO|UPDATE\s+\w+\s+(AS\s+)?\w*\s*SET|UPDATE\s+\w+\s+SET|DELETE\s+FROM)", re.I
)
# The exceptions stand here, and only here; the list shrinks.
WRITES_ELSEWHERE = {
    "storage/seal.py",  # keys of subjects are made and destroyed with the data that they seal
    "storage/migrate.py",  # the table of migrations itself
}


def modules() -> Iterator[Path]:
    yield from sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def level_of(path: Path) -> int:
    if FACES.search(path.stem) or path.name == "__main__.py":
        return 13
    return LEVELS[room_of(path)]


def imports(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Yield line, module and names of each import that happens at run time."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and getattr(test.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, []


def rooms_imported(path: Path) -> Iterator[tuple[int, str]]:
    for line, module, names in imports(path):
        parts = module.split(".")
        if parts[0] != "openhaven":
            continue
        found = [parts[1]] if len(parts) > 1 else names
        for room in found:
            if room in LEVELS:
                yield line, room


def test_every_room_has_a_level() -> None:
    rooms = {room_of(path) for path in modules()} - {"__init__", "__main__", "packs"}
    assert rooms <= LEVELS.keys()


def test_imports_point_down() -> None:
    wrong = []
    for path in modules():
        room = room_of(path)
        if room not in LEVELS:
            continue
        for line, other in rooms_imported(path):
            allowed = other == room or LEVELS[other] < level_of(path) or (room, other) in SAME_LEVEL
            if not allowed and not (level_of(path) == 13 and LEVELS[other] == 13):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {other}")
    assert wrong == []


def test_the_client_stands_alone() -> None:
    """It may have words, and the pure part of the protections; nobody in the house has it."""
    pure = {"ages", "checking", "defaults", "floors", "handed", "model", "settings", "spoken",
            "wording"}  # fmt: skip
    for path in modules():
        for line, module, _ in imports(path):
            parts = module.split(".")
            if room_of(path) != "client":
                assert parts[:2] != ["openhaven", "client"], f"{path}:{line}"
            elif parts[0] == "openhaven" and parts[1] != "client":
                assert parts[1] in ("core", "protections"), f"{path}:{line} has {module}"
                assert parts[1] == "core" or not parts[2:] or parts[2] in pure, f"{path}:{line}"


def test_writes_stand_in_actions_only() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        if path.stem != "actions" and str(path.relative_to(ROOT)) not in WRITES_ELSEWHERE
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and WRITE.match(str(node.value))
    ]
    assert wrong == []


def test_the_spine_stays_on_one_screen() -> None:
    lines = (ROOT / "line" / "walk.py").read_text("utf-8").splitlines()
    assert len(lines) <= 110


@pytest.mark.parametrize("word", ["serve", "work"])
def test_the_demo_is_never_loaded_by_production(word: str) -> None:
    for path in modules():
        if path.name == "demo.py" and room_of(path) == "cli":
            continue
        for _, module, _ in imports(path):
            assert module.partition(".")[0] != "plaza", f"{path} ({word})"


def test_plaza_uses_the_public_api_only() -> None:
    for path in (ROOT.parent / "plaza").rglob("*.py"):
        for _, module, _ in imports(path):
            assert not module.startswith("openhaven") or module == "openhaven.client", path


def test_no_leftovers() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")
    for path in (*modules(), *(ROOT.parent / "plaza").rglob("*.py")):
        text = path.read_text("utf-8")
        assert not [word for word in words if re.search(rf"\b{word}\b", text)], path
