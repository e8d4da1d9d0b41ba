"""Banks in the console: what they are, their entries, why something matched, comparing. Thin."""

from collections.abc import Callable, Mapping
from typing import Any

from openhaven import exchange, intake, staff
from openhaven.core import HARMS, Problem
from openhaven.exchange import lookback
from openhaven.review import lane
from openhaven.review.shown import is_clear
from openhaven.signals.banks import matches, store
from openhaven.signals.banks.actions import bank_named
from openhaven.signals.banks.comparing import WHY_NOT, compare, protects_children
from openhaven.signals.banks.entries import confirm_negative, propose_negative, withdraw_entry
from openhaven.signals.banks.grids import drawn, grids, in_words
from openhaven.signals.banks.matches import Match
from openhaven.signals.banks.model import BankInfo, Entry, NewEntry
from openhaven.signals.banks.reading import parse_value, shown
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other

BANKS = "/console/banks"
_ENTRIES = "/console/bank-entries"
_MATCHES = "/console/bank-matches"
_PAGE = 50
_COMPARED = ("sha256", "sha1", "md5", "pdq")
Form = Mapping[str, str]


# Banks ----------------------------------------------------------------------------------------


def banks(call: Call) -> Answer:
    """`GET /console/banks`: every bank and every source, and what is stale since when."""
    with call.haven.db.read(call.now) as tx:
        return page(call, "signals/banks.html", banks=store.listed(tx), harms=HARMS,
                    sources=exchange.sources(tx), trouble=call.haven.banks.trouble)  # fmt: skip


def bank(call: Call) -> Answer:
    """`GET /console/banks/{name}`: one bank, its entries, matches and looks back.

    With `value` the entry of this value is gone to.
    """
    value = call.query.get("value", "").strip()
    if not value:
        return _bank_page(call)
    try:
        with call.haven.db.read(call.now) as tx:
            info = bank_named(tx, call.path["name"])
            found = store.entry_of(tx, info.id, _parsed(info, value))
        if found is None:
            raise Problem("bank.no_entry", "The bank has no such entry.", status=404)
    except Problem as problem:
        return _bank_page(call, problem, {"value": value})
    return see_other(f"{_ENTRIES}/{found.id}")


def propose(call: Call) -> Answer:
    """`POST /console/banks/{name}/propose`: propose what is harmless; another one confirms it."""

    def done(tx: Tx, info: BankInfo, form: Form) -> None:
        value = _parsed(info, form.get("value", ""))
        entry = NewEntry(value, None, form.get("provenance", "").strip()[:200] or "the console")
        made = propose_negative(tx, info.name, [entry])
        if made.refused:
            raise Problem("bank.value", "This cannot be an entry.", made.refused[0].reason)
        if not made.added:
            raise Problem("bank.known", "The bank has this entry already.", status=409)

    return _change(call, done)


def look_back(call: Call) -> Answer:
    """`POST /console/banks/{name}/look-back`: compare all entries with what was seen before."""

    def done(tx: Tx, info: BankInfo, form: Form) -> None:
        days = form.get("days", "").strip() or str(lookback.DAYS)
        number = int(days) if days.isascii() and days.isdigit() and len(days) <= 4 else 0
        lookback.ask(tx, info.name, number)

    return _change(call, done)


def cancel_look_back(call: Call) -> Answer:
    """`POST /console/banks/{name}/look-back/cancel`: end a look back that is under way."""
    return _change(call, lambda tx, info, _: lookback.cancel(tx, info.name))


def _change(call: Call, verb: Callable[[Tx, BankInfo, Form], None]) -> Answer:
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            verb(tx, bank_named(tx, call.path["name"]), form)
    except Problem as problem:
        return _bank_page(call, problem, form)
    return see_other(f"{BANKS}/{call.path['name']}")


def _bank_page(call: Call, problem: Problem | None = None, form: Form | None = None) -> Answer:
    before = call.query.get("before", "")
    with call.haven.db.read(call.now) as tx:
        info = bank_named(tx, call.path["name"])
        (row,) = (one for one in store.listed(tx) if one.id == info.id)
        upto = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
        return page(
            call, "signals/bank.html", problem.status if problem else 200, bank=row, info=info,
            problem=problem, form=form or {}, harms=HARMS, names=_names(tx), value=_text_of(info),
            proposed=store.proposed(tx, info.id), closed=_closed(info), days=lookback.DAYS,
            entries=store.entries_before(tx, info.id, upto, _PAGE), page_size=_PAGE,
            matches=matches.matches_in(tx, info.id), runs=lookback.look_backs(tx, info.id),
        )  # fmt: skip


def _closed(info: BankInfo) -> str:
    """Return why this bank may not look back; empty when it may."""
    try:
        lookback.require_may_look_back(info)
    except Problem as problem:
        return problem.detail
    return ""


# Entries --------------------------------------------------------------------------------------


def entry(call: Call) -> Answer:
    """`GET /console/bank-entries/{id}`: one entry, where it comes from, and what it matched."""
    return _entry_page(call)


def withdraw(call: Call) -> Answer:
    """`POST /console/bank-entries/{id}/withdraw`: take an entry out; it matches no more."""

    def done(tx: Tx, info: BankInfo, one: Entry, form: Form) -> None:
        reason = form.get("reason", "").strip()
        if not reason:
            raise Problem("bank.reason", "Say in a few words why.",
                          next_step="Whoever looks at what rested on it reads this.")  # fmt: skip
        withdraw_entry(tx, info.name, one.value, reason)

    return _change_entry(call, done)


def confirm(call: Call) -> Answer:
    """`POST /console/bank-entries/{id}/confirm`: confirm what somebody else says is harmless."""
    return _change_entry(call, lambda tx, info, one, _: confirm_negative(tx, info.name, one.value))


def _change_entry(call: Call, verb: Callable[[Tx, BankInfo, Entry, Form], object]) -> Answer:
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            info, found = _entry(call, tx)
            verb(tx, info, found, form)
    except Problem as problem:
        return _entry_page(call, problem, form)
    return see_other(f"{_ENTRIES}/{call.path['id']}")


def _entry_page(call: Call, problem: Problem | None = None, form: Form | None = None) -> Answer:
    with call.haven.db.read(call.now) as tx:
        info, found = _entry(call, tx)
        return page(
            call, "signals/entry.html", problem.status if problem else 200, entry=found, bank=info,
            problem=problem, form=form or {}, harms=HARMS, names=_names(tx),
            value=shown(info.kind, found.value), matches=matches.matches_with(tx, found.id),
            picture=drawn(found.value) if info.kind == "pdq" else "",
            own=f"{call.actor}" == found.added_by,
        )  # fmt: skip


def _entry(call: Call, tx: Tx) -> tuple[BankInfo, Entry]:
    found = store.entry(tx, _number(call.path["id"]))
    if found is None:
        raise Problem("bank.no_entry", "There is no such entry.", status=404,
                      next_step="Go back to the banks.")  # fmt: skip
    return next(one for one in store.infos(tx) if one.id == found.bank), found


# Why did this match? --------------------------------------------------------------------------


def match(call: Call) -> Answer:
    """`GET /console/bank-matches/{id}`: the item's picture, veiled, and the two hashes compared."""
    with call.haven.db.read(call.now) as tx:
        return _match_page(call, tx, _match(tx, call))


def say(call: Call) -> Answer:
    """`POST /console/bank-matches/{id}/say`: say that a match was right, or false."""
    number = _number(call.path["id"])
    with call.haven.db.begin(call.actor, call.now) as tx:
        matches.say(tx, number, call.form().get("word", ""))
    return see_other(f"{_MATCHES}/{number}")


def _match_page(call: Call, tx: Tx, found: Match) -> Answer:
    info = next(one for one in store.infos(tx) if one.name == found.bank)
    one = store.entry(tx, found.entry)
    media = found.subject.removeprefix("media:") if found.subject.startswith("media:") else ""
    facts = _facts(tx, found.event, media) if media else None
    compared, reading = None, ""
    if info.kind == "pdq" and one is not None and facts is not None:
        readings = zip((facts.pdq, *facts.others), ("", *facts.reads), strict=True)
        known = [(grids(value, one.value), read) for value, read in readings if value is not None]
        compared, reading = min(known, key=lambda each: each[0].distance, default=(None, ""))
    kept = media and tx.value("SELECT 1 FROM media WHERE id = %(m)s AND deleted_at IS NULL",
                              m=media)  # fmt: skip
    return page(
        call, "signals/match.html", match=found, bank=info, entry=one, media=media, facts=facts,
        compared=compared, reading=reading, harms=HARMS, said=matches.said_by(
            tx, found.id, str(call.actor)),
        words=in_words(compared.distance, info.radius) if compared else "",
        picture=bool(kept and facts and facts.type.startswith("image/"))
        and call.may("queue.read"),
        clear=bool(kept) and is_clear(tx, media, call.actor.id) is not None,
        may_say=call.may("task.work") or call.may("bank.edit"),
    )  # fmt: skip


def _facts(tx: Tx, event: int, media: str) -> intake.MediaFacts | None:
    sql = "SELECT platform FROM events WHERE seq = %(seq)s"
    platform = tx.value(sql, seq=event)
    return intake.media_facts(tx, platform, [media]).get(media) if platform else None


def _match(tx: Tx, call: Call) -> Match:
    found = matches.match(tx, _number(call.path["id"]))
    if found is None:
        raise Problem("bank.no_match", "There is no such match.", status=404,
                      next_step="It may be older than what is kept.")  # fmt: skip
    if not call.may("lane.work") and lane.event_closed(tx, found.event, found.subject):
        raise lane.closed()
    return found


# Comparing a file -----------------------------------------------------------------------------


def compare_form(call: Call) -> Answer:
    """`GET /console/compare`: a form to compare a file with chosen banks."""
    return _compare_page(call)


def compare_send(call: Call) -> Answer:
    """`POST /console/compare`: hash a file apart, compare it, and forget it.

    Nothing of it is stored or logged. Raises `Problem` 403 for a bank about harm to children.
    """
    names = set(call.form().all("bank"))
    data = call.files.get("file", b"")
    try:
        with call.haven.db.read(call.now) as tx:
            for name in names:
                if protects_children(bank_named(tx, name).harm):
                    raise Problem("compare.closed", f"“{name}” cannot be compared with.", WHY_NOT,
                                  status=403)  # fmt: skip
        if not data or not names:
            raise Problem("compare.empty", "Choose a file and at least one bank.")
    except Problem as problem:
        return _compare_page(call, problem, names)
    seen = call.haven.hasher.hash(data)
    found = compare(call.haven.banks.snapshot, seen, names)
    return _compare_page(call, None, names, seen=seen, found=found)


def _compare_page(
    call: Call, problem: Problem | None = None, chosen: set[str] | None = None, **more: Any
) -> Answer:
    with call.haven.db.read(call.now) as tx:
        known = store.infos(tx)
    open_ = [one for one in known if one.kind in _COMPARED and not protects_children(one.harm)]
    values = {"seen": None, "found": []} | more
    radius = {one.name: one.radius for one in known}
    return page(
        call, "signals/compare.html", problem.status if problem else 200, banks=open_,
        closed=[one.name for one in known if protects_children(one.harm)], why=WHY_NOT,
        problem=problem, chosen={one.name for one in open_} if chosen is None else chosen,
        words=lambda one: in_words(one.match.distance, radius.get(one.match.bank, 0)),
        drawn=drawn, **values,
    )  # fmt: skip


# Inside ---------------------------------------------------------------------------------------


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _parsed(info: BankInfo, text: str) -> bytes:
    try:
        return parse_value(info.kind, text)
    except ValueError as error:
        raise Problem("bank.value", "This is no value of this bank.", f"{error}.".capitalize(),
                      next_step="Give a hash in hexadecimal, or a web address.",
                      ) from error  # fmt: skip


def _text_of(info: BankInfo) -> Callable[[bytes], str]:
    return lambda value: shown(info.kind, value)


def _names(tx: Tx) -> Callable[[str], str]:
    """Return what turns an actor as it is kept into a name for people."""
    known = {str(one.actor): one.name for one in staff.members(tx)}
    systems = {"system:operator": "the operator", "system:exchange": "its source"}
    return lambda actor: known.get(actor) or systems.get(actor) or actor
