"""Verbs of authorities: open the duties that a case brings; write, file and withdraw a filing."""

from openhaven import ledger
from openhaven.authorities import duties, store
from openhaven.authorities.model import STATES, Filing
from openhaven.authorities.permitted import only_specialists
from openhaven.authorities.router import Facts, route
from openhaven.core import Problem, new_id
from openhaven.storage import Tx
from openhaven.storage.settings import Authorities


def due(tx: Tx, case: str, facts: Facts, where: Authorities) -> dict[str, str]:
    """Open every duty that a case brings; return the ids by jurisdiction. Doing it again is safe.

    `where` says where the service is established, and where it has registered besides.
    """
    told = route(facts, where.established, where.told)
    made = {
        one.jurisdiction: duties.open(
            tx, case, one.jurisdiction, one.due_at, one.why, authority=one.authority
        )
        for one in told
    }
    for one in told:
        if one.covered_by:
            duties.cover(tx, made[one.jurisdiction], made[one.covered_by])
    return made


# Filings ----------------------------------------------------------------------------------------


def write(
    tx: Tx, case: str, authority: str, body: bytes, *, number: int = 0, version: int = 0,
    priority: int | None = None,
) -> Filing:  # fmt: skip
    """Store what a filing shall state, as a draft; return it.

    `body` is sealed for the filing. `number` is 0 for the report and above for what supplements it,
    which needs a finished one before. `priority` is how urgent it is said to be, from 1 (a child is
    in danger) to 3. `version` is that of the draft which was changed (0 for a new
    one): raises `Problem` 409 when somebody else changed or filed it meanwhile, 403 for who has not
    the role.
    """
    only_specialists(tx)
    _not_repeated(tx, case, authority)
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=f"filing:{case}")
    # Whoever files or sends it holds its row: what they did is seen, and not written over.
    sql = """SELECT 1 FROM filings WHERE case_id = %(c)s AND authority = %(a)s AND number = %(n)s
               AND state <> 'withdrawn' FOR UPDATE"""
    tx.run(sql, c=case, a=authority, n=number)
    found = store.filing_of(tx, case, authority, number)
    if found is None:
        return _begun(tx, case, authority, body, number, priority)
    if not found.editable:
        raise Problem("filing.filed", "This was filed already, so it is not changed any more.",
                      STATES[found.state], status=409,
                      next_step="See it in the list of filings.")  # fmt: skip
    if version != found.version:
        raise Problem("filing.meanwhile", "Somebody else has changed it meanwhile.", status=409,
                      next_step="Look at what it says now.")  # fmt: skip
    sql = """UPDATE filings SET body = %(body)s, version = version + 1, state = 'draft',
               trouble = NULL, failing_since = NULL, next_at = NULL, tries = 0,
               priority = %(priority)s
             WHERE id = %(id)s"""
    _no_way_back(tx, found)
    tx.run(sql, id=found.id, body=tx.keys.seal(found.id, body), priority=priority)
    _noted(tx, "changed", found)
    return store.filing(tx, found.id)


def _not_repeated(tx: Tx, case: str, authority: str) -> None:
    """Raise `Problem` when the law lets the report to another authority count here."""
    for one in duties.listed(tx, case=case, ended=True):
        if one.authority == authority and one.covered_by and one.state in ("open", "covered"):
            raise Problem("filing.covered", "A report elsewhere counts here as well.", one.why,
                          status=409,
                          next_step="If none is made there, this duty is open again.")  # fmt: skip


def _begun(
    tx: Tx, case: str, authority: str, body: bytes, number: int, priority: int | None
) -> Filing:
    before = store.filing_of(tx, case, authority, number - 1) if number else None
    if number and (before is None or before.state != "finished"):
        raise Problem("filing.order", "A supplement follows a report that has arrived.", status=409,
                      next_step="Wait for the receipt of the report.")  # fmt: skip
    made = new_id("fil")
    tx.run(
        """INSERT INTO filings (id, case_id, authority, number, body, created_at, created_by,
             priority)
           VALUES (%(id)s, %(case)s, %(a)s, %(n)s, %(body)s, %(now)s, %(by)s, %(p)s)""",
        id=made, case=case, a=authority, n=number, body=tx.keys.seal(made, body), now=tx.now,
        by=str(tx.actor), p=priority,
    )  # fmt: skip
    found = store.filing(tx, made)
    _noted(tx, "begun", found)
    return found


def file(tx: Tx, filing: str, version: int, *, test: bool) -> Filing:
    """Press the button: what the draft states in this `version` shall be sent; return the filing.

    Twice is once, and it is always a person who does it. `test` says that the server is one for
    tests, so that no duty ends by it. Raises `Problem` 409 when it was changed since it was looked
    at, 403 for who may not.
    """
    only_specialists(tx)
    tx.run("SELECT 1 FROM filings WHERE id = %(id)s FOR UPDATE", id=filing)
    found = store.filing(tx, filing)
    if found.state in ("filed", "finished"):
        return found
    if found.version != version:
        raise Problem("filing.meanwhile", "It was changed since you looked at it.", status=409,
                      next_step="Look at what it says now, and file it then.")  # fmt: skip
    if not found.editable:
        raise Problem("filing.withdrawn", "This was withdrawn.", status=409,
                      next_step="Begin a new one on the page of the case.")  # fmt: skip
    sql = """UPDATE filings SET state = 'filed', filed_at = %(now)s, filed_by = %(by)s, tries = 0,
               test = %(test)s, next_at = %(next)s, trouble = NULL, failing_since = NULL
             WHERE id = %(id)s"""
    # What goes into a portal is handed in by a person: nothing sends it.
    sent = found.authority == "ncmec" or found.authority.startswith("hotline-")
    tx.run(sql, id=filing, now=tx.now, by=str(tx.actor), test=test, next=tx.now if sent else None)
    _noted(tx, "filed", found)
    tx.wake("filings")
    return store.filing(tx, filing)


def withdraw(tx: Tx, filing: str) -> None:
    """Withdraw a filing that is not finished; a report that is open there is taken back.

    Raises `Problem` 409 when it is, or may be, finished already.
    """
    only_specialists(tx)
    tx.run("SELECT 1 FROM filings WHERE id = %(id)s FOR UPDATE", id=filing)
    found = store.filing(tx, filing)
    if found.state in ("finished", "withdrawn"):
        raise Problem("filing.over", "This cannot be withdrawn any more.", STATES[found.state],
                      status=409)  # fmt: skip
    _no_way_back(tx, found)
    sql = """UPDATE filing_attempts SET state = 'retracting', changed_at = %(now)s
             WHERE filing = %(id)s AND state = 'open'"""
    open_ = tx.run(sql, id=filing, now=tx.now)
    sql = """UPDATE filings SET state = 'withdrawn', trouble = NULL,
               next_at = CASE WHEN %(open)s > 0 THEN %(now)s END WHERE id = %(id)s"""
    tx.run(sql, id=filing, open=open_, now=tx.now)
    _noted(tx, "withdrawn", found)
    tx.wake("filings")


def _no_way_back(tx: Tx, found: Filing) -> None:
    """Raise `Problem` when the authority was told to finish the report, or may have been."""
    sql = """SELECT 1 FROM filing_attempts WHERE filing = %(id)s AND state = 'finishing'"""
    if tx.value(sql, id=found.id):
        raise Problem("filing.finishing", "The authority was asked to finish this report.",
                      status=409, next_step="Wait for its answer.")  # fmt: skip
    sql = """SELECT 1 FROM filings WHERE id = %(id)s AND state = 'filed' AND tries > 0
             AND authority LIKE 'hotline-%%' AND (trouble IS NULL OR lease_until > %(now)s)"""
    if tx.value(sql, id=found.id, now=tx.now):
        raise Problem("filing.posted", "The letter to the hotline was sent, or is on its way.",
                      status=409, next_step="Write to the hotline that it was a mistake, and enter "
                      "the reference of its answer here.")  # fmt: skip


def _noted(tx: Tx, what: str, found: Filing) -> None:
    ids = {"filing": found.id, "case": found.case_id, "authority": found.authority}
    ledger.append(tx, f"filing.{what}", ids)
    tx.wake("console")


# The end of what was stated ---------------------------------------------------------------------

# A draft that nobody went on with, and what was withdrawn, is of no use after so many days.
_STALE_DAYS = 90


def forget(tx: Tx) -> int:
    """Destroy what filings state that nothing keeps any more; return how many there were.

    That is a year after the receipt, once no hold stands on the case; reference and receipt stay.
    Drafts that were left lying, what failed and what was withdrawn go after 90 days, or with the
    erasure of the person, unless a duty to report is still open.
    """
    sql = """SELECT f.id FROM filings f WHERE f.body IS NOT NULL
               AND ((f.state = 'finished' AND f.finished_at < %(now)s - interval '1 year')
                 OR (f.state IN ('draft', 'failed', 'withdrawn')
                     AND (f.created_at < %(now)s - %(stale)s * interval '1 day'
                          OR EXISTS (SELECT 1 FROM evidence_items i WHERE i.case_id = f.case_id
                                     AND i.erase_asked_at IS NOT NULL))
                     AND NOT EXISTS (SELECT 1 FROM duties d WHERE d.case_id = f.case_id
                                     AND d.state = 'open')))
               AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.case_id = f.case_id
                 AND h.ended_at IS NULL AND h.until > %(now)s AND h.ground <> 'uk.nca.reference')
             ORDER BY f.created_at LIMIT 100 FOR UPDATE SKIP LOCKED"""
    gone = [str(row["id"]) for row in tx.rows(sql, now=tx.now, stale=_STALE_DAYS)]
    for one in gone:
        tx.run("UPDATE filings SET body = NULL WHERE id = %(id)s", id=one)
        tx.keys.destroy(one)
        ledger.append(tx, "filing.forgotten", {"filing": one})
    return len(gone)


# Calls to staff ---------------------------------------------------------------------------------

# Each gives what a call is about; what is mended and fails again is another matter, by its version.
_CALLS = {
    "duty": """SELECT id AS about FROM duties WHERE state = 'open' AND due_at > %(now)s
      AND %(now)s > due_at - least(interval '6 hours', (due_at - opened_at) / 2)""",
    "duty_overdue": "SELECT id AS about FROM duties WHERE state = 'open' AND due_at <= %(now)s",
    "filing_failed": """SELECT id || '.' || version AS about FROM filings
      WHERE state = 'failed'""",
    "filing_stuck": """SELECT id || '.' || version AS about FROM filings
      WHERE state = 'filed' AND failing_since < %(now)s - interval '1 hour'""",
    "filing_expiring": """SELECT a.id AS about FROM filing_attempts a
      WHERE a.state IN ('open', 'finishing') AND a.opened_at < %(now)s - interval '20 hours'""",
    "authority_closed": """SELECT authority || '.' || extract(epoch FROM trouble_at)::bigint
      AS about FROM authority_accounts WHERE trouble IS NOT NULL""",
    "schema_changed": "SELECT id AS about FROM authority_schemas WHERE accepted_at IS NULL",
    # Once for the same files, by the first comparison that missed them.
    "evidence_lost": """SELECT min(c.id) AS about FROM evidence_checks c
      WHERE cardinality(c.lost) > 0
        AND c.lost = (SELECT lost FROM evidence_checks ORDER BY at DESC, id DESC LIMIT 1)
      HAVING count(*) > 0""",
}


def note_calls(tx: Tx) -> list[tuple[str, str]]:
    """Return the calls to staff that are due and were not made, and note that they are made."""
    made = []
    for kind, sql in _CALLS.items():
        new = f"""INSERT INTO authority_calls (about, kind, at)
                  SELECT f.about, %(kind)s, %(now)s FROM ({sql}) AS f
                  ON CONFLICT DO NOTHING RETURNING about"""  # noqa: S608 (constants)
        made += [(kind, str(row["about"])) for row in tx.rows(new, kind=kind, now=tx.now)]
    return made
