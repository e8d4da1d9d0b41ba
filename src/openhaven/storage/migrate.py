"""Forward-only migrations: numbered SQL files, applied once each, in order, under one lock."""

import hashlib
from importlib import resources

import msgspec
import psycopg

from openhaven.core import Problem


class Migration(msgspec.Struct, frozen=True):
    """One file: its number, name, text and SHA-256."""

    number: int
    name: str
    sql: str
    sha256: str


def migrations() -> list[Migration]:
    """Return the migrations that this version of the program carries, in order."""
    folder = resources.files("openhaven.storage") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    texts = [(f.name, f.read_text("utf-8")) for f in files]
    return [
        Migration(int(name[:4]), name, text, hashlib.sha256(text.encode()).hexdigest())
        for name, text in texts
    ]


def connect(url: str) -> psycopg.Connection:
    """Connect to the database at `url`; raises `Problem` (503) when that is not possible."""
    try:
        return psycopg.connect(url)
    except psycopg.Error as error:
        # What is wrong with an address that cannot be read may hold a piece of the password.
        said = isinstance(error, psycopg.OperationalError)
        raise Problem(
            "database.away",
            "The database cannot be reached.",
            str(error).strip() if said else "This is no address of a PostgreSQL.",
            status=503,
            next_step="Is it running, and is database_url right (OPENHAVEN_DATABASE_URL)?",
        ) from error


def migrate(url: str) -> list[str]:
    """Bring the database at `url` to this version and return the names of what was applied.

    Several processes may call this at once: one works, the others wait. Raises `Problem` when the
    database comes from a newer program or a file that was applied has been altered since.
    """
    with connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('openhaven.migrate', 0))")
        connection.execute(
            """CREATE TABLE IF NOT EXISTS migrations (
                 number int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,
                 applied_at timestamptz NOT NULL DEFAULT now())"""
        )
        done: dict[int, str] = dict(
            connection.execute("SELECT number, sha256 FROM migrations").fetchall()
        )
        known = migrations()
        _refuse_strangers(done, known)
        fresh = [migration for migration in known if migration.number not in done]
        for migration in fresh:
            connection.execute(migration.sql)
            connection.execute(
                "INSERT INTO migrations (number, name, sha256) VALUES (%s, %s, %s)",
                (migration.number, migration.name, migration.sha256),
            )
        return [migration.name for migration in fresh]


def _refuse_strangers(done: dict[int, str], known: list[Migration]) -> None:
    newest = max((migration.number for migration in known), default=0)
    if any(number > newest for number in done):
        raise Problem(
            "database.newer",
            "This database was made by a newer version of Openhaven.",
            next_step="Start the newer version, or restore a backup that this version made.",
        )
    for migration in known:
        if done.get(migration.number, migration.sha256) != migration.sha256:
            raise Problem(
                "migration.altered",
                f"The migration {migration.name} was altered after it had been applied.",
                next_step="Install an unaltered release; migrations are never edited.",
            )
