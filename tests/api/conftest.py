"""One town for the whole run: its tests do not disturb one another, since each uses fresh names."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from api_scene import Town, town_on
from line_receiver import Receiver, receiving

from openhaven.core import new_id
from openhaven.line import Haven
from openhaven.main import build
from openhaven.storage import Secrets, Settings, postgres
from openhaven.storage.logs import configure_logs
from openhaven.web import limits


@contextmanager
def house_on(cluster: postgres.Server, template: str, home: Path) -> Iterator[Haven]:
    """Wire a house on a fresh database."""
    configure_logs()
    name = new_id("t")
    settings = Settings(home=home, service_name="Testplace", media_limit=4_000_000,
                        undo_seconds=0, double_review=0)  # fmt: skip
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        info = psycopg.conninfo.conninfo_to_dict(cluster.url)
        url = psycopg.conninfo.make_conninfo(**(info | {"dbname": name}))
        house = build(settings, Secrets.at(home / "secrets.json"), url)
        yield house
        house.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shared_house(
    cluster: postgres.Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Haven]:
    with house_on(cluster, template, tmp_path_factory.mktemp("town") / "home") as house:
        yield house


@pytest.fixture(scope="module")
def house_of_the_module(
    cluster: postgres.Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Haven]:
    """A house for the tests of one file, which leave it tidy for each other."""
    with house_on(cluster, template, tmp_path_factory.mktemp("house") / "home") as house:
        yield house


@pytest.fixture(scope="session")
def town(shared_house: Haven) -> Iterator[Town]:
    with receiving() as receiver, ExitStack() as stack:
        # All tests are one client to it, who appeals and signs in more often than any person.
        with pytest.MonkeyPatch.context() as patch:
            often = dict.fromkeys(limits.RATES, limits.Rate(1_000, 0.01))
            patch.setattr(limits, "RATES", often)
            open_town = stack.enter_context(town_on(shared_house, receiver))
        yield open_town


@pytest.fixture
def small_town(haven: Haven) -> Iterator[Town]:
    """A town of its own, for what changes the whole house."""
    with receiving() as receiver, town_on(haven, receiver) as open_town:
        yield open_town


@pytest.fixture
def receiver(town: Town) -> Receiver:
    return town.receiver
