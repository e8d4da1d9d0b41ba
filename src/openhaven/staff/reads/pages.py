"""Who read what, for auditors: pages, thin."""

from datetime import UTC, datetime

from openhaven.core import Problem
from openhaven.staff import reads
from openhaven.staff.reads.model import Seek, as_csv
from openhaven.web import Answer, Call, page

_PAGE = 100
_MOST = 100_000


def shown(call: Call) -> Answer:
    """`GET /console/reads`: who read what, newest first, by person and by matter."""
    seek, problem = Seek(), None
    try:
        seek = _seek(call)
    except Problem as wrong:
        problem = wrong
    with call.haven.db.read(call.now) as tx:
        found = reads.found(tx, seek, _PAGE + 1)
    older = found[_PAGE - 1].id if len(found) > _PAGE else None
    return page(call, "staff/reads.html", problem.status if problem else 200, found=found[:_PAGE],
                older=older, seek=seek, kinds=reads.KINDS, problem=problem)  # fmt: skip


def as_file(call: Call) -> Answer:
    """`GET /console/reads/file.csv`: the same as a table."""
    with call.haven.db.read(call.now) as tx:
        text = as_csv(reads.found(tx, _seek(call), _MOST))
    headers = {"content-disposition": 'attachment; filename="reads.csv"'}
    return Answer(200, text.encode(), "text/csv; charset=utf-8", headers)


def _seek(call: Call) -> Seek:
    given = call.query
    before = given.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
    person, matter, kind = (given.get(name, "").strip() for name in ("person", "matter", "kind"))
    return Seek(person, matter, kind, _day(given.get("since", "")), _day(given.get("until", "")),
                number)  # fmt: skip


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text[:10]).replace(tzinfo=UTC)
    except ValueError as error:
        raise Problem("reads.day", "A day is written like 2026-11-30.", status=400) from error
