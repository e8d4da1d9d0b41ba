"""No export holds a formula, and what was exported is read back as it was."""

import ast
import csv
import io
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

import openhaven
from openhaven.core.sheets import Sheet, inert, legible

ROOT = Path(openhaven.__file__).parent
FORMULAS = "=+-@\t\r\n＝＋－＠"


@given(st.text(alphabet=st.sampled_from(f"{FORMULAS}'ab ,\""), max_size=12))
@example("=cmd|' /C calc'!A0")
@example("'=1+1")
def test_a_cell_is_no_formula_and_comes_back_as_it_was(text: str) -> None:
    out = io.StringIO(newline="")
    Sheet(out).line([text, 5])
    ((cell, number),) = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert cell[:1] not in FORMULAS or cell == ""
    assert legible(cell) == text
    assert legible(inert(text)) == text
    assert number == "5"


def test_a_number_stays_a_number() -> None:
    out = io.StringIO()
    Sheet(out, "\n").lines([[-5, 0.5], ["-5", datetime(2026, 1, 1, tzinfo=UTC)]])
    assert out.getvalue() == "-5,0.5\n'-5,2026-01-01 00:00:00+00:00\n"


def test_every_door_to_a_spreadsheet_goes_through_the_one_that_guards() -> None:
    doors = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("writer", "DictWriter"):
                name = getattr(node.value, "id", "")
                doors |= {str(path.relative_to(ROOT))} if name == "csv" else set()
    assert doors == {"core/sheets.py"}
