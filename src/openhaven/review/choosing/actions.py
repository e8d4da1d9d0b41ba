"""The verb of choosing: one's own matter, so the ledger does not know of it."""

from openhaven.review.choosing.model import Choices
from openhaven.storage import Tx


def choose(tx: Tx, chosen: Choices) -> None:
    """Keep what the actor chose for themselves."""
    sql = """INSERT INTO reviewer_choices
               (staff, languages, only_grey, only_small, no_pictures, cover_text)
             VALUES (%(me)s, %(languages)s, %(grey)s, %(small)s, %(none)s, %(cover)s)
             ON CONFLICT (staff) DO UPDATE SET languages = excluded.languages,
               only_grey = excluded.only_grey, only_small = excluded.only_small,
               no_pictures = excluded.no_pictures, cover_text = excluded.cover_text"""
    tx.run(sql, me=tx.actor.id, languages=list(chosen.languages), grey=chosen.only_grey,
           small=chosen.only_small, none=chosen.no_pictures, cover=chosen.cover_text)  # fmt: skip
