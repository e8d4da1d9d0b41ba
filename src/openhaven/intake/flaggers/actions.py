"""The verb of trusted flaggers: give one a key for its harms."""

from collections.abc import Collection

from openhaven import ledger
from openhaven.core import Problem, harm
from openhaven.intake.platforms import create_key
from openhaven.intake.store import Platform
from openhaven.storage import Tx


def issue(tx: Tx, name: str, platform: Platform, harms: Collection[str]) -> str:
    """Create a trusted flagger's key and return it, this once; it sends reports of `harms` only.

    Raises `Problem`: 400 for no harm or an unknown one, or a name that nobody could read; 409 for
    a name that a living key has.
    """
    tidy = name.strip()
    if not 1 <= len(tidy) <= 80 or not tidy.isprintable():
        raise Problem("flagger.name", "A name has 1 to 80 printable characters.")
    if not harms:
        raise Problem("flagger.harms", "Choose at least one kind of harm.",
                      next_step="Those for which the coordinator gave the status.")  # fmt: skip
    areas = sorted({harm(code).code for code in harms})
    key = create_key(tx, tidy, platform)
    sql = """UPDATE api_keys SET kind = 'flagger', harms = %(h)s
             WHERE name = %(n)s AND revoked_at IS NULL RETURNING id"""
    made = str(tx.value(sql, n=tidy, h=areas))
    ids = {"key": made} | {f"harm_{at}": code for at, code in enumerate(areas, 1)}
    ledger.append(tx, "flagger.named", ids)
    return key
