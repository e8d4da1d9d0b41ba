"""How rules change: a draft, a second person, in force in every process, and back again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from policy_scene import FILES, event, found, write
from publishing_scene import EXAMPLES, STRICTER, Office, member, office

from openhaven import staff
from openhaven.core import Actor, Problem, system, utcnow
from openhaven.core.permissions import GRANTS
from openhaven.policy import publishing
from openhaven.policy.actions import keep_files
from openhaven.policy.folder import fingerprint
from openhaven.policy.publishing import actions
from openhaven.policy.publishing.force import publish as put_in_force
from openhaven.signals import Banks
from openhaven.storage import Database, Tx

OTHER = FILES["policy.md"].replace("be kind.", "be very kind.")


@pytest.fixture
def here(db: Database, tmp_path: Path) -> Office:
    return office(db, tmp_path)


def outcome(here: Office) -> str:
    return here.packs.current.evaluate(event(), [found("bad")]).outcome


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Problem) as problem:
        yield
    assert problem.value.code == code


# The whole way ---------------------------------------------------------------------------------


def test_a_change_takes_two_people_and_then_holds_everywhere(here: Office) -> None:
    before = here.packs.current
    draft = here.proposed(here.ada, rules_yaml=STRICTER)
    assert (draft.state, draft.tried and draft.tried.examples) == ("proposed", 2)
    with here.db.begin(here.ben) as tx:
        review = publishing.approve(tx, draft.id, "It reads well.", fingerprint=draft.fingerprint)
    assert (review.staff, review.alone) == (here.ben.id, False)
    assert here.follow().current is before
    row = publishing.publish(here.db, here.ben, utcnow(), draft.id)
    assert (row.how, row.reason, row.draft) == ("published", "It reads well.", draft.id)
    assert here.follow().current.fingerprint == row.pack == draft.fingerprint
    assert outcome(here) == "remove"
    assert before.evaluate(event(), [found("bad")]).outcome == "review"
    assert here.entries("policy.published") == [
        {"pack": row.pack, "instead_of": before.fingerprint, "draft": draft.id,
         "review": review.id, "backtest": "none", "second_person": here.ben.id}
    ]  # fmt: skip
    kinds = ("policy.first", "policy.proposed", "policy.approved")
    assert [len(here.entries(kind)) for kind in kinds] == [1, 1, 1]


def test_one_person_takes_it_back_at_once_and_the_next_time_one_further(here: Office) -> None:
    first = here.packs.current.fingerprint
    second = here.published(rules_yaml=STRICTER).pack
    third = here.published(policy_md=OTHER).pack
    back: list[str] = []
    for _ in range(2):
        with here.db.begin(here.ben) as tx:
            back.append(publishing.roll_back(tx, "It removed too much.").pack)
    assert back == [second, first]
    assert here.follow().current.fingerprint == first
    with here.db.begin(here.ben) as tx, refused("policy.nothing_before"):
        publishing.roll_back(tx, "Further.")
    with here.db.begin(here.ben) as tx:
        assert publishing.roll_back(tx, "It was right after all.", to=third[:15]).pack == third
    assert [one["pack"] for one in here.entries("policy.rolled_back")] == [second, first, third]
    with here.db.begin(here.mia) as tx, refused("policy.forbidden"):
        publishing.roll_back(tx, "No.")


def test_the_roles_that_the_database_knows_are_those_of_the_program(here: Office) -> None:
    with here.db.read() as tx:
        known = tx.value("SELECT policy_publishers()")
    assert sorted(known) == sorted(r for r, may in GRANTS.items() if "policy.publish" in may)


# Two people ------------------------------------------------------------------------------------


def test_nobody_approves_what_they_wrote(here: Office) -> None:
    draft = here.proposed(here.ada, rules_yaml=STRICTER)
    with here.db.begin(here.ada) as tx, refused("draft.own"):
        publishing.approve(tx, draft.id, "I am sure.", fingerprint=draft.fingerprint)
    with here.db.begin(here.ada) as tx, refused("draft.own"):
        publishing.reject(tx, draft.id, "I am not sure.")
    with here.db.begin(here.mia) as tx, refused("policy.forbidden"):
        publishing.approve(tx, draft.id, "Looks fine.", fingerprint=draft.fingerprint)
    for actor in (system("command"), Actor("platform", "key_1"), Actor("person", "anybody")):
        with here.db.begin(actor) as tx, refused("policy.forbidden"):
            publishing.approve(tx, draft.id, "Looks fine.", fingerprint=draft.fingerprint)


def test_who_wrote_a_word_of_it_or_proposed_it_is_an_author(here: Office) -> None:
    draft = here.draft(here.ada)
    with here.db.begin(here.ben) as tx:
        draft = publishing.edit_draft(tx, draft.id, "rules.yaml", STRICTER, draft.version)
    with here.db.begin(here.ada) as tx:
        publishing.edit_draft(tx, draft.id, "policy.md", OTHER, draft.version)
    draft = publishing.propose(here.db, here.ada, utcnow(), draft.id)
    for who in (here.ada, here.ben):
        with here.db.begin(who) as tx, refused("draft.own"):
            publishing.approve(tx, draft.id, "Fine.", fingerprint=draft.fingerprint)
    other = here.draft(here.ada, rules_yaml=STRICTER)
    publishing.propose(here.db, here.ben, utcnow(), other.id)
    with here.db.begin(here.ben) as tx, refused("draft.own"):
        publishing.approve(tx, other.id, "Fine.", fingerprint=other.fingerprint)
    with here.db.begin(member(here.db, "Cleo", "administrator")) as tx:
        assert (
            publishing.approve(tx, draft.id, "Fine.", fingerprint=draft.fingerprint).said
            == "approved"
        )


def test_alone_is_possible_where_nobody_else_may_and_is_said_aloud(here: Office) -> None:
    draft = here.proposed(here.ada, rules_yaml=STRICTER)
    with here.db.begin(here.ada) as tx, refused("draft.not_alone"):
        publishing.approve(
            tx, draft.id, "Nobody else can.", fingerprint=draft.fingerprint, alone=True
        )
    with here.db.begin(system("tests")) as tx:
        staff.disable(tx, staff.named(tx, "Ben"))
    with here.db.begin(here.ada) as tx, refused("draft.own"):
        publishing.approve(tx, draft.id, "By mistake.", fingerprint=draft.fingerprint)
    with here.db.begin(here.ada) as tx:
        review = publishing.approve(
            tx, draft.id, "Nobody else can.", fingerprint=draft.fingerprint, alone=True
        )
    row = publishing.publish(here.db, here.ada, utcnow(), draft.id)
    assert (review.alone, row.alone) == (True, True)
    assert here.entries("policy.approved")[0]["alone"] == "yes"
    assert here.entries("policy.published")[0]["second_person"] == "nobody_else"


def test_a_rejected_draft_ends_and_another_can_begin_with_its_files(here: Office) -> None:
    draft = here.proposed(here.ada, rules_yaml=STRICTER)
    with here.db.begin(here.ben) as tx:
        publishing.reject(tx, draft.id, "Too strict.")
    with here.db.begin(here.ben) as tx, refused("draft.ended"):
        publishing.approve(tx, draft.id, "After all.", fingerprint=draft.fingerprint)
    with pytest.raises(Problem, match="rejected"):
        publishing.publish(here.db, here.ben, utcnow(), draft.id)
    with here.db.begin(here.ada) as tx:
        again = publishing.start_draft(tx, "Another try", like=draft.id)
        assert publishing.files_of(tx, again.id)["rules.yaml"] == STRICTER
        assert publishing.withdraw(tx, again.id).state == "withdrawn"
    with here.db.begin(here.ben) as tx, refused("draft.ended"):
        publishing.withdraw(tx, again.id)


def test_others_do_not_withdraw_a_draft(here: Office) -> None:
    draft = here.draft(here.ada)
    with here.db.begin(here.ben) as tx, refused("draft.not_yours"):
        publishing.withdraw(tx, draft.id)


# Two at once -----------------------------------------------------------------------------------


def test_two_who_edit_at_once_hear_of_each_other(here: Office) -> None:
    draft = here.draft(here.ada)
    with here.db.begin(here.ben) as tx:
        publishing.edit_draft(tx, draft.id, "policy.md", OTHER, draft.version)
    with here.db.begin(here.ada) as tx, refused("draft.changed"):
        publishing.edit_draft(tx, draft.id, "rules.yaml", STRICTER, draft.version)


def test_what_was_proposed_is_changed_by_nobody(here: Office) -> None:
    draft = here.proposed(here.ada, rules_yaml=STRICTER)
    with here.db.begin(here.ada) as tx, refused("draft.proposed"):
        publishing.edit_draft(tx, draft.id, "policy.md", OTHER, draft.version)
    with pytest.raises(Problem, match="nobody changes it"):
        publishing.propose(here.db, here.ada, utcnow(), draft.id)


def test_somebody_published_meanwhile(here: Office) -> None:
    mine = here.approved(rules_yaml=STRICTER)
    here.published(policy_md=OTHER)
    with pytest.raises(Problem, match="Somebody published meanwhile") as problem:
        publishing.publish(here.db, here.ben, utcnow(), mine.id)
    assert problem.value.status == 409
    with here.db.begin(here.ada) as tx:
        seen = publishing.draft(tx, mine.id)
        fresh = publishing.bring_up_to_date(tx, mine.id, seen.version)
        files = publishing.files_of(tx, mine.id)
    assert (files["rules.yaml"], files["policy.md"], fresh.state) == (STRICTER, OTHER, "draft")
    with here.db.read() as tx:
        sql = "SELECT ids ->> 'draft' AS id FROM ledger_entries WHERE kind = 'policy.taken_back'"
        assert tx.rows(sql) == [{"id": mine.id}]
    with pytest.raises(Problem, match="No second person"):
        publishing.publish(here.db, here.ben, utcnow(), mine.id)


def test_the_same_file_changed_twice_is_for_people_to_sort_out(here: Office) -> None:
    mine = here.draft(here.ada, policy_md=OTHER)
    here.published(policy_md=OTHER.replace("very", "always"))
    with here.db.begin(here.ada) as tx, pytest.raises(Problem, match=r"policy\.md"):
        publishing.bring_up_to_date(tx, mine.id, mine.version)


def test_of_two_who_publish_in_the_same_moment_one_is_told_so(here: Office) -> None:
    drafts = [here.approved(rules_yaml=STRICTER), here.approved(policy_md=OTHER)]
    trials = [publishing.try_out(files(here, draft.id)) for draft in drafts]
    ready, results = threading.Barrier(2), list[str]()

    def run(at: int) -> None:
        ready.wait()
        try:
            with here.db.begin(here.ben) as tx:
                put_in_force(tx, drafts[at].id, trials[at])
                results.append("published")
        except Problem as problem:
            results.append(problem.code)

    threads = [threading.Thread(target=run, args=(at,)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert sorted(results) == ["draft.outdated", "published"]
    assert len(here.entries("policy.published")) == 1


def files(here: Office, draft_id: str) -> dict[str, str]:
    with here.db.read() as tx:
        return publishing.files_of(tx, draft_id)


# Packs that must not come into force -----------------------------------------------------------


FAULTS: list[tuple[dict[str, str], str]] = [
    ({"rules_yaml": STRICTER.replace("terms.bad", "terms.bat")}, "terms.bat"),
    ({"policy_md": "# Rules\n"}, "policy.md"),
    ({"terms__bad.txt": "flumquist\n"}, "A bad word: “one” should match"),
    ({"examples_yaml": EXAMPLES.replace("good morning", "zorgblat")}, "should not"),
]


def test_a_pack_with_a_fault_is_not_even_proposed(here: Office) -> None:
    running = here.packs.current
    for changed, said in FAULTS:
        draft = here.draft(here.ada, **changed)
        checked, trial = publishing.check(here.db, here.ada, utcnow(), draft.id)
        assert (checked.state, trial.ok) == ("draft", False)
        assert checked.tried is not None
        assert all(one.line > 0 for one in (*checked.tried.errors, *checked.tried.faults))
        with here.db.begin(here.ada) as tx, pytest.raises(Problem, match=said) as problem:
            actions.propose(tx, draft.id, trial)
        assert problem.value.status == 422
    with pytest.raises(Problem, match="should not"):
        publishing.propose(here.db, here.ada, utcnow(), draft.id)
    assert here.follow().current is running


def test_a_checked_draft_says_so_until_it_is_changed(here: Office) -> None:
    draft = here.draft(here.ada, rules_yaml=STRICTER)
    draft, trial = publishing.check(here.db, here.ada, utcnow(), draft.id)
    assert (draft.state, trial.ok, trial.rules) == ("checked", True, 1)
    with here.db.begin(here.ada) as tx:
        draft = publishing.edit_draft(tx, draft.id, "policy.md", OTHER, draft.version)
    assert (draft.state, draft.tried) == ("draft", None)
    with here.db.begin(here.ada) as tx, refused("draft.untried"):
        actions.propose(tx, draft.id, trial)
    with here.db.begin(here.ada) as tx:
        assert publishing.note_trial(tx, draft.id, trial).tried is None


def test_a_pack_that_computes_too_long_is_stopped() -> None:
    rules = "".join(
        f"- id: r{n}\n  clause: kind\n  on: [post.create]\n  when: 'terms.bad && size(item.text) > "
        f"{n}'\n  then: {{outcome: review, harm: harassment}}\n" for n in range(4_000)
    )  # fmt: skip
    with pytest.raises(Problem, match="more than 1 second") as problem:
        publishing.try_out({**FILES, "rules.yaml": rules}, seconds=1)
    assert (problem.value.code, problem.value.status) == ("pack.slow", 422)


def test_no_file_leads_out_of_a_pack(here: Office) -> None:
    draft = here.draft(here.ada)
    for name in ("../evil.txt", "/etc/passwd", "terms/../../evil.txt", "a/b/c/d.txt", "", "x\n.txt",
                 "terms\\bad.txt", ".hidden", "terms/.bad.txt", "é.txt"):  # fmt: skip
        with here.db.begin(here.ada) as tx, refused("draft.file"):
            publishing.edit_draft(tx, draft.id, name, "x", draft.version)
        with refused("draft.file"):
            publishing.try_out({**FILES, name: "x"})


def test_a_draft_has_bounds(here: Office) -> None:
    draft = here.draft(here.ada)
    with here.db.begin(here.ada) as tx, refused("draft.too_large"):
        publishing.edit_draft(tx, draft.id, "terms/big.txt", "x" * 2_000_001, draft.version)
    many = {f"terms/t{n}.txt": "word\n" for n in range(501)}
    with here.db.begin(here.ada) as tx, refused("draft.too_large"):
        publishing.start_draft(tx, "Too many", many)
    for text in ("a\x00b", "a\ud800b"):
        with here.db.begin(here.ada) as tx, refused("draft.file"):
            publishing.edit_draft(tx, draft.id, "rules.yaml", text, draft.version)


def test_a_back_test_counts_for_the_files_that_it_tried(here: Office) -> None:
    draft = here.draft(here.ada, rules_yaml=STRICTER)
    sql = """INSERT INTO backtests (id, label, pack, since, until, purpose, started_by, created_at,
                                    state, ended_at, figures)
             VALUES (%(id)s, 'x', %(pack)s, now() - interval '1 day', now(), 'x', 'x', now(),
                     'done', now(), '{}')"""
    with here.db.begin(here.ada) as tx:
        tx.run(sql, id="bt_this", pack=draft.fingerprint)
        tx.run(sql, id="bt_other", pack=here.packs.current.fingerprint)
    for wrong in ("bt_other", "none such", "'; --"):
        with pytest.raises(Problem, match="no finished back-test of this draft"):
            publishing.propose(here.db, here.ada, utcnow(), draft.id, wrong)
    assert publishing.propose(here.db, here.ada, utcnow(), draft.id).backtest == "bt_this"
    with here.db.begin(here.ben) as tx:
        publishing.approve(tx, draft.id, "Fine.", fingerprint=draft.fingerprint)
    assert publishing.publish(here.db, here.ben, utcnow(), draft.id).backtest == "bt_this"
    assert here.entries("policy.published")[0]["backtest"] == "bt_this"


# The start -------------------------------------------------------------------------------------


def test_what_was_published_wins_over_the_settings(
    here: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from openhaven.storage.logs import configure_logs

    configure_logs()
    row = here.published(rules_yaml=STRICTER)
    again = publishing.start(here.db, Banks(), str(tmp_path / "pack"))
    assert (again.current.fingerprint, again.now.row) == (row.pack, row.seq)
    assert "settings_differ" not in capsys.readouterr().err
    edited = write(tmp_path / "edited", {"policy.md": OTHER})
    assert publishing.start(here.db, Banks(), str(edited)).current.fingerprint == row.pack
    said = capsys.readouterr().err
    assert "policy.settings_differ" in said
    assert f"openhaven pack publish {edited} --as NAME" in said
    assert publishing.start(here.db, Banks(), str(tmp_path / "gone")).now.row == row.seq


def test_two_processes_that_start_at_once_agree(db: Database, tmp_path: Path) -> None:
    home = str(write(tmp_path, {}))
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(publishing.start(db, Banks(), home).now.row))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_pack_that_this_version_cannot_load_leaves_the_last_good_one(here: Office) -> None:
    """As after going back to an older version of the program, whose rules know fewer words."""
    good = here.packs.current
    draft = here.approved(rules_yaml=STRICTER)
    with here.db.begin(system("tests")) as tx:
        force(tx, {**FILES, "rules.yaml": STRICTER.replace("terms.bad", "terms.of_the_future")})
    assert here.follow().current is good
    assert "cannot be loaded by this version" in here.packs.trouble
    refused_row = here.packs.refused
    assert here.follow().refused == refused_row
    restarted = publishing.start(here.db, Banks(), "starter")
    assert restarted.current.fingerprint == good.fingerprint
    assert restarted.trouble
    with pytest.raises(Problem, match="meanwhile"):
        publishing.publish(here.db, here.ben, utcnow(), draft.id)
    with here.db.begin(here.ben) as tx:
        publishing.roll_back(tx, "It cannot be loaded.")
    assert here.follow().trouble == ""
    assert here.packs.current.fingerprint == good.fingerprint


def force(tx: Tx, texts: dict[str, str]) -> None:
    """Put files in force past the program, as a later version might have."""
    for trigger in ("pack_comes_into_force",):
        tx.run(f"ALTER TABLE packs_in_force DISABLE TRIGGER {trigger}")
    mark = fingerprint(texts)
    keep_files(tx, mark, "small", "9.0.0", texts)
    last = tx.value("SELECT max(seq) FROM packs_in_force")
    tx.run(
        """INSERT INTO packs_in_force (id, after, pack, how, restores, reason, by_whom, at)
           VALUES ('pif_later', %(last)s, %(mark)s, 'rolled_back', %(last)s, 'x', 'x', now())""",
        last=last, mark=mark,
    )  # fmt: skip
    tx.run("ALTER TABLE packs_in_force ENABLE TRIGGER pack_comes_into_force")
