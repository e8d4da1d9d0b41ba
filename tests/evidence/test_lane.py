"""The lane: hidden at once, sealed, held, due to be reported; specialists alone see it."""

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from evidence_scene import DAY
from pages_scene import Scene
from pages_visitor import Visitor
from PIL import Image, PngImagePlugin
from web_scene import Place, serving

from openhaven import authorities, decisions, evidence, intake, review, staff
from openhaven.core import Problem, new_id, utcnow
from openhaven.intake import Account, Event, Item, MediaRef
from openhaven.line import Haven, lane
from openhaven.review import lane as review_lane
from openhaven.review import store as review_store
from openhaven.review.lane.store import _CASES_OF
from openhaven.signals.banks import NewEntry, add_entries, create_bank

MARKER = "marker-of-a-synthetic-placeholder-5b1c"


def placeholder() -> bytes:
    """Return a generated picture that says PLACEHOLDER, with the marker in its metadata."""
    made = PngImagePlugin.PngInfo()
    made.add_text("Comment", MARKER)
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "#8899aa").save(out, "PNG", pnginfo=made)
    return out.getvalue()


@pytest.fixture
def scene(haven: Haven) -> Scene:
    """Return a house with two moderators, a specialist and an auditor."""
    here = Scene(haven).begin()
    with here.tx() as tx:
        here.people["Sam"] = staff.create(tx, "Sam", ("specialist",))
        here.people["Sue"] = staff.create(tx, "Sue", ("specialist",))
    return here


@pytest.fixture
def place(scene: Scene) -> Iterator[Place]:
    """Return its server."""
    with serving(scene.haven, ()) as running:
        yield running


def posted(scene: Scene, account: str = "zed") -> tuple[str, str]:
    """Post something that a rule asks a person about; return item and task."""
    item = scene.post(f"Everyone hates you just leave {MARKER}", account=account,
                      pictures=[placeholder()])  # fmt: skip
    return item, scene.task_of(item)


def suspected(scene: Scene) -> tuple[str, str, str]:
    """Let Ana suspect a post, and the line do its part; return item, task and case."""
    item, task = posted(scene)
    with scene.tx("Ana") as tx:
        review.claim(tx, task)
    with scene.tx("Ana") as tx:
        review_lane.suspect(tx, task)
    settle(scene)
    with scene.haven.db.read() as tx:
        return item, task, review_store.task(tx, task).case_id


def settle(scene: Scene) -> None:
    while lane.tend(scene.haven):
        pass


def rows(scene: Scene, sql: str, **params: object) -> list[dict]:
    with scene.haven.db.read() as tx:
        return tx.rows(sql, **params)


def test_what_comes_after_the_sealing_is_sealed_as_well(scene: Scene) -> None:
    item, _, case = suspected(scene)
    with scene.tx() as tx:
        before = {one.sha256 for one in evidence.items(tx, case)}
        ref = MediaRef(scene.media(placeholder() + b"another placeholder"))
        event = Event(id="evt-edited", kind="post.edit", at=tx.now, account=Account(id="zed"),
                      item=Item(id=item, text="Something else now", media=(ref,)))  # fmt: skip
        intake.accept(tx, scene.platform, [event])
    scene.judge()
    settle(scene)
    with scene.tx() as tx:
        added = [one for one in evidence.items(tx, case) if one.sha256 not in before]
        assert sorted(one.kind for one in added) == ["event", "media"]
        for one in added:
            assert [told.kind for told in evidence.custody(tx, one.id)] == ["received"]
        media = next(one for one in added if one.kind == "media").media
        assert media is not None
        assert review_lane.case_of(tx, media) == case
        assert tx.value("SELECT sealed_at IS NOT NULL FROM cases WHERE id = %(c)s", c=case)
    settle(scene)
    assert len(rows(scene, "SELECT 1 FROM evidence_items")) == 4


def test_what_was_opened_before_there_was_a_lane_is_put_into_it(scene: Scene) -> None:
    made = {}
    with scene.tx() as tx:
        platform = str(tx.value("SELECT id FROM platforms ORDER BY id LIMIT 1"))
        for name, harm in (("old", "csam.known"), ("other", "spam")):
            made[name] = new_id("cas")
            tx.run("""INSERT INTO cases (id, platform, account, harm, opened_at)
                      VALUES (%(id)s, %(p)s, %(id)s, %(h)s, %(now)s)""",
                   id=made[name], p=platform, h=harm, now=tx.now)  # fmt: skip
    # What a person found harmless meanwhile stays outside.
    item, task = posted(scene)
    scene.decide(task, "allow", "Nothing is wrong with it.")
    with scene.tx() as tx:
        tx.run("UPDATE cases SET harm = 'csam.known' WHERE item = %(i)s", i=item)
    settle(scene)
    inside = {row["id"] for row in rows(scene, "SELECT id FROM cases WHERE lane_at IS NOT NULL")}
    assert inside == {made["old"]}
    entries = "SELECT count(*) AS n FROM ledger_entries WHERE kind = 'lane.rule'"
    assert rows(scene, entries)[0]["n"] == 1
    settle(scene)
    assert rows(scene, entries)[0]["n"] == 1


# What follows from a suspicion ----------------------------------------------------------------


def test_what_a_reviewer_suspects_is_hidden_sealed_held_and_due(scene: Scene) -> None:
    item, _, case = suspected(scene)
    (made,) = rows(scene, "SELECT * FROM decisions WHERE item = %(i)s", i=item)
    assert (made["outcome"], made["state"], made["until"]) == ("remove", "in_force", None)
    acts = {one["verb"]: one for one in rows(
        scene, "SELECT * FROM acts WHERE decision = %(d)s", d=made["id"])}  # fmt: skip
    # It leaves at once and asks the platform to keep what it hides; the person hears of it later.
    assert acts["remove"]["next_at"] <= utcnow()
    assert acts["remove"]["target"] == {"item": item, "preserve": "yes"}
    assert acts["notify"]["next_at"] > utcnow() + 6 * DAY
    with scene.tx() as tx:
        assert {act.verb for act in decisions.claim_acts(tx, 50, timedelta(seconds=1))} == {
            "remove"}  # fmt: skip
        items = evidence.items(tx, case)
        assert sorted(one.kind for one in items) == ["event", "media"]
        assert [hold.ground for hold in evidence.holds(tx, case)] == ["lane"]
        assert [duty.jurisdiction for duty in authorities.duties.list(tx, case=case)] == ["GB"]
        opened = {one.kind: evidence.read(scene.haven.vault, tx, one, "check") for one in items}
    assert b"".join(opened["media"]) == placeholder()
    assert MARKER.encode() in b"".join(opened["event"])
    # Whatever happens again changes nothing.
    settle(scene)
    assert len(rows(scene, "SELECT 1 FROM evidence_items")) == 2
    assert len(rows(scene, "SELECT 1 FROM decisions")) == 1


def test_a_crash_between_the_steps_repeats_nothing(scene: Scene) -> None:
    item, task = posted(scene)
    with scene.tx("Ana") as tx:
        review.claim(tx, task)
        review_lane.suspect(tx, task)
    assert lane.tend(scene.haven) == 1
    case = rows(scene, "SELECT * FROM cases WHERE item = %(i)s", i=item)[0]
    assert case["quarantined_at"] is not None
    assert case["sealed_at"] is None
    with scene.tx() as tx:
        lane._seal(scene.haven, tx, case["id"])
        tx.connection.rollback()
    assert rows(scene, "SELECT 1 FROM evidence_items") == []
    settle(scene)
    settle(scene)
    assert len(rows(scene, "SELECT 1 FROM evidence_items")) == 2


@pytest.mark.parametrize("opinion", ["positive", "investigate"])
def test_a_match_in_a_bank_is_in_the_lane_and_asks_a_specialist(scene: Scene, opinion: str) -> None:
    with scene.tx() as tx:
        create_bank(tx, "known", kind="sha256", harm="csam.known", owner="us", purpose="a test",
                    opinion=opinion)  # fmt: skip
        seen = scene.haven.hasher.hash(placeholder())
        add_entries(tx, "known", [NewEntry(seen.sha256, None, "test")])
    with scene.haven.db.read() as tx:
        scene.haven.banks.refresh(tx)
    item = scene.post("A day", account="zed", pictures=[placeholder()])
    (case,) = rows(scene, "SELECT * FROM cases WHERE item = %(i)s", i=item)
    assert (case["lane_why"], case["state"]) == ("bank", "open")
    assert scene.task_of(item) != "None"
    settle(scene)
    made = rows(scene, "SELECT outcome FROM decisions WHERE item = %(i)s", i=item)
    assert len(made) == 1
    assert made[0]["outcome"] in ("block", "remove", "restrict")
    with scene.tx() as tx:
        assert len(evidence.items(tx, case["id"])) == 2


def test_nobody_has_things_hidden_by_reporting_them(scene: Scene) -> None:
    item = scene.post("A walk by the lake", account="kai")
    scene.report(item, "csam.known", "look")
    settle(scene)
    (case,) = rows(scene, "SELECT * FROM cases WHERE item = %(i)s", i=item)
    assert (case["lane_why"], case["quarantined_at"]) == ("report", None)
    assert rows(scene, "SELECT 1 FROM acts") == []
    # Who works on it may suspect the same; then it is hidden.
    task = scene.task_of(item)
    with scene.tx("Sam") as tx:
        review.claim(tx, task)
        review_lane.suspect(tx, task)
    settle(scene)
    assert [one["verb"] for one in rows(scene, "SELECT verb FROM acts WHERE verb <> 'notify'")]


def test_what_a_specialist_removes_as_such_is_due_like_a_suspicion(scene: Scene) -> None:
    item = scene.post("A walk by the lake", account="kai")
    scene.report(item, "csam.known", "look")
    scene.decide(scene.task_of(item), "remove", "It shows what must not be shown.", who="Sam")
    settle(scene)
    (case,) = rows(scene, "SELECT * FROM cases WHERE item = %(i)s", i=item)
    assert (case["lane_why"], case["sealed_at"] is not None) == ("reviewer", True)
    assert len(rows(scene, "SELECT 1 FROM duties WHERE state = 'open'")) == 1
    assert len(rows(scene, "SELECT 1 FROM decisions")) == 1


def test_whatever_an_address_may_name_can_be_asked_for(scene: Scene) -> None:
    with scene.haven.db.read() as tx:
        assert [review_lane.case_of(tx, f"{kind}_none") for kind in _CASES_OF] == [
            None for _ in _CASES_OF]  # fmt: skip


def test_the_same_bytes_again_are_in_the_lane_until_found_harmless(scene: Scene) -> None:
    _, task, _ = suspected(scene)
    again, other = posted(scene, "yan")
    (case,) = rows(scene, "SELECT * FROM cases WHERE item = %(i)s", i=again)
    assert case["lane_why"] == "reviewer"
    for one in (task, other):
        scene.decide(one, "allow", "It is a drawing of a lake.", who="Sam")
    notify = rows(scene, "SELECT next_at FROM acts WHERE verb = 'notify'")
    assert all(one["next_at"] <= utcnow() for one in notify)
    third, free = posted(scene, "xia")
    (case,) = rows(scene, "SELECT * FROM cases WHERE item = %(i)s", i=third)
    assert case["lane_at"] is None
    with scene.tx("Ben") as tx:
        review.claim(tx, free)


def test_notices_wait_seven_days_and_longer_only_with_a_second_person(scene: Scene) -> None:
    _, _, case = suspected(scene)
    with scene.tx("Sam") as tx:
        decisions.withholding.ask_longer(tx, case, 30, "The police ask for it.")
    with scene.tx("Sam") as tx, pytest.raises(Problem):
        decisions.withholding.ask_longer(tx, case, 30, "again")
    notify = "SELECT next_at FROM acts WHERE verb = 'notify'"
    assert rows(scene, notify)[0]["next_at"] < utcnow() + 8 * DAY
    approval = rows(scene, "SELECT id FROM approvals")[0]["id"]
    with scene.tx("Sam") as tx, pytest.raises(Problem):
        staff.approvals.answer(tx, approval, True)
    with scene.tx("Sue") as tx:
        staff.approvals.answer(tx, approval, True)
    settle(scene)
    assert rows(scene, notify)[0]["next_at"] > utcnow() + 29 * DAY
    with scene.tx("Sam") as tx, pytest.raises(Problem) as refused:
        decisions.withholding.ask_longer(tx, case, 500, "for ever")
    assert refused.value.code == "notice.until"


def test_erasure_of_the_person_leaves_what_the_law_keeps(scene: Scene) -> None:
    from openhaven.records import erase

    _, task = posted(scene)
    with scene.tx("Ana") as tx:
        review.claim(tx, task)
        review_lane.suspect(tx, task)
    with pytest.raises(Problem) as early, scene.tx() as tx:
        erase(tx, scene.platform, "zed")
    assert early.value.code == "account.being_sealed"
    settle(scene)
    with scene.tx() as tx:
        erase(tx, scene.platform, "zed")
    (kept,) = rows(scene, "SELECT id FROM evidence_items WHERE kind = 'media'")
    with scene.tx() as tx:
        parts = evidence.read(scene.haven.vault, tx, kept["id"], "check")
    assert b"".join(parts) == placeholder()
    late = utcnow() + 366 * DAY
    evidence.tend(scene.haven.vault, late)
    with scene.tx() as tx, pytest.raises(Problem) as gone:
        evidence.read(scene.haven.vault, tx, kept["id"], "check")
    assert gone.value.code == "evidence.destroyed"


def test_the_lanes_own_hold_ends_when_nothing_is_left_to_do(scene: Scene) -> None:
    _, task, case = suspected(scene)
    scene.decide(task, "remove", "It shows what must not be shown.", who="Sam")
    settle(scene)
    with scene.tx() as tx:
        (hold,) = evidence.holds(tx, case)
        assert hold.stands(tx.now)
        (due,) = authorities.duties.list(tx, case=case)
    with scene.tx("Sam") as tx:
        authorities.duties.close(tx, due.id, no_report_reason="It was reported before.")
        asked = staff.approvals.waiting(tx, "no-report")[0].id
    settle(scene)
    with scene.tx("Sue") as tx:
        assert evidence.holds(tx, case)[0].stands(tx.now)
        staff.approvals.answer(tx, asked, True)
        authorities.duties.settle(tx)
    settle(scene)
    with scene.tx() as tx:
        assert not evidence.holds(tx, case)[0].stands(tx.now)
    evidence.tend(scene.haven.vault, utcnow() + 8 * DAY)
    assert rows(scene, "SELECT 1 FROM evidence_keys") == []


# Who sees it ----------------------------------------------------------------------------------


def test_nobody_but_a_specialist_sees_anything_of_it(scene: Scene, place: Place) -> None:
    item, task, _ = suspected(scene)
    (media,) = rows(scene, "SELECT media FROM lane_media")
    (made,) = rows(scene, "SELECT id FROM decisions")
    (sealed, *_) = rows(scene, "SELECT id FROM evidence_items")
    ways = [f"/console/tasks/{task}", f"/console/media/{media['media']}",
            f"/console/decisions/{made['id']}"]  # fmt: skip
    for who in ("Ana", "Ben", "Ida"):
        visitor = Visitor(place).enter(scene.link(who))
        for way in ways:
            assert visitor.get(way).status == 403, (who, way)
        for way in ("/console", "/console/decisions", "/console/live"):
            reply = visitor.get(way)
            assert MARKER not in reply.body.decode()
            for thing in (item, task, made["id"], media["media"], sealed["id"]):
                assert thing not in reply.body.decode(), (who, way)
    with scene.haven.db.read() as tx:
        for who in ("Ana", "Ben"):
            assert review_store.next_task(tx, scene.people[who].id, ["review", "appeal"]) != task
        assert review_store.next_task(tx, scene.people["Sam"].id, ["review"]) == task
    for who in ("Ana", "Ida"):
        with scene.tx(who) as tx, pytest.raises(Problem):
            review.claim(tx, task)
        with scene.tx(who) as tx, pytest.raises(Problem):
            review.reveal(tx, media["media"], None)
    sam = Visitor(place).enter(scene.link("Sam"))
    assert MARKER in sam.get(ways[0]).body.decode()
    assert [sam.get(way).status for way in ways] == [200, 200, 200]


def test_who_held_it_when_it_was_suspected_loses_it(scene: Scene) -> None:
    item, task = posted(scene)
    with scene.tx("Ben") as tx:
        review.claim(tx, task)
    scene.report(item, "csam.known", "look")
    with scene.haven.db.read() as tx:
        row = review_store.task(tx, task)
    assert (row.claimed_by, row.level, row.lane_at is not None) == (None, "specialist", True)


def test_an_appeal_in_the_lane_is_for_another_specialist(scene: Scene) -> None:
    _, task, _ = suspected(scene)
    made = scene.decide(task, "remove", "It shows what must not be shown.", who="Sam")
    scene.appeal(made, "It is a drawing.")
    (appeal,) = rows(scene, "SELECT * FROM tasks WHERE kind = 'appeal'")
    assert appeal["level"] == "specialist"
    for who in ("Ana", "Ben", "Sam"):
        with scene.tx(who) as tx, pytest.raises(Problem):
            review.claim(tx, appeal["id"])
    with scene.tx("Sue") as tx:
        review.claim(tx, appeal["id"])


def test_without_a_specialist_it_waits_and_the_console_says_so(scene: Scene, place: Place) -> None:
    suspected(scene)
    ana = Visitor(place).enter(scene.link("Ana"))
    assert "nobody here is a specialist" not in ana.get("/console").body.decode()
    with scene.tx("Ida") as tx:
        for name in ("Sam", "Sue"):
            staff.disable(tx, scene.people[name])
    assert "nobody here is a specialist" in ana.get("/console").body.decode()


# What lies about ------------------------------------------------------------------------------


def test_no_table_file_or_log_holds_it_in_plain(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    suspected(scene)
    scene.haven.sequencer.tick()
    marks = [MARKER.encode(), MARKER.encode().hex().encode()]
    with scene.haven.db.read() as tx:
        tables = tx.rows("""SELECT format('%%I', c.relname) AS name FROM pg_class c
                            JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE c.relkind = 'r' AND n.nspname = 'public'""")
        for table in tables:
            for row in tx.rows(f"SELECT t::text AS line FROM {table['name']} t"):
                line = str(row["line"]).encode()
                assert not any(mark in line for mark in marks), table["name"]
    for path in scene.haven.settings.home.rglob("*"):
        if path.is_file():
            assert marks[0] not in path.read_bytes(), path
    said = capsys.readouterr()
    assert MARKER not in said.out + said.err


def test_a_picture_counts_as_seen_when_it_was_handed_out(scene: Scene, place: Place) -> None:
    _, task, case = suspected(scene)
    (media,) = rows(scene, "SELECT media FROM lane_media")
    with scene.tx("Sam") as tx:
        review.claim(tx, task)
        review.reveal(tx, media["media"], task, "grey")
        (sealed,) = [one for one in evidence.items(tx, case) if one.kind == "media"]
        assert not evidence.viewing_facts(tx, [sealed])[sealed.id].viewed
    sam = Visitor(place).enter(scene.link("Sam"))
    assert sam.get(f"/console/media/{media['media']}").status == 200
    with scene.tx() as tx:
        assert not evidence.viewing_facts(tx, [sealed])[sealed.id].viewed
    assert sam.get(f"/console/media/{media['media']}/clear").status == 200
    with scene.tx() as tx:
        fact = evidence.viewing_facts(tx, [sealed])[sealed.id]
    assert (fact.viewed, fact.exif_viewed) == (True, False)
    assert [look.staff for look in fact.looks] == [f"staff:{scene.people['Sam'].id}"]
