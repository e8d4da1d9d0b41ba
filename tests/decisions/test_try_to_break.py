"""Each rule of due process is attacked: through the API, the console, the database, and races."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from api_scene import Town, town_on
from decisions_scene import GROWN, judged, made_by, rules, sent, task_of
from hypothesis import given, settings
from hypothesis import strategies as st
from line_receiver import receiving
from line_scene import NOW, OPERATOR, Scene

from openhaven import decisions, intake, ledger, review, staff
from openhaven.core import HARMS, Actor, Problem, utcnow
from openhaven.decisions import penalties
from openhaven.line import Haven
from openhaven.staff import approvals

FORM = {"content-type": "application/x-www-form-urlencoded"}


def at_once(*jobs: Callable[[], Any]) -> list[str]:
    """Run all jobs at once; return the code of the problem with which each ended, or `done`."""
    gate, ends = threading.Barrier(len(jobs)), [""] * len(jobs)

    def run(number: int) -> None:
        gate.wait(300)
        try:
            jobs[number]()
            ends[number] = "done"
        except Problem as problem:
            ends[number] = problem.code
        except psycopg.Error as error:
            ends[number] = type(error).__name__

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    return ends


# Races ----------------------------------------------------------------------------------------


def test_two_reviewers_one_task(here: Scene) -> None:
    rules(here)
    task = task_of(here, sent(here))
    people = [here.reviewer(f"p{at}") for at in range(4)]

    def judge(who: Actor) -> Callable[[], Any]:
        def run() -> None:
            with here.haven.db.begin(who) as tx:
                review.claim(tx, task)
                review.judge(tx, task, outcome="remove", clause="kind", facts="It says so.",
                             pack=here.haven.packs.current.fingerprint)  # fmt: skip

        return run

    ends = at_once(*(judge(who) for who in people))
    assert ends.count("done") == 1
    here.work()
    assert here.rows("SELECT count(*) AS n FROM decisions") == [{"n": 1}]
    assert here.rows("SELECT count(*) AS n FROM strikes") == [{"n": 1}]


def test_many_appeals_at_once_are_one(here: Scene) -> None:
    rules(here)
    made = made_by(here, judged(here, here.reviewer("ana"), task_of(here, sent(here)), "remove"))
    assert made is not None

    def send() -> None:
        with here.haven.db.begin(OPERATOR) as tx:
            decisions.appeal(tx, decisions.decision(tx, made["id"]), "It was a joke.")

    ends = at_once(*[send] * 5)
    assert sorted(ends) == ["appeal.twice"] * 4 + ["done"]
    assert here.rows("SELECT count(*) AS n FROM tasks WHERE kind = 'appeal'") == [{"n": 1}]


def test_upheld_and_expired_at_once_undo_it_once(here: Scene) -> None:
    rules(here)
    task = task_of(here, sent(here))
    given_ = judged(here, here.reviewer("ana"), task, "restrict", days=1)
    made = made_by(here, given_)
    assert made is not None
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made["id"]), "It was a joke.")
    [appeal] = here.rows("SELECT id FROM tasks WHERE kind = 'appeal'")
    eve = here.reviewer("eve")

    def expire() -> None:
        with here.haven.db.begin(OPERATOR, utcnow() + timedelta(days=2)) as tx:
            decisions.cancel_expired(tx)

    at_once(expire, lambda: judged(here, eve, appeal["id"], "upheld"))
    here.work()
    undone = here.rows("SELECT count(*) AS n FROM acts WHERE verb = 'unrestrict'")
    assert undone == [{"n": 1}]
    assert here.rows("SELECT state FROM strikes") == [{"state": "lifted"}]


def test_a_judgement_after_the_lease_ended_counts_nothing(here: Scene) -> None:
    rules(here)
    task, ana, ben = task_of(here, sent(here)), here.reviewer("ana"), here.reviewer("ben")
    late = utcnow() + review.model.LEASE + timedelta(minutes=1)
    with here.haven.db.begin(ana) as tx:
        review.claim(tx, task)
    said: dict[str, Any] = {"outcome": "remove", "clause": "kind", "facts": "It says so.",
                            "pack": here.haven.packs.current.fingerprint}  # fmt: skip
    with pytest.raises(Problem, match="not yours"), here.haven.db.begin(ana, late) as tx:
        review.judge(tx, task, **said)
    with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR, late) as tx:
        tx.run("""INSERT INTO judgements (id, task, staff, outcome, clause, pack, facts, at)
                  VALUES ('jdg_x', %(t)s, %(a)s, 'remove', 'kind', %(p)s, 'x', %(now)s)""",
               t=task, a=ana.id, p=said["pack"], now=late)  # fmt: skip
    with here.haven.db.begin(ben, late) as tx:
        review.claim(tx, task)
    assert here.rows("SELECT count(*) AS n FROM judgements") == [{"n": 0}]


# Laws -----------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)  # fmt: skip
@given(
    reports=st.lists(st.sampled_from(["scam", "spam", "hate", "bullying", "other"]), max_size=5),
    trusted=st.booleans(),
)
def test_the_number_of_reports_never_raises_severity(
    here: Scene, reports: list[str], trusted: bool
) -> None:
    """The gravest single report says how grave a matter is; a hundred of them say no more."""
    item = f"item-{len(here.rows('SELECT 1 AS one FROM reports'))}-{len(reports)}-{trusted}"
    for category in reports:
        with here.haven.db.begin(OPERATOR) as tx:
            about = intake.ReportSubject(item=item)
            intake.accept_report(
                tx, here.platform, intake.Report(subject=about, category=category, trusted=trusted)
            )
    here.work()
    sql = """SELECT t.severity, t.due_at - t.opened_at AS time FROM tasks t
             JOIN cases c ON c.id = t.case_id WHERE c.item = %(i)s"""
    tasks = here.rows(sql, i=item)
    if reports:
        gravest = max(HARMS[category].severity for category in reports)
        assert [task["severity"] for task in tasks] == [gravest]
        assert tasks[0]["time"] <= review.model.DUE[gravest]


def test_a_first_violation_that_is_not_severe_never_ends_an_account(here: Scene) -> None:
    """Not by a reviewer, not with a second person, and not by hand."""
    rules(here)
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    made = made_by(here, judged(here, ana, task_of(here, sent(here)), "suspend"))
    assert made is not None
    assert made["until"] is not None
    assert here.rows("SELECT 1 AS one FROM approvals") == []
    # Somebody asks for it behind the program's back and a second one agrees: it is refused still.
    with here.haven.db.begin(OPERATOR) as tx:
        asked = approvals.ask(tx, "termination", made["judgement"], "For good.", by=ana.id)
    with here.haven.db.begin(ben) as tx:
        approvals.answer(tx, asked, True)
        penalties.follow(tx)
    with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE decisions SET until = NULL, permanent = true WHERE id = %(d)s", d=made["id"])


def test_the_database_keeps_the_rules_from_whoever_writes(here: Scene) -> None:
    rules(here)
    judged(here, here.reviewer("ana"), task_of(here, sent(here)), "remove")
    attacks = (
        # A strike that nothing was decided for, and one that comes back.
        "INSERT INTO strikes SELECT 'dec_x', platform, account, severity, state, given_at, "
        "expires_at FROM strikes",
        "UPDATE strikes SET severity = 4",
        "UPDATE strikes SET expires_at = expires_at + interval '1 day'",
        "UPDATE strikes SET account = 'somebody'",
        # An appeal that ends without a person, and a window that closes early.
        "UPDATE decisions SET appeal_until = decided_at + interval '30 days'",
        "INSERT INTO appeals (id, decision, subject, state, created_at, due_at, decided_at) "
        "SELECT 'apl_x', id, 'x', 'rejected', now(), now(), now() FROM decisions",
        # A computer that takes an account away.
        "UPDATE decisions SET outcome = 'suspend', judgement = NULL",
        "UPDATE decisions SET automated_decision = 'fully'",
        # A judgement by nobody.
        "INSERT INTO judgements (id, task, staff, outcome, clause, pack, facts, at) "
        "SELECT 'jdg_x', task, staff, 'suspend', clause, pack, facts, now() FROM judgements",
        # A measure that is none, and one of what restricts nothing.
        "UPDATE decisions SET measure = 'pillory'",
        "UPDATE decisions SET measure = 'demote'",
    )
    for attack in attacks:
        with pytest.raises(psycopg.errors.IntegrityError), here.haven.db.begin(OPERATOR) as tx:
            tx.run(attack)
    here.work()
    with here.haven.db.read() as tx:
        assert ledger.verify(tx, None, here.haven.signer.vkey).ok


# The door -------------------------------------------------------------------------------------


@pytest.fixture
def town(haven: Haven) -> Iterator[Town]:
    with receiving() as receiver, town_on(haven, receiver) as opened:
        yield opened


def outside(**changes: Any) -> dict[str, Any]:
    """Return a decision of the platform's own that is complete."""
    return {
        "id": f"o{len(changes)}-{sorted(changes)}"[:60], "outcome": "remove", "harm": "hate",
        "clause": "spam", "facts": "It calls for it.", "source": "own_initiative",
        "automated_detection": False, "automated_decision": "not", "content_type": ["TEXT"],
        "content_at": NOW.isoformat(), "item": "i1",
    } | changes  # fmt: skip


def test_through_the_api(town: Town) -> None:
    rules(town.here)
    six = dict.fromkeys(
        ("context", "speaker", "intent", "content", "extent", "likelihood"), "Something."
    )
    refused = [
        outside(),
        outside(six={**six, "likelihood": "  "}),
        outside(six={**six, "more": "x"}),
        outside(clause="kind", measure="label"),
        outside(clause="kind", outcome="restrict", measure="pillory"),
        outside(clause="kind", starts_at=(utcnow() - timedelta(days=1)).isoformat()),
        outside(clause="kind", starts_at=(utcnow() + timedelta(days=91)).isoformat()),
        outside(clause="kind", scope=["XX1"]),
        outside(clause="kind", copy_of="dec_x"),
        outside(clause="kind", decided_by="held:staff:x"),
        outside(clause="kind", outcome="suspend", account="a1"),
    ]
    for body in refused:
        reply = town.ask("POST", "/v1/decisions", body)
        assert reply.status in (400, 404), (body, reply.body)
    assert town.number("SELECT count(*) FROM decisions") == 0
    assert town.ask("POST", "/v1/decisions", outside(six=six)).status == 201
    made = str(town.rows("SELECT id FROM decisions")[0]["id"])
    path = f"/v1/decisions/{made}/appeals"
    text = {"text": "It was a quotation."}
    first, again = town.ask("POST", path, text), town.ask("POST", path, text)
    assert (first.status, again.status) == (201, 200)
    assert first.json["appeal"] == again.json["appeal"]
    assert town.ask("POST", path, {"text": "Another."}).status == 409
    # Another platform, and a receipt of nothing, come no nearer.
    assert town.ask("POST", path, text, key=town.there.key).status == 404
    assert town.ask("POST", path, {**text, "receipt": "1-2-3"}).status == 404
    # A repeated text gets its own appeal, also when another side has appealed since.
    assert town.ask("POST", path, text).json["appeal"] == first.json["appeal"]


def test_through_the_console(town: Town) -> None:
    """Nobody does by a form what their role or the rules do not let them."""
    rules(town.here)
    ana = town.person("ana")
    made = made_by(town.here, judged(town.here, ana, task_of(town.here, sent(town.here)), "remove"))
    assert made is not None
    with town.haven.db.begin(ana) as tx:
        asked = approvals.ask(tx, "bulk", "cpl_x", "Many of them.")

    def post(path: str, who: str, **fields: str) -> int:
        cookie = town.cookie(who)
        csrf = town.ask("GET", "/console/api/session", key="", headers=cookie).json["csrf"]
        raw = urlencode({"csrf": csrf, **fields}).encode()
        return town.ask("POST", path, raw, key="", headers={**cookie, **FORM}).status

    town.person("aud", "auditor")
    agree = f"/console/second/{asked}/agree"
    assert post(agree, "ana") == 403, "one's own request"
    assert post(agree, "aud") == 403, "without the role"
    assert post(f"/console/second/{asked}/refuse", "aud", reason="x") == 403
    with town.haven.db.read() as tx:
        assert approvals.state_of(tx, "bulk", "cpl_x") == "waiting"
    assert post(f"/console/decisions/{made['id']}/copies", "aud", item="x") == 403
    assert post(f"/console/decisions/{made['id']}/copies", "ana", item="nothing") == 400
    assert post("/console/flaggers", "ana", name="Mine", platform="here", harm="scam") == 403
    task = task_of(town.here, sent(town.here, account=GROWN))
    assert post(f"/console/tasks/{task}/hide", "ana", clause="kind", facts="Wait.") >= 400
    assert town.number("SELECT count(*) FROM decisions") == 1


def test_strangers_with_guessed_links(town: Town) -> None:
    rules(town.here)
    made = made_by(
        town.here,
        judged(town.here, town.person("ana"), task_of(town.here, sent(town.here)), "remove"),
    )
    assert made is not None
    token = town.token(made["id"])
    guessed = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token[:26] + "A" * 22,
        token.upper(),
    ]
    raw = urlencode({"text": "Mine."}).encode()
    for one in guessed:
        assert town.ask("GET", f"/appeal/{one}", key="").status == 404
        assert town.ask("POST", f"/appeal/{one}", raw, key="", headers=FORM).status == 404
    for receipt in ("0000-0000-0000-0000-0000", "x"):
        path = f"/report/{receipt}/appeal"
        assert town.ask("POST", path, raw, key="", headers=FORM).status == 404
    assert town.number("SELECT count(*) FROM appeals") == 0


def test_a_person_who_lost_their_role_in_the_middle(here: Scene) -> None:
    rules(here)
    task, ana = task_of(here, sent(here)), here.reviewer("ana")
    with here.haven.db.begin(ana) as tx:
        review.claim(tx, task)
    with here.haven.db.begin(OPERATOR) as tx:
        staff.set_roles(tx, staff.named(tx, "ana"), ("auditor",))
    with pytest.raises(Problem, match="role"), here.haven.db.begin(ana) as tx:
        review.judge(tx, task, outcome="remove", clause="kind", facts="It says so.",
                     pack=here.haven.packs.current.fingerprint)  # fmt: skip
