"""Reading the six answers."""

from openhaven.review.terms import QUESTIONS
from openhaven.storage import Tx


def six_of(tx: Tx, six: str | None) -> list[tuple[str, str]]:
    """Return the questions with their answers, opened; empty where there are none any more."""
    rows = tx.rows("SELECT * FROM six_answers WHERE id = %(id)s", id=six) if six else []
    if not rows:
        return []
    found = [(QUESTIONS[name], tx.keys.open(rows[0]["subject"], bytes(rows[0][name])))
             for name in QUESTIONS]  # fmt: skip
    return [(question, answer.decode()) for question, answer in found if answer is not None]
