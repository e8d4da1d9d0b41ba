"""Reading terms from a form of the console. Pure."""

from collections.abc import Mapping

import msgspec

from openhaven.core import Problem
from openhaven.review.terms.model import QUESTIONS, Later, Six, Terms


def terms_of(form: Mapping[str, str], outcome: str) -> Terms:
    """Return what a form says besides the outcome; raises `Problem` for what cannot be read.

    A measure is only read where something is restricted, so that it need not be cleared by hand.
    """
    places = form.get("scope", "").upper().replace(",", " ").split()
    given = {
        "measure": form.get("measure", "") if outcome == "restrict" else "",
        "scope": tuple(places) if places and places != ["*"] else ("*",),
        "starts_days": _number(form.get("starts_days", "")),
        "later": _later(form),
    }
    try:
        return msgspec.convert(given, Terms)
    except msgspec.ValidationError as error:
        raise Problem("terms.wrong", "Something of this form cannot be read.", str(error),
                      next_step="Choose one of the given answers.") from error  # fmt: skip


def six_of(form: Mapping[str, str]) -> Six | None:
    """Return the six answers, or None when none of them was given."""
    given = {name: form.get(f"six_{name}", "").strip() for name in QUESTIONS}
    return Six(**given) if any(given.values()) else None


def _later(form: Mapping[str, str]) -> Later | None:
    kind = form.get("later", "")
    if not kind:
        return None
    if kind not in ("child-safety", "legal-order"):
        raise Problem("terms.later", "Choose why the person is told later.")
    return Later(kind=kind, reference=form.get("later_reference", ""),  # type: ignore[arg-type]
                 days=_number(form.get("later_days", "")) or 7)  # fmt: skip


def _number(text: str) -> int:
    digits = text.strip()
    if not digits:
        return 0
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 4):
        raise Problem("terms.number", "This is no number of days.")
    return int(digits)
