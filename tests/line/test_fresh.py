"""What staff puts into a bank counts at once, in the process that answers as well."""

from collections.abc import Callable

import pytest
import urllib3
from line_house import House, stopping
from line_scene import OPERATOR, Scene, event

from openhaven.signals.banks import NewEntry, add_entries, create_bank, withdraw_entry
from stopwatch import stopwatch

pytestmark = pytest.mark.slow
LINK = "https://bad.example/trick"


def outcome(house: House, here: Scene) -> str:
    body = event()
    body["item"]["links"] = [LINK]
    url = f"http://127.0.0.1:{house.port}/v1/events?wait=verdict"
    headers = {"authorization": f"Bearer {here.key}"}
    reply = urllib3.request("POST", url, json=body, headers=headers, retries=30)
    if reply.status == 202:
        # It did not come in time, on a slow machine.
        return outcome(house, here)
    assert reply.status == 200, reply.data
    return str(reply.json()["outcome"])


def within_a_second(right: Callable[[], bool]) -> None:
    """Ask until it is right, a second later or, where the machine has no time, a little more."""
    with stopwatch() as seconds:
        asked_at = seconds()
        while not right():
            assert asked_at < 60
            asked_at = seconds()


def test_a_new_and_a_withdrawn_entry_count_within_a_second(here: Scene) -> None:
    house = House(here)
    with stopping(house.start("serve")):
        house.wait()
        assert outcome(house, here) == "allow"
        with here.haven.db.begin(OPERATOR) as tx:
            create_bank(tx, "bad-links", kind="link", harm="scam", owner="us", purpose="for a test")
            add_entries(tx, "bad-links", [NewEntry(b"bad.example/trick")])
        within_a_second(lambda: outcome(house, here) != "allow")
        with here.haven.db.begin(OPERATOR) as tx:
            withdraw_entry(tx, "bad-links", b"bad.example/trick")
        within_a_second(lambda: outcome(house, here) == "allow")
