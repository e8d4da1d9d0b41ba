"""One wired house for each file of tests here: to build one takes longer than to use it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from databases import url_of
from openhaven.core import new_id
from openhaven.line import Haven
from openhaven.storage import Secrets, Settings, postgres


@pytest.fixture(scope="module")
def house(cluster: postgres.Server, template: str) -> Iterator[Haven]:
    """Return the whole wired house on a database of this file's own."""
    from openhaven.main import build
    from openhaven.storage.logs import configure_logs

    configure_logs()
    name = new_id("t")
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        with tempfile.TemporaryDirectory(prefix="oh-") as home:
            settings = Settings(home=Path(home), service_name="Here", undo_seconds=0)
            built = build(settings, Secrets.at(Path(home) / "secrets.json"), url_of(cluster, name))
            yield built
            built.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
