"""Where the databases of a test run are."""

import psycopg

from openhaven.storage import postgres


def url_of(cluster: postgres.Server, name: str) -> str:
    """Return the address of a database of the cluster."""
    info = psycopg.conninfo.conninfo_to_dict(cluster.url)
    return psycopg.conninfo.make_conninfo(**(info | {"dbname": name}))
