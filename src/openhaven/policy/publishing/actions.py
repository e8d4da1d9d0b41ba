"""Verbs of publishing: begin a draft, write, try, propose, review, take it back."""

from collections.abc import Mapping

import msgspec

from openhaven import ledger
from openhaven.core import Permission, new_id, permits
from openhaven.policy.publishing import refusals, store
from openhaven.policy.publishing.merge import merged
from openhaven.policy.publishing.model import (
    LONGEST_REASON,
    OPEN,
    UNENDED,
    Draft,
    Review,
    Trial,
    check_file_name,
    check_files,
    check_words,
)
from openhaven.storage import Tx

_LONGEST_TITLE = 200


# Writing ---------------------------------------------------------------------------------------


def start_draft(
    tx: Tx, title: str, files: Mapping[str, str] | None = None, *, like: str = ""
) -> Draft:
    """Begin a draft: of what is in force, of `files`, or of the draft with the id `like`.

    It belongs to the member of staff who acts. Raises `Problem` without `policy.draft` (403), and
    before anything is in force (409).
    """
    who = staff_with(tx, "policy.draft")
    now = store.standing(tx)
    if files is None:
        texts = store.files_of(tx, store.draft(tx, like).id) if like else {}
        files = texts or store.files_of_pack(tx, now.pack)
    made = new_id("dra")
    tx.run(
        """INSERT INTO pack_drafts (id, title, files, based_on, owner, authors, created_at,
                                    updated_at)
           VALUES (%(id)s, %(title)s, %(files)s::jsonb, %(based_on)s, %(who)s, ARRAY[%(who)s],
                   %(now)s, %(now)s)""",
        id=made,
        title=check_words("title", title, _LONGEST_TITLE),
        files=_json(check_files(dict(files))),
        based_on=now.pack,
        who=who,
        now=tx.now,
    )
    return store.draft(tx, made)


def edit_draft(tx: Tx, draft_id: str, file: str, text: str | None, version: int) -> Draft:
    """Write one file of a draft, or remove it (`text` None); return the draft as it is then.

    `version` is the one that the writer saw. Raises `Problem` (409) when somebody else changed the
    draft since, or when it was proposed or ended.
    """
    _open(tx, draft_id, version)
    files = store.files_of(tx, draft_id)
    check_file_name(file)
    if text is None:
        files.pop(file, None)
    else:
        files[file] = text.replace("\r\n", "\n")
    tx.run(
        """UPDATE pack_drafts SET files = %(files)s::jsonb, version = version + 1, state = 'draft',
                                  tried = NULL, updated_at = %(now)s
           WHERE id = %(id)s""",
        id=draft_id, files=_json(check_files(files)), now=tx.now,
    )  # fmt: skip
    return store.draft(tx, draft_id)


def note_trial(tx: Tx, draft_id: str, trial: Trial) -> Draft:
    """Keep what came of trying a draft; without a fault it is `checked`.

    Installed packs that it includes become part of it, so that what is read is what is run. When
    the draft has changed since it was tried, nothing is kept. The draft is returned as it stands.
    """
    staff_with(tx, "policy.draft")
    found = store.draft(tx, draft_id, lock=True)
    if found.state not in OPEN or trial.given != found.fingerprint:
        return found
    before = store.files_of(tx, draft_id)
    files = trial.files if trial.ok else before
    tx.run(
        """UPDATE pack_drafts SET tried = %(tried)s::jsonb, state = %(state)s,
                                  files = %(files)s::jsonb, version = version + %(grown)s
           WHERE id = %(id)s""",
        id=draft_id,
        tried=_tried(trial),
        state="checked" if trial.ok else "draft",
        files=_json(files),
        grown=int(files != before),
    )
    return store.draft(tx, draft_id)


def bring_up_to_date(tx: Tx, draft_id: str, version: int) -> Draft:
    """Base a draft on what is in force now, keeping what was changed in it, file by file.

    It has to be checked, proposed and approved again; that one was taken back is in the ledger.
    Raises `Problem` (409) when the same file was changed here and by what was published meanwhile;
    that one is named.
    """
    who = staff_with(tx, "policy.draft")
    found = store.draft(tx, draft_id, lock=True)
    if found.state not in UNENDED:
        raise refusals.ended(found)
    refusals.check_version(found, version)
    now = store.standing(tx)
    base, new = (store.files_of_pack(tx, pack) for pack in (found.based_on, now.pack))
    files = merged(base, store.files_of(tx, draft_id), new)
    tx.run(
        """UPDATE pack_drafts SET files = %(files)s::jsonb, based_on = %(pack)s, state = 'draft',
                                  tried = NULL, version = version + 1, updated_at = %(now)s,
                                  authors = %(authors)s
           WHERE id = %(id)s""",
        id=draft_id, files=_json(check_files(files)), pack=now.pack, now=tx.now,
        authors=_with(found, who),
    )  # fmt: skip
    if found.state not in OPEN:
        _note(tx, "policy.taken_back", found)
    return store.draft(tx, draft_id)


# Asking a second person ------------------------------------------------------------------------


def propose(tx: Tx, draft_id: str, trial: Trial, backtest: str = "") -> Draft:
    """Ask for a second person's word on a draft, which nobody can change from then on.

    `trial` is what came of trying it. `backtest` is the id of a back-test of it, by default the
    latest; that there was none is shown and recorded. Raises `Problem`: 422 for a pack with
    mistakes or examples that do not hold, and for a back-test of something else; 409 when it was
    changed since it was tried, or is not open.
    """
    who = staff_with(tx, "policy.draft")
    found = store.draft(tx, draft_id, lock=True)
    if found.state not in OPEN:
        raise refusals.not_open(found)
    refusals.check_trial(found, trial)
    tested = store.backtest_of(tx, found.fingerprint, backtest)
    tx.run(
        """UPDATE pack_drafts SET state = 'proposed', tried = %(tried)s::jsonb,
                                  backtest = %(backtest)s, proposed_at = %(now)s,
                                  updated_at = %(now)s, version = version + 1,
                                  authors = %(authors)s
           WHERE id = %(id)s""",
        id=draft_id, tried=_tried(trial), backtest=tested, now=tx.now,
        authors=_with(found, who),
    )  # fmt: skip
    _note(tx, "policy.proposed", found, backtest=tested or "none")
    return store.draft(tx, draft_id)


def approve(tx: Tx, draft_id: str, reason: str, *, fingerprint: str, alone: bool = False) -> Review:
    """Say yes to a draft that was proposed. Who wrote any of it, or proposed it, may not.

    `fingerprint` is that of the files which were read, or its beginning (12 digits at least): when
    the draft holds others by now, since it was taken back and proposed again, nothing is approved
    (409); nor without it (400).

    `alone` is for a house in which nobody else may publish: the author approves, and it is stored,
    recorded and shown that there was no second person. Raises `Problem` (403) for an author, and
    for `alone` where somebody else could be asked; 409 when the draft is not proposed.
    """
    who = staff_with(tx, "policy.publish")
    found = _proposed(tx, draft_id)
    if len(fingerprint) < refusals.NAMED:
        raise refusals.read_nothing()
    if not found.fingerprint.startswith(fingerprint):
        raise refusals.read_another()
    if who in found.authors and not alone:
        raise refusals.own_draft(others=store.others_may_publish(tx, who))
    if alone and store.others_may_publish(tx, who):
        raise refusals.not_alone()
    return _review(tx, found, "approved", reason, alone=alone and who in found.authors)


def reject(tx: Tx, draft_id: str, reason: str) -> Review:
    """Say no to a draft that was proposed; that ends it. Its author withdraws it instead.

    Raises `Problem` as `approve` does.
    """
    who = staff_with(tx, "policy.publish")
    found = _proposed(tx, draft_id)
    if who in found.authors:
        raise refusals.own_draft(others=True)
    return _review(tx, found, "rejected", reason, alone=False)


def withdraw(tx: Tx, draft_id: str) -> Draft:
    """End a draft of one's own that has not come into force.

    Raises `Problem`: 403 for somebody else's, 409 when it has ended already.
    """
    who = staff_with(tx, "policy.draft")
    found = store.draft(tx, draft_id, lock=True)
    if found.state not in UNENDED:
        raise refusals.ended(found)
    if who not in found.authors:
        raise refusals.not_yours(found)
    end(tx, found, "withdrawn")
    _note(tx, "policy.withdrawn", found)
    return store.draft(tx, draft_id)


# What they share -------------------------------------------------------------------------------


def staff_with(tx: Tx, permission: Permission) -> str:
    """Return the id of who acts; raises `Problem` (403) unless they may do this."""
    if tx.actor.kind != "staff" or not permits(tx.actor.roles, permission):
        raise refusals.may_not(permission)
    return tx.actor.id


def _open(tx: Tx, draft_id: str, version: int) -> Draft:
    """Lock a draft that is to be written on; note who writes."""
    who = staff_with(tx, "policy.draft")
    found = store.draft(tx, draft_id, lock=True)
    if found.state not in OPEN:
        raise refusals.not_open(found)
    refusals.check_version(found, version)
    sql = "UPDATE pack_drafts SET authors = %(authors)s WHERE id = %(id)s"
    tx.run(sql, id=draft_id, authors=_with(found, who))
    return found


def _with(draft: Draft, who: str) -> list[str]:
    return list(dict.fromkeys([*draft.authors, who]))


def _proposed(tx: Tx, draft_id: str) -> Draft:
    found = store.draft(tx, draft_id, lock=True)
    if found.state != "proposed":
        raise refusals.not_proposed(found)
    return found


def _review(tx: Tx, draft: Draft, said: str, reason: str, *, alone: bool) -> Review:
    made = new_id("rev")
    tx.run(
        """INSERT INTO pack_reviews (id, draft, fingerprint, said, staff, authors, alone, reason,
                                     at)
           VALUES (%(id)s, %(draft)s, %(fingerprint)s, %(said)s, %(staff)s, %(authors)s, %(alone)s,
                   %(reason)s, %(now)s)""",
        id=made, draft=draft.id, fingerprint=draft.fingerprint, said=said, staff=tx.actor.id,
        authors=list(draft.authors), alone=alone, now=tx.now,
        reason=check_words("reason", reason, LONGEST_REASON),
    )  # fmt: skip
    if said == "rejected":
        end(tx, draft, "rejected")
    else:
        sql = "UPDATE pack_drafts SET state = 'approved', updated_at = %(now)s WHERE id = %(id)s"
        tx.run(sql, id=draft.id, now=tx.now)
    ids = {"draft": draft.id, "pack": draft.fingerprint, "alone": "yes" if alone else "no"}
    ledger.append(tx, f"policy.{said}", ids, row=("pack_reviews", made))
    found = store.review_of(tx, draft.id)
    assert found is not None  # it was written just above
    return found


def end(tx: Tx, draft: Draft, state: str) -> None:
    """End a draft: live, withdrawn or rejected."""
    sql = """UPDATE pack_drafts SET state = %(state)s, ended_at = %(now)s, updated_at = %(now)s
             WHERE id = %(id)s"""
    tx.run(sql, id=draft.id, state=state, now=tx.now)


def _note(tx: Tx, kind: str, draft: Draft, **ids: str) -> None:
    ledger.append(tx, kind, {"draft": draft.id, "pack": draft.fingerprint, **ids})


def _tried(trial: Trial) -> str:
    told = msgspec.structs.asdict(trial)
    del told["files"]
    return _json(told)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
