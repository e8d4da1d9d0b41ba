"""Past the program: the database itself refuses what the rule of two people forbids."""

from pathlib import Path

import psycopg
import pytest
from policy_scene import FILES
from publishing_scene import STRICTER, Office, office

from openhaven import ledger, staff
from openhaven.core import Problem, system, utcnow
from openhaven.ledger import Sequencer, signer_from
from openhaven.policy import publishing
from openhaven.policy.actions import keep_files
from openhaven.policy.folder import fingerprint
from openhaven.storage import Database

EVIL = {**FILES, "rules.yaml": STRICTER.replace("remove", "block")}
REVIEW = """INSERT INTO pack_reviews
              (id, draft, fingerprint, said, staff, authors, alone, reason, at)
            SELECT 'rev_x', id, fingerprint, 'approved', %(who)s, %(authors)s, %(alone)s, 'x', now()
            FROM pack_drafts WHERE id = %(draft)s"""
PUT = """INSERT INTO packs_in_force (id, after, pack, how, review, restores, reason, by_whom, at)
         SELECT 'pif_x', (SELECT max(seq) FROM packs_in_force), %(pack)s, %(how)s, %(review)s,
                %(restores)s, 'x', 'staff:x', now()"""


@pytest.fixture
def here(db: Database, tmp_path: Path) -> Office:
    return office(db, tmp_path)


def refused(here: Office, sql: str, **values: object) -> str:
    """Run SQL as the program's own role; return why the database refuses it."""
    with (
        psycopg.connect(here.db.url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.IntegrityError) as error,
    ):
        connection.execute(sql, values)
    return str(error.value)


def test_the_database_and_the_program_take_the_same_fingerprint(db: Database) -> None:
    packs = [FILES, EVIL, {}, {"pack.toml": "", "é/ü.txt": "“ö” \U0001f600\n", "a": '\\ " \t'}]
    with db.read() as tx:
        for files in packs:
            text = publishing.actions._json(files)
            assert tx.value("SELECT pack_fingerprint(%(f)s::jsonb)", f=text) == fingerprint(files)


def test_no_sql_approves_one_s_own_draft(here: Office) -> None:
    draft = here.proposed(here.ada, rules_yaml=STRICTER)
    ada, ben, mia = here.ada.id, here.ben.id, here.mia.id
    given = {"draft": draft.id, "authors": [ada], "alone": False}
    assert "violates check" in refused(here, REVIEW, **given, who=ada)
    assert "somebody else is there" in refused(here, REVIEW, **given | {"alone": True}, who=ada)
    assert "as it was proposed" in refused(here, REVIEW, **given | {"authors": [mia]}, who=ada)
    assert "may not review" in refused(here, REVIEW, **given, who=mia)
    with here.db.begin(system("tests")) as tx:
        staff.disable(tx, staff.named(tx, "Ben"))
    assert "may not review" in refused(here, REVIEW, **given, who=ben)


def test_no_sql_puts_in_force_what_nobody_approved(here: Office) -> None:
    draft = here.proposed(here.ada, rules_yaml=STRICTER)
    with here.db.begin(here.ada) as tx:
        keep_files(tx, draft.fingerprint, "small", "1", publishing.files_of(tx, draft.id))
        keep_files(tx, fingerprint(EVIL), "small", "1", EVIL)
        keep_files(tx, fingerprint(FILES), "small", "1", EVIL)
        first = tx.value("SELECT max(seq) FROM packs_in_force")
    given = {"pack": draft.fingerprint, "how": "published", "review": None, "restores": None}
    assert "only what was approved" in refused(here, PUT, **given)
    back = given | {"how": "rolled_back", "restores": first}
    assert "only what was in force" in refused(here, PUT, **back)
    swapped = given | {"pack": fingerprint(FILES)}
    assert "not what its fingerprint says" in refused(here, PUT, **swapped)
    again = given | {"how": "settings"}
    assert "violates check" in refused(here, PUT, **again)
    with here.db.begin(here.ben) as tx:
        review = publishing.approve(tx, draft.id, "Fine.", fingerprint=draft.fingerprint)
    approved = given | {"pack": fingerprint(EVIL), "review": review.id}
    assert "only what was approved" in refused(here, PUT, **approved)
    with here.db.begin(here.ada) as tx:
        tx.run("UPDATE pack_drafts SET state = 'draft', files = files || '{\"a\": \"x\"}'::jsonb")
        tx.run("UPDATE pack_drafts SET state = 'approved'")
    with here.db.begin(here.ada) as tx:
        changed = publishing.draft(tx, draft.id).fingerprint
        keep_files(tx, changed, "small", "1", publishing.files_of(tx, draft.id))
    assert changed != draft.fingerprint
    assert "only what was approved" in refused(here, PUT, **approved | {"pack": changed})


def test_no_sql_rewrites_what_was_said_or_in_force(here: Office) -> None:
    row = here.published(rules_yaml=STRICTER)
    for sql in ("UPDATE packs_in_force SET reason = 'x'", "DELETE FROM packs_in_force",
                "UPDATE pack_reviews SET staff = staff", "DELETE FROM pack_reviews",
                "TRUNCATE pack_reviews CASCADE", "TRUNCATE packs_in_force CASCADE",
                "TRUNCATE pack_drafts CASCADE"):  # fmt: skip
        assert "never altered" in refused(here, sql)
    mine = here.proposed(here.ada, policy_md=FILES["policy.md"] + "\n")
    for sql, why in (
        ("UPDATE pack_drafts SET files = '{}' WHERE id = %(id)s", "stays as it is"),
        ("UPDATE pack_drafts SET authors = '{}' WHERE id = %(id)s", "who wrote"),
        ("UPDATE pack_drafts SET owner = %(ben)s WHERE id = %(id)s", "who wrote"),
        ("UPDATE pack_drafts SET title = 'x' WHERE id = %(live)s", "has ended"),
    ):
        said = refused(here, sql, id=mine.id, live=row.draft, ben=here.ben.id)
        assert why in said, sql


def test_the_ledger_names_a_row_that_was_slipped_in(here: Office, tmp_path: Path) -> None:
    signer = signer_from(bytes(32))
    here.published(rules_yaml=STRICTER)
    Sequencer(here.db, signer, tmp_path).tick()
    with here.db.read() as tx:
        assert ledger.verify(tx, None, signer.vkey).findings == ()
        first = tx.value("SELECT min(seq) FROM packs_in_force")
        pack = tx.value("SELECT pack FROM packs_in_force WHERE seq = %(s)s", s=first)
    with psycopg.connect(here.db.url) as connection:
        connection.execute(PUT, {"pack": pack, "how": "rolled_back", "review": None,
                                 "restores": first})  # fmt: skip
    with here.db.read() as tx:
        report = ledger.verify(tx, None, signer.vkey)
    assert "packs_in_force was written without an entry" in str(report.findings)


def test_files_that_were_altered_after_they_came_into_force_are_not_run(here: Office) -> None:
    good = here.packs.current
    row = here.published(rules_yaml=STRICTER)
    with psycopg.connect(here.db.url) as connection:
        text = publishing.actions._json(EVIL)
        connection.execute("UPDATE packs SET files = %s WHERE fingerprint = %s", (text, row.pack))
    assert here.follow().current is good
    assert here.packs.trouble
    restarted = publishing.start(here.db, here.banks, "starter")
    assert restarted.current.fingerprint == good.fingerprint


def test_a_draft_changed_between_trial_and_proposal_is_caught(here: Office) -> None:
    draft = here.draft(here.ada, rules_yaml=STRICTER)
    _, trial = publishing.check(here.db, here.ada, utcnow(), draft.id)
    with here.db.begin(here.ben) as tx:
        publishing.edit_draft(tx, draft.id, "rules.yaml", "- x", draft.version)
    with here.db.begin(here.ada) as tx, pytest.raises(Exception, match="changed since it was"):
        publishing.actions.propose(tx, draft.id, trial)


def test_nobody_approves_another_text_than_the_one_that_was_read(here: Office) -> None:
    """Taken back by its author while the second person reads, changed, and proposed again."""
    mine = here.proposed(here.ada, rules_yaml=STRICTER)
    with here.db.begin(here.ada) as tx:
        again = publishing.bring_up_to_date(tx, mine.id, mine.version)
        publishing.edit_draft(tx, mine.id, "rules.yaml", STRICTER + "# More.\n", again.version)
    other = publishing.propose(here.db, here.ada, utcnow(), mine.id)
    with pytest.raises(Problem, match="since you read it"), here.db.begin(here.ben) as tx:
        publishing.approve(tx, mine.id, "It reads well.", fingerprint=mine.fingerprint)
    with here.db.begin(here.ben) as tx:
        publishing.approve(tx, mine.id, "It reads well.", fingerprint=other.fingerprint)
