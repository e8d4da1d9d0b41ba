"""Named queries: filings, by case and by state."""

from openhaven.authorities.model import Filing
from openhaven.core import Problem
from openhaven.storage import Tx

_COLUMNS = """f.id, f.case_id, f.authority, f.number, f.state, f.version, f.created_at,
  f.created_by, f.filed_at, f.filed_by, f.next_at, f.tries, f.failing_since, f.trouble, f.reference,
  f.finished_at, f.test"""


def filing(tx: Tx, filing_id: str) -> Filing:
    """Return a filing; raises `Problem` 404."""
    sql = f"SELECT {_COLUMNS} FROM filings f WHERE f.id = %(id)s"  # noqa: S608 (a constant)
    found = tx.one(sql, Filing, id=filing_id)
    if found is None:
        raise Problem("filing.unknown", "There is no such filing.", status=404,
                      next_step="Look in the list of filings.")  # fmt: skip
    return found


def filing_of(tx: Tx, case: str, authority: str, number: int = 0) -> Filing | None:
    """Return the living filing of a case to an authority; None when there is none."""
    sql = f"""SELECT {_COLUMNS} FROM filings f WHERE f.case_id = %(c)s AND f.authority = %(a)s
                AND f.number = %(n)s AND f.state <> 'withdrawn'"""  # noqa: S608
    return tx.one(sql, Filing, c=case, a=authority, n=number)


def filings(
    tx: Tx, *, case: str | None = None, state: str | None = None, limit: int = 200
) -> list[Filing]:
    """Return filings: those that need somebody first, then the newest."""
    sql = f"""SELECT {_COLUMNS} FROM filings f
              WHERE (%(case)s::text IS NULL OR f.case_id = %(case)s)
                AND (%(state)s::text IS NULL OR f.state = %(state)s)
              ORDER BY array_position(ARRAY['failed', 'filed', 'draft'], f.state) NULLS LAST,
                f.created_at DESC, f.id LIMIT %(limit)s"""  # noqa: S608
    return tx.all(sql, Filing, case=case, state=state, limit=limit)
