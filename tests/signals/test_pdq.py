"""Our PDQ against the recorded hashes of the reference implementation."""

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import distance, encoded, make, picture

from openhaven.signals.hashes import UndecodableError, pdq, pdq_of_array
from openhaven.signals.hashes.model import MIN_QUALITY

VECTORS = json.loads((Path(__file__).parent / "vectors" / "pdq.json").read_text())
LARGE = 1_500_000


def case(vector: dict[str, object]) -> object:
    height, width = int(str(vector["height"])), int(str(vector["width"]))
    marks = [pytest.mark.slow] if height * width > LARGE else []
    return pytest.param(vector, id=f"{vector['recipe']}-{height}x{width}", marks=marks)


@pytest.mark.parametrize("vector", [case(vector) for vector in VECTORS])
def test_equals_the_reference(vector: dict[str, object]) -> None:
    recipe, seed = str(vector["recipe"]), int(str(vector["seed"]))
    pixels = make(recipe, seed, int(str(vector["height"])), int(str(vector["width"])))
    value, quality = pdq_of_array(pixels)
    assert quality == vector["quality"]
    if quality >= MIN_QUALITY:
        assert value.hex() == vector["pdq"]


def test_enough_vectors_count() -> None:
    assert sum(vector["quality"] >= MIN_QUALITY for vector in VECTORS) >= 60


def test_a_flat_picture_has_no_quality() -> None:
    assert pdq_of_array(np.full((300, 200, 3), 128, np.uint8))[1] == 0


def test_a_tiny_picture_has_the_zero_hash() -> None:
    assert pdq_of_array(np.zeros((4, 100, 3), np.uint8)) == (bytes(32), 0)


def test_grey_is_the_same_picture_with_or_without_a_colour_axis() -> None:
    grey = make("grey", 3, 300, 400)
    assert pdq_of_array(grey) == pdq_of_array(np.repeat(grey[:, :, None], 3, axis=2))


def test_a_smaller_copy_stays_near() -> None:
    large = picture(1200, 1600)
    small = large.resize((400, 300))
    assert distance(pdq(encoded(large, "PNG"))[0], pdq(encoded(small, "PNG"))[0]) <= 10


def test_another_picture_is_far() -> None:
    one, other = picture(seed=1), picture(seed=2)
    assert distance(pdq(encoded(one, "PNG"))[0], pdq(encoded(other, "PNG"))[0]) > 80


@pytest.mark.parametrize(
    "size", [(1100, 1500), (1501, 1103), pytest.param((2403, 2999), marks=pytest.mark.slow)]
)
def test_a_reduced_decode_differs_in_few_bits(size: tuple[int, int]) -> None:
    file = encoded(picture(*size), "JPEG", quality=88)
    assert distance(pdq(file)[0], pdq(file, exact=False)[0]) <= 4


def test_bytes_that_are_no_picture() -> None:
    with pytest.raises(UndecodableError, match="not decoded yet"):
        pdq(b"hello")
