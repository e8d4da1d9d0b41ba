"""Opening the database for one verb of the command line, without wiring the whole system."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from openhaven.storage import postgres
from openhaven.storage.database import Database
from openhaven.storage.migrate import migrate
from openhaven.storage.secrets import Secrets
from openhaven.storage.settings import Settings


@dataclass(frozen=True)
class Opened:
    """The settings, the secrets and the database, and nothing else."""

    settings: Settings
    secrets: Secrets
    db: Database


@contextmanager
def opened() -> Iterator[Opened]:
    """Open the database that is given, runs already, or is started for the while."""
    settings = Settings.load()
    secrets = Secrets.at(settings.home / "secrets.json")
    with postgres.start(
        settings.home, url=settings.database_url or None, password=secrets.database_password
    ) as server:
        migrate(server.url)
        db = Database(server.url, bytes.fromhex(secrets.master), size=2)
        try:
            yield Opened(settings, secrets, db)
        finally:
            db.close()
