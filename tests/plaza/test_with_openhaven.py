"""Plaza and the real Openhaven: from a post to a decision, a notice, an appeal and back."""

from plaza_scene import Visitor, until
from plaza_town import Town

from plaza import pictures, store
from plaza.appealing import appeal


def test_a_picture_is_found_removed_explained_contested_and_restored(town: Town) -> None:
    alex = Visitor(town.plaza.url).be("v-alex")
    page = alex.send("/posts", picture=pictures.planted_variant(), text="My lighthouse")
    assert "Removed" in page
    path = alex.at
    until(lambda: ("remove", "done") in town.acts() and ("notify", "done") in town.acts())
    notices = alex.get("/notices")
    assert "Something you posted was removed" in notices
    assert "Only for trying things out" in notices
    assert "demo-known" not in notices
    notice = store.notices_of(town.plaza.house.store, "v-alex")[0]
    assert notice.appeal_url is not None
    assert appeal(notice.appeal_url, "It is my own drawing.")
    town.judge(town.reviewer("Second pair of eyes"), "appeal", "upheld")
    until(lambda: ("restore", "done") in town.acts())
    assert "My lighthouse" in Visitor(town.plaza.url).get(path)
    until(lambda: "Your appeal was successful" in alex.get("/notices"))
    trail = Visitor(town.plaza.url).get(path).partition('id="what-happened"')[2]
    told = ("wrote it", "answered “remove”", "It was removed", "got a notice", "It was restored")
    assert all(step in trail for step in told)


def test_words_are_judged_by_rules_and_by_people(town: Town) -> None:
    alex = Visitor(town.plaza.url).be("v-alex")
    assert "Not published" in alex.send("/posts", text="Say g r i m z 0 r b l e")
    alex.send("/posts", text="Is this flumquist?")
    path = alex.at
    assert "a person was asked to look" in alex.get(path)
    town.judge(town.reviewer("First pair of eyes"), "review", "suspend")
    until(lambda: "is suspended" in alex.get("/"))
    assert "Your account was suspended" in alex.get("/notices")
    assert alex.post("/posts", text="Hello?")[0] == 403


def test_a_report_gets_a_receipt_and_its_outcome(town: Town) -> None:
    alex, ben = (Visitor(town.plaza.url).be(who) for who in ("v-alex", "g-ben"))
    alex.send("/posts", text="Perfectly fine words")
    post = alex.at.split("/")[-1]
    page = ben.send("/report", item=post, category="bullying", text="I do not like it")
    assert "A person" in page
    path = ben.at
    town.judge(town.reviewer("First pair of eyes"), "review", "allow")
    until(lambda: "It has been decided" in ben.get(path))
    assert "Perfectly fine words" in Visitor(town.plaza.url).get(f"/posts/{post}")


def test_openhaven_away_and_back(town: Town) -> None:
    """Plaza outlives an Openhaven that refuses its key for a while, and loses nothing."""
    haven = town.plaza.house.haven
    alex = Visitor(town.plaza.url).be("v-alex")
    good, haven._headers = haven._headers, {"authorization": "Bearer oh_wrong"}
    alex.send("/posts", text="While you were away: zorgblat")
    path = alex.at
    assert "While you were away" in Visitor(town.plaza.url).get(path)
    haven._headers = good
    until(lambda: "This was removed" in Visitor(town.plaza.url).get(path))
    until(lambda: ("remove", "done") in town.acts())
