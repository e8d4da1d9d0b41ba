"""Krippendorff's alpha, held to the worked examples of his own paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhaven.review.quality import alpha

# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): sections A, B and C.
BINARY = ("0100000010", "1110010000")
NOMINAL = ("aabbdcccedda", "babbbccceddd")
MANY = ("1233214 12...", "1233224125.3", ".3332342251.", "12332441251.")


def units(rows: tuple[str, ...]) -> list[list[str]]:
    plain = [row.replace(" ", "").ljust(12, ".") for row in rows]
    return [[value for value in column if value != "."] for column in zip(*plain, strict=True)]


@pytest.mark.parametrize(
    ("rows", "wanted"), [(BINARY, 0.095), (NOMINAL, 0.692), (MANY, 0.743)]
)  # fmt: skip
def test_alpha_is_that_of_the_worked_examples(rows: tuple[str, ...], wanted: float) -> None:
    found = alpha(units(rows))
    assert found is not None
    assert round(found, 3) == wanted


def test_nothing_to_compare_has_no_alpha() -> None:
    assert alpha([]) is None
    assert alpha([("remove",), ("allow",)]) is None
    assert alpha([("allow", "allow")] * 9) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=40))
def test_alpha_is_one_when_all_agree_and_never_more(pairs: list[tuple[str, str]]) -> None:
    found = alpha(pairs)
    assert found is None or found <= 1
    same = [(first, first) for first, _ in pairs]
    assert alpha(same) == (1 if len(set(same)) > 1 else None)
    assert alpha([(b, a) for a, b in pairs]) == found
