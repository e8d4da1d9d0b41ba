"""A house with a platform, for people who ask for help."""

from typing import TYPE_CHECKING

import pytest
from line_scene import scene
from survivors_scene import Town

if TYPE_CHECKING:
    from openhaven.line import Haven


@pytest.fixture
def town(haven: "Haven") -> Town:
    made = scene(haven)
    return Town(made.haven, made.platform, made.key)
