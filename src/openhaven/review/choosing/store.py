"""Reading what a reviewer chose."""

from openhaven.review.choosing.model import Choices
from openhaven.storage import Tx


def choices(tx: Tx, staff: str) -> Choices:
    """Return what `staff` chose; all that the house allows where they chose nothing."""
    sql = """SELECT languages, only_grey, only_small, no_pictures, cover_text
             FROM reviewer_choices WHERE staff = %(s)s"""
    return tx.one(sql, Choices, s=staff) or Choices()


def languages(tx: Tx, staff: str) -> list[str]:
    """Return the languages that `staff` reads; none means all."""
    return list(choices(tx, staff).languages)
