"""The life on Plaza, and the pictures: by a seed, mild, bounded, and matched where planted."""

import io
import re
from itertools import pairwise

import numpy as np
from PIL import Image
from plaza_scene import Double, Running, Visitor

from openhaven.signals.hashes import pdq_of_array
from plaza import cast, pictures, store
from plaza.generator import CAP, Generator, pause


def _pdq(data: bytes) -> tuple[int, int]:
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    found, quality = pdq_of_array(pixels)
    return int.from_bytes(found), quality


def test_the_planted_picture_matches_its_copy_and_nothing_else() -> None:
    assert pictures.planted() == pictures.planted()
    planted, quality = _pdq(pictures.planted())
    copy, copy_quality = _pdq(pictures.planted_variant())
    assert min(quality, copy_quality) >= 50
    assert (planted ^ copy).bit_count() <= 20
    for seed in range(30):
        data, words = pictures.benign(str(seed))
        assert words
        assert (planted ^ _pdq(data)[0]).bit_count() > 60


def test_the_generator_plants_what_the_starter_pack_looks_for(
    double: Double, plaza: Running
) -> None:
    generator = plaza.house.generator
    for step in range(18):
        generator.take(step)
    planted = store.planted(plaza.house.store)
    assert [post.planted for post in planted[::-1]] == [
        scene.planted for step, scene in cast.SCENES.items() if scene.planted and step < 18
    ]
    assert pictures.planted_variant() in double.media
    assert len(double.reports) == 1
    page = Visitor(plaza.url).get("/behind")
    assert "A smaller, blurrier copy of a picture that the demo bank knows" in page


def test_a_step_taken_twice_publishes_nothing_twice(double: Double, plaza: Running) -> None:
    for _ in range(2):
        for step in (0, 1, 2, 3, 5):
            plaza.house.generator.take(step)
    rows = plaza.house.store.value("SELECT count(*) FROM items")
    kinds = [event["kind"] for event in double.events.values()]
    made = [kind for kind in kinds if kind in ("post.create", "comment.create", "message.send")]
    assert len(made) == rows


def test_the_same_seed_writes_the_same(plaza: Running) -> None:
    one = Generator(plaza.house.plaza, plaza.house.haven, "seed")
    for step in range(6):
        one.take(step)
    first = [post.text for post in store.stream(plaza.house.store, 1 << 60, 20)]
    with plaza.house.store.begin() as db:
        db.execute("DELETE FROM items")
    for step in range(6):
        one.take(step)
    assert [post.text for post in store.stream(plaza.house.store, 1 << 60, 20)] == first


def test_it_slows_down_and_ends() -> None:
    pauses = [pause(step) for step in range(CAP)]
    assert pauses[0] == 2
    assert all(a <= b for a, b in pairwise(pauses))
    assert sum(pauses) / 3600 > 4


def test_everybody_can_speak_and_nobody_carries_markup() -> None:
    for who in cast.people():
        if who.generated:
            assert len(cast.SENTENCES[who.language]) >= 6
            assert cast.REPLIES[who.language]
        assert re.fullmatch(r"[A-Z]{2}", who.country)
