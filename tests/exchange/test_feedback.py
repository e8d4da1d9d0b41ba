"""What reviewers say of matches goes back to the sources that told us of the entries."""

from collections.abc import Iterator

import pytest
from doubles import NcmecDouble, StopNciiDouble, ThreatExchangeDouble, serving
from exchange_scene import ME, Scene, hexed

from openhaven.core import Actor
from openhaven.exchange import jobs
from openhaven.signals.banks import matches
from openhaven.storage import Database

REVIEWER = Actor("staff", "stf_1", ("moderator",))


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db)


def matched(scene: Scene, bank: str) -> int:
    """Record a match with the first entry of a bank, and return its number."""
    sql = """SELECT e.id FROM bank_entries e JOIN banks b ON b.id = e.bank WHERE b.name = %(b)s
             ORDER BY e.id LIMIT 1"""
    (entry,) = scene.rows(sql, b=bank)
    with scene.db.begin(ME) as tx:
        matches.record(tx, [matches.Seen(1, bank, entry["id"], "media:m", "positive", 0)])
    return int(scene.rows("SELECT max(id) AS id FROM bank_matches")[0]["id"])


def say(scene: Scene, match: int, word: str) -> None:
    with scene.db.begin(REVIEWER) as tx:
        matches.say(tx, match, word)


def box(scene: Scene) -> list[tuple[str, str]]:
    rows = scene.rows("SELECT word, state FROM bank_outbox ORDER BY created_at")
    return [(row["word"], row["state"]) for row in rows]


@pytest.fixture
def ncmec(scene: Scene) -> Iterator[NcmecDouble]:
    double = NcmecDouble()
    double.put("e/1", "2026-01-01T00:00:00Z", md5=hexed(1))
    with serving(double) as url:
        login = {"user": "us", "password": "secret"}
        scene.connect("centre", "ncmec", url, credentials=login, sends_feedback=True)
        scene.fetch("centre")
        yield double


def test_ncmec_hears_yes_and_no(scene: Scene, ncmec: NcmecDouble) -> None:
    match = matched(scene, "centre-md5")
    say(scene, match, "confirm")
    assert jobs.send_due(scene.db, scene.http) == 1
    assert jobs.send_due(scene.db, scene.http) == 0
    say(scene, match, "false_match")
    assert jobs.send_due(scene.db, scene.http) == 1
    (yes, no) = ncmec.feedback
    assert yes[0] == no[0] == "/v2/entries/42/e%2F1/MD5/feedback"
    assert b"<affirmative" in yes[1]
    assert b"<guid>guid-0</guid>" in no[1]
    assert box(scene) == [("false_match", "sent")]
    kinds = [row["kind"] for row in scene.rows("SELECT kind FROM ledger_entries")]
    assert kinds.count("bank.feedback_sent") == 2


def test_where_there_are_several_reasons_one_must_be_set(scene: Scene, ncmec: NcmecDouble) -> None:
    ncmec.reasons = 2
    say(scene, matched(scene, "centre-md5"), "false_match")
    jobs.send_due(scene.db, scene.http)
    assert box(scene) == [("false_match", "failed")]
    assert "reason" in scene.rows("SELECT last_error FROM bank_outbox")[0]["last_error"]
    assert scene.source("centre").undelivered == 1


@pytest.mark.parametrize("fault", ["down", "half", "limit"])
def test_a_word_is_kept_until_it_arrives(scene: Scene, ncmec: NcmecDouble, fault: str) -> None:
    say(scene, matched(scene, "centre-md5"), "confirm")
    ncmec.fault = fault
    for _ in range(2):
        scene.run("UPDATE bank_outbox SET next_at = now()")
        assert jobs.send_due(scene.db, scene.http) == 1
    assert jobs.send_due(scene.db, scene.http) == 0  # not before it is due again
    assert box(scene) == [("confirm", "intended")]
    assert scene.source("centre").waiting == 1
    ncmec.fault = ""
    scene.run("UPDATE bank_outbox SET next_at = now()")
    jobs.send_due(scene.db, scene.http)
    assert box(scene) == [("confirm", "sent")]


def test_after_twelve_attempts_it_has_failed_and_is_seen(scene: Scene, ncmec: NcmecDouble) -> None:
    say(scene, matched(scene, "centre-md5"), "confirm")
    ncmec.fault = "down"
    for _ in range(12):
        scene.run("UPDATE bank_outbox SET next_at = now()")
        jobs.send_due(scene.db, scene.http)
    assert box(scene) == [("confirm", "failed")]


def test_a_source_that_takes_no_words_gets_none(scene: Scene, ncmec: NcmecDouble) -> None:
    scene.run("UPDATE bank_sources SET sends_feedback = false")
    say(scene, matched(scene, "centre-md5"), "confirm")
    assert box(scene) == []


def test_the_others_hear_it_in_their_own_words(scene: Scene) -> None:
    images, threats = StopNciiDouble(), ThreatExchangeDouble()
    images.put(hexed(1, 32), 1_700_000_000)
    threats.put("5", "HASH_MD5", hexed(2), 1_700_000_000, "MALICIOUS")
    keys = {"subscription": "sub", "fetch": "fetch-key", "feedback": "send-key"}
    with serving(images) as one, serving(threats) as other:
        scene.connect("images", "stopncii", one, credentials=keys, sends_feedback=True)
        scene.connect("meta", "threatexchange", other, credentials={"token": "tok|en"},
                      config={"group": "77"}, sends_feedback=True)  # fmt: skip
        for name, bank in (("images", "images-pdq"), ("meta", "meta-md5")):
            scene.fetch(name)
            say(scene, matched(scene, bank), "false_match")
            assert jobs.send_due(scene.db, scene.http) == 1
    (sent,) = images.feedback
    assert sent["hashFeedbacks"][0] == {"hashValue": hexed(1, 32), "feedbackValue": "NotBlocked",
                                        "tags": []}  # fmt: skip
    assert threats.reactions == [
        ("/50", {"access_token": "tok|en", "reactions": "DISAGREE_WITH_TAGS"})
    ]
    assert {state for _, state in box(scene)} == {"sent"}
