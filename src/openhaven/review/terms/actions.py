"""The verb of terms: keep what was said besides the outcome of a judgement."""

import msgspec
from msgspec.structs import asdict, replace
from psycopg.types.json import Jsonb

from openhaven.core import Problem, new_id
from openhaven.review.terms.model import QUESTIONS, Six, Terms, check
from openhaven.storage import Tx


def keep(
    tx: Tx, judgement: str, outcome: str, days: int | None, terms: Terms, six: Six | None, case: str
) -> None:
    """Store the terms of a judgement, and the six answers sealed for the notes of its case.

    Raises `Problem` (400) for terms that do not go with the outcome, and for an answer that says
    nothing or has more than 2,000 characters.
    """
    check(terms, outcome, days)
    if six is not None:
        terms = replace(terms, six=keep_six(tx, f"notes:{case}", six))
    sql = "UPDATE judgements SET terms = %(t)s WHERE id = %(j)s"
    tx.run(sql, t=Jsonb(msgspec.to_builtins(terms)), j=judgement)


def keep_six(tx: Tx, subject: str, six: Six) -> str:
    """Store the six answers, each sealed for `subject`; return where."""
    answers = {name: text.strip() for name, text in asdict(six).items()}
    for name, text in answers.items():
        if not 1 <= len(text) <= 2_000:
            raise Problem("terms.six", "A removal as incitement needs all six answers.",
                          QUESTIONS[name],
                          next_step="Answer each in a few words, or escalate.")  # fmt: skip
    kept = new_id("six")
    names = ", ".join(answers)
    values = ", ".join(f"%({name})s" for name in answers)
    tx.run(
        f"""INSERT INTO six_answers (id, subject, answered_at, {names})
            VALUES (%(id)s, %(subject)s, %(now)s, {values})""",  # noqa: S608 (own field names)
        id=kept,
        subject=subject,
        now=tx.now,
        **{name: tx.keys.seal(subject, text.encode()) for name, text in answers.items()},
    )
    return kept
