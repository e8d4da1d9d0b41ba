"""What the documentation says, taken apart for the tests."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
OPERATIONS = ROOT / "docs" / "operations.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.S | re.M)
QUOTED = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def name(page: Path) -> str:
    """Return a page's path for messages."""
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return FENCE.sub("", page.read_text("utf-8"))


def blocks(page: Path, *kinds: str) -> list[str]:
    """Return the fenced blocks of these languages."""
    return [body for kind, body in FENCE.findall(page.read_text("utf-8")) if kind in kinds]


def quoted(page: Path) -> list[str]:
    """Return what stands in backticks in the prose of a page."""
    return QUOTED.findall(prose(page))


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Yield text and target of each link that stays within the repository."""
    for text, target in LINK.findall(prose(page)):
        if "://" not in target:
            yield text, target


def rows(page: Path, *heads: str) -> list[list[str]]:
    """Return the cells of the first table whose head begins with `heads`."""
    lines = iter(prose(page).splitlines())
    for line in lines:
        if [cell.strip() for cell in line.strip("|").split("|")][: len(heads)] == list(heads):
            next(lines)
            return list(_cells(lines))
    raise AssertionError(f"{name(page)} has no table {heads}")


def _cells(lines: Iterator[str]) -> Iterator[list[str]]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


def anchors(page: Path) -> set[str]:
    """Return what a link may name after `#`: headings as the usual hosts write them."""
    heads = re.findall(r"^#+ (.*)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
