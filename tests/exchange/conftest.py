"""A wired house for the tests of one file."""

from collections.abc import Iterator

import psycopg
import pytest

from openhaven.core import new_id
from openhaven.line import Haven
from openhaven.main import build
from openhaven.storage import Secrets, Settings, postgres


@pytest.fixture(scope="module")
def module_haven(
    cluster: postgres.Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Haven]:
    """Return a house on a fresh database."""
    name = new_id("t")
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        info = psycopg.conninfo.conninfo_to_dict(cluster.url)
        url = psycopg.conninfo.make_conninfo(**(info | {"dbname": name}))
        settings = Settings(home=tmp_path_factory.mktemp("home"), undo_seconds=0, double_review=0)
        house = build(settings, Secrets.at(settings.home / "secrets.json"), url)
        yield house
        house.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
