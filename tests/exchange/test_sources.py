"""Sources over real sockets: what they say is stored, whatever goes wrong in between."""

from collections.abc import Iterator
from typing import Any

import pytest
from doubles import NcmecDouble, StopNciiDouble, ThreatExchangeDouble, serving, until
from exchange_scene import ME, Scene, due, hexed

from openhaven.core import Problem
from openhaven.exchange import jobs, pause_source, remove_source
from openhaven.signals.banks import withdraw_entry
from openhaven.storage import Database

NCMEC = {"user": "us", "password": "secret"}
STOPNCII = {"subscription": "sub", "fetch": "fetch-key", "feedback": "send-key"}
THREAT = {"token": "tok|en"}


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db)


@pytest.fixture
def ncmec(scene: Scene) -> Iterator[NcmecDouble]:
    double = NcmecDouble()
    for number in range(5):
        double.put(f"e{number}", f"2026-01-0{number + 1}T00:00:00Z",
                   md5=hexed(number), sha1=hexed(number, 20), pdna="abc")  # fmt: skip
    with serving(double) as url:
        scene.connect("centre", "ncmec", url, credentials=NCMEC)
        yield double


def test_ncmec_is_read_page_by_page_and_then_only_what_is_new(
    scene: Scene, ncmec: NcmecDouble
) -> None:
    assert scene.fetch("centre") == 3
    assert scene.alive("centre-md5") == {hexed(n) for n in range(5)}
    assert scene.alive("centre-sha1") == {hexed(n, 20) for n in range(5)}
    assert len(scene.banks().match("md5", bytes.fromhex(hexed(3)))) == 1
    ncmec.delete("e1", "2026-02-01T00:00:00Z")
    ncmec.put("e2", "2026-02-02T00:00:00Z", md5=hexed(77))
    ncmec.asked.clear()
    scene.fetch("centre")
    assert ncmec.asked[0].query["from"] == "2026-01-05T00:00:00Z"
    assert scene.alive("centre-md5") == {hexed(n) for n in (0, 3, 4, 77)}
    assert scene.alive("centre-sha1") == {hexed(n, 20) for n in (0, 3, 4)}
    source = scene.source("centre")
    assert (source.failures, source.entries) == (0, 7)
    assert source.current_at is not None


def test_two_records_with_the_same_hash_hold_it_together(scene: Scene, ncmec: NcmecDouble) -> None:
    ncmec.put("twin", "2026-01-06T00:00:00Z", md5=hexed(0))
    scene.fetch("centre")
    ncmec.delete("e0", "2026-02-01T00:00:00Z")
    scene.fetch("centre")
    assert hexed(0) in scene.alive("centre-md5")
    ncmec.delete("twin", "2026-02-02T00:00:00Z")
    scene.fetch("centre")
    assert hexed(0) not in scene.alive("centre-md5")


def test_what_people_withdrew_stays_withdrawn_and_what_the_source_withdrew_may_come_back(
    scene: Scene, ncmec: NcmecDouble
) -> None:
    scene.fetch("centre")
    with scene.db.begin(ME) as tx:
        withdraw_entry(tx, "centre-md5", bytes.fromhex(hexed(0)), "a cartoon")
    ncmec.delete("e1", "2026-02-01T00:00:00Z")
    scene.fetch("centre")
    ncmec.put("e0", "2026-02-03T00:00:00Z", md5=hexed(0))
    ncmec.put("e1", "2026-02-03T00:00:00Z", md5=hexed(1))
    scene.fetch("centre")
    assert hexed(0) not in scene.alive("centre-md5")
    assert hexed(1) in scene.alive("centre-md5")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("down", "HTTP 500"),
        ("garbage", "no whole XML"),
        ("half", "failed"),
        ("refuse", "refuses our credentials"),
        ("elsewhere", "points elsewhere"),
        ("limit", "less often"),
        ("repeat", "repeats a page"),
    ],
)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_source_that_fails_half_way_loses_nothing_and_goes_on(
    scene: Scene, ncmec: NcmecDouble, fault: str, says: str, after: int
) -> None:
    ncmec.fault, ncmec.fails_at = fault, after
    with pytest.raises(Problem) as told:
        scene.fetch("centre")
    assert says in told.value.detail
    source = scene.source("centre")
    assert source.failures == 1
    assert says in (source.last_error or "")
    assert source.failing_since is not None
    kept = scene.alive("centre-md5")
    # The double fails at the page after those that it gave whole.
    assert len(kept) >= min(after, 1) * 2
    for value in kept:
        assert scene.banks().match("md5", bytes.fromhex(value))
    ncmec.fault = ""
    scene.fetch("centre")
    assert scene.alive("centre-md5") == {hexed(n) for n in range(5)}
    assert (scene.source("centre").failures, scene.source("centre").last_error) == (0, None)


def test_a_failing_source_is_tried_again_ever_later_and_holds_up_no_other(
    scene: Scene, ncmec: NcmecDouble
) -> None:
    other = StopNciiDouble()
    other.put(hexed(1, 32), 1_700_000_000)
    ncmec.fault = "down"
    with serving(other) as url:
        scene.connect("images", "stopncii", url, credentials=STOPNCII, harm="ncii")
        for _ in range(4):
            jobs.fetch_due(scene.db, scene.http)
        pauses = []
        for _ in range(3):
            before = len(ncmec.asked)
            due(scene, "centre")
            jobs.fetch_due(scene.db, scene.http)
            assert len(ncmec.asked) == before + 1
            sql = """SELECT extract(epoch FROM next_at - now()) AS s FROM bank_sources
                     WHERE name = 'centre'"""
            pauses.append(float(scene.rows(sql)[0]["s"]))
    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0] * 2
    assert scene.alive("images-pdq") == {hexed(1, 32)}


def test_older_news_than_we_have_changes_nothing(scene: Scene, ncmec: NcmecDouble) -> None:
    ncmec.put("e0", "2026-01-09T00:00:00Z", md5=hexed(90))
    scene.fetch("centre")
    # The service was put back to an older copy, and tells of the past.
    ncmec.put("e0", "2026-01-09T00:00:00Z", md5=hexed(90))
    ncmec.entries[-1]["prints"] = {"md5": hexed(91)}
    ncmec.entries[-1]["at"] = "2026-01-09T00:00:00Z"
    scene.run("UPDATE bank_claims SET source_at = '2026-03-01' WHERE source_id = '42/e0'")
    scene.fetch("centre")
    assert hexed(90) in scene.alive("centre-md5")
    assert hexed(91) not in scene.alive("centre-md5")


def test_a_source_that_tells_of_the_future_hides_nothing(scene: Scene, ncmec: NcmecDouble) -> None:
    scene.fetch("centre")
    place = '{"from":"2026-01-05T00:00:00Z","newest":"9999-01-01T00:00:00Z","next":""}'
    scene.run("UPDATE bank_sources SET checkpoint = %(p)s", p=place)
    scene.fetch("centre")
    ncmec.put("late", scene.rows("SELECT to_char(now() + '2 s', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
                                 "AS at")[0]["at"], md5=hexed(51))  # fmt: skip
    until(lambda: bool(scene.fetch("centre")) and hexed(51) in scene.alive("centre-md5"))


def test_deleting_what_we_never_had_is_no_fault(scene: Scene, ncmec: NcmecDouble) -> None:
    ncmec.put("ghost", "2026-01-07T00:00:00Z", kind="deletedImage")
    scene.fetch("centre")
    assert len(scene.alive("centre-md5")) == 5
    assert scene.source("centre").refused == 0


def test_hashes_that_cannot_be_are_refused_and_told(scene: Scene, ncmec: NcmecDouble) -> None:
    ncmec.put("zero", "2026-01-07T00:00:00Z", md5="0" * 32)
    ncmec.put("short", "2026-01-07T00:00:00Z", md5="abcd")
    ncmec.put("words", "2026-01-07T00:00:00Z", md5="not hex at all")
    ncmec.put("upper", "2026-01-07T00:00:00Z", md5=hexed(60).upper())
    scene.fetch("centre")
    assert scene.alive("centre-md5") == {hexed(n) for n in (*range(5), 60)}
    source = scene.source("centre")
    assert source.refused == 3
    assert "not hexadecimal" in (source.last_refused or "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_in_xml_are_refused(scene: Scene, ncmec: NcmecDouble, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE queryResult '
    bomb = f'{text}[<!ENTITY a "aaaa">]><queryResult>&a;</queryResult>'.encode(encoding)
    ncmec.answer = lambda asked: (200, "application/xml", bomb)  # type: ignore[method-assign]
    with pytest.raises(Problem, match="could not be read"):
        scene.fetch("centre")
    assert "entities" in (scene.source("centre").last_error or "")


def test_a_next_page_at_another_place_is_not_followed(scene: Scene, ncmec: NcmecDouble) -> None:
    page = b"<queryResult><paging><next>@evil.example/v2/entries?x</next></paging></queryResult>"
    ncmec.answer = lambda asked: (200, "application/xml", page)  # type: ignore[method-assign]
    with pytest.raises(Problem):
        scene.fetch("centre")
    assert {asked.path for asked in ncmec.asked} == {"/v2/entries"}
    assert "not at the place" in (scene.source("centre").last_error or "")


def test_stopncii_follows_status_and_never_goes_back(scene: Scene) -> None:
    double = StopNciiDouble()
    for number in range(5):
        double.put(hexed(number, 32), 1_700_000_000 + number)
    double.put(hexed(9), 1_700_000_010, kind="VideoMD5")
    double.put("some text", 1_700_000_011, kind="Text")
    double.put("no hash", 1_700_000_012)
    with serving(double) as url:
        scene.connect("images", "stopncii", url, credentials=STOPNCII, harm="ncii")
        scene.fetch("images")
        assert scene.alive("images-pdq") == {hexed(n, 32) for n in range(5)}
        assert scene.alive("images-md5") == {hexed(9)}
        assert scene.source("images").refused == 1
        double.put(hexed(1, 32), 1_700_000_100, "Withdrawn")
        double.put(hexed(2, 32), 1_700_000_101, "Deleted")
        double.back_to = 5
        scene.fetch("images")
        assert scene.alive("images-pdq") == {hexed(n, 32) for n in (0, 3, 4)}
        double.asked.clear()
        scene.fetch("images")
        assert int(double.asked[0].query["startTimestamp"]) >= 1_700_000_011


def test_threatexchange_weighs_opinions_and_follows_no_address(scene: Scene) -> None:
    double = ThreatExchangeDouble()
    double.put("1", "HASH_PDQ", hexed(1, 32), 1_700_000_001, "MALICIOUS")
    double.put("2", "HASH_PDQ", hexed(2, 32), 1_700_000_002, "MALICIOUS", "NON_MALICIOUS")
    double.put("3", "HASH_PDQ", hexed(3, 32), 1_700_000_003, "NON_MALICIOUS")
    double.put("4", "HASH_PDQ", hexed(4, 32), 1_700_000_004, "SUSPICIOUS")
    double.put("5", "URI", "http://bad.example/x", 1_700_000_005, "MALICIOUS")
    double.put("6", "TEXT_STRING", "hello", 1_700_000_006, "MALICIOUS")
    with serving(double) as url:
        scene.connect("meta", "threatexchange", url, credentials=THREAT, config={"group": "77"})
        scene.fetch("meta")
        assert scene.alive("meta-pdq") == {hexed(1, 32)}
        assert scene.alive("meta-pdq-doubtful") == {hexed(2, 32), hexed(4, 32)}
        assert scene.alive("meta-link") == {b"bad.example/x".hex()}
        (found,) = scene.banks().match("pdq", bytes.fromhex(hexed(4, 32)))
        assert found.opinion == "investigate"
        assert all(asked.query["access_token"] == "tok|en" for asked in double.asked)
        double.put("1", "HASH_PDQ", hexed(1, 32), 1_700_000_100)
        double.put("2", "HASH_PDQ", hexed(2, 32), 1_700_000_101, "MALICIOUS")
        scene.fetch("meta")
        assert scene.alive("meta-pdq") == {hexed(2, 32)}
        assert scene.alive("meta-pdq-doubtful") == {hexed(4, 32)}
    assert "tok" not in scene.source("meta").checkpoint


def test_who_stayed_away_too_long_reads_everything_again(scene: Scene) -> None:
    double = ThreatExchangeDouble()
    for number in range(3):
        double.put(str(number + 1), "HASH_MD5", hexed(number), 1_700_000_000 + number, "MALICIOUS")
    with serving(double) as url:
        scene.connect("meta", "threatexchange", url, credentials=THREAT, config={"group": "77"})
        scene.fetch("meta")
        scene.run("""UPDATE bank_sources SET checkpoint =
                     '{"done":1600000000,"since":1700000002}'""")
        double.updates = double.updates[1:]  # and the deletion of the first is long forgotten
        with pytest.raises(Problem, match="could not be read"):
            scene.fetch("meta")
        assert len(scene.alive("meta-md5")) == 3
        scene.fetch("meta")
        assert scene.alive("meta-md5") == {hexed(1), hexed(2)}


def test_a_listing_that_leaves_out_nearly_all_is_not_believed(scene: Scene) -> None:
    double = ThreatExchangeDouble(size=1000)
    for number in range(300):
        double.put(str(number + 1), "HASH_MD5", hexed(number), 1_700_000_000, "MALICIOUS")
    with serving(double) as url:
        scene.connect("meta", "threatexchange", url, credentials=THREAT, config={"group": "77"})
        scene.fetch("meta")
        scene.run("UPDATE bank_sources SET checkpoint = '', listing_since = NULL")
        double.updates = double.updates[:10]
        with pytest.raises(Problem, match="not believed"):
            scene.fetch("meta")
        assert len(scene.alive("meta-md5")) == 300
        assert "--all-may-go" in (scene.source("meta").last_error or "")
        scene.fetch("meta", all_may_go=True)
        assert len(scene.alive("meta-md5")) == 10


def test_a_source_that_withdraws_nearly_all_in_small_steps_is_not_believed(
    scene: Scene, ncmec: NcmecDouble
) -> None:
    ncmec.size = 50
    ncmec.entries = []
    for number in range(300):
        ncmec.put(f"n{number}", "2026-01-01T00:00:00Z", md5=hexed(number))
    scene.fetch("centre")
    for number in range(200):
        ncmec.delete(f"n{number}", "2026-02-01T00:00:00Z")
    for _ in range(2):  # trying again takes nothing more away
        with pytest.raises(Problem, match="not believed"):
            scene.fetch("centre")
        assert len(scene.alive("centre-md5")) == 150
    assert "--all-may-go" in (scene.source("centre").last_error or "")
    scene.fetch("centre", all_may_go=True)
    assert len(scene.alive("centre-md5")) == 100
    ncmec.delete("n299", "2026-03-01T00:00:00Z")
    scene.fetch("centre")
    assert len(scene.alive("centre-md5")) == 99


def test_credentials_are_sealed_and_destroyed_with_the_source(
    scene: Scene, ncmec: NcmecDouble
) -> None:
    scene.fetch("centre")
    (row,) = scene.rows("SELECT credentials FROM bank_sources")
    assert b"secret" not in bytes(row["credentials"])
    with scene.db.begin(ME) as tx:
        assert remove_source(tx, "centre") == 10
    assert scene.alive("centre-md5") == set()
    assert scene.rows("SELECT credentials FROM bank_sources")[0]["credentials"] is None
    with pytest.raises(Problem, match="no source"):
        scene.fetch("centre")


def test_a_paused_source_is_left_alone(scene: Scene, ncmec: NcmecDouble) -> None:
    with scene.db.begin(ME) as tx:
        pause_source(tx, "centre", True)
    assert jobs.fetch_due(scene.db, scene.http) == 0
    with scene.db.begin(ME) as tx:
        pause_source(tx, "centre", False)
    assert jobs.fetch_due(scene.db, scene.http) == 3


@pytest.mark.parametrize(
    ("kind", "url", "more"),
    [
        ("ncmec", "http://elsewhere.example", {"credentials": NCMEC}),
        ("ncmec", "https://u:p@elsewhere.example", {"credentials": NCMEC}),
        ("ncmec", "https://elsewhere.example", {}),
        ("threatexchange", "https://elsewhere.example", {"credentials": THREAT}),
        ("file", "list.txt", {"config": {"kind": "md5"}}),
        ("file", "/list.txt", {}),
        ("unheard-of", "https://elsewhere.example", {}),
    ],
)
def test_a_source_that_cannot_work_says_so(
    scene: Scene, kind: str, url: str, more: dict[str, Any]
) -> None:
    scene.connect("odd", kind, url, **more)
    with pytest.raises(Problem) as told:
        scene.fetch("odd")
    assert told.value.title
    assert scene.source("odd").last_error


def test_inner_addresses_are_never_asked(scene: Scene) -> None:
    scene.connect("inside", "ncmec", "https://169.254.169.254", credentials=NCMEC)
    with pytest.raises(Problem):
        scene.fetch("inside")
    assert "not one of a platform" in (scene.source("inside").last_error or "")
