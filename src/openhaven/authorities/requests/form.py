"""Reading the forms about requests: what a request says, accounts one a line, a scope."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from openhaven import intake
from openhaven.authorities.requests.kinds import CATEGORIES, Kind
from openhaven.authorities.requests.model import Asked, Subject, Wanted
from openhaven.core import Problem
from openhaven.storage import Tx

_TEXTS = ("authority", "reference", "basis", "what", "whom", "officer", "email", "phone",
          "answer_by", "since", "until")  # fmt: skip


def asked_in(form: Mapping[str, str]) -> Asked:
    """Return what a form says of a request."""
    texts = {name: form.get(name, "").strip() for name in _TEXTS}
    chosen = tuple(one for one in CATEGORIES if form.get(f"category.{one}"))
    return msgspec.convert({**texts, "categories": chosen}, Asked)


def subjects_in(tx: Tx, text: str) -> tuple[Subject, ...]:
    """Return the accounts (or items) that stand in a field, one a line.

    Each is an id, or a platform's name, a space and an id, where there is more than one platform.
    Raises `Problem` 400, 404 for a platform that there is not.
    """
    names = intake.platform_names(tx)
    return tuple(dict.fromkeys(_subjects(tx, text, names)))


def _subjects(tx: Tx, text: str, names: list[str]) -> Iterator[Subject]:
    for line in filter(None, (one.strip() for one in text[:20_000].splitlines())):
        first, _, rest = line.partition(" ")
        if rest and first in names:
            yield Subject(intake.platform_named(tx, first).id, rest.strip())
        elif len(names) == 1:
            yield Subject(intake.platform_named(tx, names[0]).id, line)
        else:
            raise Problem("request.platform", "It is not clear on which platform that is.",
                          f"“{line[:80]}”",
                          next_step="Write the platform's name, a space and the id.",
                          )  # fmt: skip


def wanted_in(tx: Tx, form: Mapping[str, str], kind: Kind) -> Wanted:
    """Return the scope that a form says; raises `Problem` 400 for what cannot be read."""
    chosen = tuple(one for one in CATEGORIES if form.get(f"category.{one}"))
    about = subjects_in(tx, form.get("subjects", ""))
    removal = kind.outcome == "removed"
    return Wanted(
        categories=chosen,
        subjects=() if removal else about,
        items=about if removal else (),
        since=_day(form.get("since", "")),
        # The day that is named is part of it.
        until=_day(form.get("until", "")) + timedelta(days=1),
        why=form.get("why", "").strip()[:5_000],
        delay_ground=form.get("delay_ground", ""),
        delay_days=number_in(form.get("delay_days", "").strip() or "0"),
    )


def number_in(text: str) -> int:
    """Return a small number that somebody wrote, -1 for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else -1


def _day(text: str) -> datetime:
    try:
        if text.startswith("9999"):
            raise ValueError(text)
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Problem("request.day", "The time has a beginning and an end.",
                      "A day is written like 2026-11-30.") from error  # fmt: skip
