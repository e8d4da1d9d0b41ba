"""Paths of tiles, as the specification writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhaven.ledger.tiles import parse_level, parse_path, tile_path


@pytest.mark.parametrize(
    ("index", "width", "path"),
    [
        (0, 256, "000"),
        (67, 256, "067"),
        (999, 256, "999"),
        (1000, 256, "x001/000"),
        (1234067, 256, "x001/x234/067"),
        (273, 112, "273.p/112"),
        (1234067, 1, "x001/x234/067.p/1"),
    ],
)
def test_the_paths_of_the_specification(index: int, width: int, path: str) -> None:
    assert tile_path(index, width) == path
    assert parse_path(path) == (index, width)


@given(st.integers(0, 2**62), st.integers(1, 256))
def test_a_path_leads_back_to_its_tile(index: int, width: int) -> None:
    assert parse_path(tile_path(index, width)) == (index, width)


@pytest.mark.parametrize(
    "path",
    ["", "0", "67", "0067", "x000/067", "001/067", "x001/67", "x001", "x001/", "/067", "067/",
     "067.p/0", "067.p/256", "067.p/017", "067.p/1000", "067.p/", "067.p", "067.p/-1", "067.P/1",
     "٠٦٧", "067\n", " 067", "../067", "x001/x234/067.p/1/2", "x999/" * 40 + "000"],
)  # fmt: skip
def test_there_is_only_one_way_to_write_a_path(path: str) -> None:
    with pytest.raises(ValueError, match="not a tile path"):
        parse_path(path)


def test_levels() -> None:
    assert [parse_level(text) for text in ("0", "7", "63")] == [0, 7, 63]
    for text in ("", "00", "01", "64", "-1", "+1", "1 ", "٧", "x", "1e1", "100"):
        with pytest.raises(ValueError, match="not a tile level"):
            parse_level(text)
