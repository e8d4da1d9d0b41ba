"""What is sealed exists, is canonical, and is never changed by any room."""

import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_scene import NOW, WORKER

import openhaven
from openhaven.ledger import SEALED
from openhaven.ledger.model import (
    canonical_row,
    commit,
    moment,
    names_of,
    plain,
    table_of,
)
from openhaven.ledger.store import sealed_rows
from openhaven.storage import Database

SOURCE = Path(openhaven.__file__).parent
UPDATE = re.compile(
    r"UPDATE\s+(\w+)(?:\s+(?:AS\s+)?(?!SET\b)\w+)?\s+SET\s+(.*?)(?:\bWHERE\b|\bFROM\b|\bRETURNING\b|\"|$)",
    re.DOTALL,
)
DELETE = re.compile(r"DELETE\s+FROM\s+(\w+)")


def test_the_sealed_columns_exist_and_begin_with_the_key(db: Database) -> None:
    key = """SELECT a.attname FROM pg_index i
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
             WHERE i.indisprimary AND i.indrelid = %(table)s::regclass"""
    with db.begin(WORKER, NOW) as tx:
        for name in SEALED:
            assert sealed_rows(tx, name, ["nothing"]) == {}
            assert tx.value(key, table=table_of(name)) == SEALED[name][0]


def test_no_room_changes_a_sealed_column() -> None:
    """Where one must (to erase), the same file destroys the salt."""
    for path in SOURCE.rglob("*.py"):
        text = path.read_text("utf-8")
        if "destroy_salt" in text:
            continue
        # What was just made may still change: its entries are appended after that.
        text = text.replace("UPDATE acts SET target = target ||", "")
        for table, assigned in UPDATE.findall(text):
            columns = set(re.findall(r"(\w+)\s*=(?!=)", assigned))
            sealed = set(SEALED.get(table, ())) & columns
            assert not sealed, f"{path} changes the sealed columns {sealed} of {table}"
        for table in DELETE.findall(text):
            assert table not in SEALED, f"{path} deletes from {table} without destroy_salts"


def test_a_new_set_of_columns_leaves_the_old_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("things@10", "things", "things@2", "thingsome"):
        monkeypatch.setitem(SEALED, name, ("id",))
    assert names_of("things") == ["things", "things@2", "things@10"]
    assert table_of("things@10") == "things"


def test_equal_values_have_equal_bytes_however_they_are_read() -> None:
    east = timezone(timedelta(hours=5, minutes=45))
    pairs: list[tuple[Any, Any]] = [
        (NOW, NOW.astimezone(east)),
        (b"ab", memoryview(b"ab")),
        (Decimal("1.50"), Decimal("1.5")),
        (Decimal("100"), Decimal("1E+2")),
        ((1, 2), [1, 2]),
        ({"b": 1, "a": [NOW]}, {"a": [NOW.astimezone(east)], "b": 1}),
    ]
    for one, other in pairs:
        assert canonical_row({"x": one}) == canonical_row({"x": other})


def test_the_forms_of_values() -> None:
    row = {
        "z": None, "at": NOW, "day": date(2026, 11, 21), "n": Decimal("-0.250"), "e": Decimal("0"),
        "u": UUID(int=7), "b": b"\xff", "t": True, "f": 0.1, "s": "é\n",
    }  # fmt: skip
    assert canonical_row(row).decode() == (
        '{"at":"2026-11-21T20:00:00.123456Z","b":"/w==","day":"2026-11-21","e":"0","f":0.1,'
        '"n":"-0.25","s":"é\\n","t":true,"u":"00000000-0000-0000-0000-000000000007","z":null}'
    )
    with pytest.raises(TypeError, match="timedelta"):
        plain(timedelta(1))


@given(st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers(-9, 9)
       | st.text(max_size=5) | st.lists(st.integers(0, 3), max_size=3), max_size=4))  # fmt: skip
def test_the_canonical_form_is_json_and_does_not_depend_on_order(row: dict[str, Any]) -> None:
    turned = dict(reversed(row.items()))
    assert canonical_row(row) == canonical_row(turned)
    assert msgspec.json.decode(canonical_row(row)) == row


def test_a_salt_has_exactly_32_bytes() -> None:
    assert len(commit(bytes(32), b"row")) == 32
    for salt in (b"", bytes(31), bytes(33)):
        with pytest.raises(ValueError, match="32 bytes"):
            commit(salt, b"row")


def test_the_leaf_tells_seconds_in_utc() -> None:
    at = datetime(2026, 11, 21, 23, 30, 5, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert moment(at) == "2026-11-21T21:30:05Z"
