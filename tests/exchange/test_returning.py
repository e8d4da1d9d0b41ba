"""Who was ended for good and comes back: met, never refused; and forgotten with the decision."""

import pytest
from line_scene import scene
from returning_scene import DEVICE, Return

from openhaven.line import Haven


@pytest.fixture
def back(haven: Haven) -> Return:
    here = scene(haven)
    return Return(here, here.reviewer("ana"), here.reviewer("ben"))


def test_who_comes_back_is_met_by_a_person_and_never_refused(back: Return) -> None:
    made = back.ended()
    assert back.rows_of("returning_entries") == [("intended", "grooming")]
    kept = back.hand_over(made)
    assert (kept.tokens, kept.unread) == (6, [])
    verdict = back.comes(("email", "someone@googlemail.com"), ("device", DEVICE[1]))
    assert verdict["outcome"] == "review"
    told = verdict["returning"]
    assert (told["strength"], told["review"], told["friction"]) == ("strong", True, False)
    assert "/returning/" in told["contest_url"]
