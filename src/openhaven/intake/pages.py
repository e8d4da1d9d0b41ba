"""The report form and the state of a report: for everybody, without an account. Thin."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from openhaven import decisions, intake
from openhaven.core import HARMS, Problem
from openhaven.core.words import mark
from openhaven.decisions.appeals import decided_on, reported
from openhaven.decisions.views import appeals_by
from openhaven.intake import Platform, Report, ReportSubject
from openhaven.intake.reports.actions import warned
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other


class Category(NamedTuple):
    """A kind of report in the words of somebody who reports."""

    code: str
    words: str


CATEGORIES = (
    Category("csam.known", mark("Sexual pictures, films or talk about a child")),
    Category("grooming", mark("An adult approaches a child sexually")),
    Category("sextortion.minor", mark("Somebody threatens with intimate pictures")),
    Category("ncii", mark("An intimate picture, real or faked, without consent")),
    Category("suicide", mark("Somebody may be about to end their life")),
    Category("self_harm", mark("Self-harm is shown or praised")),
    Category("eating_disorder", mark("An eating disorder is praised")),
    Category("bullying", mark("Bullying")),
    Category("harassment", mark("Harassment or stalking")),
    Category("doxxing", mark("An address, number or private life made public")),
    Category("violence.threat", mark("A threat of violence")),
    Category("terrorism", mark("Terrorism")),
    Category("hate", mark("Hatred against a group of people")),
    Category("scam", mark("Fraud, or a false name")),
    Category("underage_account", mark("A child who is too young for this service")),
    Category("spam", mark("Spam")),
    Category("other", mark("Something else")),
)


def report_form(call: Call) -> Answer:
    """`GET /report`: the form; `?platform=`, `?item=`, `?account=` and `?category=` fill it in."""
    return _form_page(call, call.query)


def report_send(call: Call) -> Answer:
    """`POST /report`: store the report and show the receipt, which is shown only this once."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            platform = intake.platform_named(tx, form.get("platform", "default"))
            report = _report(tx, platform, form, call.language)
            receipt = intake.accept_report(tx, platform.id, report, files=_files(call))
            told_off = warned(tx, receipt)
    except Problem as problem:
        return _form_page(call, form, problem)
    topics = HARMS[form["category"]].help
    return page(call, "intake/thanks.html", 201, receipt=receipt, topics=topics,
                told=bool(form.get("contact", "").strip()), warned=told_off)  # fmt: skip


def _files(call: Call) -> list[bytes]:
    """Return the pictures that came with the form; a field left empty is none."""
    return [data for name in ("file1", "file2", "file3") if (data := call.files.get(name))]


def receipt_form(call: Call) -> Answer:
    """`GET /report/receipt`: ask for the receipt code; `?code=` leads to the report's state."""
    code = call.query.get("code", "").strip().lower()
    if code and all(c.isalnum() or c == "-" for c in code) and code != "receipt":
        return see_other(f"/report/{code}")
    return page(call, "intake/receipt.html", wrong=bool(code))


def report_state(call: Call) -> Answer:
    """`GET /report/{receipt}`: how far the report is, and what became of it."""
    return _state_page(call)


def report_appeal(call: Call) -> Answer:
    """`POST /report/{receipt}/appeal`: who reported says that something should have been done."""
    text = call.form().get("text", "")
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            found = reported(tx, call.path["receipt"])
            made = decided_on(tx, found)
            if made is None:
                raise Problem("report.open", mark("Your report is not decided yet."), status=409,
                              next_step=mark("Come back to this page."))  # fmt: skip
            decisions.appeal(tx, made, text, found)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _state_page(call, problem, text)
    return see_other(f"/report/{call.path['receipt']}")


def _state_page(call: Call, problem: Problem | None = None, text: str = "") -> Answer:
    with call.haven.db.read(call.now) as tx:
        status = intake.report_status(tx, call.path["receipt"])
        found = reported(tx, call.path["receipt"])
        made = decided_on(tx, found)
        # What was overturned is open again: then their appeal is all that there is to show.
        own = [one for one in appeals_by(tx, found.id)
               if made is None or one.decision == made.id]  # fmt: skip
    open_ = bool(made and made.outcome == "allow" and made.state == "in_force" and not own
                 and call.now <= made.appeal_until)  # fmt: skip
    harm = HARMS.get(status.category, HARMS["other"])
    return page(call, "intake/state.html", problem.status if problem else 200, status=status,
                topics=harm.help, appeal=own[-1] if own else None, open=open_, text=text,
                until=made.appeal_until if made else None, problem=problem)  # fmt: skip


def _form_page(call: Call, values: Mapping[str, str], problem: Problem | None = None) -> Answer:
    with call.haven.db.read(call.now) as tx:
        platforms = intake.platform_names(tx)
    return page(call, "intake/report.html", problem.status if problem else 200, problem=problem,
                values=values, categories=CATEGORIES, platforms=platforms)  # fmt: skip


def _report(tx: Tx, platform: Platform, form: Mapping[str, str], language: str) -> Report:
    item, account = form.get("item", "").strip(), form.get("account", "").strip()
    category, contact = form.get("category", ""), form.get("contact", "").strip()
    if not item and not account:
        raise Problem("report.subject", mark("Tell us what it is about."),
                      next_step=mark("Give the address of the post, or the account's name."),
                      )  # fmt: skip
    if category not in {one.code for one in CATEGORIES}:
        raise Problem("report.category", mark("Choose what is wrong."),
                      next_step=mark("If nothing fits, choose “Something else”."))  # fmt: skip
    if contact and intake.email_of(contact) is None:
        raise Problem("report.contact", mark("This is no e-mail address."),
                      next_step=mark("Mend it, or leave it empty to stay unnamed."))  # fmt: skip
    text = form.get("text", "").strip()
    if len(text) > 10_000:
        raise Problem("report.text", mark("Your words are longer than 10,000 characters."),
                      next_step=mark("Shorten them, or send a second report."))  # fmt: skip
    subject = ReportSubject(item=item_given(tx, platform, item), account=_short(account))
    return Report(subject=subject, category=category, text=text, contact=contact or None,
                  language=language)  # fmt: skip


def item_given(tx: Tx, platform: Platform, given: str) -> str | None:
    """Return the platform's id of an item from its id or its address.

    An address is matched by its parts; one that leads to no known item is kept as it is.
    """
    known = (one for one in _candidates(given) if intake.latest_of_item(tx, platform.id, one))
    return next(known, None) or _short(given)


def _candidates(given: str) -> list[str]:
    if "://" not in given:
        return []
    try:
        address = urlsplit(given)
    except ValueError:
        return []
    parts = [unquote(part) for part in address.path.split("/") if part]
    values = [value for found in parse_qs(address.query).values() for value in found]
    found = [unquote(address.fragment), *values, *reversed(parts)]
    # An id that was stored never holds NUL, and PostgreSQL takes no text with one.
    return [one for one in found if one and "\0" not in one][:10]


def _short(given: str) -> str | None:
    if len(given) > 200:
        raise Problem("report.long", mark("This address is too long to be one of ours."),
                      next_step=mark("Copy it again, or give the number of the post."))  # fmt: skip
    return given or None
