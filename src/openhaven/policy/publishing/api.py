"""The rules over HTTP: what is in force, for platforms; drafts and publishing, for staff.

What staff may do stands behind their session and the token of its forms. A platform's key opens
none of it, since whoever sends events must not change what they are judged by.
"""

from datetime import datetime

import msgspec

from openhaven.policy.clauses import read_all_clauses
from openhaven.policy.includes import in_order
from openhaven.policy.model import Clause
from openhaven.policy.publishing import actions, force, shadow, steps, store
from openhaven.policy.publishing.archive import unpacked
from openhaven.policy.publishing.model import Draft, Review, Standing, Trial, Tried
from openhaven.policy.publishing.trying import try_out
from openhaven.web import Answer, Call, as_json


class PolicyAnswer(msgspec.Struct):
    """The rules in force, as anybody concerned may know them: whose, since when, which clauses."""

    name: str
    version: str
    owner: str
    fingerprint: str
    languages: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    since: datetime
    clauses: tuple[Clause, ...]


class InForceAnswer(msgspec.Struct):
    """What is in force and how it came to be; `trouble` when this process cannot run it."""

    now: Standing
    trouble: str
    history: list[Standing]


class DraftAnswer(msgspec.Struct):
    """A draft with its files, what was said of it, and whether it still follows what is in force.

    `based_on_files` are those that it began with, so that the change can be shown.
    """

    draft: Draft
    files: dict[str, str]
    based_on_files: dict[str, str]
    review: Review | None
    up_to_date: bool
    yours: bool
    alone: bool


class NewDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Begin a draft: of what is in force, or with the files of the draft `like`."""

    title: str
    like: str = ""


class Edit(msgspec.Struct, forbid_unknown_fields=True):
    """Write one file (`text` null removes it) over `version` of the draft."""

    file: str
    text: str | None
    version: int


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """Try a draft; with `files`, as it would be with these instead of its own, and keep nothing."""

    files: dict[str, str] = {}


class Propose(msgspec.Struct, forbid_unknown_fields=True):
    """Ask for a second person's word; `backtest` is the id of a back-test of this draft."""

    backtest: str = ""


class Word(msgspec.Struct, forbid_unknown_fields=True):
    """A second person's word; `alone` where nobody else may publish.

    To approve a draft, name its `fingerprint`: nothing is approved but what was read.
    """

    reason: str
    alone: bool = False
    fingerprint: str = ""


class Version(msgspec.Struct, forbid_unknown_fields=True):
    """The version of the draft that was seen."""

    version: int


class Back(msgspec.Struct, forbid_unknown_fields=True):
    """Go back, and why; `to` is the beginning of a fingerprint that was in force."""

    reason: str
    to: str = ""


def get_policy(call: Call) -> Answer:
    """`GET /v1/policy`: the rules in force, without how they find anything."""
    with call.haven.db.read(call.now) as tx:
        row = store.standing(tx)
        files = store.files_of_pack(tx, row.pack)
    pack = call.haven.packs.current
    current = pack if pack.fingerprint == row.pack else None
    clauses = current.clauses if current else read_all_clauses(files, in_order(files, []), [])
    told = (current or pack).manifest
    return as_json(PolicyAnswer(row.name, row.version, told.owner, row.pack, told.languages,
                                told.jurisdictions, row.at, tuple(clauses.values())))  # fmt: skip


def get_in_force(call: Call) -> Answer:
    """`GET /console/api/policy`: what is in force, and what was."""
    with call.haven.db.read(call.now) as tx:
        now, rows = store.standing(tx), store.history(tx)
    return as_json(InForceAnswer(now, call.haven.packs.trouble, rows))


def get_drafts(call: Call) -> Answer:
    """`GET /console/api/policy/drafts`: those under way; with `?ended=1` the others, too."""
    with call.haven.db.read(call.now) as tx:
        return as_json(store.drafts(tx, ended=call.query.get("ended") == "1"))


def post_draft(call: Call) -> Answer:
    """`POST /console/api/policy/drafts`: begin one."""
    given = call.json(NewDraft)
    with call.haven.db.begin(call.actor, call.now) as tx:
        draft = actions.start_draft(tx, given.title, like=given.like)
    return as_json(_whole(call, draft.id), 201)


def post_archive(call: Call) -> Answer:
    """`POST /console/api/policy/archives`: begin a draft with the files of a zip or tar."""
    files = unpacked(call.body())
    with call.haven.db.begin(call.actor, call.now) as tx:
        draft = actions.start_draft(tx, call.query.get("title") or "An uploaded pack", files)
    return as_json(_whole(call, draft.id), 201)


def get_draft(call: Call) -> Answer:
    """`GET /console/api/policy/drafts/{id}`: a draft with its files."""
    return as_json(_whole(call, call.path["id"]))


def put_file(call: Call) -> Answer:
    """`PUT /console/api/policy/drafts/{id}/file`: write one file."""
    given = call.json(Edit)
    with call.haven.db.begin(call.actor, call.now) as tx:
        return as_json(
            actions.edit_draft(tx, call.path["id"], given.file, given.text, given.version)
        )


def post_check(call: Call) -> Answer:
    """`POST /console/api/policy/drafts/{id}/check`: every mistake with its line and column."""
    given, draft_id = call.json(Check), call.path["id"]
    if given.files:
        with call.haven.db.read(call.now) as tx:
            files = store.files_of(tx, store.draft(tx, draft_id).id)
        trial = try_out({**files, **given.files})
    else:
        trial = steps.check(call.haven.db, call.actor, call.now, draft_id)[1]
    return as_json(_told(trial))


def post_propose(call: Call) -> Answer:
    """`POST /console/api/policy/drafts/{id}/propose`: ask for a second person's word."""
    backtest = call.json(Propose).backtest
    steps.propose(call.haven.db, call.actor, call.now, call.path["id"], backtest)
    return as_json(_whole(call, call.path["id"]))


def post_approve(call: Call) -> Answer:
    """`POST /console/api/policy/drafts/{id}/approve`: say yes to somebody else's draft."""
    given = call.json(Word)
    with call.haven.db.begin(call.actor, call.now) as tx:
        return as_json(
            actions.approve(
                tx, call.path["id"], given.reason, alone=given.alone, fingerprint=given.fingerprint
            )
        )


def post_reject(call: Call) -> Answer:
    """`POST /console/api/policy/drafts/{id}/reject`: say no; that ends it."""
    given = call.json(Word)
    with call.haven.db.begin(call.actor, call.now) as tx:
        return as_json(actions.reject(tx, call.path["id"], given.reason))


def post_withdraw(call: Call) -> Answer:
    """`POST /console/api/policy/drafts/{id}/withdraw`: take one's own draft back."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        return as_json(actions.withdraw(tx, call.path["id"]))


def post_update(call: Call) -> Answer:
    """`POST /console/api/policy/drafts/{id}/update`: base a draft on what is in force by now."""
    given = call.json(Version)
    with call.haven.db.begin(call.actor, call.now) as tx:
        return as_json(actions.bring_up_to_date(tx, call.path["id"], given.version))


def post_publish(call: Call) -> Answer:
    """`POST /console/api/policy/drafts/{id}/publish`: put an approved draft in force."""
    return as_json(steps.publish(call.haven.db, call.actor, call.now, call.path["id"]))


def post_roll_back(call: Call) -> Answer:
    """`POST /console/api/policy/roll-back`: put in force again what was before."""
    given = call.json(Back)
    with call.haven.db.begin(call.actor, call.now) as tx:
        return as_json(force.roll_back(tx, given.reason, given.to))


def get_shadow(call: Call) -> Answer:
    """`GET /console/api/policy/shadow`: the record of every rule that only looks on."""
    with call.haven.db.read(call.now) as tx:
        return as_json([shadow.shadow_record(tx, rule) for rule in shadow.shadow_rules(tx)])


def post_promote(call: Call) -> Answer:
    """`POST /console/api/policy/shadow/{rule}/promote`: a draft that makes the rule live."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        draft = shadow.promote(tx, call.path["rule"])
    return as_json(_whole(call, draft.id), 201)


def _whole(call: Call, draft_id: str) -> DraftAnswer:
    with call.haven.db.read(call.now) as tx:
        draft = store.draft(tx, draft_id)
        return DraftAnswer(
            draft=draft,
            files=store.files_of(tx, draft.id),
            based_on_files=store.files_of_pack(tx, draft.based_on),
            review=store.review_of(tx, draft.id),
            up_to_date=store.standing(tx).pack == draft.based_on,
            yours=call.actor.id in draft.authors,
            alone=not store.others_may_publish(tx, call.actor.id),
        )


def _told(trial: Trial) -> Tried:
    """Return what came of a trial without sending all files back."""
    told = {name: getattr(trial, name) for name in Tried.__struct_fields__}
    return Tried(**told)
