"""Reports to authorities in the console: the registry, one filing, its form, and duties. Thin."""

from collections.abc import Mapping

import msgspec

from openhaven.authorities import actions, duties, form, lines, nca, network, plain, store
from openhaven.authorities.cybertip import (
    Body,
    Entered,
    check,
    compose,
    entered_in,
    is_here,
    is_test,
    kept,
)
from openhaven.authorities.cybertip import store as cybertip
from openhaven.authorities.facts import CaseFacts, facts_of
from openhaven.authorities.model import STATES, TONES, Filing, named
from openhaven.authorities.nca.model import Priority
from openhaven.core import HARMS, Problem
from openhaven.evidence import GROUNDS
from openhaven.staff import approvals
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other

_FORM = {
    "blank": Entered(), "write_ip": lines.write_ip, "types": form.TYPES, "wheres": form.WHERES,
    "report_tags": form.REPORT_TAGS,
    "file_tags": form.FILE_TAGS, "classes": form.CLASSES, "priorities": nca.PRIORITIES,
}  # fmt: skip


# The registry -----------------------------------------------------------------------------------


def filings(call: Call) -> Answer:
    """`GET /console/filings`: what is due, what was filed, and what stands against it."""
    with call.haven.db.read(call.now) as tx:
        due, found, trouble = duties.listed(tx), store.filings(tx), cybertip.trouble(tx)
        alarms = store.alarms(tx)
    return page(call, "authorities/filings.html", due=due, filings=found, trouble=trouble,
                alarms=alarms, grounds=GROUNDS, where=call.haven.settings.authorities,
                **_where(call), **_words())  # fmt: skip


def _words() -> dict[str, object]:
    return {"states": STATES, "tones": TONES, "named": named, "duty_states": duties.STATES,
            "harms": HARMS, "no_report_grounds": duties.GROUNDS}  # fmt: skip


def _test(call: Call) -> bool:
    return is_test(call.haven.settings.authorities.cybertip_url)


def _where(call: Call) -> dict[str, bool]:
    """Say whether reports go to the authority's test server, or to a program on this machine."""
    return {"test": _test(call), "here": is_here(call.haven.settings.authorities.cybertip_url)}


# One filing -------------------------------------------------------------------------------------


def filing(call: Call) -> Answer:
    """`GET /console/filings/{id}`: how far a report is; for specialists also what it states."""
    return _filing(call)


def _filing(call: Call, problem: Problem | None = None) -> Answer:
    with call.haven.db.read(call.now) as tx:
        found = store.filing(tx, call.path["id"])
        attempts = cybertip.attempts(tx, found.id)
        said, sheet = _content(call, tx, found)
    return page(call, "authorities/filing.html", problem.status if problem else 200, filing=found,
                attempts=attempts, said=said, sheet=sheet, problem=problem, **_words())  # fmt: skip


def _content(call: Call, tx: Tx, found: Filing) -> tuple[list[plain.Said], nca.Sheet | None]:
    if not call.may("filing.work"):
        return [], None
    if found.authority != "ncmec":
        return [], nca.sheet_of(tx, found.id)
    body = cybertip.body(tx, found.id)
    return (plain.stated(body) if body else []), None


def withdraw(call: Call) -> Answer:
    """`POST /console/filings/{id}/withdraw`: withdraw a report that has not arrived."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            actions.withdraw(tx, call.path["id"])
    except Problem as problem:
        return _filing(call, problem)
    return see_other(f"/console/filings/{call.path['id']}")


def reference(call: Call) -> Answer:
    """`POST /console/filings/{id}/reference`: enter what the authority calls the report."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            nca.hand_in(tx, call.path["id"], call.form().get("reference", ""))
    except Problem as problem:
        return _filing(call, problem)
    return see_other(f"/console/filings/{call.path['id']}")


def export(call: Call) -> Answer:
    """`GET /console/filings/{id}/sheet.txt`: the sheet, to be entered into a portal."""
    with call.haven.db.read(call.now) as tx:
        found = store.filing(tx, call.path["id"])
        sheet = nca.sheet_of(tx, found.id) if found.authority != "ncmec" else None
    if sheet is None:
        raise Problem("filing.sheet", "There is no sheet of this filing.", status=404)
    text = nca.text(sheet, head=f"{named(found.authority)}, our number {found.id}")
    return Answer(200, text.encode(), "text/plain; charset=utf-8", {"cache-control": "no-store"})


# The form ---------------------------------------------------------------------------------------


def report(call: Call) -> Answer:
    """`GET /console/cases/{id}/report/{authority}`: what would be sent, and what is missing."""
    return _report(call)


def _report(
    call: Call, problem: Problem | None = None, entered: Entered | None = None, priority: int = 2,
    given: Mapping[str, str] | None = None,
) -> Answer:  # fmt: skip
    """Show the form; `given` is what was sent with a mistake, of which nothing may be lost."""
    case, authority = call.path["id"], _authority(call)
    with call.haven.db.read(call.now) as tx:
        facts = facts_of(tx, case, authority)
        number, found = _current(tx, case, authority)
        if entered is None and given is not None:
            entered = form.read(given, facts, lenient=True)
        if entered is None:
            entered, priority = _kept(tx, found, authority)
        values = _shown(call, tx, facts, entered, authority, priority)
        due = duties.listed(tx, case=case, ended=True)
        tied = network.associated(tx, case)
    return page(call, "authorities/report.html", problem.status if problem else 200, facts=facts,
                entered=entered, lists=form.written(entered, given), filing=found, number=number,
                authority=authority, due=due, tied=tied, priority=priority, problem=problem,
                **_where(call), **values, **_FORM, **_words())  # fmt: skip


def _authority(call: Call) -> str:
    given = call.path["authority"]
    known = given in ("ncmec", "nca", "police-eu")
    hotline = given.removeprefix("hotline-").upper() in call.haven.settings.authorities.hotlines
    if not known and not hotline:
        raise Problem("authority.unknown", "No report is made to this authority here.", status=404,
                      next_step="Hotlines are set under [authorities] in openhaven.toml.",
                      )  # fmt: skip
    return given


def _current(tx: Tx, case: str, authority: str) -> tuple[int, Filing | None]:
    """Return the number of the report that is being written, and its draft; the report is 0."""
    made = [one for one in store.filings(tx, case=case)
            if one.authority == authority and one.state != "withdrawn"]  # fmt: skip
    living = [one for one in made if one.state != "finished"]
    if living:
        return living[0].number, living[0]
    return max((one.number + 1 for one in made), default=0), None


def _kept(tx: Tx, found: Filing | None, authority: str) -> tuple[Entered, int]:
    if found is None:
        return Entered(), 2
    if authority != "ncmec":
        sheet = nca.sheet_of(tx, found.id)
        return entered_in(sheet.entered if sheet else {}), sheet.priority if sheet else 2
    body = cybertip.body(tx, found.id)
    return entered_in(body.entered if body else {}), 2


def _shown(
    call: Call, tx: Tx, facts: CaseFacts, entered: Entered, authority: str, priority: int
) -> dict[str, object]:
    """Return what the page shows of a report that is being written: statements, faults, files."""
    body = compose(facts, entered, call.haven.settings.authorities, _service(call))
    shown = plain.files(facts.items, facts.views, body)
    said = plain.stated(body) + plain.stated_of_files(body, facts.items, facts.views)
    if authority != "ncmec":
        sheet = _sheet(call, facts, entered, authority, priority)
        return {"said": [plain.Said(section.title, row.field, row.value, row.source)
                         for section in sheet.sections for row in section.rows],
                "missing": [], "unknown": sheet.unknown, "files": shown}  # fmt: skip
    known = cybertip.schemas(tx)
    faults = check(body, facts.items, facts.views, known, call.now, case=facts.case.id)
    missing = list(dict.fromkeys(plain.words(one) for one in faults))
    return {"said": said, "missing": missing, "unknown": (), "files": shown,
            "schema": bool(known)}  # fmt: skip


def _sheet(
    call: Call, facts: CaseFacts, entered: Entered, authority: str, priority: int
) -> nca.Sheet:
    where = call.haven.settings.authorities
    made = (
        nca.letter(facts, entered, _service(call)) if authority.startswith("hotline-")
        else nca.sheet(facts, entered, where, _service(call), _priority(priority))
    )  # fmt: skip
    return msgspec.structs.replace(made, entered=kept(entered))


def _priority(number: int) -> Priority:
    return 1 if number == 1 else 3 if number == 3 else 2


def _service(call: Call) -> str:
    return call.haven.settings.service_name


def send(call: Call) -> Answer:
    """`POST /console/cases/{id}/report/{authority}`: keep what was entered, or file it."""
    given, authority = call.form(), _authority(call)
    entered, priority = None, 2
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            facts = facts_of(tx, call.path["id"], authority)
            entered, priority = form.read(given, facts), _int(given.get("priority", "2"))
            made = actions.write(
                tx, facts.case.id, authority, _made(call, facts, entered, authority, priority),
                number=_int(given.get("number", "")), version=_int(given.get("version", "")),
                priority=_urgency(authority, entered, priority),
            )  # fmt: skip
        if given.get("do") != "file":
            return see_other(call.url_path + "#sent")
        if authority == "ncmec":
            _complete(call, made)
        with call.haven.db.begin(call.actor, call.now) as tx:
            actions.file(tx, made.id, made.version, test=authority == "ncmec" and _test(call))
    except Problem as problem:
        return _report(call, problem, entered, priority, given if entered is None else None)
    return see_other(f"/console/filings/{made.id}")


def _urgency(authority: str, entered: Entered, priority: int) -> int | None:
    """Return how urgent a report is said to be, 1 to 3; a hotline's letter says nothing of that."""
    if authority == "ncmec":
        return 1 if entered.urgent else 2
    return None if authority.startswith("hotline-") else _priority(priority)


def _made(call: Call, facts: CaseFacts, entered: Entered, authority: str, priority: int) -> bytes:
    if authority != "ncmec":
        return msgspec.json.encode(_sheet(call, facts, entered, authority, priority))
    body: Body = compose(facts, entered, call.haven.settings.authorities, _service(call))
    return msgspec.json.encode(body)


def _complete(call: Call, made: Filing) -> None:
    """Raise `Problem` (409) when something is missing; the draft is kept."""
    with call.haven.db.read(call.now) as tx:
        body, facts = cybertip.body(tx, made.id), facts_of(tx, made.case_id, made.authority)
        faults = [] if body is None else check(body, facts.items, facts.views,
                                               cybertip.schemas(tx), call.now,
                                               case=made.case_id)  # fmt: skip
    if faults:
        raise Problem("filing.incomplete", "It is kept as a draft, and was not filed: something "
                      "is missing.", status=409, next_step="See under “What is missing”.",
                      )  # fmt: skip


def _int(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


# Duties -----------------------------------------------------------------------------------------


def duty(call: Call) -> Answer:
    """`GET /console/duties/{id}`: one duty: whose law, until when, and how it can end."""
    return _duty(call)


def _duty(call: Call, problem: Problem | None = None) -> Answer:
    with call.haven.db.read(call.now) as tx:
        found = duties.duty(tx, call.path["id"])
        covering = duties.duty(tx, found.covered_by) if found.covered_by else None
        reason = duties.reason(tx, found.id) if call.may("filing.work") else None
        alone = found.state == "no_report" and not approvals.independent(tx, "no-report", found.id)
    return page(call, "authorities/duty.html", problem.status if problem else 200, duty=found,
                covering=covering, reason=reason, alone=alone, problem=problem,
                **_words())  # fmt: skip


def no_report(call: Call) -> Answer:
    """`POST /console/duties/{id}/no-report`: say why there is no report; a second person agrees."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            given = call.form()
            duties.close(tx, call.path["id"], no_report_reason=given.get("reason", ""),
                         ground=given.get("ground") or "other")  # fmt: skip
    except Problem as problem:
        return _duty(call, problem)
    return see_other(f"/console/duties/{call.path['id']}")


def by_hand(call: Call) -> Answer:
    """`POST /console/duties/{id}/reference`: enter the reference of a report made elsewhere."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            duties.close(tx, call.path["id"], reference=call.form().get("reference", ""))
    except Problem as problem:
        return _duty(call, problem)
    return see_other(f"/console/duties/{call.path['id']}")
