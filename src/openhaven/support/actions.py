"""Verbs of the directory: import, verify, withdraw. Each in the caller's transaction."""

from collections.abc import Sequence
from datetime import date

import msgspec

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.storage import Tx
from openhaven.support import store
from openhaven.support.checking import service_of, unpaired
from openhaven.support.files import BadFile, shipped
from openhaven.support.model import Kept, Service

SHIPPED = "shipped"
_ME = "openhaven.directory"


class Imported(msgspec.Struct, frozen=True):
    """What an import did: how many services are new, changed, and as they were."""

    new: int
    changed: int
    same: int


def take_in(tx: Tx, services: Sequence[Service], source: str) -> Imported:
    """Store services, all or none. What is not among them stays as it is.

    A change of what a service says ends its verification, unless the new words bring one; one that
    was withdrawn is there again. Raises `BadFile` when a pair would have only one service.
    """
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=_ME)
    before = {one.id: one for one in store.kept(tx)}
    after = {id_: one.plain() for id_, one in before.items() if not one.withdrawn}
    after |= {one.id: one for one in services}
    if alone := unpaired(list(after.values())):
        raise BadFile([f"{one}: pair: nobody else in this country has this pair" for one in alone])
    told = [_merged(before.get(one.id), one) for one in services]
    new = [one for one in told if one.id not in before]
    changed = [one for one in told if one.id in before and _differs(before[one.id], one)]
    for one in (*new, *changed):
        _put(tx, one, source)
    for one in (*new, *changed):
        was = before.get(one.id)
        if one.verified_on is not None and (was is None or was.verified_on != one.verified_on):
            _record(tx, one)
    if new or changed:
        ids = {"new": str(len(new)), "changed": str(len(changed))}
        ledger.append(tx, "support.imported", ids)
    return Imported(len(new), len(changed), len(told) - len(new) - len(changed))


def _merged(was: Kept | None, now: Service) -> Service:
    """Return the new words, with the old verification while they say the same."""
    if was is None or was.verified_on is None or was.plain().content != now.content:
        return now
    if now.verified_on is not None and now.verified_on >= was.verified_on:
        return now
    return msgspec.structs.replace(now, verified_on=was.verified_on, verified_by=was.verified_by)


def _differs(was: Kept, now: Service) -> bool:
    return was.withdrawn or was.plain() != now


def _put(tx: Tx, one: Service, source: str) -> None:
    told = msgspec.structs.asdict(one)
    told |= {"languages": list(one.languages), "topics": list(one.topics)}
    names = ", ".join(told)
    values = ", ".join(f"%({name})s" for name in told)
    anew = ", ".join(f"{name} = excluded.{name}" for name in told if name != "id")
    tx.run(
        f"""INSERT INTO help_services ({names}, source, added_at, changed_at)
            VALUES ({values}, %(source)s, %(now)s, %(now)s)
            ON CONFLICT (id) DO UPDATE SET {anew}, source = excluded.source,
              changed_at = excluded.changed_at, withdrawn_at = NULL""",  # noqa: S608 (own names)
        **told, source=source, now=tx.now,
    )  # fmt: skip


def ship(tx: Tx) -> None:
    """Store what comes with the package, where nobody has changed, verified or withdrawn it."""
    if not tx.lock(_ME):
        return
    known = {one.id: one for one in store.kept(tx)}
    for one in shipped(tx.now.date()):
        was = known.get(one.id)
        ours = was is not None and was.source == SHIPPED and not was.withdrawn
        if was is None or (ours and was.verified_on is None and was.plain() != one):
            _put(tx, one, SHIPPED)


def verify(
    tx: Tx, service: str, by: str, on: date | None = None, *, content: str | None = None
) -> Service:
    """Note that `by` saw on a day (today) that all a service says is true.

    `content` is what was looked at. Raises `Problem`: 404 for a service that is not there, 409 for
    one that was withdrawn or changed meanwhile, 400 for a name that is none or a day that has not
    come.
    """
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=_ME)
    was = store.one_kept(tx, service)
    if content is not None and content != was.plain().content:
        raise Problem("support.changed", "This service was changed meanwhile.", status=409,
                      next_step="Look at it again, and then verify it.")  # fmt: skip
    if was.withdrawn:
        raise Problem("support.withdrawn", "This service was withdrawn.", status=409,
                      next_step="Import it again first.")  # fmt: skip
    day = on or tx.now.date()
    if not by.strip():
        raise Problem("support.by", "Say who verified it.", next_step="Give a name.")
    _check(was, by.strip(), day, tx.now.date())
    now = msgspec.structs.replace(was.plain(), verified_on=day, verified_by=by.strip())
    tx.run(
        """UPDATE help_services SET verified_on = %(day)s, verified_by = %(by)s,
             changed_at = %(now)s WHERE id = %(id)s""",
        id=service, day=day, by=now.verified_by, now=tx.now,
    )  # fmt: skip
    _record(tx, now)
    return now


def _check(was: Kept, by: str, on: date, today: date) -> None:
    """Raise `Problem` for a name or a day that a file could not bring either."""
    told = {"id": was.id, "country": was.country, "name": was.name, "topics": "all", "call": "112",
            "verified_on": on.isoformat(), "verified_by": by}  # fmt: skip
    if wrong := service_of(told, today)[1]:
        raise Problem("support.by", "This verification cannot be stored.", "; ".join(wrong))


def _record(tx: Tx, one: Service) -> None:
    made = new_id("hlp")
    tx.run(
        """INSERT INTO help_verifications (id, service, content, seen_on, seen_by, at)
           VALUES (%(id)s, %(service)s, %(content)s, %(on)s, %(by)s, %(now)s)""",
        id=made, service=one.id, content=one.content, on=one.verified_on, by=one.verified_by,
        now=tx.now,
    )  # fmt: skip
    ledger.append(tx, "support.verified", {"service": one.id}, row=("help_verifications", made))


def note_asked(tx: Tx, url: str, error: str = "") -> None:
    """Note that another directory was asked just now, and what was wrong with its answer."""
    tx.run(
        """INSERT INTO help_directories (url, tried_at, read_at, error)
           VALUES (%(url)s, %(now)s, CASE WHEN %(error)s = '' THEN %(now)s END, %(error)s)
           ON CONFLICT (url) DO UPDATE SET tried_at = excluded.tried_at, error = excluded.error,
             read_at = coalesce(excluded.read_at, help_directories.read_at)""",
        url=url, now=tx.now, error=error,
    )  # fmt: skip


def withdraw(tx: Tx, service: str) -> None:
    """Take a service out of the directory: it is shown no more.

    Raises `Problem`: 404 for one that is not there, 409 for one that another is paired with.
    """
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=_ME)
    was = store.one_kept(tx, service)
    if was.withdrawn:
        return
    rest = [one.plain() for one in store.kept(tx) if not one.withdrawn and one.id != service]
    if alone := unpaired(rest):
        raise Problem("support.paired", "Another service is paired with this one.",
                      ", ".join(alone), status=409,
                      next_step="Import that one without its pair first.")  # fmt: skip
    tx.run("UPDATE help_services SET withdrawn_at = %(now)s, changed_at = %(now)s WHERE id = %(i)s",
           i=service, now=tx.now)  # fmt: skip
    ledger.append(tx, "support.withdrawn", {"service": service})
