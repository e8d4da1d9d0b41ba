"""Our PDQ against the recorded hashes of the reference implementation."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pictures import distance, encoded, make, picture
from PIL import Image

from openhaven.signals.hashes import UndecodableError, pdq, pdq_dihedral, pdq_of_array
from openhaven.signals.hashes.decode import opened
from openhaven.signals.hashes.jpeg import pixels_of_jpeg
from openhaven.signals.hashes.model import MIN_QUALITY
from openhaven.signals.hashes.perceptual import Grid, dihedral_of, pdq_of

VECTORS = json.loads((Path(__file__).parent / "vectors" / "pdq.json").read_text())
EIGHTS = json.loads((Path(__file__).parent / "vectors" / "dihedral.json").read_text())
LARGE = 1_500_000
RECIPES = ("field", "noise", "gradient", "shapes", "page", "grey")


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


def slow_waves(luma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 16 x 16 frequencies as the paper tells it: every pixel blurred, one by one."""
    for _ in range(2):
        luma = slow_means(slow_means(luma.T).T)
    at = [[int((i + 0.5) * size / 64) for i in range(64)] for size in luma.shape]
    samples = luma[np.ix_(*at)]
    angle = np.pi / 128 * np.outer(np.arange(1, 17), 2 * np.arange(64) + 1)
    return (np.cos(angle) @ samples @ np.cos(angle).T) / 32


def slow_means(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    window = -(-len(rows) // 128)
    behind, ahead = window - window // 2 - 1, window // 2
    near = [rows[max(i - behind, 0) : i + ahead + 1] for i in range(len(rows))]
    return np.stack([some.mean(axis=0) for some in near])


@given(st.integers(5, 700), st.integers(5, 700), st.integers(0, 999), st.sampled_from(RECIPES))
@settings(max_examples=25, deadline=None)
def test_equals_the_paper(height: int, width: int, seed: int, recipe: str) -> None:
    pixels = make(recipe, seed, height, width)
    luma = pixels if pixels.ndim == 2 else pixels @ np.array([0.299, 0.587, 0.114])
    waves = slow_waves(luma.astype(np.float64)).ravel()
    middle = np.sort(waves)[127]
    bits = np.unpackbits(np.frombuffer(pdq_of_array(pixels)[0], np.uint8))[::-1]
    sure = np.abs(waves - middle) > 0.02
    assert (bits == (waves > middle))[sure].all()


TURNED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p.swapaxes(0, 1)[:, ::-1],
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p.swapaxes(0, 1)[::-1],
}


@given(st.integers(64, 400), st.integers(64, 400), st.integers(0, 999), st.sampled_from(RECIPES))
@settings(max_examples=20, deadline=None)
def test_a_picture_held_so_has_the_hash_of_the_turned_pixels(
    height: int, width: int, seed: int, recipe: str
) -> None:
    pixels = make(recipe, seed, height, width)
    for number, turn in TURNED.items():
        turned = np.ascontiguousarray(turn(pixels))
        mine, theirs = pdq_of(Grid(pixels, number)), pdq_of_array(turned)
        assert abs(mine[1] - theirs[1]) <= 1
        if theirs[1] >= MIN_QUALITY:
            assert mine[0] == theirs[0]


@given(st.integers(64, 150), st.integers(64, 150), st.integers(0, 999), st.sampled_from([2, 4, 8]))
@settings(max_examples=20, deadline=None)
def test_means_of_blocks_weighted_as_the_full_size(
    height: int, width: int, seed: int, factor: int
) -> None:
    """The hash of block means is that of the picture in which every block has one colour."""
    small = make("shapes", seed, height, width)
    full = small.repeat(factor, axis=0).repeat(factor, axis=1)
    reduced = Grid(small, 1, factor, full.shape[:2])
    assert distance(pdq_of(reduced)[0], pdq_of_array(full)[0]) <= 1


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        pdq_of(Grid(make("shapes", 1, 64, 64), 1, 2, (512, 512)))


EIGHT = (
    lambda p: p,
    lambda p: np.rot90(p, 1),
    lambda p: np.rot90(p, 2),
    lambda p: np.rot90(p, 3),
    lambda p: p[::-1],
    lambda p: p[:, ::-1],
    lambda p: p.swapaxes(0, 1),
    lambda p: np.rot90(p, 2).swapaxes(0, 1),
)


@pytest.mark.parametrize("size", [(480, 640), (333, 512), (1024, 1024)])
def test_eight_hashes_for_the_price_of_one(size: tuple[int, int]) -> None:
    pixels = np.asarray(picture(*size))
    found = pdq_dihedral(encoded(picture(*size), "PNG"))
    assert found[0] == pdq_of_array(pixels)[0]
    for value, turn in zip(found, EIGHT, strict=True):
        assert distance(value, pdq_of_array(np.ascontiguousarray(turn(pixels)))[0]) <= 12
    assert min(distance(one, two) for one in found for two in found if one != two) > 60


def test_every_recorded_orientation_equals_the_reference() -> None:
    for vector in EIGHTS:
        pixels = make(vector["recipe"], vector["seed"], vector["height"], vector["width"])
        assert [one.hex() for one in dihedral_of(Grid(pixels))] == vector["eight"]


def test_jpegs_are_decoded_as_pillow_does() -> None:
    for number, options in enumerate(
        [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 30}, {"keep_rgb": True}]
    ):
        data = encoded(picture(301 + number, 403), "JPEG", **options)
        with opened(data) as image:
            fast = pixels_of_jpeg(data, image)
            assert fast is not None
            assert (fast == np.asarray(image)).all()


def test_a_note_hidden_among_filling_is_not_overlooked() -> None:
    note = Image.Exif()
    note[0x0112] = 6
    held = encoded(picture(), "JPEG", exif=note)
    filled = held[:2] + b"\xff" * 3 + held[2:]
    assert pdq(filled) == pdq(held) == pdq(encoded(picture(), "JPEG", exif=note, quality=75))
    assert distance(pdq(held)[0], pdq(encoded(picture(), "JPEG"))[0]) > 60


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
