"""What a person posts: asked first, published or not, and never lost."""

import re

import pytest
from plaza_scene import Double, Running, Visitor, until

from plaza import pictures, store


def _kinds(double: Double) -> list[str]:
    return [event["kind"] for event in double.events.values()]


def test_a_post_is_asked_about_and_appears(double: Double, plaza: Running, alex: Visitor) -> None:
    page = alex.send("/posts", text="Good <b>morning</b>\nhttps://plaza.example/x")
    assert "Openhaven answered “allow”" in page
    assert "Good &lt;b&gt;morning&lt;/b&gt;" in Visitor(plaza.url).get("/")
    event = next(e for e in double.events.values() if e["kind"] == "post.create")
    assert event["account"]["id"] == "v-alex"
    assert event["account"]["age_band"] == "18-plus"
    assert event["item"]["links"] == ["https://plaza.example/x"]
    assert event["item"]["url"] == plaza.url + alex.at.partition("?")[0]
    assert event["conversation"]["visibility"] == "public"


def test_a_blocked_post_is_not_published_and_its_author_learns_why(
    plaza: Running, alex: Visitor
) -> None:
    page = alex.send("/posts", text="grimzorble")
    assert "Not published" in page
    # The name of a clause is no title for people; the notice brings that.
    assert "be kind" not in page
    assert "be-kind" not in page
    path = alex.at
    other = Visitor(plaza.url)
    assert "grimzorble<" not in other.get("/").partition("<aside")[0]
    assert "This was not published." in other.get(path)
    assert "grimzorble" in alex.get("/mine")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("zorgblat", "This was removed."),
        ("bait", "Shown to adults only, behind a notice"),
    ],
)
def test_what_a_verdict_says_holds_before_its_act_arrives(
    plaza: Running, alex: Visitor, word: str, said: str
) -> None:
    alex.send("/posts", text=f"Here is {word}")
    stranger = Visitor(plaza.url)
    assert said in stranger.get(alex.at)
    assert f"Here is {word}" not in stranger.get(alex.at)


def test_a_picture_goes_first_and_the_event_names_it(
    double: Double, plaza: Running, alex: Visitor
) -> None:
    data = pictures.planted_variant()
    page = alex.send("/posts", picture=data, text="Look", alt="A lighthouse")
    assert double.media == [data]
    event = next(e for e in double.events.values() if e["kind"] == "post.create")
    assert event["item"]["media"] == [{"id": "med_1"}]
    assert 'alt="A lighthouse"' in page
    answer = Visitor(plaza.url)._http.request(
        "GET", f"{plaza.url}/pictures/{alex.at.split('/')[-1]}"
    )
    assert answer.data == data
    assert answer.headers["content-type"] == "image/jpeg"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("picture", [b"", pictures.planted_variant()])
def test_an_outage_loses_nothing(
    double: Double, plaza: Running, alex: Visitor, picture: bytes
) -> None:
    double.mood = "broken"
    page = alex.send("/posts", picture=picture, text="Is anybody there? zorgblat")
    assert "It was published meanwhile" in page
    assert "Is anybody there?" in Visitor(plaza.url).get("/")
    assert "status 500" in alex.get("/behind")
    double.mood = "fine"
    until(lambda: not store.waiting(plaza.house.store))
    assert _kinds(double).count("post.create") == 1
    assert "This was removed" in Visitor(plaza.url).get(alex.at if "posts" in alex.at else "/")


def test_an_answer_without_a_verdict_is_asked_for_again(
    double: Double, plaza: Running, alex: Visitor
) -> None:
    double.mood = "slow"
    alex.send("/posts", text="Slowly, zorgblat")
    path = alex.at
    assert "Slowly" in Visitor(plaza.url).get(path)
    double.mood = "fine"
    until(lambda: "This was removed" in Visitor(plaza.url).get(path))
    assert _kinds(double).count("post.create") == 1


def test_a_restart_sends_what_was_left(double: Double, plaza: Running, alex: Visitor) -> None:
    double.mood = "broken"
    alex.send("/posts", text="Before the restart")
    plaza.stop()
    double.mood = "fine"
    again = Running(plaza.settings.home, double.url)
    try:
        until(lambda: not store.waiting(again.house.store))
        assert "Before the restart" in Visitor(again.url).get("/")
        assert _kinds(double).count("post.create") == 1
    finally:
        again.stop()


def test_what_openhaven_cannot_read_is_not_published(
    double: Double, plaza: Running, alex: Visitor
) -> None:
    double.mood = "strict"
    page = alex.send("/posts", text="Unreadable words")
    assert "The text cannot be read." in page
    assert "Unreadable words" not in Visitor(plaza.url).get("/")
    assert "refused" in alex.get("/behind")


def test_comments_messages_contacts_edits_and_deletions_are_told(
    double: Double, plaza: Running, alex: Visitor
) -> None:
    alex.send("/posts", text="First version")
    post = alex.at.split("/")[-1]
    ben = Visitor(plaza.url).be("g-ben")
    assert "How nice" in ben.send(f"/posts/{post}/comments", text="How nice")
    assert "Changed version" in alex.send(f"/posts/{post}/edit", text="Changed version")
    alex.send("/messages/g-ben", text="Only for you")
    assert "Only for you" in ben.get("/messages/v-alex")
    for verb in ("request", "accept", "block"):
        alex.send("/people/g-ben/contact", verb=verb)
    assert "t be done here right now" in ben.send("/messages/v-alex", text="Hello?")
    alex.send(f"/posts/{post}/delete")
    assert "Changed version" not in Visitor(plaza.url).get(f"/posts/{post}")
    wanted = {"account.create", "session.start", "post.create", "comment.create", "post.edit",
              "message.send", "contact.request", "contact.accept", "contact.block",
              "item.delete"}  # fmt: skip
    until(lambda: wanted <= set(_kinds(double)))
    message = next(e for e in double.events.values() if e["kind"] == "message.send")
    assert message["conversation"]["visibility"] == "private"
    assert message["target"]["account"]["id"] == "g-ben"


def test_a_message_is_nobody_elses_business(plaza: Running, alex: Visitor) -> None:
    alex.send("/messages/g-ben", text="A secret grimzorble")
    path = alex.at
    assert path.startswith("/posts/message-")  # it was blocked, so Alex is told why
    assert Visitor(plaza.url).status(path) == 404
    assert Visitor(plaza.url).be("g-ada").status(path) == 404
    assert "A secret" not in Visitor(plaza.url).be("g-ben").get("/messages/v-alex")


def test_somebody_in_pain_is_offered_help(alex: Visitor) -> None:
    page = alex.send("/posts", text="I want to disappear forever")
    assert "You are not alone with this" in page
    assert re.search(r'href="http://[^"]+/help\?topic=suicide[^"]*country=IE', page)
    assert "Openhaven answered “allow”" in page


def test_a_minor_cannot_look_behind_a_notice(plaza: Running, alex: Visitor) -> None:
    alex.send("/posts", picture=pictures.planted(), text="bait with a picture")
    post = alex.at.split("/")[-1]
    young, grown = Visitor(plaza.url).be("v-sam"), Visitor(plaza.url).be("g-ben")
    assert "adults only" in young.get(f"/posts/{post}")
    assert young.status(f"/pictures/{post}") == 404
    assert "Show it anyway" in grown.get(f"/posts/{post}")


def test_the_young_are_spoken_to_kindly_when_they_report(plaza: Running, alex: Visitor) -> None:
    alex.send("/posts", text="Good morning")
    item = alex.at.partition("?")[0].rpartition("/")[2]
    asked = f"/report?item={item}"
    assert "You are not in trouble" in Visitor(plaza.url).be("v-sam").get(asked)
    assert "You are not in trouble" not in Visitor(plaza.url).be("g-ada").get(asked)
