"""The ways of restricting something are what they say, for its author and for everybody else."""

import pytest
from plaza_scene import Double, Running, Visitor, until

TEXT = "A quiet evening by the lake"


@pytest.fixture
def post(alex: Visitor) -> str:
    """Return the id of a post by Alex."""
    alex.send("/posts", text=TEXT)
    return alex.at.split("/")[-1]


@pytest.mark.parametrize(
    ("measure", "chip", "said", "grown", "child", "stream", "answers"),
    [
        # What adults and children read on the page of the post, and whether the stream shows it.
        ("", "behind a notice", "It was put behind a notice", "Show it anyway", False, True, True),
        # One that Plaza has no way for is done in its own.
        (
            "service",
            "behind a notice",
            "It was put behind a notice",
            "Show it anyway",
            False,
            True,
            True,
        ),
        ("age_gate", "for adults", "shown to adults only", TEXT, False, True, True),
        ("demote", "shown to fewer", "shown to fewer people", TEXT, True, False, True),
        ("label", "with a note", "A note was put", "A note of the moderators", True, True, True),
        ("no_interaction", "closed", "closed for answers", TEXT, True, True, False),
    ],
)
def test_a_measure_is_shown_and_taken_back(
    double: Double, plaza: Running, alex: Visitor, post: str, measure: str, chip: str, said: str,
    grown: str, child: bool, stream: bool, answers: bool,
) -> None:  # fmt: skip
    act = plaza.act("restrict", item=post, measure=measure, scope=["*"])
    assert plaza.deliver(act) == 202
    until(lambda: double.outcomes.get(act["id"]) == {"state": "done"})
    adult, young = (Visitor(plaza.url).be(one) for one in ("g-ben", "g-hanna"))
    page = adult.get(f"/posts/{post}")
    assert f">{chip}</span>" in page
    assert said in page
    assert grown in page
    assert "Show it anyway" not in page or measure in ("", "service")
    assert (TEXT in young.get(f"/posts/{post}")) == child
    assert (post in adult.get("/")) == stream
    assert ('action="/posts/' + post + '/comments"' in page) == answers
    status, _ = adult.post(f"/posts/{post}/comments", text="Lovely.")
    assert (status < 400) == answers
    # Its author sees it, is told how it is limited, and is led to the way of appealing.
    own = alex.get("/mine")
    assert TEXT in own
    assert chip in own
    assert "Why, and appeal" in own
    undo = plaza.act("unrestrict", item=post, reverses=act["id"])
    plaza.deliver(undo)
    until(lambda: double.outcomes.get(undo["id"]) == {"state": "done"})
    assert TEXT in young.get(f"/posts/{post}")
    assert post in adult.get("/")
