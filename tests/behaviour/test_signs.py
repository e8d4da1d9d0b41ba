"""Each sign: what shows it, what nearly does, and the sentence that a reviewer reads."""

import pytest
from behaviour_scene import NOON, met, signs, told, why

from openhaven.core import HARMS
from openhaven.signals import behaviour

DAY = 24 * 60


def requests(number: int, apart: float = 60, **parts: object) -> list:  # type: ignore[type-arg]
    return [met("contact.request", "a", f"c{at}", at * apart, **parts) for at in range(number)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("number", "apart", "span"), [(8, 60, "day"), (15, 600, "7 days"),
                                                       (25, 1500, "30 days")])  # fmt: skip
def test_many_children(number: int, apart: float, span: str) -> None:
    assert "many_children" not in signs(requests(number - 1, apart))
    said = why(requests(number, apart), "many_children")
    assert str(number) in said
    assert span in said


@pytest.mark.parametrize("relation", ["connected", "organisation", "family"])
def test_whom_something_has_brought_together_is_not_a_stranger(relation: str) -> None:
    assert "many_children" not in signs(requests(30, relation=relation))


def test_grown_ups_are_not_children() -> None:
    assert signs(requests(30, 10, ages=("18-plus", "18-plus"))) == set()


def test_few_answers_counts_who_had_time_to_answer() -> None:
    asked = requests(8, 30)
    assert "few_answers" not in signs(asked[:7])
    late = met("contact.request", "a", "c9", 400)
    assert why([*asked, late], "few_answers") == (
        "Of 8 under-18s that it contacted within 7 days, 0 have answered."
    )
    answers = [met("contact.accept", f"c{at}", "a", 300 + at, ages=("13-15", "18-plus"))
               for at in range(3)]  # fmt: skip
    assert "few_answers" not in signs([*asked, *answers, late])
    assert "1 has answered" in why([*asked, *answers[:1], late], "few_answers")


def test_turned_away_counts_blocks_of_the_young_and_reports_of_known_minors() -> None:
    def away(kind: str, age: str) -> list:  # type: ignore[type-arg]
        return [met(kind, f"c{at}", "a", at, ages=(age, "18-plus")) for at in range(3)]

    last = met("message.send", "a", "x", 10)
    assert "3 accounts" in why([*away("contact.block", "unknown"), last], "turned_away")
    assert "turned_away" in signs([*away("report.create", "16-17"), last])
    assert "turned_away" not in signs([*away("report.create", "unknown"), last])
    assert "turned_away" not in signs([*away("contact.block", "18-plus"), last])
    assert "turned_away" not in signs([*away("contact.block", "13-15")[:2], last])
    # A child who writes to that grown-up did nothing.
    child = met("message.send", "kid", "a", 11, ages=("13-15", "unknown"))
    assert signs([*away("contact.block", "unknown"), child]) == set()


def test_new_account() -> None:
    fresh = met("message.send", "a", "c", 0, made=NOON.replace(day=1))
    assert why([fresh], "new_account").startswith("The account is 1 day old")
    old = met("message.send", "a", "c", 0, made=NOON.replace(month=1))
    assert "new_account" not in signs([old])
    teen = met("message.send", "a", "c", 0, ages=("13-15", "13-15"), made=NOON)
    assert signs([teen]) == set()


def test_cluster_burst_whatever_age_it_says() -> None:
    for ages in (("18-plus", "13-15"), ("16-17", "13-15"), ("unknown", "unknown")):
        assert "cluster_burst" not in signs(requests(9, 1, ages=ages, cluster="school"))
        said = why(requests(10, 1, ages=ages, cluster="school"), "cluster_burst")
        assert said.startswith("Within one hour, it asked 10 accounts of one school")
    inside = requests(40, 0.5, ages=("13-15", "13-15"), cluster="school", same_cluster=True)
    assert signs(inside) == set()
    assert "cluster_burst" in signs(requests(15, 1))
    assert "cluster_burst" not in signs(requests(14, 1))
    slowly = requests(20, 60, cluster="school")
    assert "20 accounts" in why(slowly, "cluster_burst")


@pytest.mark.parametrize(("one", "other", "found"), [
    ("18-plus", "under-13", True), ("18-plus", "13-15", True), ("18-plus", "16-17", False),
    ("unknown", "under-13", True), ("unknown", "13-15", True), ("unknown", "16-17", False),
    ("16-17", "under-13", True), ("16-17", "13-15", False), ("13-15", "under-13", False),
    ("13-15", "16-17", False), ("under-13", "under-13", False), ("18-plus", "18-plus", False),
    ("unknown", "unknown", False), ("18-plus", "unknown", False), ("13-15", "18-plus", False),
    ("16-17", "unknown", False),
])  # fmt: skip
def test_age_gap(one: str, other: str, found: bool) -> None:
    assert ("age_gap" in signs([met("message.send", "a", "c", ages=(one, other))])) is found


def test_an_unknown_age_is_less_sure_than_a_known_one() -> None:
    known, unknown = (
        told([met("message.send", "a", "c", ages=(age, "13-15"))])[0][0].confidence
        for age in ("18-plus", "unknown")
    )
    assert known > unknown


def test_quick_to_private() -> None:
    first = met("comment.create", "a", "c", 0, where="public")
    soon = met("message.send", "a", "c", 20, where="private")
    assert why([first, soon], "quick_to_private") == (
        "It wrote privately 20 minutes after the two first had contact."
    )
    late = met("message.send", "a", "c", 90, where="private")
    assert "quick_to_private" not in signs([first, late])
    long_known = met("message.send", "a", "c", -3 * DAY, where="private")
    assert "quick_to_private" not in signs([long_known, first, soon])
    assert "quick_to_private" not in signs([soon])
    encrypted = met("message.send", "a", "c", 20, where="private", relation="organisation")
    assert "quick_to_private" not in signs([first, encrypted])


def test_asks_again_after_a_block() -> None:
    asked = met("contact.request", "a", "c", 0)
    block = met("contact.block", "c", "a", 10, ages=("13-15", "18-plus"))
    again = met("contact.request", "a", "c", 70)
    assert why([asked, block, again], "asks_again") == (
        "The other one blocked it 1 hour ago, and it tries again."
    )
    assert "asks_again" in signs([asked, block, met("message.send", "a", "c", 70)])
    assert "asks_again" not in signs([block, again]), "one request is none that is repeated"
    back = met("message.send", "c", "a", 30, ages=("13-15", "18-plus"))
    assert "asks_again" not in signs([asked, block, back, again]), "the child began again"
    assert "asks_again" not in signs([asked, again])
    own = met("contact.block", "a", "c", 10)
    assert "asks_again" not in signs([asked, own, again]), "its own block"


def test_asks_again_in_vain() -> None:
    asked = [met("contact.request", "a", "c", at * DAY) for at in range(3)]
    assert "3 times" in why(asked, "asks_again")
    assert "asks_again" not in signs(asked[:2])
    answer = met("contact.accept", "c", "a", 5, ages=("13-15", "18-plus"))
    assert "asks_again" not in signs([asked[0], answer, *asked[1:]])


def test_invitations_elsewhere() -> None:
    one = met("message.send", "a", "c", 0, where="private", invites_elsewhere=True)
    assert signs([one]) == {"age_gap", "invites_elsewhere"}
    many = [met("message.send", "a", f"c{at}", at * DAY, invites_elsewhere=True)
            for at in range(3)]  # fmt: skip
    assert "3 accounts" in why(many, "invites_many")
    assert "invites_many" not in signs(many[:2])
    wrong = met("message.send", "a", "c", 0, invites_elsewhere="yes")
    assert signs([wrong]) == {"age_gap"}


def test_long_private() -> None:
    def talk(number: int, **more: object) -> list:  # type: ignore[type-arg]
        return [
            met("message.send", *(("a", "c") if at % 2 else ("c", "a")), at * 60,
                ages=("18-plus", "13-15") if at % 2 else ("13-15", "18-plus"),
                where="private", **more)  # type: ignore[arg-type]
            for at in range(number)
        ]  # fmt: skip

    assert "40 private messages" in why(talk(40), "long_private")
    assert "long_private" not in signs(talk(38))
    assert "long_private" not in signs(talk(60, relation="organisation"))
    alone = [met("message.send", "a", "c", at * 60, where="private") for at in range(60)]
    assert "long_private" not in signs(alone)


def test_every_sign_can_be_read() -> None:
    everything = [
        *requests(30, 1, made=NOON, cluster="s"),
        *(met("contact.block", f"c{at}", "a", 40, ages=("13-15", "18-plus")) for at in range(4)),
        *(met("message.send", "a", f"c{at}", 100, where="private", invites_elsewhere=True,
              made=NOON) for at in range(8)),
        met("contact.request", "a", "c1", 200, made=NOON),
    ]  # fmt: skip
    seen = {one.value: one for found in told(everything) for one in found}
    assert seen.keys() == behaviour.SIGNS.keys() - {"long_private", "quick_to_private"}
    for one in seen.values():
        assert one.opinion == "pattern"
        assert one.harm in HARMS
        assert 0 < one.confidence < 1
        said = str(one.detail["why"])
        assert said.endswith(".")
        assert not any(name in said for name in ("c1", "_", "in_1d"))


def test_without_numbers_it_is_unknown() -> None:
    (found,) = behaviour.look(met("message.send", "a", "c"), {})
    assert found.unknown
    assert behaviour.look(met("message.send", "a", "c", ages=("18-plus", "18-plus")), {}) == []


def test_what_is_aimed_at_nobody_or_at_oneself_is_nothing() -> None:
    assert told([met("message.send", "a", "a")]) == [[]]
