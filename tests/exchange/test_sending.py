"""Our own entries go to a service when two people want it, and are taken back when they go here."""

from collections.abc import Iterator
from typing import Any

import pytest
from doubles import Double, StopNciiDouble, ThreatExchangeDouble, serving
from exchange_scene import ME, Scene, due, hexed

from openhaven import staff
from openhaven.core import Actor, Problem
from openhaven.exchange import remove_source, send_entries
from openhaven.exchange.model import Told
from openhaven.exchange.sending import Given, actions, ask, sendings, take_back
from openhaven.signals.banks import add_entries, create_bank, withdraw_entry
from openhaven.signals.banks.model import NewEntry
from openhaven.staff import approvals
from openhaven.storage import Database

HARM = "ncii"


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db)


def member(scene: Scene, name: str) -> Actor:
    with scene.db.begin(ME) as tx:
        made = staff.create(tx, name, ("policy",))
    return Actor("staff", made.id, made.roles)


def bank(scene: Scene, name: str, kind: str, *values: str, **more: Any) -> None:
    with scene.db.begin(ME) as tx:
        values_ = {"harm": HARM, "owner": "us", "purpose": "a test"} | more
        create_bank(tx, name, kind=kind, **values_)
        add_entries(tx, name, [NewEntry(bytes.fromhex(one), 90) for one in values])


def wanted(scene: Scene, who: Actor, name: str, source: str) -> str:
    with scene.db.begin(who) as tx:
        return ask(tx, name, source, "Others should know of them.")


def agreed(scene: Scene, who: Actor, sending: str, *, yes: bool = True) -> None:
    with scene.db.begin(who) as tx:
        (found,) = (one for one in approvals.waiting(tx) if one.matter == sending)
        assert found.reason.startswith("Send ")
        assert found.reason.endswith("Others should know of them.")
        approvals.answer(tx, found.id, yes, "" if yes else "Not these.")


def states(scene: Scene) -> list[str]:
    return [row["state"] for row in scene.rows("SELECT state FROM bank_sent ORDER BY entry")]


def hurry(scene: Scene) -> None:
    scene.run("UPDATE bank_sent SET next_at = now()")


@pytest.fixture
def group(scene: Scene) -> Iterator[ThreatExchangeDouble]:
    double = ThreatExchangeDouble()
    with serving(double) as url:
        scene.connect("group", "threatexchange", url, harm=HARM, credentials={"token": "tok|en"},
                      config={"group": "77", "tags": "ours"})  # fmt: skip
        yield double


def test_nothing_leaves_before_a_second_person_agrees(
    scene: Scene, group: ThreatExchangeDouble
) -> None:
    ana, pia = member(scene, "Ana"), member(scene, "Pia")
    bank(scene, "ours", "pdq", hexed(1, 32), hexed(2, 32))
    sending = wanted(scene, ana, "ours", "group")
    assert send_entries(scene.db, scene.http) == 0
    with pytest.raises(Problem, match="yourself"):
        agreed(scene, ana, sending)
    agreed(scene, pia, sending)
    # What came after it was asked for is not part of it.
    with scene.db.begin(ME) as tx:
        add_entries(tx, "ours", [NewEntry(bytes.fromhex(hexed(3, 32)), 90)])
    assert send_entries(scene.db, scene.http) == 2
    assert send_entries(scene.db, scene.http) == 0
    assert {one["indicator"] for one in group.descriptors.values()} == {hexed(1, 32), hexed(2, 32)}
    one = next(iter(group.descriptors.values()))
    assert (one["type"], one["status"], one["share_level"]) == ("HASH_PDQ", "MALICIOUS", "AMBER")
    assert (one["privacy_type"], one["privacy_members"]) == ("HAS_PRIVACY_GROUP", "77")
    assert one["tags"] == "ours"
    assert states(scene) == ["sent", "sent"]
    kinds = [row["kind"] for row in scene.rows("SELECT kind FROM ledger_entries ORDER BY id")]
    assert kinds.index("bank.sending_asked") < kinds.index("bank.sending_agreed")
    assert kinds.count("bank.entry_sent") == 2


def test_refused_it_stays_here(scene: Scene, group: ThreatExchangeDouble) -> None:
    ana, pia = member(scene, "Ana"), member(scene, "Pia")
    bank(scene, "ours", "md5", hexed(1))
    agreed(scene, pia, wanted(scene, ana, "ours", "group"), yes=False)
    assert send_entries(scene.db, scene.http) == 0
    assert group.asked == []
    with scene.db.read() as tx:
        assert [one.state for one in sendings(tx)] == ["refused"]


def sent(scene: Scene, name: str = "ours", source: str = "group") -> None:
    ana, pia = member(scene, "Ana"), member(scene, "Pia")
    agreed(scene, pia, wanted(scene, ana, name, source))
    send_entries(scene.db, scene.http)


def test_what_is_withdrawn_here_is_taken_back_there(
    scene: Scene, group: ThreatExchangeDouble
) -> None:
    bank(scene, "ours", "sha256", hexed(1, 32), hexed(2, 32))
    sent(scene)
    with scene.db.begin(ME) as tx:
        withdraw_entry(tx, "ours", bytes.fromhex(hexed(1, 32)))
    assert send_entries(scene.db, scene.http) == 1
    gone = {one["indicator"] for one in group.descriptors.values() if "expired_on" in one}
    assert gone == {hexed(1, 32)}
    assert states(scene) == ["retracted", "sent"]
    # The source holds one of ours, so that its credentials are not thrown away yet.
    with pytest.raises(Problem, match="holds 1"), scene.db.begin(ME) as tx:
        remove_source(tx, "group")
    with scene.db.begin(ME) as tx:
        assert take_back(tx, "ours", "group", "We leave the group.") == 1
    assert send_entries(scene.db, scene.http) == 1
    assert states(scene) == ["retracted", "retracted"]
    with scene.db.begin(ME) as tx:
        remove_source(tx, "group")


@pytest.mark.parametrize("fault", ["down", "limit", "half"])
def test_what_does_not_arrive_is_tried_again_and_is_there_once(
    scene: Scene, group: ThreatExchangeDouble, fault: str
) -> None:
    bank(scene, "ours", "md5", hexed(1))
    group.fault = fault
    sent(scene)
    assert states(scene) == ["intended"]
    group.fault = ""
    hurry(scene)
    assert send_entries(scene.db, scene.http) == 1
    assert states(scene) == ["sent"]
    assert len(group.descriptors) == 1


def test_a_refusal_is_seen(scene: Scene, group: ThreatExchangeDouble) -> None:
    bank(scene, "ours", "md5", hexed(1))
    group.fault = "refuse"
    sent(scene)
    with scene.db.read() as tx:
        (line,) = sendings(tx)
    assert (line.failed, line.bank, line.source, line.asked_by) == (1, "ours", "group", "Ana")
    assert "refuses our credentials" in (line.last_error or "")


def test_stopncii_takes_what_people_confirmed(scene: Scene) -> None:
    double = StopNciiDouble()
    keys = {"subscription": "sub", "fetch": "fetch-key", "feedback": "send-key",
            "submit": "submit-key"}  # fmt: skip
    bank(scene, "ours", "pdq", hexed(1, 32))
    with serving(double) as url:
        scene.connect("stop", "stopncii", url, harm=HARM, credentials=keys)
        sent(scene, "ours", "stop")
        (record,) = double.submitted
        assert (record["signalType"], record["hashValue"]) == ("ImagePDQ", hexed(1, 32))
        assert record["CSPFeedbacks"] == [{"feedbackValue": "Blocked", "tags": []}]
        with scene.db.begin(ME) as tx:
            withdraw_entry(tx, "ours", bytes.fromhex(hexed(1, 32)))
        send_entries(scene.db, scene.http)
    (word,) = double.feedback
    assert word["hashFeedbacks"][0] == {
        "hashValue": hexed(1, 32), "feedbackValue": "Withdrawn", "tags": [],
    }  # fmt: skip
    assert states(scene) == ["retracted"]


def test_what_is_not_ours_or_not_of_that_harm_is_not_sent(
    scene: Scene, group: ThreatExchangeDouble
) -> None:
    ana = member(scene, "Ana")
    bank(scene, "spam", "md5", hexed(1), harm="spam")
    bank(scene, "empty", "md5")
    for name, said in (("spam", "is not of what"), ("empty", "no entries of our own")):
        with pytest.raises(Problem, match=said):
            wanted(scene, ana, name, "group")
    group.put("5", "HASH_MD5", hexed(9), 1_700_000_000, "MALICIOUS")
    due(scene, "group")
    scene.fetch("group")
    with pytest.raises(Problem, match="no entries of our own"):
        wanted(scene, ana, "group-md5", "group")


def test_a_source_whose_way_is_not_public_takes_none(scene: Scene) -> None:
    bank(scene, "ours", "md5", hexed(1))
    with serving(Double()) as url:
        login = {"user": "us", "password": "secret"}
        scene.connect("centre", "ncmec", url, harm=HARM, credentials=login)
        sent(scene, "ours", "centre")
    with scene.db.read() as tx:
        (line,) = sendings(tx)
    assert (line.failed, line.last_error) == (1, "Sources of the kind ncmec take no entries.")


def test_what_may_have_arrived_is_taken_back_and_not_only_dropped(scene: Scene) -> None:
    double = StopNciiDouble()
    keys = {"subscription": "sub", "fetch": "fetch-key", "feedback": "send-key",
            "submit": "submit-key"}  # fmt: skip
    bank(scene, "ours", "pdq", hexed(1, 32))
    with serving(double) as url:
        scene.connect("stop", "stopncii", url, harm=HARM, credentials=keys)
        double.fault = "half"
        sent(scene, "ours", "stop")
        double.fault = ""
        # Nobody knows whether the first attempt arrived.
        with scene.db.begin(ME) as tx:
            withdraw_entry(tx, "ours", bytes.fromhex(hexed(1, 32)))
        hurry(scene)
        send_entries(scene.db, scene.http)
    assert len(double.feedback) == 1
    assert states(scene) == ["retracted"]


def test_what_is_taken_back_on_its_way_is_known_by_its_name(
    scene: Scene, group: ThreatExchangeDouble
) -> None:
    ana, pia = member(scene, "Ana"), member(scene, "Pia")
    bank(scene, "ours", "md5", hexed(1))
    agreed(scene, pia, wanted(scene, ana, "ours", "group"))
    with scene.db.begin(ME) as tx:
        actions.settle(tx)
    with scene.db.begin(ME) as tx:
        claimed = actions.claim(tx)
    assert claimed is not None
    with scene.db.begin(ME) as tx:
        take_back(tx, "ours", "group", "We leave the group.")
    # It must arrive before it can be taken back.
    assert send_entries(scene.db, scene.http) == 0
    with scene.db.begin(ME) as tx:
        actions.finish(tx, claimed[0], Given(Told("sent"), "123"))
    (row,) = scene.rows("SELECT state, remote FROM bank_sent")
    assert (row["state"], row["remote"]) == ("retracting", "123")
    assert not scene.rows("SELECT 1 AS one FROM ledger_entries WHERE kind = 'bank.entry_sent'")
