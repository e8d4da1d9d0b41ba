"""Reading cries for help that name nobody."""

import msgspec

from openhaven.storage import Tx


class Unnamed(msgspec.Struct, frozen=True):
    """A request that waits to be told whom it is about, and the report that it became."""

    request: str
    report: str
    platform: str
    subject: str
    body: bytes | None
    young: bool


def of_case(tx: Tx, case: str) -> Unnamed | None:
    """Return the open request behind a case, locked; None when there is none (any more).

    The case of a cry that names nobody stands under the request itself, which no platform knows.
    """
    sql = """SELECT q.id AS request, r.id AS report, q.platform, q.subject, q.body, q.young
             FROM survivor_items i JOIN reports r ON r.id = i.report
             JOIN cases c ON c.id = r.case_id AND c.account = i.request
             JOIN survivor_requests q ON q.id = i.request
             WHERE c.id = %(c)s AND q.state = 'open' FOR UPDATE OF q"""
    return tx.one(sql, Unnamed, c=case)
