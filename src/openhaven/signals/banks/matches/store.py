"""Reading matches: those of an event, and one by its number."""

from openhaven.signals.banks.matches.model import Match
from openhaven.storage import Tx

_MATCH = """SELECT m.id, m.at, b.name AS bank, m.entry, m.event, m.subject, m.opinion, m.noted,
              m.cleared_by, m.distance, m.task, m.decision, m.look_back, b.kind, b.harm, b.mode,
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


def matches_with(tx: Tx, entry: int, limit: int = 50) -> list[Match]:
    """Return the latest matches of an entry."""
    sql = "WHERE m.entry = %(entry)s ORDER BY m.id DESC LIMIT %(limit)s"
    return tx.all(_MATCH + sql, Match, entry=entry, limit=limit)


def matches_in(tx: Tx, bank: str, limit: int = 20) -> list[Match]:
    """Return the latest matches of a bank (by its id)."""
    sql = "WHERE m.bank = %(bank)s ORDER BY m.at DESC, m.id DESC LIMIT %(limit)s"
    return tx.all(_MATCH + sql, Match, bank=bank, limit=limit)


def found_back(tx: Tx, event: int) -> list[str]:
    """Return the harms that looking back found in an event, which its verdict does not know."""
    sql = """SELECT DISTINCT b.harm FROM bank_matches m JOIN banks b ON b.id = m.bank
             WHERE m.event = %(event)s AND m.look_back IS NOT NULL AND m.noted = ''
             ORDER BY b.harm"""
    return [str(row["harm"]) for row in tx.rows(sql, event=event)]


def said_by(tx: Tx, match: int, who: str) -> str | None:
    """Return the word that somebody (an actor as text) said of a match."""
    sql = "SELECT word FROM bank_feedback WHERE match = %(match)s AND by = %(who)s"
    word = tx.value(sql, match=match, who=who)
    return None if word is None else str(word)
