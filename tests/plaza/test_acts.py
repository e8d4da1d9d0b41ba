"""What Openhaven asks Plaza to do: believed only when signed, done once, and taken back exactly."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plaza_scene import HELD, Double, Running, Visitor, until

from plaza import store
from plaza.acts import UNDOES
from plaza.model import ActRow, now
from plaza.openhaven import Act, Statement


@pytest.fixture
def post(alex: Visitor) -> str:
    """Return the id of a post by Alex."""
    alex.send("/posts", text="A quiet evening")
    return alex.at.split("/")[-1]


def _standing(plaza: Running, post: str) -> str:
    found = store.item(plaza.house.store, post)
    assert found is not None
    return found.standing


@pytest.mark.parametrize(("verb", "standing", "back"), [
    ("remove", "removed", "restore"),
    ("restrict", "restricted", "unrestrict"),
    ("block", "blocked", "unblock"),
])  # fmt: skip
def test_an_act_is_carried_out_reported_and_taken_back(
    double: Double, plaza: Running, post: str, verb: str, standing: str, back: str
) -> None:
    act = plaza.act(verb, item=post)
    assert plaza.deliver(act) == 202
    until(lambda: double.outcomes.get(act["id"]) == {"state": "done"})
    assert _standing(plaza, post) == standing
    undo = plaza.act(back, item=post, reverses=act["id"])
    assert plaza.deliver(undo) == 202
    until(lambda: double.outcomes.get(undo["id"]) == {"state": "done"})
    assert _standing(plaza, post) == "restored"
    assert "A quiet evening" in Visitor(plaza.url).get(f"/posts/{post}")


def test_the_same_act_again_changes_nothing(double: Double, plaza: Running, post: str) -> None:
    act = plaza.act("remove", item=post)
    undo = plaza.act("restore", item=post, reverses=act["id"])
    for message in (act, act, undo, act, undo):
        assert plaza.deliver(message) == 202
    until(lambda: len(double.outcomes) == 2)
    assert _standing(plaza, post) == "restored"
    assert plaza.deliver(act | {"verb": "restrict"}) == 409


def test_acts_that_overtake_each_other_end_the_same(
    double: Double, plaza: Running, post: str
) -> None:
    act = plaza.act("remove", item=post)
    plaza.deliver(plaza.act("restore", item=post, reverses=act["id"]))
    until(lambda: double.outcomes)
    plaza.deliver(act)
    until(lambda: len(double.outcomes) == 2)
    assert _standing(plaza, post) == "restored"


def test_two_decisions_are_taken_back_one_by_one(double: Double, plaza: Running, post: str) -> None:
    first, second = plaza.act("remove", item=post), plaza.act("remove", "dec_2", item=post)
    for act in (first, second, plaza.act("restore", item=post, reverses=first["id"])):
        plaza.deliver(act)
    until(lambda: len(double.outcomes) == 3)
    assert _standing(plaza, post) == "removed"


def test_an_act_with_an_end_ends(plaza: Running, double: Double, post: str) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    plaza.deliver(plaza.act("restrict", item=post, until=soon))
    until(lambda: double.outcomes)
    until(lambda: _standing(plaza, post) == "live")


def test_the_act_takes_the_place_of_the_verdict(
    double: Double, plaza: Running, alex: Visitor
) -> None:
    alex.send("/posts", text="Here is zorgblat")
    post = alex.at.split("/")[-1]
    assert _standing(plaza, post) == "removed"
    decision = store.item(plaza.house.store, post).decision  # type: ignore[union-attr]
    act = plaza.act("remove", decision, item=post)
    plaza.deliver(act)
    plaza.deliver(plaza.act("restore", decision, item=post, reverses=act["id"]))
    until(lambda: len(double.outcomes) == 2)
    assert _standing(plaza, post) == "restored"


def test_what_is_held_is_not_published_until_it_is_let_go(
    double: Double, plaza: Running, alex: Visitor
) -> None:
    page = alex.send("/posts", text=f"Here is {HELD}")
    assert "waits for a look" in page
    path, post = alex.at, alex.at.split("/")[-1]
    decision = store.item(plaza.house.store, post).decision  # type: ignore[union-attr]
    stranger = Visitor(plaza.url)
    assert HELD not in stranger.get("/").partition("<aside")[0]
    assert "This was not published." in stranger.get(path)
    act = plaza.act("restrict", decision, item=post)
    plaza.deliver(act)
    until(lambda: len(double.outcomes) == 1)
    assert _standing(plaza, post) == "held"
    plaza.deliver(plaza.act("unrestrict", decision, item=post, reverses=act["id"]))
    until(lambda: len(double.outcomes) == 2)
    assert f"Here is {HELD}" in stranger.get(path)


def test_what_is_held_and_then_removed_or_limited_is_just_that(
    double: Double, plaza: Running, alex: Visitor
) -> None:
    for verb, standing in (("remove", "removed"), ("restrict", "restricted")):
        alex.send("/posts", text=f"Here is {HELD}")
        post = alex.at.split("/")[-1]
        act = plaza.act(verb, f"dec_{verb}", item=post)
        plaza.deliver(act)
        until(lambda act=act: act["id"] in double.outcomes)  # type: ignore[misc]
        assert _standing(plaza, post) == standing


def test_forged_and_stale_webhooks_are_refused(plaza: Running, post: str) -> None:
    act = plaza.act("remove", item=post)
    old = datetime.now(UTC) - timedelta(minutes=6)
    assert plaza.deliver(act, secret="whsec_" + "B" * 44) == 401
    assert plaza.deliver(act, at=old) == 401
    assert plaza.deliver(act, body=b"{}") == 401
    assert plaza.deliver(act, headers={"webhook-signature": "v1"}) == 401
    assert plaza.deliver(act, headers={"webhook-signature": "v1,%%%"}) == 401
    assert plaza.deliver(act, headers={"webhook-timestamp": "nan"}) == 401
    assert plaza.deliver(act, body=b"\xff\xfe") == 401
    assert plaza.deliver(act, body=b"x" * 100_000) == 413
    assert plaza.deliver({"id": "act_9"}) == 400
    assert store.latest_acts(plaza.house.store) == []
    assert _standing(plaza, post) == "live"


def test_what_is_gone_or_unknown_is_reported_in_words(
    double: Double, plaza: Running, alex: Visitor, post: str
) -> None:
    alex.send(f"/posts/{post}/delete")
    gone = plaza.act("remove", item=post)
    never = plaza.act("suspend", account="nobody")
    strange = plaza.act("levitate", item=post)
    for act in (gone, never, strange):
        plaza.deliver(act)
    until(lambda: len(double.outcomes) == 3)
    already = {"state": "done", "reason": "already gone"}
    assert double.outcomes[gone["id"]] == double.outcomes[never["id"]] == already
    assert double.outcomes[strange["id"]]["state"] == "failed"
    assert "levitate" in double.outcomes[strange["id"]]["reason"]


def test_a_suspended_person_can_read_the_notice_and_nothing_else(
    double: Double, plaza: Running, alex: Visitor
) -> None:
    double.notices["dec_7"] = {"title": "Your account was suspended", "help": [],
                               "text": "Why: reasons.\n\nAppeal here: http://haven.example/appeal/t",
                               "appeal_url": "http://haven.example/appeal/t"}  # fmt: skip
    suspend = plaza.act("suspend", "dec_7", account="v-alex")
    for act in (plaza.act("notify", "dec_7", account="v-alex"), suspend):
        plaza.deliver(act)
    until(lambda: len(double.outcomes) == 2)
    assert alex.post("/posts", text="Still here?")[0] == 403
    assert alex.post("/messages/g-ben", text="Still here?")[0] == 403
    page = alex.get("/notices")
    assert "Your account was suspended" in page
    assert 'href="http://haven.example/appeal/t"' in page
    assert "Appeal here:" not in page
    plaza.deliver(plaza.act("unsuspend", "dec_7", account="v-alex", reverses=suspend["id"]))
    until(lambda: len(double.outcomes) == 3)
    assert alex.post("/posts", text="Back again")[0] == 200


def test_a_notice_waits_for_openhaven_and_comes_once(
    double: Double, plaza: Running, alex: Visitor, post: str
) -> None:
    double.notices["dec_8"] = {"title": "A warning", "text": "Be kind.", "appeal_url": None}
    double.mood = "broken"
    notify, warn = (plaza.act(v, "dec_8", account="v-alex") for v in ("notify", "warn"))
    assert plaza.deliver(notify) == plaza.deliver(warn) == 202
    assert "Be kind" not in alex.get("/notices")
    double.mood = "fine"
    until(lambda: len(double.outcomes) == 2)
    assert alex.get("/notices").count("<h2>A warning</h2>") == 1


def test_the_trail_tells_it_all_but_the_notice_only_to_its_owner(
    double: Double, plaza: Running, alex: Visitor, post: str
) -> None:
    double.notices["dec_5"] = {"title": "Removed by us", "text": "Why.", "appeal_url": "http://h/a"}
    ben = Visitor(plaza.url).be("g-ben")
    ben.send("/report", item=post, category="bullying", text="He means me")
    act = plaza.act("remove", "dec_5", item=post)
    plaza.deliver(act)
    plaza.deliver(plaza.act("notify", "dec_5", account="v-alex"))
    until(lambda: len(double.outcomes) == 2)
    own, others = alex.get(f"/posts/{post}"), Visitor(plaza.url).get(f"/posts/{post}")
    for page in (own, others):
        trail = page.partition('id="what-happened"')[2]
        told = ("wrote it", "Openhaven answered", "Somebody reported", "It was removed", "a notice")
        places = [trail.index(step) for step in told]
        assert places == sorted(places)
        assert "He means me" not in page
        assert "Ben Carter" not in trail
        assert f"{double.url}/console/decisions/dec_5" in page
    assert "“Removed by us”" in own
    assert "“Removed by us”" not in others
    assert "A quiet evening" not in others


_VERBS = ["remove", "restrict", "block", *UNDOES]


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(6)), verbs=st.lists(st.sampled_from(["remove", "restrict"]),
                                                       min_size=3, max_size=3))  # fmt: skip
def test_law_every_act_that_is_reversed_leaves_no_trace(
    plaza: Running, post: str, order: list[int], verbs: list[str]
) -> None:
    """In whatever order three acts and their reversals arrive, the post ends as it began."""
    from plaza.acts import carry_out

    back = {done: undo for undo, done in UNDOES.items()}
    with plaza.house.store.begin() as db:
        db.execute("DELETE FROM acts")
    acts = [Act(f"a{n}", verb, _item(post), "d") for n, verb in enumerate(verbs)]
    acts += [Act(f"r{n}", back[verb], _item(post), "d", reverses=f"a{n}")
             for n, verb in enumerate(verbs)]  # fmt: skip
    for place in order:
        act = acts[place]
        row = ActRow(id=act.id, verb=act.verb, item=post, account=None, decision="d", until=None,
                     reverses=act.reverses, body=b"", state="received", reason=None,
                     received_at=now(), ended_by=None)  # fmt: skip
        with plaza.house.store.begin() as db:
            db.execute(
                "INSERT INTO acts (id, verb, item, decision, reverses, body, state, received_at)"
                " VALUES (?, ?, ?, 'd', ?, x'', 'done', ?)",
                (act.id, act.verb, post, act.reverses, row.received_at),
            )
            carry_out(db, row, Statement())
    assert _standing(plaza, post) == "restored"


def _item(post: str):  # type: ignore[no-untyped-def]
    from plaza.openhaven import Subject

    return Subject(item=post)
