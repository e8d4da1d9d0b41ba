"""A removal on request: what it needs, its 48 hours, and what becomes of it."""

from datetime import timedelta

import pytest
from survivors_scene import ANYBODY, Town, a_hash

from openhaven import decisions, survivors
from openhaven.core import Problem, utcnow
from openhaven.exchange.lookback import jobs as looking_back

HOURS = timedelta(hours=1)


def test_a_request_becomes_one_task_with_a_clock_of_48_hours(town: Town) -> None:
    item = town.posted()
    made = town.removal(item)
    town.tend()
    (task,) = town.tasks()
    assert (task["item"], task["harm"], task["urgency"]) == (item, "ncii", 0)
    assert abs(task["clock"] - utcnow() - 48 * HOURS) < timedelta(minutes=1)
    status = town.status(made)
    assert (status.kind, status.state, status.due_at) == ("removal", "open", task["clock"])


def test_requests_about_one_item_join_one_case(town: Town) -> None:
    item = town.posted()
    first, second = town.removal(item), town.removal(item, contact="b@example.org")
    town.tend()
    (task,) = town.tasks()
    assert task["reports"] == 2
    town.judge(town.person(), task["id"], "remove")
    town.tend()
    for made in (first, second):
        status = town.status(made)
        assert [(part.outcome, part.state) for part in status.parts] == [("remove", "decided")]


def test_the_clock_escalates_by_itself(town: Town) -> None:
    calm = town.posted()
    town.removal(calm)
    town.tend(23 * HOURS)
    assert town.tasks()[0]["severity"] == 3
    town.tend(25 * HOURS)
    assert (town.tasks()[0]["severity"], town.said("survivor.clock_half_over")) == (4, 1)
    assert town.tasks()[0]["urgency"] == 0
    town.tend(43 * HOURS)
    assert (town.tasks()[0]["urgency"], town.said("survivor.clock_last_hours")) == (1, 1)
    assert town.said("alert.intended.clock") == 1
    town.tend(49 * HOURS)
    town.tend(50 * HOURS)
    assert town.said("survivor.clock_overdue") == town.said("alert.intended.overdue") == 1


def test_what_comes_late_jumps_to_the_last_stage(town: Town) -> None:
    town.removal(town.posted(), at=utcnow() - 49 * HOURS)
    town.tend()
    assert town.said("survivor.clock_overdue") == 1
    assert town.said("survivor.clock_half_over") == 0


def test_the_clock_stops_when_the_platform_has_taken_it_down(town: Town) -> None:
    made = town.removal(town.posted())
    town.tend()
    town.judge(town.person(), town.tasks()[0]["id"], "remove")
    town.work()
    # The platform has no webhook, so that the act has failed: decided is not yet taken down.
    town.tend(49 * HOURS)
    assert (town.status(made).state, town.said("survivor.clock_overdue")) == ("open", 1)
    with town.haven.db.begin(town.actor) as tx:
        tx.run("UPDATE acts SET state = 'done', last_error = NULL WHERE verb = 'remove'")
    town.tend(50 * HOURS)
    status = town.status(made)
    assert (status.state, status.why, status.parts[0].done) == ("ended", "answered", True)


def test_what_is_kept_is_answered_as_well(town: Town) -> None:
    made = town.removal(town.posted())
    town.tend()
    town.judge(town.person(), town.tasks()[0]["id"], "allow")
    town.tend()
    town.tend()
    assert (town.status(made).state, town.status(made).parts[0].outcome) == ("ended", "allow")


@pytest.mark.parametrize(
    ("values", "code"),
    [({"shows": False}, "removal.shows"), ({"consent": False}, "removal.consent"),
     ({"text": "x" * 10_001}, "removal.text")],
)  # fmt: skip
def test_what_the_law_asks_for_is_asked_for(town: Town, values: dict, code: str) -> None:
    with pytest.raises(Problem) as found:
        town.removal("some-item", **values)
    assert found.value.code == code
    with pytest.raises(Problem, match="where the picture is"):
        town.removal()
    with pytest.raises(Problem, match="at most 10"):
        town.removal(*(f"item-{n}" for n in range(11)))


def test_which_law_a_request_fulfils_is_kept(town: Town) -> None:
    def kept(**more: str) -> list[str]:
        made = town.removal("somewhere", **more)
        sql = "SELECT regimes FROM survivor_requests WHERE id = %(id)s"
        return list(town.rows(sql, id=made.id)[0]["regimes"])

    assert kept() == []
    assert kept(contact="a@example.org") == ["uk.osa.10"]
    assert kept(contact="a@example.org", signature="A. B.") == ["uk.osa.10", "us.takeitdown"]


def test_withdrawn_is_forgotten_and_stops_the_clock(town: Town) -> None:
    made = town.removal(town.posted(), text="mild words", contact="a@example.org")
    town.tend()
    with town.haven.db.begin(ANYBODY) as tx:
        survivors.withdraw(tx, made.code)
        survivors.withdraw(tx, made.code)
    town.tend(49 * HOURS)
    assert (town.status(made).state, town.said("survivor.withdrawn")) == ("withdrawn", 1)
    assert town.tasks()[0]["clock"] is None
    assert town.said("survivor.clock_overdue") == 0
    (row,) = town.rows("SELECT body FROM reports WHERE item IS NOT NULL")
    assert row["body"] is None


def test_a_wrong_code_leads_nowhere(town: Town) -> None:
    town.removal("somewhere")
    for code in ("", "aaaa-bbbb-cccc-dddd-eeee"):
        with town.haven.db.begin(ANYBODY) as tx, pytest.raises(Problem) as found:
            survivors.withdraw(tx, code)
        assert found.value.status == 404


def test_copies_of_what_was_removed_are_put_before_a_person(town: Town) -> None:
    pdq = a_hash()
    older = town.posted(pdq)
    item = town.posted(pdq)
    town.removal(item)
    town.tend()
    town.judge(town.person(), town.tasks()[0]["id"], "remove")
    town.tend()
    town.tend()
    again = town.posted(pdq)
    assert {one["item"] for one in town.tasks()} == {again}
    # What was there before is found by looking back.
    with town.haven.db.begin(town.actor) as tx:
        tx.run("UPDATE bank_changes SET at = at - interval '2 minutes'")
    while looking_back.look_back_due(town.haven.db, town.haven.banks):
        pass
    assert {one["item"] for one in town.tasks()} >= {again, older}


def test_an_overturned_removal_looks_for_no_copies(town: Town) -> None:
    pdq = a_hash()
    item = town.posted(pdq)
    town.removal(item)
    town.tend()
    town.judge(town.person(), town.tasks()[0]["id"], "remove")
    town.tend()
    with town.haven.db.begin(town.actor) as tx:
        tx.run("""UPDATE decisions SET state = 'overturned', overturned_at = now(),
                    overturned_by = judgement""")
    town.tend()
    living = town.rows("SELECT count(*) AS n FROM bank_entries WHERE withdrawn_at IS NULL")
    assert living[0]["n"] == 0


def test_an_appeal_that_is_upheld_withdraws_the_hashes_in_its_own_transaction(town: Town) -> None:
    item = town.posted(a_hash())
    town.removal(item)
    town.tend()
    town.judge(town.person(), town.tasks()[0]["id"], "remove")
    town.tend()
    living = "SELECT count(*) AS n FROM bank_entries WHERE withdrawn_at IS NULL"
    assert town.rows(living)[0]["n"] > 0
    (made,) = town.rows("SELECT id FROM decisions WHERE item = %(i)s", i=item)
    with town.haven.db.begin(ANYBODY) as tx:
        decisions.appeal(tx, decisions.decision(tx, made["id"]), "It is a picture of my own.")
    (task,) = town.rows("SELECT id FROM tasks WHERE kind = 'appeal'")
    town.judge(town.reviewer("other", "appeals"), task["id"], "upheld")
    # Only the line works, and not what tends requests.
    town.work()
    assert town.rows(living)[0]["n"] == 0
    sql = """SELECT DISTINCT e.withdrawn_at = d.overturned_at AS same, e.xmin = d.xmin AS at_once
             FROM bank_entries e, decisions d WHERE d.id = %(d)s"""
    assert town.rows(sql, d=made["id"]) == [{"same": True, "at_once": True}]


def test_a_hash_stays_while_another_removal_stands(town: Town) -> None:
    pdq, me = a_hash(), town.person()
    items = [town.posted(pdq) for _ in range(2)]
    for item in items:
        town.removal(item)
    town.tend()
    for task in town.tasks():
        town.judge(me, task["id"], "remove")
    town.tend()
    town.tend()
    for item, left in zip(items, (True, False), strict=True):
        with town.haven.db.begin(town.actor) as tx:
            tx.run("""UPDATE decisions SET state = 'overturned', overturned_at = now(),
                        overturned_by = judgement WHERE item = %(i)s""", i=item)  # fmt: skip
        town.tend()
        sql = "SELECT 1 FROM bank_entries WHERE value = %(v)s AND withdrawn_at IS NULL"
        assert bool(town.rows(sql, v=pdq)) is left


def test_mass_requests_from_one_network_lock_nobody_else_out(town: Town) -> None:
    for number in range(40):
        town.removal(f"item-{number}")
    with pytest.raises(Problem) as found:
        town.removal("one-more")
    assert found.value.status == 429
    asked = survivors.Removal(items=("other",), shows=True, consent=True)
    with town.haven.db.begin(ANYBODY) as tx:
        survivors.ask_removal(tx, town.the_platform(), asked, "198.51.100.7")
    town.tend(timedelta(days=2))
    assert town.rows("SELECT 1 FROM survivor_requests WHERE origin IS NOT NULL") == []
