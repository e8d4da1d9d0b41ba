"""What staff sees and does in the console, over HTTP, on the real database."""

import io
import re

import pytest
from pages_scene import Scene, gentle_picture, scene_item
from pages_visitor import Visitor, words
from PIL import Image

from openhaven import staff
from openhaven.line import jobs
from openhaven.review.wellbeing.actions import reveal


def task_of(scene: Scene, item: str) -> str:
    return next(task for task in scene.tasks() if scene_item(scene, task) == item)


def media_of(page: bytes) -> list[str]:
    return re.findall(r'src="/console/media/(\w+)"', page.decode())


@pytest.mark.parametrize(
    "path", ["", "/live", "/stream", "/tasks/x", "/media/x", "/media/x/clear", "/decisions",
             "/decisions/x", "/deliveries", "/platforms", "/help"]
)  # fmt: skip
def test_nobody_looks_in_without_signing_in(anybody: Visitor, path: str) -> None:
    assert anybody.get(f"/console{path}").status == 401


def test_the_queue_has_the_most_urgent_first_and_no_content(ana: Visitor) -> None:
    page = ana.get("/console")
    told = words(page)
    assert told.index("Danger Suicide") < told.index("Medium Harassment") < told.index("Low Spam")
    assert "2 reports, rule wounding-words" in told
    assert b"wants you" not in page.body
    assert b"Please look" not in page.body
    assert "somebody else: you acted on it before" in told


def test_the_queue_can_be_narrowed(ana: Visitor) -> None:
    for narrowed in ("queue=care", "harm=suicide", "harm=suicide&language=en"):
        table = ana.text(f"/console?{narrowed}").partition("Open tasks")[2]
        assert "Suicide" in table.partition("What comes in")[0]
        assert "Harassment" not in table.partition("What comes in")[0]
    assert "Nothing waits here" in ana.text("/console?language=xx")


def test_an_act_that_did_not_arrive_is_an_alarm(ana: Visitor) -> None:
    assert "did not reach the platform" in ana.text("/console")
    assert "500 (Internal Server Error)" in ana.text("/console/deliveries")


def test_a_task_shows_the_item_the_reasons_and_no_reporter(scene: Scene, ana: Visitor) -> None:
    item = scene.post("Well, nobody here wants you, says <b>he</b>.", account="tom")
    scene.report(item, "bullying", "Since <script>alert(1)</script> Monday.")
    page = ana.get(f"/console/tasks/{task_of(scene, item)}")
    assert b"<mark>nobody here wants you</mark>, says &lt;b&gt;he&lt;/b&gt;." in page.body
    assert b"Since &lt;script&gt;alert(1)&lt;/script&gt; Monday." in page.body
    assert b"r@example.org" not in page.body
    told = words(page)
    assert "The words match a list of words" in told
    assert "Be kind, or walk away" in told
    assert "16 or 17, GB on plaza" in told


def test_a_text_that_hides_something_is_pointed_at(scene: Scene, ana: Visitor) -> None:
    item = scene.post("flumquist \u202eterces\u202c \u200bhere")
    told = ana.text(f"/console/tasks/{task_of(scene, item)}")
    assert "The text holds 3 invisible characters" in told


def test_a_private_message_that_nobody_reported_stays_closed(scene: Scene, ana: Visitor) -> None:
    from openhaven import intake, review
    from openhaven.intake import Account, Conversation, Event, Item

    with scene.tx() as tx:
        talk = Conversation(id="c1", visibility="private")
        event = Event(id="evt-private", kind="message.send", at=tx.now, account=Account(id="pia"),
                      item=Item(id="msg-1", text="for your eyes"), conversation=talk)  # fmt: skip
        intake.accept(tx, scene.platform, [event])
        row = intake.latest_of_item(tx, scene.platform, "msg-1")
        assert row is not None
        about = {"platform": scene.platform, "item": "msg-1", "account": "pia", "event": row.seq}
        task = review.open_task(tx, harm="other", severity=1, queue="general", **about)
    page = ana.get(f"/console/tasks/{task}")
    assert "its content is not shown" in words(page)
    assert b"for your eyes" not in page.body
    scene.report("msg-1", "harassment", "He writes this to me.")
    assert "for your eyes" in ana.text(f"/console/tasks/{task}")


def test_pictures_are_veiled_until_one_asks_and_that_is_recorded(
    scene: Scene, ana: Visitor, ben: Visitor
) -> None:
    item = scene.post("flumquist with a picture", pictures=[gentle_picture(3)])
    task = task_of(scene, item)
    (media,) = media_of(ana.get(f"/console/tasks/{task}").body)
    veiled = Image.open(io.BytesIO(ana.get(f"/console/media/{media}").body))
    assert (veiled.mode, max(veiled.size)) == ("L", 320)
    assert ana.get(f"/console/media/{media}/clear").status == 403

    reply = ana.post(f"/console/media/{media}/reveal", task=task)
    assert (reply.status, reply.headers["location"]) == (303, f"/console/tasks/{task}#{media}")
    clear = Image.open(io.BytesIO(ana.get(f"/console/media/{media}/clear").body))
    assert (clear.mode, clear.size) == ("RGB", (480, 320))
    assert "Seen clearly by Ana" in ana.text(f"/console/tasks/{task}")
    assert ben.get(f"/console/media/{media}/clear").status == 403
    assert media_of(ben.get(f"/console/tasks/{task}").body) == [media]
    with scene.haven.db.read() as tx:
        assert tx.value("SELECT count(*) FROM reveals WHERE media = %(m)s", m=media) == 1


def test_a_picture_is_shown_for_a_task_that_it_belongs_to_and_no_other(
    scene: Scene, ana: Visitor
) -> None:
    text = "Everyone hates you just leave"
    mine = task_of(scene, scene.post(text, account="max", pictures=[gentle_picture(1)]))
    other = task_of(scene, scene.post(text, account="lea", pictures=[gentle_picture(2)]))
    (media,) = media_of(ana.get(f"/console/tasks/{other}").body)
    assert ana.post(f"/console/media/{media}/reveal", task=mine).status == 404
    assert ana.get(f"/console/media/{media}/clear").status == 403
    assert ana.post(f"/console/media/{media}/reveal", task=other).status == 303


def test_a_picture_that_cannot_be_shown_does_not_break_the_page(ana: Visitor) -> None:
    reply = ana.get("/console/media/med_nothing")
    assert (reply.status, reply.headers["content-type"]) == (200, "image/svg+xml")


def test_claim_judge_and_go_on(scene: Scene, ana: Visitor, ben: Visitor) -> None:
    item = scene.post("Everyone hates you just leave", account="uma")
    task = task_of(scene, item)
    url = f"/console/tasks/{task}"
    ana.get(url)
    assert ana.post(f"{url}/claim").status == 303
    assert "This task is yours for another" in ana.text(url)
    assert "Ana is working on this" in ben.text(url)
    assert ben.post(f"{url}/claim").status == 409

    pack = scene.haven.packs.current
    given = {"pack": pack.fingerprint, "clause": "no-harassment", "facts": "It wounds <i>her</i>."}
    refused = ana.post(f"{url}/judge", outcome="restrict", days="soon", **given)
    assert refused.status == 400
    assert "The number of days is from 1 to 3,650." in words(refused)
    assert b"It wounds &lt;i&gt;her&lt;/i&gt;.</textarea>" in refused.body
    assert ana.post(f"{url}/judge", outcome="", **given).status == 400
    assert ana.post(f"{url}/judge", outcome="banish", **given).status == 400
    assert ana.post(f"{url}/judge", outcome="remove", **given | {"clause": "x"}).status >= 400

    reply = ana.post(f"{url}/judge", outcome="restrict", days="3", **given)
    assert reply.status == 303
    assert reply.headers["location"].endswith(f"?sent={task}")
    assert "See what follows from it" in ana.text(reply.headers["location"])
    jobs.settle_judgements(scene.haven)
    decision = scene.decision_of(item)
    assert f"/console/decisions/{decision}".encode() in ana.get(url).body
    told = ana.text(f"/console/decisions/{decision}")
    assert "It wounds <i>her</i>." in told
    assert "Ana. Decided by a person." in told
    assert "Waiting to be sent" in told
    assert "decision.made" in told


def test_a_judgement_without_a_claim_keeps_the_text(scene: Scene, ben: Visitor) -> None:
    item = scene.post("flumquist again")
    url = f"/console/tasks/{task_of(scene, item)}"
    ben.get(url)
    pack = scene.haven.packs.current
    reply = ben.post(f"{url}/judge", outcome="allow", clause="demo", pack=pack.fingerprint,
                     facts="Only a sign.")  # fmt: skip
    assert reply.status == 409
    assert "not yours" in words(reply)


def test_a_form_without_its_token_is_refused(scene: Scene, ana: Visitor) -> None:
    other = Visitor(ana.place, ana.cookie)
    task = scene.tasks()[0]
    assert other.post(f"/console/tasks/{task}/claim").status == 403
    assert other.post("/console/next").status == 403


def test_who_decided_first_cannot_take_the_appeal(scene: Scene, ana: Visitor, ben: Visitor) -> None:
    with scene.haven.db.read() as tx:
        task = tx.value("SELECT id FROM tasks WHERE kind = 'appeal' LIMIT 1")
        decision = tx.value("SELECT decision FROM appeals LIMIT 1")
    url = f"/console/tasks/{task}"
    told = ana.text(url)
    assert "You acted on this case before, so somebody else must look." in told
    assert ana.post(f"{url}/claim").status == 403

    told = ben.text(url)
    assert "It was a line from a play" in told
    assert "The post threatens somebody with harm." in told
    assert ben.post(f"{url}/claim").status == 303
    reply = ben.post(
        f"{url}/judge", outcome="upheld", facts="The next post shows that it is a play."
    )
    assert reply.status == 303
    jobs.settle_judgements(scene.haven)
    told = ben.text(f"/console/decisions/{decision}")
    assert "Overturned" in told
    assert "Put the item back" in told


def test_only_an_administrator_tries_again(scene: Scene, ana: Visitor, ida: Visitor) -> None:
    item = scene.post("zorgblat, once more", account="una")
    scene.deliver("The platform did not answer.", "failed")
    with scene.haven.db.read() as tx:
        sql = "SELECT a.id FROM acts a JOIN decisions d ON d.id = a.decision WHERE d.item = %(i)s"
        act = tx.value(sql + " AND a.verb = 'remove'", i=item)
    ana.get("/console/deliveries")
    assert ana.post(f"/console/acts/{act}/replay").status == 403
    assert "Try again" in ida.text("/console/deliveries")
    assert ida.post(f"/console/acts/{act}/replay").status == 303
    with scene.haven.db.read() as tx:
        assert tx.value("SELECT state FROM acts WHERE id = %(a)s", a=act) == "intended"
    assert ida.post(f"/console/acts/{act}/replay").status == 409


def test_the_list_of_decisions_turns_its_page(ana: Visitor) -> None:
    assert "Only for trying things out" in ana.text("/console/decisions")
    assert "no earlier decisions" in ana.text(
        "/console/decisions?before=2020-01-01T00:00:00%2B00:00"
    )
    assert ana.get("/console/decisions?before=yesterday").status == 400


def test_the_platforms_are_named_with_what_they_can_do(ana: Visitor) -> None:
    told = ana.text("/console/platforms")
    assert "plaza" in told
    assert "remove" in told


def test_the_live_parts_are_those_of_the_page(ana: Visitor) -> None:
    pattern = rb'data-part="(\w+)"'
    parts = set(re.findall(pattern, ana.get("/console/live").body))
    assert parts == set(re.findall(pattern, ana.get("/console").body))
    assert parts == {b"alarms", b"numbers", b"queue", b"stream"}


def test_what_does_not_exist_is_said_plainly(ana: Visitor) -> None:
    for path in ("/console/tasks/tsk_no", "/console/decisions/dec_no"):
        reply = ana.get(path)
        assert reply.status == 404
        assert words(reply).startswith("There is no such")


def test_in_the_lane_of_specialists_nobody_else_sees_a_picture(scene: Scene, ana: Visitor) -> None:
    item = scene.post("flumquist with a picture", pictures=[gentle_picture(3)])
    task = task_of(scene, item)
    (media,) = media_of(ana.get(f"/console/tasks/{task}").body)
    with scene.tx() as tx:
        scene.people["Sara"] = staff.create(tx, "Sara", ("specialist",))
        tx.run("UPDATE tasks SET level = 'specialist' WHERE id = %(t)s", t=task)
    assert "Show in colour" not in ana.text(f"/console/tasks/{task}")
    assert ana.post(f"/console/media/{media}/reveal", task=task).status == 403
    assert ana.get(f"/console/media/{media}/clear").status == 403
    with scene.tx("Sara") as tx:
        reveal(tx, media, task)
