"""The promise of issue 2, part 3, against a real Synapse: nothing here is played."""

import io
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from homeserver import NAME, User, need_synapse
from PIL import Image
from town import Town, database, eventually

from openhaven import decisions
from openhaven.core import new_id
from openhaven.storage import postgres

pytestmark = pytest.mark.slow


def picture(seed: int) -> bytes:
    """Return a benign picture: soft coloured noise, well suited to a perceptual hash."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


KNOWN, OTHER, DRAWN = picture(1), picture(2), picture(3)


@pytest.fixture(scope="module")
def town(
    cluster: postgres.Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    need_synapse()
    url = database(cluster.url, template, new_id("town"))
    town = Town(tmp_path_factory.mktemp("town"), url)
    try:
        town.plant(KNOWN, DRAWN)
        said = town.found()
        assert "WRONG" not in said, said
        yield town
    finally:
        town.close()


@pytest.fixture(scope="module")
def alice(town: Town) -> User:
    return town.homeserver.register("alice")


@pytest.fixture(scope="module")
def bob(town: Town) -> User:
    return town.homeserver.register("bob")


@pytest.fixture(scope="module")
def square(town: Town, alice: User, bob: User) -> str:
    room = alice.room(room_alias_name="square")
    bob.join(room)
    return room


def is_removed(user: User, room: str, event: str) -> bool:
    return user.event(room, event)["content"] == {}


def is_silent(user: User, room: str) -> bool:
    path = f"/rooms/{room}/send/m.room.message/{time.time_ns()}"
    status, answer = user.ask("PUT", path, {"msgtype": "m.text", "body": "hello?"})
    return status == 403 and answer["errcode"] == "M_USER_SUSPENDED"


def test_words_are_removed_and_their_author_is_told(
    town: Town, alice: User, bob: User, square: str
) -> None:
    fine = alice.say(square, "What a nice day at the lake.")
    bad = alice.say(square, "some zorgblat for you")
    eventually(lambda: is_removed(bob, square, bad))
    because = bob.event(square, bad)["unsigned"]["redacted_because"]
    assert because["content"]["reason"] == "Removed by the moderation of Testtown"
    made = town.decision_of(bad)
    assert made is not None
    assert made.account == alice.id
    assert made.automated_decision == "fully"
    eventually(lambda: town.acts(made.id) == {"notify": "done", "remove": "done"})
    (notice,) = town.notices(alice)
    assert "some zorgblat" not in notice
    assert "We removed what you posted" in notice
    assert f"{town.settings.url}/appeal/" in notice
    assert not is_removed(bob, square, fine)
    sql = "SELECT kind FROM ledger_entries WHERE ids ->> 'decision' = %(d)s"
    kinds = {row["kind"] for row in town.rows(sql, d=made.id)}
    assert {"decision.made", "act.intended.remove", "act.done", "notice.decision"} <= kinds
    town.run("ledger", "verify")


def test_many_first_notices_at_once_find_one_room(town: Town, square: str) -> None:
    dora = town.homeserver.register("dora")
    dora.join(square)
    said = [dora.say(square, f"zorgblat {n}") for n in range(6)]
    sql = """SELECT a.state FROM acts a JOIN decisions d ON d.id = a.decision
             WHERE d.account = %(d)s AND a.verb = 'notify' AND a.state <> 'intended'"""
    eventually(lambda: len(town.rows(sql, d=dora.id)) == len(said))
    assert {row["state"] for row in town.rows(sql, d=dora.id)} == {"done"}
    assert len(set(town.notices(dora))) == len(said)
    assert len(dora.rooms()) == 2


def test_a_room_of_notices_that_was_never_finished_is_made_anew(town: Town, square: str) -> None:
    emil = town.homeserver.register("emil")
    emil.join(square)
    with town.haven.db.read() as tx:
        mark = tx.keys.digest(b"matrix:notices:" + emil.id.encode()).hex()[:32]
    # As a homeserver leaves it that ends while it makes the room: an alias, and nothing of ours.
    half = town.root.room()
    asks = town.asks()
    path = f"/_matrix/client/v3/directory/room/%23openhaven-notices-{mark}%3A{NAME}"
    asks.ask("PUT", path, {"room_id": half})
    emil.say(square, "zorgblat")
    eventually(lambda: len(emil.rooms()) == 2 and town.notices(emil))


def test_a_known_picture_is_redacted_and_quarantined(
    town: Town, alice: User, bob: User, square: str
) -> None:
    known, other = alice.upload(KNOWN, "image/png"), alice.upload(OTHER, "image/png")
    bad = alice.send(square, {"msgtype": "m.image", "body": "a.png", "url": known})
    fine = alice.send(square, {"msgtype": "m.image", "body": "b.png", "url": other})
    eventually(lambda: is_removed(bob, square, bad))
    eventually(lambda: bob.download(known) == 404)
    eventually(town.settled)
    assert bob.download(other) == 200
    # Posted again, Synapse holds it back by itself; its poster is told all the same.
    again = alice.send(
        square, {"msgtype": "m.image", "body": "c", "url": alice.upload(KNOWN, "image/png")}
    )
    eventually(lambda: is_removed(bob, square, again))
    assert not is_removed(bob, square, fine)


def test_an_edit_that_turns_bad_goes_with_its_message(
    town: Town, alice: User, bob: User, square: str
) -> None:
    first = alice.say(square, "harmless")
    eventually(town.settled)
    content = {
        "msgtype": "m.text",
        "body": "* zorgblat",
        "m.new_content": {"msgtype": "m.text", "body": "zorgblat"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": first},
    }
    edit = alice.send(square, content)
    eventually(lambda: is_removed(bob, square, first) and is_removed(bob, square, edit))


def test_what_somebody_said_who_has_left_is_removed(town: Town, bob: User, square: str) -> None:
    guest = town.homeserver.register("guest")
    guest.join(square)
    eventually(town.settled)
    bad = guest.say(square, "zorgblat and goodbye")
    guest.do("POST", f"/rooms/{square}/leave", {})
    eventually(lambda: is_removed(bob, square, bad))


def test_an_encrypted_room_is_left_alone(town: Town, alice: User, bob: User) -> None:
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    state = [{"type": "m.room.encryption", "state_key": "", "content": algorithm}]
    room = alice.room(initial_state=state)
    bob.join(room)
    sealed = alice.send(room, {**algorithm, "ciphertext": "AwgB"}, "m.room.encrypted")
    plain = alice.say(room, "zorgblat")
    eventually(lambda: town.rows("SELECT 1 FROM events WHERE id = %(i)s", i=plain))
    eventually(town.settled)
    for event in (sealed, plain):
        assert not is_removed(bob, room, event)
        assert town.decision_of(event) is None
    # What a reporter shows us is kept, and marked as nothing that anybody could check.
    bob.report(room, sealed, "bullying\nPlaintext: you are nothing")
    task = eventually(lambda: town.task_about(item=sealed))
    sql = "SELECT seq FROM events WHERE item = %(i)s AND kind = 'message.send' ORDER BY seq DESC"
    with town.haven.db.read() as tx:
        from openhaven import intake

        _, event = intake.open_event(tx, tx.value(sql, i=sealed))
    assert event is not None
    assert event.item is not None
    assert event.item.text == "you are nothing"
    assert event.context["unverified"] is True
    assert task


def test_private_rooms_are_not_looked_into_before_there_is_a_legal_basis(
    town: Town, alice: User, bob: User
) -> None:
    room = alice.room("private_chat", invite=[bob.id], is_direct=True)
    bob.join(room)
    uri = alice.upload(KNOWN, "image/png")
    before = alice.say(room, "zorgblat")
    shown = alice.send(room, {"msgtype": "m.image", "body": "zorgblat.png", "url": uri})
    eventually(lambda: town.rows("SELECT 1 FROM events WHERE id = %(i)s", i=shown))
    eventually(town.settled)
    assert not is_removed(bob, room, before)
    assert not is_removed(bob, room, shown)
    media = "SELECT 1 FROM media m JOIN events e ON e.seq = m.event WHERE e.item = %(i)s"
    assert not town.rows(media, i=shown)
    # One of the two shows it to us: a person looks, and decides.
    bob.report(room, before, "he is harassing me")
    task = eventually(lambda: town.task_about(item=before))
    town.judge(town.reviewer("Ruth"), task, "remove")
    eventually(lambda: is_removed(bob, room, before))
    assert not is_removed(bob, room, shown)
    town.run("platforms", "private-basis", "town", "Consent in the terms of use, clause 7")
    after = alice.say(room, "zorgblat again")
    eventually(lambda: is_removed(bob, room, after))


def test_a_suspension_is_announced_appealed_and_lifted(town: Town, bob: User, square: str) -> None:
    carol = town.homeserver.register("carol")
    carol.join(square)
    words = carol.say(square, "nobody here is worth anything")
    bob.report(square, words, "bullying: she goes after everybody")
    bob.report_user(carol.id, "harassment")
    eventually(lambda: town.task_about(account=carol.id))
    task = eventually(lambda: town.task_about(item=words))
    first, second = town.reviewer("Rosa"), town.reviewer("Rolf")
    town.judge(first, task, "suspend")
    eventually(lambda: is_silent(carol, square))
    # Who is suspended has read why, and can appeal.
    (notice,) = town.notices(carol)
    assert "We suspended your account." in notice
    made = town.decision_of(words)
    assert made is not None
    with town.haven.db.begin(town_actor()) as tx:
        appeal = decisions.appeal(tx, made, "It was a line from a play.")
    found = eventually(
        lambda: town.rows("SELECT id FROM tasks WHERE appeal = %(a)s AND state = 'open'", a=appeal)
    )
    town.judge(second, found[0]["id"], "upheld")
    eventually(lambda: len(town.notices(carol)) == 2)
    eventually(lambda: town.acts(made.id).get("unsuspend") == "done")
    carol.say(square, "thank you")


def town_actor() -> object:
    from openhaven.core import Actor

    return Actor("person", "appellant")


def test_an_error_is_made_good_as_far_as_matrix_allows(
    town: Town, alice: User, bob: User, square: str
) -> None:
    uri = alice.upload(DRAWN, "image/png")
    bad = alice.send(square, {"msgtype": "m.image", "body": "my own drawing", "url": uri})
    eventually(lambda: is_removed(bob, square, bad))
    eventually(lambda: bob.download(uri) == 404)
    eventually(town.settled)
    made = town.decision_of(bad)
    assert made is not None
    with town.haven.db.begin(town_actor()) as tx:
        appeal = decisions.appeal(tx, made, "I drew this myself.")
    sql = "SELECT id FROM tasks WHERE appeal = %(a)s AND state = 'open'"
    task = eventually(lambda: town.rows(sql, a=appeal))[0]["id"]
    town.judge(town.reviewer("Rita"), task, "upheld")
    eventually(lambda: bob.download(uri) == 200)
    eventually(lambda: any("my own drawing" in words for words in town.notices(alice)))
    assert is_removed(bob, square, bad)


def forgotten(town: Town, speaker: User, room: str) -> list[str]:
    """Let things be said that the homeserver never sends: they die with it, in its memory.

    While a transaction waits for its answer the next events wait in memory only, though Synapse
    has noted already that they were sent.
    """
    eventually(town.settled)
    town.freeze("serve")
    said = [speaker.say(room, "in flight zorgblat")]
    time.sleep(0.5)
    said += [speaker.say(room, f"in memory zorgblat {n}") for n in range(5)]
    time.sleep(0.5)
    town.homeserver.stop(signal.SIGKILL)
    town.homeserver.start()
    town.thaw("serve")
    return said


def test_outages_lose_nothing_and_repeat_nothing(
    town: Town, alice: User, bob: User, square: str
) -> None:
    eventually(town.settled)
    before = town.notices(alice)
    said = [alice.say(square, "before zorgblat")]
    town.kill("work")
    said.append(alice.say(square, "without a worker zorgblat"))
    town.homeserver.stop(signal.SIGTERM)
    town.start("work")  # The homeserver is away while the worker wants to act.
    time.sleep(1.0)
    town.homeserver.start()
    town.kill("serve")
    said.append(alice.say(square, "without a door zorgblat"))
    time.sleep(0.5)
    # The homeserver dies with a transaction that it could not deliver, and a quiet night follows.
    town.homeserver.stop(signal.SIGKILL)
    town.homeserver.start()
    town.start("serve")
    said += forgotten(town, alice, square)
    eventually(lambda: all(is_removed(bob, square, event) for event in said))
    eventually(town.settled)
    town.kill("work")
    town.start("work")
    time.sleep(1.0)
    for event in said:
        assert len(town.rows("SELECT 1 FROM events WHERE id = %(i)s", i=event)) == 1
        assert len(town.rows("SELECT 1 FROM decisions WHERE item = %(i)s", i=event)) == 1
    # Whoever carries out again what was done before the restarts does nothing more.
    town.carry_out_all_again()
    told = town.notices(alice)
    assert len(told) == len(before) + len(said)
    assert len(set(told)) == len(told)
    chunk = bob.do("GET", f"/rooms/{square}/messages?dir=b&limit=500")["chunk"]
    redacted = [e["redacts"] for e in chunk if e["type"] == "m.room.redaction"]
    assert len(set(redacted)) == len(redacted)
    sql = "SELECT id FROM matrix_inbox WHERE stuck_at IS NOT NULL"
    assert town.rows(sql) == []


def test_nobody_else_can_speak_as_the_homeserver(town: Town) -> None:
    import json

    body = json.dumps({"events": []}).encode()
    at = f"{town.settings.url}/_matrix/app/v1/transactions/1"
    json_type = {"content-type": "application/json"}
    for headers, status in (({}, 401), ({"authorization": "Bearer guess"}, 403)):
        reply = town.haven.http.send("PUT", at, body=body, headers=json_type | headers)
        assert reply.status == status
    assert NAME in town.homeserver.register("zoe").id
