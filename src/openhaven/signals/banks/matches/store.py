"""Reading matches: those of an event, and one by its number."""

from openhaven.signals.banks.matches.model import Match
from openhaven.storage import Tx

_MATCH = """SELECT m.id, m.at, b.name AS bank, m.entry, m.event, m.subject, m.opinion, m.noted,
              m.cleared_by, m.distance, m.task, m.decision, b.kind, b.harm, b.mode,
              coalesce(e.provenance, '') AS provenance, e.quality, s.name AS source,
              e.withdrawn_at, e.withdrawn_reason,
              (SELECT count(*) FROM bank_feedback f WHERE f.match = m.id AND f.word = 'confirm')
                AS confirmed,
              (SELECT count(*) FROM bank_feedback f WHERE f.match = m.id
               AND f.word = 'false_match') AS false_matches
            FROM bank_matches m JOIN banks b ON b.id = m.bank
            LEFT JOIN bank_entries e ON e.id = m.entry
            LEFT JOIN bank_sources s ON s.id = e.source """


def match(tx: Tx, number: int) -> Match | None:
    """Return a match by its number."""
    return tx.one(_MATCH + "WHERE m.id = %(id)s", Match, id=number)


def matches_of(tx: Tx, event: int) -> list[Match]:
    """Return what the banks knew of an event (by its number here), the nearest first."""
    sql = "WHERE m.event = %(event)s ORDER BY m.distance, m.id LIMIT 200"
    return tx.all(_MATCH + sql, Match, event=event)
