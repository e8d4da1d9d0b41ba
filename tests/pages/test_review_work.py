"""Work on tasks over HTTP: handing, resting, escalating, opinions, taking back, well-being."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from pages_scene import Scene, gentle_picture
from pages_visitor import Visitor, words
from web_scene import Place, serving

from openhaven import review, staff
from openhaven.core import Problem
from openhaven.line import jobs
from openhaven.review.model import Narrowed
from openhaven.storage.settings import Wellbeing

TEXT = "Everyone hates you just leave"


def fresh(scene: Scene, account: str = "mia", **more: Any) -> str:
    """Return the id of a task on a new post."""
    return scene.task_of(scene.post(TEXT, account=account, **more))


def taken(who: Visitor, task: str) -> str:
    """Let `who` claim a task and return the address of its page."""
    url = f"/console/tasks/{task}"
    who.get(url)
    assert who.post(f"{url}/claim").status == 303
    return url


def row(scene: Scene, task: str) -> dict[str, Any]:
    with scene.haven.db.read() as tx:
        return tx.rows("SELECT * FROM tasks WHERE id = %(t)s", t=task)[0]


def kinds(scene: Scene, task: str) -> list[str]:
    """Return what the ledger says about a task."""
    with scene.haven.db.read() as tx:
        sql = "SELECT kind FROM ledger_entries WHERE ids ->> 'task' = %(t)s ORDER BY at, id"
        return [str(one["kind"]) for one in tx.rows(sql, t=task)]


def given(scene: Scene, **more: str) -> dict[str, str]:
    pack = scene.haven.packs.current
    values = {"pack": pack.fingerprint, "clause": "no-harassment", "outcome": "restrict"}
    return values | {"facts": "It wounds her."} | more


@pytest.fixture(scope="module")
def sam(scene: Scene, place: Place) -> Visitor:
    """Return Sam, a senior reviewer."""
    with scene.tx() as tx:
        scene.people["Sam"] = staff.create(tx, "Sam", ("senior",))
    return Visitor(place).enter(scene.link("Sam"))


@pytest.fixture
def patient(scene: Scene) -> Iterator[Visitor]:
    """Return Ana in a house that gives half a minute to take something back."""
    settings = msgspec.structs.replace(scene.haven.settings, undo_seconds=30)
    with serving(replace(scene.haven, settings=settings), ()) as place:
        yield Visitor(place).enter(scene.link("Ana"))


def test_a_task_is_handed_to_a_colleague_who_alone_may_take_it(
    scene: Scene, ana: Visitor, ben: Visitor, sam: Visitor
) -> None:
    task = fresh(scene)
    url = taken(ana, task)
    to = scene.people["Ben"].id
    refused = ana.post(f"{url}/hand-over", to=to, note=" ")
    assert (refused.status, "Say in a few words why" in words(refused)) == (400, True)
    assert ana.post(f"{url}/hand-over", to=scene.people["Ida"].id, note="Yours.").status == 403
    assert ana.post(f"{url}/hand-over", to=to, note="You know <b>this</b> town.").status == 303
    assert sam.get(url).status == 200
    assert sam.post(f"{url}/claim").status == 409
    told = ben.text(url)
    assert "Ana handed it over to Ben" in told
    assert "You know <b>this</b> town." in told
    assert "handed to you" in ben.text("/console")
    assert ben.post(f"{url}/claim").status == 303
    assert ben.post(f"{url}/hand-over", to="", note="Too hard for me today.").status == 303
    assert row(scene, task)["state"] == "open"
    assert kinds(scene, task)[-3:] == ["task.handed_over", "task.claimed", "task.returned"]
    assert ana.post(f"{url}/hand-over", to=to, note="Not mine.").status == 409


def test_a_task_rests_but_never_past_its_time(scene: Scene, ana: Visitor) -> None:
    task = fresh(scene)
    url = taken(ana, task)
    assert ana.post(f"{url}/snooze", hours="0", note="Later.").status == 400
    assert ana.post(f"{url}/snooze", hours="999", note="Waiting for the platform.").status == 303
    resting = row(scene, task)
    assert resting["snoozed_until"] == resting["due_at"]
    assert "rests until" in ana.text("/console")
    with scene.tx("Ana") as tx:
        taken_next = review.claim_next(tx, ["review"], Narrowed(queue=resting["queue"]))
        assert taken_next != task
        # Whoever brings its time forward wakes it, and danger wakes it at once.
        soon = tx.now + timedelta(minutes=5)
        tx.run("UPDATE tasks SET due_at = %(s)s WHERE id = %(t)s", s=soon, t=task)
        sql = "SELECT snoozed_until FROM tasks WHERE id = %(t)s"
        assert tx.value(sql, t=task) == soon
        tx.run("UPDATE tasks SET urgency = 2 WHERE id = %(t)s", t=task)
        assert tx.value(sql, t=task) is None
        if taken_next:
            review.release(tx, taken_next)
    taken(ana, task)
    refused = ana.post(f"{url}/snooze", hours="1", note="Later.")
    assert (refused.status, "This cannot wait" in words(refused)) == (409, True)
    assert ana.post(f"{url}/release").status == 303
    with scene.tx() as tx:
        tx.run("UPDATE tasks SET urgency = 0 WHERE id = %(t)s", t=task)


def test_what_is_escalated_waits_for_the_senior(
    scene: Scene, ana: Visitor, ben: Visitor, sam: Visitor
) -> None:
    task = fresh(scene)
    url = taken(ana, task)
    nobody = ana.post(f"{url}/escalate", level="specialist", note="A child, perhaps.")
    assert (nobody.status, "Nobody else here is a specialist" in words(nobody)) == (409, True)
    assert ana.post(f"{url}/escalate", level="chief", note="Please.").status == 400
    assert ana.post(f"{url}/escalate", level="senior", note="The law is unclear.").status == 303
    assert "a senior reviewer" in ben.text(url)
    assert ben.post(f"{url}/claim").status == 403
    assert ana.post(f"{url}/claim").status == 403
    assert "The law is unclear." in sam.text(url)
    assert sam.post(f"{url}/claim").status == 303
    assert sam.post(f"{url}/judge", **given(scene)).status == 303
    assert "task.escalated_senior" in kinds(scene, task)


def test_a_second_opinion_is_asked_and_given_and_bars_from_the_appeal(
    scene: Scene, ana: Visitor, ben: Visitor, sam: Visitor
) -> None:
    item = scene.post(TEXT, account="mia")
    task = scene.task_of(item)
    url = taken(ana, task)
    assert ben.post(f"{url}/say", opinion="allow", note="Nobody asked.").status == 409
    assert ana.post(f"{url}/ask", note="Is it a song?").status == 303
    assert ana.post(f"{url}/say", opinion="allow", note="I think so.").status == 409
    assert "asks for a second opinion" in ben.text("/console")
    assert "Is it a song?" in ben.text(url)
    assert ben.post(f"{url}/say", opinion="ban", note="No.").status == 400
    assert ben.post(f"{url}/say", opinion="restrict", note="No song that I know.").status == 303
    told = ana.text(url)
    assert "Ben would choose “Restricted”" in told
    assert ana.post(f"{url}/judge", **given(scene, outcome="warn")).status == 303
    jobs.settle_judgements(scene.haven)
    scene.appeal(scene.decision_of(item), "It is a song.")
    with scene.haven.db.read() as tx:
        sql = "SELECT barred FROM tasks WHERE kind = 'appeal' ORDER BY opened_at DESC LIMIT 1"
        assert set(tx.value(sql)) == {scene.people["Ana"].id, scene.people["Ben"].id}


def test_a_role_that_is_withdrawn_works_on_nothing_any_more(scene: Scene, place: Place) -> None:
    with scene.tx() as tx:
        scene.people["Tom"] = staff.create(tx, "Tom", ("moderator",))
    tom, task = Visitor(place).enter(scene.link("Tom")), fresh(scene)
    url = taken(tom, task)
    stale = scene.people["Tom"]
    with scene.tx() as tx:
        staff.set_roles(tx, stale, ("auditor",))
    assert tom.post(f"{url}/judge", **given(scene)).status == 401
    # The same holds for a request that was let in just before.
    pack = scene.haven.packs.current
    with pytest.raises(Problem) as refused, scene.tx("Tom") as tx:
        review.judge(tx, task, outcome="warn", clause="no-harassment", pack=pack.fingerprint,
                     facts="Late.")  # fmt: skip
    assert refused.value.status == 403


def test_a_judgement_after_the_lease_is_refused_and_the_words_are_kept(
    scene: Scene, ana: Visitor, ben: Visitor
) -> None:
    task = fresh(scene)
    url = taken(ana, task)
    with scene.tx() as tx:
        late = tx.now - timedelta(seconds=1)
        tx.run("UPDATE tasks SET lease_until = %(l)s WHERE id = %(t)s", l=late, t=task)
    with pytest.raises(psycopg.errors.CheckViolation), scene.tx("Ana") as tx:
        tx.run(
            """INSERT INTO judgements (id, task, staff, outcome, clause, pack, facts, at)
                  VALUES ('jdg_x', %(t)s, %(s)s, 'allow', 'x', %(p)s, 'y', now())""",
            t=task, s=scene.people["Ana"].id, p=scene.haven.packs.current.fingerprint,
        )  # fmt: skip
    refused = ana.post(f"{url}/judge", **given(scene))
    assert refused.status == 409
    jobs.return_leases(scene.haven)
    refused = ana.post(f"{url}/judge", **given(scene))
    assert refused.status == 409
    assert b"It wounds her.</textarea>" in refused.body
    again = ana.post(f"{url}/claim", **given(scene))
    assert again.status == 200
    assert b'value="restrict" required accesskey="3" checked' in again.body
    assert b"It wounds her.</textarea>" in again.body
    assert ben.post(f"{url}/judge", **given(scene)).status == 409
    assert ana.post(f"{url}/judge", **given(scene)).status == 303


def test_a_slip_is_taken_back_before_anything_follows(scene: Scene, patient: Visitor) -> None:
    item = scene.post(TEXT, account="mia")
    task = scene.task_of(item)
    url = taken(patient, task)
    reply = patient.post(f"{url}/judge", **given(scene))
    page = patient.get(reply.headers["location"])
    assert "Take it back" in words(page)
    jobs.settle_judgements(scene.haven)
    with scene.haven.db.read() as tx:
        said = str(tx.value("SELECT id FROM judgements WHERE task = %(t)s", t=task))
        assert tx.value("SELECT count(*) FROM decisions WHERE item = %(i)s", i=item) == 0
    back = patient.post(f"/console/judgements/{said}/take-back")
    assert (back.status, back.headers["location"]) == (303, url)
    assert "This task is yours for another" in patient.text(url)
    assert patient.post(f"/console/judgements/{said}/take-back").status == 409
    assert patient.post(f"{url}/judge", **given(scene, outcome="warn")).status == 303
    with scene.tx() as tx:
        tx.run("UPDATE judgements SET settle_at = %(n)s WHERE task = %(t)s", n=tx.now, t=task)
    jobs.settle_judgements(scene.haven)
    with scene.haven.db.read() as tx:
        made = tx.rows("SELECT outcome FROM decisions WHERE item = %(i)s", i=item)
        last = str(tx.value("SELECT id FROM judgements WHERE task = %(t)s AND state = 'settled'",
                            t=task))  # fmt: skip
    assert [one["outcome"] for one in made] == ["warn"]
    assert patient.post(f"/console/judgements/{last}/take-back").status == 409
    assert "judgement.withdrawn" in kinds(scene, task)


def test_what_ends_a_danger_does_not_wait(scene: Scene, patient: Visitor) -> None:
    task = fresh(scene)
    with scene.tx() as tx:
        tx.run("UPDATE tasks SET severity = 4 WHERE id = %(t)s", t=task)
    url = taken(patient, task)
    assert patient.post(f"{url}/judge", **given(scene)).status == 303
    assert "Take it back" not in patient.text(f"/console?sent={task}")


def test_a_viewing_fact_says_how_it_was_seen_and_the_budget_asks_for_a_pause(
    scene: Scene, place: Place
) -> None:
    with scene.tx() as tx:
        scene.people["Uli"] = staff.create(tx, "Uli", ("moderator",))
    uli = Visitor(place).enter(scene.link("Uli"))
    task = fresh(scene, pictures=[gentle_picture(21)])
    with scene.tx() as tx:
        sql = "UPDATE cases SET harm = 'bullying' WHERE id = (SELECT case_id FROM tasks WHERE id ="
        tx.run(sql + " %(t)s)", t=task)
    page = uli.get(f"/console/tasks/{task}").body.decode()
    media = page.partition('action="/console/media/')[2].partition("/")[0]
    seen = {"task": task, "rendering": "grey"}
    assert uli.post(f"/console/media/{media}/reveal", task=task, rendering="neon").status == 400
    for _ in range(Wellbeing().items[1]):
        assert uli.post(f"/console/media/{media}/reveal", **seen).status == 303
    with scene.haven.db.read() as tx:
        sql = "SELECT DISTINCT harm, rendering, side, whole, exif FROM reveals WHERE media = %(m)s"
        (fact,) = tx.rows(sql, m=media)
    assert list(fact.values()) == ["bullying", "grey", 1024, True, False]
    refused = uli.post(f"/console/media/{media}/reveal", **seen)
    assert (refused.status, "You are taking a pause" in words(refused)) == (409, True)
    assert "pause from “Bullying”" in uli.text("/console/me")
    assert uli.post(f"/console/tasks/{task}/claim").status == 409
    # Danger to somebody is given out in a pause as well.
    with scene.tx() as tx:
        tx.run("UPDATE tasks SET urgency = 2 WHERE id = %(t)s", t=task)
        assert review.store.next_task(tx, scene.people["Uli"].id, ["review"]) == task
    assert uli.post(f"/console/media/{media}/reveal", **seen).status == 303
    with scene.tx() as tx:
        tx.run("UPDATE tasks SET state = 'cancelled', done_at = now() WHERE id = %(t)s", t=task)


def test_one_chooses_what_one_does_not_take_and_ends_the_shift(scene: Scene, ben: Visitor) -> None:
    task = fresh(scene)
    with scene.haven.db.read() as tx:
        sql = "SELECT c.harm FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.id = %(t)s"
        harm = str(tx.value(sql, t=task))
    ben.get("/console/me")
    assert ben.post("/console/me/harms", **{f"not.{harm}": "yes"}).status == 303
    assert b"checked" in ben.get("/console/me").body
    with scene.haven.db.read() as tx:
        me = scene.people["Ben"].id
        assert review.store.next_task(tx, me, ["review"], Narrowed(harm=harm)) is None
    assert ben.post("/console/me/harms").status == 303
    assert ben.post("/console/me/pause", minutes="3").status == 400
    assert ben.post("/console/me/pause", minutes="30").status == 303
    assert "You pause from everything" in ben.text("/console/me")
    assert ben.post("/console/me/pause", minutes="0").status == 303
    taken(ben, task)
    reply = ben.post("/console/me/end")
    assert "went back to the queue" in words(reply)
    assert "If you want to talk to somebody" in words(reply)
    assert row(scene, task)["state"] == "open"


def test_a_second_look_does_not_know_the_first(
    scene: Scene, ana: Visitor, ben: Visitor, sam: Visitor
) -> None:
    settings = msgspec.structs.replace(scene.haven.settings, double_review=100)
    item = scene.post(TEXT, account="vic")
    task = scene.task_of(item)
    url = taken(ana, task)
    assert ana.post(f"{url}/judge", **given(scene, facts="The first opinion.")).status == 303
    jobs.settle_judgements(replace(scene.haven, settings=settings))
    with scene.haven.db.read() as tx:
        sql = """SELECT c.task FROM quality_checks c JOIN judgements j ON j.id = c.judgement
                 WHERE j.task = %(t)s"""
        check = str(tx.value(sql, t=task))
    assert "You acted on this case before" in ana.text(f"/console/tasks/{check}")
    assert ana.post(f"/console/tasks/{check}/claim").status == 403
    again = taken(ben, check)
    told = ben.text(again)
    assert "The first opinion" not in told
    assert "On this item" not in told
    assert ben.post(f"{again}/judge", **given(scene, outcome="allow")).status == 303
    jobs.settle_judgements(scene.haven)
    with scene.haven.db.read() as tx:
        assert tx.value("SELECT count(*) FROM decisions WHERE item = %(i)s", i=item) == 1
    sam.get(url)
    assert ana.post(f"{url}/golden").status == 403
    assert sam.post(f"{url}/golden").status == 303
    told = sam.text("/console/quality")
    assert "Agreement by queue" in told
    assert "Restricted" in told
    assert "By reviewer" in told
    assert "vic" not in told
