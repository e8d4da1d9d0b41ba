"""Every odd kind of file is found under the hash of the plain picture that looks the same."""

import numpy as np
import pairs
import pytest
from pictures import distance

from openhaven.signals.hashes import pdq_of_array
from openhaven.signals.hashes.decode import look

NEAR = 10


def kinds(pairs_: pairs.Iterator) -> list:
    return [pytest.param(make, id=name) for name, make in pairs_]


def plain(image: pairs.Image.Image) -> bytes:
    value, quality = pdq_of_array(np.asarray(image.convert("RGB")))
    assert quality >= 50
    return value


@pytest.mark.parametrize("make", kinds(pairs.seen()))
def test_the_main_hash_is_of_what_people_see(make: pairs.Callable[[], pairs.Pair]) -> None:
    data, image = make()
    found = look(data)
    assert distance(found.main.pdq, plain(image)) <= NEAR
    assert found.main.read == "white"
    assert (found.width, found.height) == image.size


@pytest.mark.parametrize("make", kinds(pairs.among()))
def test_some_reading_is_of_what_people_see(make: pairs.Callable[[], pairs.Pair]) -> None:
    data, image = make()
    found = look(data)
    wanted = plain(image)
    assert min(distance(one.pdq, wanted) for one in (found.main, *found.others)) <= NEAR
