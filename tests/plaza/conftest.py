"""A Plaza and somebody in Openhaven's place, for every test of this folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from plaza_scene import Double, Running, Visitor
from plaza_town import town

from plaza import cast

__all__ = ["alex", "double", "plaza", "town"]


@pytest.fixture
def double() -> Iterator[Double]:
    """Return a server that answers like Openhaven."""
    made = Double()
    yield made
    made.stop()


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder in memory, where there is one: no test here needs to outlive the machine."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@pytest.fixture
def plaza(double: Double, home: Path) -> Iterator[Running]:
    """Return a running Plaza where everybody has joined and nobody speaks by themselves."""
    made = Running(home / "plaza", double.url)
    for who in cast.people():
        made.house.plaza.join(who)
    yield made
    made.stop()


@pytest.fixture
def alex(plaza: Running) -> Visitor:
    """Return a browser signed in as the visitor Alex."""
    return Visitor(plaza.url).be("v-alex")
