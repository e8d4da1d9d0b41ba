"""Named queries: duties, the open ones first."""

from openhaven.authorities.duties.model import Duty
from openhaven.core import Problem
from openhaven.storage import Tx

_COLUMNS = """d.id, d.case_id, d.jurisdiction, d.authority, d.why, d.opened_at, d.due_at, d.state,
  d.covered_by, d.reference, d.closed_at, d.closed_by, d.no_report IS NOT NULL AS asked,
  d.no_report_ground"""


def duty(tx: Tx, duty_id: str) -> Duty:
    """Return one duty; raises `Problem` 404."""
    found = tx.one(f"SELECT {_COLUMNS} FROM duties d WHERE d.id = %(id)s", Duty, id=duty_id)  # noqa: S608
    if found is None:
        raise Problem("duty.unknown", "There is no such duty to report.", status=404)
    return found


def listed(tx: Tx, *, case: str | None = None, ended: bool = False, limit: int = 200) -> list[Duty]:
    """Return duties, the one that is due first at the top; of one case, or of all.

    With `ended` those that have ended come as well, after the open ones.
    """
    sql = f"""SELECT {_COLUMNS} FROM duties d
              WHERE (%(case)s::text IS NULL OR d.case_id = %(case)s)
                AND (%(ended)s OR d.state = 'open')
              ORDER BY (d.state = 'open') DESC, d.due_at, d.id LIMIT %(limit)s"""  # noqa: S608
    return tx.all(sql, Duty, case=case, ended=ended, limit=limit)


def open_of(tx: Tx, case: str, authority: str) -> list[Duty]:
    """Return the open duties that a report of this case to this authority would fulfil."""
    sql = f"""SELECT {_COLUMNS} FROM duties d WHERE d.case_id = %(case)s AND d.state = 'open'
                AND d.authority = %(authority)s ORDER BY d.id"""  # noqa: S608
    return tx.all(sql, Duty, case=case, authority=authority)


def reason(tx: Tx, duty_id: str) -> str | None:
    """Return why nothing is, or shall not be, reported; None when nobody said so."""
    sealed = tx.value("SELECT no_report FROM duties WHERE id = %(id)s", id=duty_id)
    plain = None if sealed is None else tx.keys.open(duty_id, sealed)
    return None if plain is None else plain.decode()
