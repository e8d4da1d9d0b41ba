"""Reading how many people there are."""

from collections.abc import Iterable

from openhaven.core import Permission
from openhaven.core.permissions import GRANTS
from openhaven.storage import Tx

_DECIDING = ("task.work", "appeal.work")


def staffing(tx: Tx) -> str:
    """Return what the operator says of the people here: `solo`, `two` or `team`."""
    return str(tx.value("SELECT profile FROM staffing") or "team")


def somebody_else(tx: Tx, me: str, permission: Permission, but: Iterable[str] = ()) -> bool:
    """Say whether somebody other than `me` and those of `but` works here who may do this."""
    roles = [role for role, granted in GRANTS.items() if permission in granted]
    sql = """SELECT 1 FROM staff WHERE disabled_at IS NULL AND id <> ALL(%(but)s)
             AND roles && %(roles)s LIMIT 1"""
    return tx.value(sql, but=[me, *but], roles=roles) is not None


def differs(tx: Tx) -> str:
    """Return a sentence when what the operator says is not so, else an empty text."""
    roles = [role for role, granted in GRANTS.items() if granted & set(_DECIDING)]
    sql = "SELECT count(*) FROM staff WHERE disabled_at IS NULL AND roles && %(roles)s"
    people, said = int(tx.value(sql, roles=roles)), staffing(tx)
    most = {"solo": 1, "two": 2}.get(said)
    if most is not None and people > most:
        return (f"The setting staffing says “{said}”, but {people} people decide here. Second "
                "people are asked wherever there is one.")  # fmt: skip
    if said == "team" and people in (1, 2):
        word = "solo" if people == 1 else "two"
        return (f"The setting staffing says “team”, but only {people} decide here: what takes an "
                f"independent person waits. Set it to “{word}” if that is all.")  # fmt: skip
    return ""
