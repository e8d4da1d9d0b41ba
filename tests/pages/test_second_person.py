"""The page on which a second person agrees, and strikes that wait, as staff meet them."""

import pytest
from pages_scene import Scene
from pages_visitor import Visitor
from web_scene import Place

from openhaven import staff
from openhaven.core import system
from openhaven.line import jobs
from openhaven.staff import approvals


def wants_an_end(scene: Scene, item_text: str, account: str) -> str:
    """Let Ana judge that an account shall end for good; return the request."""
    item = scene.post(item_text, account=account, age_band="18-plus")
    task = scene.task_of(item)
    with scene.tx() as tx:
        tx.run("UPDATE cases SET harm = 'grooming' WHERE item = %(i)s", i=item)
    scene.decide(task, "suspend", "They ask a child to come alone.", clause="reports")
    with scene.haven.db.read() as tx:
        return approvals.waiting(tx)[-1].id


@pytest.fixture(scope="module")
def sara(scene: Scene, place: Place) -> Visitor:
    with scene.haven.db.begin(system("test")) as tx:
        scene.people["Sara"] = staff.create(tx, "Sara", ("specialist",))
    return Visitor(place).enter(scene.link("Sara"))


def test_only_another_one_is_offered_to_agree(scene: Scene, ana: Visitor, ben: Visitor) -> None:
    request = wants_an_end(scene, "flumquist one", "ends1")
    assert "waits for a second person" in ana.text("/console")
    assert "You asked for this yourself. A colleague has to answer." in ana.text("/console/second")
    assert ana.post(f"/console/second/{request}/agree").status == 403
    assert ana.post(f"/console/second/{request}/refuse", reason="x").status == 403
    shown = ben.text("/console/second")
    assert "They ask a child to come alone." in shown
    assert "Asked by Ana" in shown
    assert ben.post(f"/console/second/{request}/agree").status == 303
    assert ben.post(f"/console/second/{request}/agree").status == 409
    jobs.settle_judgements(scene.haven)
    with scene.haven.db.read() as tx:
        sql = "SELECT until, outcome FROM decisions WHERE account = 'ends1'"
        assert tx.rows(sql) == [{"until": None, "outcome": "suspend"}]
    assert "Nothing waits for that." in ben.text("/console/second")


def test_who_does_not_agree_says_why(scene: Scene, ben: Visitor) -> None:
    request = wants_an_end(scene, "flumquist two", "ends2")
    ben.text("/console/second")
    refused = ben.post(f"/console/second/{request}/refuse", reason=" ")
    assert refused.status == 400
    assert b"Say in a few words why." in refused.body
    assert ben.post(f"/console/second/{request}/refuse", reason="It is a role.").status == 303
    with scene.haven.db.read() as tx:
        assert tx.rows("SELECT 1 FROM decisions WHERE account = 'ends2'") == []


def test_without_the_role_nobody_answers(scene: Scene, ida: Visitor) -> None:
    request = wants_an_end(scene, "flumquist three", "ends3")
    shown = ida.get("/console/second").body
    assert b"They ask a child to come alone." in shown
    assert b"/agree" not in shown
    assert ida.post(f"/console/second/{request}/agree").status == 403


def test_a_form_without_its_token_does_nothing(scene: Scene, ben: Visitor) -> None:
    request = wants_an_end(scene, "flumquist four", "ends4")
    ben.csrf = ""
    assert ben.post(f"/console/second/{request}/agree").status == 403
    with scene.haven.db.read() as tx:
        assert request in [one.id for one in approvals.waiting(tx)]


def test_a_specialist_answers_a_strike(scene: Scene, ben: Visitor, sara: Visitor) -> None:
    item = scene.post("flumquist five", account="kid5", age_band="13-15")
    with scene.tx() as tx:
        tx.run("UPDATE cases SET harm = 'ncii' WHERE item = %(i)s", i=item)
    made = scene.decide(scene.task_of(item), "remove", "A picture of itself.", clause="reports")
    assert "Strikes that wait for a specialist" in ben.text("/console/second")
    assert b"Let it count" not in ben.get(f"/console/decisions/{made}").body
    assert ben.post(f"/console/decisions/{made}/strike", answer="counts").status == 403
    assert "It waits and counts for nothing." in sara.text(f"/console/decisions/{made}")
    assert sara.post(f"/console/decisions/{made}/strike", answer="lifted").status == 303
    assert "It was lifted and counts for nothing." in sara.text(f"/console/decisions/{made}")
    assert sara.post(f"/console/decisions/{made}/strike", answer="counts").status == 409
