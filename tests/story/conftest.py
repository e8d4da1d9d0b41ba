"""One running demo for each file of stories."""

from collections.abc import Iterator

import pytest
from story_scene import Demo, running


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Return a running demo."""
    with running(tmp_path_factory.mktemp("demo")) as started:
        yield started
