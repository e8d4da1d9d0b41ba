"""One lively house and its server for all tests of pages; a fresh house for those that need one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from openhaven.core import new_id
from openhaven.main import build
from openhaven.storage import Secrets, Settings, postgres

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

from pages_scene import Scene, lively
from pages_visitor import Visitor
from web_scene import Place, serving


@pytest.fixture(scope="module")
def scene(
    cluster: postgres.Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Return a house in which something has happened."""
    name = new_id("t")
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    info = psycopg.conninfo.conninfo_to_dict(cluster.url)
    url = psycopg.conninfo.make_conninfo(**(info | {"dbname": name}))
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, service_name="Testplace", undo_seconds=0, double_review=0)
    house = build(settings, Secrets.at(settings.home / "secrets.json"), url)
    yield lively(house)
    house.close()
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def place(scene: Scene) -> Iterator[Place]:
    """Return the server of the lively house."""
    with serving(scene.haven, ()) as running:
        yield running


@pytest.fixture(scope="module")
def ana(scene: Scene, place: Place) -> Visitor:
    """Return Ana, who moderates and decides appeals."""
    return Visitor(place).enter(scene.link("Ana"))


@pytest.fixture(scope="module")
def ben(scene: Scene, place: Place) -> Visitor:
    """Return Ben, who moderates and decides appeals."""
    return Visitor(place).enter(scene.link("Ben"))


@pytest.fixture(scope="module")
def ida(scene: Scene, place: Place) -> Visitor:
    """Return Ida, who administers and audits."""
    return Visitor(place).enter(scene.link("Ida"))


@pytest.fixture
def anybody(place: Place) -> Visitor:
    """Return a visitor whom nobody knows."""
    return Visitor(place)
