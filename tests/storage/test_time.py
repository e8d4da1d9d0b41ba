"""Whatever clock a given PostgreSQL lives by, moments are read in UTC, as pages and records say."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from openhaven.core import system
from openhaven.storage import Database

KEY = bytes(32)


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns"])
def test_moments_are_in_utc(database_url: str, zone: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.execute("SELECT current_database()").fetchone()
        assert name is not None
        connection.execute(f"ALTER DATABASE {name[0]} SET timezone TO '{zone}'")
    db = Database(database_url, KEY)
    moment = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    try:
        for _ in range(2):
            with db.begin(system("test")) as tx:
                read = tx.value("SELECT %(m)s::timestamptz", m=moment)
                assert (read, read.utcoffset()) == (moment, timedelta(0))
                assert tx.value("SELECT %(m)s::timestamptz::date::text", m=moment) == "2026-11-21"
                assert tx.value("SELECT date_trunc('day', %(m)s::timestamptz)", m=moment).hour == 0
    finally:
        db.close()
