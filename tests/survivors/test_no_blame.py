"""Who is in the picture, or was made to share it, gets help and no strike without a specialist."""

from typing import Any

import pytest
from survivors_scene import Town

from openhaven import decisions
from openhaven.core import Actor, new_id


def specialist(town: Town) -> Actor:
    """Return somebody who may decide what shows a child."""
    return town.reviewer(new_id("s"), "specialist")


def strikes(town: Town, account: str) -> list[str]:
    sql = "SELECT state FROM strikes WHERE account = %(a)s"
    return [str(row["state"]) for row in town.rows(sql, a=account)]


@pytest.mark.parametrize(
    ("account", "state"),
    [({"id": "kid", "age_band": "13-15"}, "waits"), ({"id": "unk"}, "waits"),
     ({"id": "wolf", "age_band": "18-plus"}, "counts")],
)  # fmt: skip
def test_a_child_who_shared_an_own_picture_is_not_punished(
    town: Town, account: dict[str, Any], state: str
) -> None:
    town.removal(town.posted(account=account), age="child")
    town.tend()
    town.judge(specialist(town), town.tasks()[0]["id"], "remove")
    town.work()
    assert strikes(town, account["id"]) == [state]


def test_a_specialist_may_say_otherwise(town: Town) -> None:
    town.removal(town.posted(account={"id": "kid", "age_band": "16-17"}), age="child")
    town.tend()
    made = town.judge(specialist(town), town.tasks()[0]["id"], "remove")
    town.work()
    (row,) = town.rows("SELECT id FROM decisions WHERE judgement = %(j)s", j=made)
    with town.haven.db.begin(town.reviewer("sara", "specialist")) as tx:
        decisions.strikes.answer(tx, row["id"], counts=False)
    assert strikes(town, "kid") == ["lifted"]


def test_the_notice_to_a_child_offers_help(town: Town) -> None:
    town.removal(town.posted(account={"id": "kid", "age_band": "13-15"}), age="child")
    town.tend()
    made = town.judge(specialist(town), town.tasks()[0]["id"], "remove")
    town.work()
    (row,) = town.rows("SELECT id FROM decisions WHERE judgement = %(j)s", j=made)
    with town.haven.db.read() as tx:
        notice = decisions.notice_text(tx, row["id"])
    assert notice is not None
    assert notice.help
