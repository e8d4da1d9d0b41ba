"""Drafts in the console: begin, write, check, propose, read as a second person, put in force."""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

import msgspec

from openhaven.core import Problem
from openhaven.policy import backtest
from openhaven.policy.backtest.figures import Figures
from openhaven.policy.publishing import actions, steps, store
from openhaven.policy.publishing.changes import changes
from openhaven.policy.publishing.model import OPEN, Draft, check_file_name
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other

DRAFTS = "/console/rules/drafts"
_FIRST = "rules.yaml"


# Lists and beginnings ----------------------------------------------------------------------------


def drafts(call: Call) -> Answer:
    """`GET /console/rules/drafts`: what is under way, and what was."""
    return _drafts(call)


def begin(call: Call) -> Answer:
    """`POST /console/rules/drafts`: begin a draft of what is in force, or like another one."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            made = actions.start_draft(tx, form.get("title", ""), like=form.get("like", ""))
    except Problem as problem:
        return _drafts(call, problem, form)
    return see_other(f"{DRAFTS}/{made.id}/edit")


def _drafts(
    call: Call, problem: Problem | None = None, form: Mapping[str, str] | None = None
) -> Answer:
    with call.haven.db.read(call.now) as tx:
        rows = store.drafts(tx, ended=True)
        return page(
            call, "policy/drafts.html", problem.status if problem else 200, problem=problem,
            form=form or {}, rows=[row for row in rows if row.ended_at is None],
            ended=[row for row in rows if row.ended_at is not None], **_frame(call, tx),
        )  # fmt: skip


# One draft ---------------------------------------------------------------------------------------


def draft(call: Call) -> Answer:
    """`GET /console/rules/drafts/{id}`: what it changes, what was found, and what comes next."""
    return _draft(call)


def check(call: Call) -> Answer:
    """`POST /console/rules/drafts/{id}/check`: try it, and keep what came of it."""
    return _done(call, lambda: steps.check(call.haven.db, call.actor, call.now, call.path["id"]))


def propose(call: Call) -> Answer:
    """`POST /console/rules/drafts/{id}/propose`: ask for a second person's word."""
    return _done(call, lambda: steps.propose(call.haven.db, call.actor, call.now, call.path["id"]))


def review(call: Call) -> Answer:
    """`POST /console/rules/drafts/{id}/review`: say yes or no; with yes it may come into force."""
    form = call.form()
    said, reason = form.get("said", ""), form.get("reason", "")

    def speak() -> None:
        if said not in ("publish", "approve", "reject"):
            raise Problem("draft.said", "Choose whether to approve or to reject it.")
        with call.haven.db.begin(call.actor, call.now) as tx:
            if said == "reject":
                actions.reject(tx, call.path["id"], reason)
            else:
                read, alone = form.get("fingerprint", ""), bool(form.get("alone"))
                actions.approve(tx, call.path["id"], reason, alone=alone, fingerprint=read)
        if said == "publish":
            _publish(call)

    return _done(call, speak)


def publish(call: Call) -> Answer:
    """`POST /console/rules/drafts/{id}/publish`: put an approved draft in force."""
    return _done(call, lambda: _publish(call))


def withdraw(call: Call) -> Answer:
    """`POST /console/rules/drafts/{id}/withdraw`: take one's own draft back."""

    def take_back() -> None:
        with call.haven.db.begin(call.actor, call.now) as tx:
            actions.withdraw(tx, call.path["id"])

    return _done(call, take_back)


def update(call: Call) -> Answer:
    """`POST /console/rules/drafts/{id}/update`: base it on what is in force by now."""

    def follow() -> None:
        with call.haven.db.begin(call.actor, call.now) as tx:
            actions.bring_up_to_date(tx, call.path["id"], _version(call))

    return _done(call, follow)


def _publish(call: Call) -> None:
    steps.publish(call.haven.db, call.actor, call.now, call.path["id"])


def _done(call: Call, work: Callable[[], object]) -> Answer:
    """Do it and show the draft; what was refused stands on the same page."""
    try:
        work()
    except Problem as problem:
        return _draft(call, problem, call.form())
    return see_other(f"{DRAFTS}/{call.path['id']}")


def _draft(
    call: Call, problem: Problem | None = None, form: Mapping[str, str] | None = None
) -> Answer:
    with call.haven.db.read(call.now) as tx:
        found = store.draft(tx, call.path["id"])
        tests = [one for one in backtest.latest(tx) if one.pack == found.fingerprint]
        done = next((one for one in tests if one.id == found.backtest), None) or next(
            (one for one in tests if one.state == "done"), None)  # fmt: skip
        mine = call.actor.id in found.authors
        return page(
            call, "policy/draft.html", problem.status if problem else 200, **_frame(call, tx),
            draft=found, tests=tests, done=done, problem=problem, form=form or {}, mine=mine,
            changes=changes(store.files_of_pack(tx, found.based_on), store.files_of(tx, found.id)),
            review=store.review_of(tx, found.id), tried=_tried(found),
            alone=mine and not store.others_may_publish(tx, call.actor.id),
            authors=store.names(tx, found.authors), openly=found.state in OPEN,
            figures=msgspec.convert(done.figures, Figures) if done and done.figures else None,
        )  # fmt: skip


# Writing -----------------------------------------------------------------------------------------


def edit(call: Call) -> Answer:
    """`GET /console/rules/drafts/{id}/edit`: one file of it, to be written on."""
    with call.haven.db.read(call.now) as tx:
        if store.draft(tx, call.path["id"]).state not in OPEN:
            return see_other(f"{DRAFTS}/{call.path['id']}")
    return _edit(call, call.query.get("file", ""))


def save(call: Call) -> Answer:
    """`POST /console/rules/drafts/{id}/edit`: write or remove the file; check it if wanted.

    Where somebody else wrote meanwhile, nothing is lost: both texts are shown.
    """
    form = call.form()
    file, then = form.get("file", ""), form.get("then", "")
    text = None if then == "remove" else form.get("text", "").replace("\r\n", "\n")
    try:
        _save(call, file, text)
        if then == "check":
            steps.check(call.haven.db, call.actor, call.now, call.path["id"])
    except Problem as problem:
        return _edit(call, file, problem, text)
    where = f"{DRAFTS}/{call.path['id']}/edit"
    return see_other(where if text is None else f"{where}?file={file}&then={then or 'saved'}")


def _save(call: Call, file: str, text: str | None) -> None:
    with call.haven.db.begin(call.actor, call.now) as tx:
        found = store.draft(tx, call.path["id"])
        if store.files_of(tx, found.id).get(file) != text:
            actions.edit_draft(tx, found.id, file, text, _version(call))


def _edit(call: Call, file: str, problem: Problem | None = None, text: str | None = None) -> Answer:
    with call.haven.db.read(call.now) as tx:
        found = store.draft(tx, call.path["id"])
        files = store.files_of(tx, found.id)
        file = _file(file, files, problem)
        here = files.get(file, "")
        return page(
            call, "policy/edit.html", problem.status if problem else 200, **_frame(call, tx),
            draft=found, file=file, files=_folders(files), known=file in files, problem=problem,
            text=here if text is None else text, tried=_tried(found), wrote=call.query.get("then"),
            theirs=here if problem and problem.code == "draft.changed" else None,
            changed={one.file for one in changes(store.files_of_pack(tx, found.based_on), files)},
        )  # fmt: skip


def _file(asked: str, files: Mapping[str, str], problem: Problem | None) -> str:
    """Return the file to be shown: the one asked for, else the rules, else the first one."""
    if asked and problem is None:
        return check_file_name(asked)
    if asked in files or not files:
        return asked or _FIRST
    return asked or (_FIRST if _FIRST in files else min(files))


def _folders(files: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Return the names of files by the pack that they stand in, the pack's own first."""

    def pack_of(name: str) -> str:
        first = name.partition("/")[0]
        return first if f"{first}/policy.md" in files or f"{first}/pack.toml" in files else ""

    names = sorted(files, key=lambda name: (pack_of(name), name.count("/"), name))
    return [(pack, list(group)) for pack, group in groupby(names, key=pack_of)]


def _tried(found: Draft) -> object:
    """Return what came of trying it as it stands now; None when that is not known."""
    return found.tried if found.tried and found.tried.fingerprint == found.fingerprint else None


def _version(call: Call) -> int:
    given = call.form().get("version", "")
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Problem("draft.version", "The form does not say which version you saw.",
                      next_step="Load the page again.")  # fmt: skip
    return int(given)


def _frame(call: Call, tx: Tx) -> dict[str, Any]:
    return {
        "now": store.standing(tx),
        "pack": call.haven.packs.current,
        "open": len(store.drafts(tx)),
    }
