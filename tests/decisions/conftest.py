"""Fixtures of decisions: the scene of the line."""

from collections.abc import Iterator

import pytest
from line_receiver import Receiver, receiving
from line_scene import Scene, scene

from openhaven.line import Haven


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as it:
        yield it


@pytest.fixture
def here(haven: Haven, receiver: Receiver) -> Scene:
    return scene(haven, receiver.url)
