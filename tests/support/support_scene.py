"""A directory for tests: services that nobody can mistake for real ones."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from openhaven import support
from openhaven.core import Actor, utcnow
from openhaven.support import Service
from openhaven.support.files import as_csv

ME = Actor("system", "test")
HEAD = "id,country,name,topics,call\n"


def today() -> date:
    return utcnow().date()


def service(id_: str = "gb-line", **more: Any) -> Service:
    """Return a service in Great Britain with a number, verified today."""
    told = {"country": "GB", "name": f"Line {id_}", "call": "0000 1111", "verified_on": today(),
            "verified_by": "Somebody"} | more  # fmt: skip
    return Service(id=id_, **told)


def days_ago(days: int) -> date:
    return today() - timedelta(days=days)


def put(haven: Any, *services: Service) -> support.Imported:
    """Store services in a house."""
    with haven.db.begin(ME) as tx:
        done = support.take_in(tx, services, "test")
    haven.support.forget()
    return done


def ids(services: Iterable[Service]) -> list[str]:
    return [one.id for one in services]


def file_of(*services: Service) -> bytes:
    return as_csv(list(services)).encode()
