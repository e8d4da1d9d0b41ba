"""What every test may use: a real PostgreSQL, a fresh database, the wired house, a real socket."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as laws
from hypothesis.internal.conjecture import providers

from databases import url_of
from openhaven.core import new_id
from openhaven.core.words import speak
from openhaven.storage import Database, Secrets, Settings, migrate, postgres
from patience import take_time

SHARED = Path(__file__).resolve().parents[2] / "shared"
KEY = bytes(range(32))
# A sentence for people that is not translated yet shall be seen in tests.
speak(show_missing=True)
take_time()
# The same examples in every run, however slow the machine: a law that fails, fails for everybody.
# New examples are looked for with `--hypothesis-profile=search`.
laws.register_profile("search", deadline=None, suppress_health_check=list(HealthCheck))
laws.register_profile("certain", laws.get_profile("search"), derandomize=True, database=None)
laws.load_profile("certain")


def pytest_configure(config: pytest.Config) -> None:
    """Give examples nothing of the modules that happen to be loaded: each process has others."""
    if laws().derandomize:
        providers._get_local_constants = lambda: providers._local_constants


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference data that is not part of the repository.

    On a machine without it the test is skipped; where `CI=true` it must be there.
    """
    if not SHARED.is_dir():
        message = f"the reference data is not at {SHARED}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return SHARED


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Server]:
    """Return one PostgreSQL for the whole run, started as the program itself starts it."""
    home = Path(tempfile.mkdtemp(prefix="oh-"))
    server = postgres.start(home, password="for-tests", say=lambda _: None)
    data = home / "postgres"
    # Nothing of a test run must outlive a crash of the machine, so it need not wait for disks. The
    # program's own role may not set this: it goes into the file, and the server reads that again.
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("fsync = off\nautovacuum = off\n")
    os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGHUP)
    yield server
    server.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template(cluster: postgres.Server) -> str:
    """Return the name of a migrated database that others are copied from."""
    name = "template_openhaven"
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrate(url_of(cluster, name))
    return name


@pytest.fixture
def database_url(cluster: postgres.Server, template: str) -> Iterator[str]:
    """Return the address of a fresh, migrated database; it is dropped after the test."""
    name = new_id("t")
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield url_of(cluster, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """Return a door to a fresh database."""
    door = Database(database_url, KEY)
    yield door
    door.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a home of the test's own."""
    return Settings(
        home=tmp_path / "home", service_name="Testplace", undo_seconds=0, double_review=0
    )


@pytest.fixture
def haven(database_url: str, settings: Settings):  # type: ignore[no-untyped-def]
    """Return the whole wired house on a fresh database."""
    from openhaven.main import build
    from openhaven.storage.logs import configure_logs

    configure_logs()
    house = build(settings, Secrets.at(settings.home / "secrets.json"), database_url)
    yield house
    house.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Return a real browser, started for a file of tests."""
    # Playwright is loaded by the tests that open pages alone.
    from browsing import browser

    with browser() as running:
        yield running
