"""The three checks that a filing passes before anything is sent: schema, documented rules, our own.

What our own check holds: everything that is stated has a source in the case; a file is one of the
case, is still there and is what it was; and a report is of the past by the authority's clock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from openhaven.authorities.cybertip import rules, rules_files, schema
from openhaven.authorities.cybertip.body import Body, details
from openhaven.authorities.cybertip.checking import Fault
from openhaven.authorities.cybertip.parts import Part
from openhaven.authorities.cybertip.xml import document
from openhaven.evidence import Item, Viewing

# Numbers for a document that is checked before the server has given any.
_ANY_REPORT, _ANY_FILE = "1", "0" * 32


def check(
    body: Body, items: Mapping[str, Item], views: Mapping[str, Viewing], xsds: Sequence[bytes],
    now: datetime, *, case: str,
) -> list[Fault]:  # fmt: skip
    """Return everything that is wrong with a filing at `now`; empty when it may be sent.

    `items` are the sealed items of the case by id, `views` who was shown them, `xsds` the schemas
    that it has to fit.
    """
    found = own(body, items, case)
    if found:
        return found
    papers = {plan.item: document(details(body, plan, items[plan.item], views[plan.item],
                                          _ANY_REPORT, _ANY_FILE))
              for plan in body.files}  # fmt: skip
    report = document(body.report)
    for xsd in xsds:
        for paper in (report, *papers.values()):
            found += [Fault("schema", "/", words) for words in schema.faults(xsd, paper)]
    found += rules.judge(report, now)
    for paper in papers.values():
        found += rules_files.judge_file(paper, now, batch=body.batch)
    return found + rules_files.judge_files(papers, batch=body.batch)


def own(body: Body, items: Mapping[str, Item], case: str) -> list[Fault]:
    """Return what our own rules find: statements without a source, files of other cases."""
    found = [Fault("O1", path, "Nothing says where this is from.")
             for path in statements(body.report) if not sourced(path, body.sources)]  # fmt: skip
    for plan in body.files:
        item = items.get(plan.item)
        if item is None or item.case_id != case:
            found.append(Fault("O2", plan.item, "This file is none of the case."))
        elif item.destroyed_at is not None:
            found.append(Fault("O3", plan.item, "This file was destroyed; take it out."))
    if len({plan.item for plan in body.files}) != len(body.files):
        found.append(Fault("O4", "/files", "A file is named twice."))
    if not (body.files or body.report.internet_details or body.report.person_or_user_reported):
        found.append(Fault("O5", "/", "The report says neither who nor what nor where."))
    return found


def statements(part: Part, at: str = "") -> list[str]:
    """Return the places of a report that state something, such as `/reporter/legalURL`."""
    found: list[str] = []
    for field in msgspec.structs.fields(part):
        found += _stated(getattr(part, field.name), f"{at}/{field.encode_name}")
    return found


def _stated(value: Any, place: str) -> list[str]:
    if value is None or value == ():
        return []
    if isinstance(value, tuple):
        return [one for n, each in enumerate(value) for one in _stated(each, f"{place}[{n}]")]
    return statements(value, place) if isinstance(value, Part) else [place]


def sourced(path: str, sources: Mapping[str, str]) -> bool:
    """Say whether a place, or one that it lies in, has a source."""
    while path:
        if sources.get(path):
            return True
        path = path[: max(path.rfind("/"), path.rfind("["), 0)]
    return False
