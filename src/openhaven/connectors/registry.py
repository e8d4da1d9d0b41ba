"""Which connectors there are, and which one carries out an act."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points

from openhaven import intake
from openhaven.connectors.model import Carried, Connector, Wiring
from openhaven.decisions import Act
from openhaven.storage import Database


def connect(wiring: Wiring) -> dict[str, Connector]:
    """Build every installed connector; a broken plugin stops the start, since acts depend on it."""
    found: dict[str, Connector] = {}
    for entry in entry_points(group="openhaven.connectors"):
        connector: Connector = entry.load()(wiring)
        found[connector.kind] = connector
    return found


def carry_out(db: Database, connectors: Mapping[str, Connector], act: Act) -> Carried:
    """Carry out an act through the connector of its platform."""
    with db.read() as tx:
        platform = intake.platform_named(tx, act.platform)
    connector = connectors.get(platform.connector)
    if connector is None:
        return Carried("failed", f"The connector “{platform.connector}” is not installed.")
    return connector.carry_out(platform, act)


def jobs(connectors: Mapping[str, Connector]) -> dict[str, Callable[[], int]]:
    """Return the periodic work of all connectors, by name."""
    return {
        name: job for connector in connectors.values() for name, job in connector.jobs().items()
    }
