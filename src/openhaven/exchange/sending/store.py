"""Reading what is being sent to services, and what was sent."""

from typing import Any

from openhaven.exchange.sending.model import Line, Offer, Sent
from openhaven.storage import Tx

_LINE = """SELECT n.id, b.name AS bank, s.name AS source, coalesce(m.name, n.asked_by) AS asked_by,
             n.asked_at, n.state,
             count(t.id) FILTER (WHERE t.state IN ('intended', 'retracting')) AS waiting,
             count(t.id) FILTER (WHERE t.state = 'sent') AS sent,
             count(t.id) FILTER (WHERE t.state = 'failed') AS failed,
             count(t.id) FILTER (WHERE t.state = 'retracted') AS taken_back,
             max(t.last_error) AS last_error
           FROM bank_sendings n JOIN banks b ON b.id = n.bank JOIN bank_sources s ON s.id = n.source
             LEFT JOIN staff m ON m.id = n.asked_by LEFT JOIN bank_sent t ON t.sending = n.id """


def sendings(tx: Tx, limit: int = 50) -> list[Line]:
    """Return the latest sendings, the newest first."""
    sql = _LINE + """GROUP BY n.id, b.name, s.name, m.name ORDER BY n.asked_at DESC, n.id DESC
                     LIMIT %(limit)s"""  # fmt: skip
    return tx.all(sql, Line, limit=limit)


def undone(tx: Tx, source: str) -> int:
    """Return how many of our entries a source (by id) holds, or is about to get or to lose."""
    sql = """SELECT count(*) FROM bank_sent
             WHERE source = %(s)s AND state IN ('intended', 'sent', 'retracting')"""
    return int(tx.value(sql, s=source))


def sent(tx: Tx, number: str) -> Sent:
    """Return one entry on its way, with its value."""
    sql = """SELECT t.id, t.entry, t.source, t.state, t.attempts, t.remote, b.kind, b.opinion,
               e.value, e.tags, e.living AND e.source IS NULL AS living
             FROM bank_sent t JOIN bank_entries e ON e.id = t.entry JOIN banks b ON b.id = e.bank
             WHERE t.id = %(id)s"""
    row: dict[str, Any] = tx.rows(sql, id=number)[0]
    offer = Offer(row["kind"], row["value"], row["opinion"], tuple(row["tags"]), row["remote"])
    return Sent(id=row["id"], entry=row["entry"], source=row["source"], state=row["state"],
                attempts=row["attempts"], living=row["living"], offer=offer)  # fmt: skip
