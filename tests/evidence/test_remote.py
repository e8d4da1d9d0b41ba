"""The store in a bucket, on a real S3 server: written once, locked, never lost without a word."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from evidence_scene import DAY, MARK, ME, NOW, new_case, received
from s3_scene import SECRET, Store, keys_in, running_store

from openhaven import evidence
from openhaven.core import Problem, utcnow
from openhaven.evidence.remote import Remote
from openhaven.line import Haven
from openhaven.main import build
from openhaven.storage import Bucket, Secrets, Settings
from openhaven.storage.settings import Objects
from ports import free_ports

LOCKED_S = timedelta(days=3)
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def s3() -> Iterator[Store]:
    with running_store() as store:
        yield store


@pytest.fixture(params=["locked", "plain"])
def bucket(request: pytest.FixtureRequest, s3: Store) -> Bucket:
    return Bucket(s3.settings(request.param))


def housed(settings: Settings, url: str, objects: Objects) -> Haven:
    return build(_with(settings, objects), Secrets.at(settings.home / "secrets.json"), url)


def _with(settings: Settings, objects: Objects) -> Settings:
    import msgspec

    return msgspec.structs.replace(settings, objects=objects)


def test_what_is_put_is_there_once_and_stays_until_its_day(
    bucket: Bucket, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = Remote(tmp_path / "s", bucket)
    # Larger than one part, so that both ways of sending are used.
    for data in (b"small" + request.node.name.encode(), bytes(range(256)) * 70_000):
        name, size = store.put([data[:1000], data[1000:]])
        assert (name, size) == (hashlib.sha256(data).hexdigest(), len(data))
        assert store.put([data]) == (name, size)
        assert not bucket.put(f"evidence/{name[:2]}/{name}", b"something else")
        assert b"".join(store.parts(name)) == data
        now = utcnow()
        store.keep(name, now + LOCKED_S)
        store.keep(name, now + LOCKED_S / 2)
        assert not store.remove(name, now + LOCKED_S - timedelta(hours=1))
        assert b"".join(store.parts(name)) == data
        assert [one for one, _ in store.names()].count(name) == 1
    assert list((tmp_path / "s").rglob("*")) == []
    assert store.sweep() == 0


def test_what_is_not_kept_any_more_goes_with_every_version(bucket: Bucket, tmp_path: Path) -> None:
    store = Remote(tmp_path / "s", bucket)
    name, _ = store.put([tmp_path.name.encode()])
    assert store.remove(name, utcnow())
    with pytest.raises(Problem) as gone:
        list(store.parts(name))
    assert gone.value.code == "evidence.lost"
    for ask in (lambda: store.keep(name, utcnow() + DAY), lambda: list(store.parts("0" * 64))):
        with pytest.raises(Problem):
            ask()
    assert name not in [one for one, _ in store.names()]


def test_the_bucket_itself_refuses_who_has_the_keys(s3: Store, tmp_path: Path) -> None:
    bucket, signed = Bucket(s3.settings("locked")), s3.signed("locked")
    assert (bucket.locks(), Bucket(s3.settings("plain")).locks()) == (True, False)
    store = Remote(tmp_path / "s", bucket)
    name, _ = store.put([b"kept by the store"])
    until = utcnow() + LOCKED_S
    store.keep(name, until)
    path = f"evidence/{name[:2]}/{name}"
    held = bucket.locked_until(path)
    assert held is not None
    assert held >= until
    (version,) = signed.versions(path)
    with pytest.raises(Problem) as refused:
        signed.delete(path, version.id)
    assert refused.value.code == "objects.closed"
    # A plain deletion only hides it: what is hidden is still found, and not counted as lost.
    signed._ask("DELETE", path, {}, fine=(200, 204))
    assert bucket.size(path) is None
    assert b"".join(store.parts(name)) == b"kept by the store"


def test_evidence_and_media_lie_in_the_bucket_alone(
    s3: Store, settings: Settings, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    haven = housed(settings, database_url, s3.settings("locked", prefix="town"))
    with haven.db.begin(ME) as tx:
        case = new_case(tx)
        item = received(haven.vault, tx, case, MARK)
        evidence.hold(tx, item, "operator", utcnow() + DAY, "counsel")
        haven.blobs.put("med_1", b"sealed media")
    evidence.tend(haven.vault)
    with haven.db.begin(ME) as tx:
        parts = evidence.read(haven.vault, tx, item, "check")
    assert b"".join(parts) == MARK
    assert haven.blobs.get("med_1") == b"sealed media"
    haven.blobs.delete("med_1")
    assert haven.blobs.get("med_1") is None
    home = settings.home
    assert [one for one in (*(home / "evidence").rglob("*"), *(home / "blobs").rglob("*"))
            if one.is_file()] == []  # fmt: skip
    bucket = Bucket(s3.settings("locked", prefix="town"))
    assert bucket.locked_until(f"evidence/{item.blob[:2]}/{item.blob}") is not None
    shown = capfd.readouterr()
    assert SECRET not in shown.out + shown.err
    assert SECRET not in repr(haven)
    haven.close()


def test_what_lay_on_the_disk_before_is_still_read(s3: Store, haven: Haven) -> None:
    with haven.db.begin(ME, NOW) as tx:
        item = received(haven.vault, tx, new_case(tx), MARK)
    vault = evidence.vault(haven.settings.home, bytes.fromhex(haven.secrets.master), haven.db,
                           Bucket(s3.settings("plain")))  # fmt: skip
    with haven.db.begin(ME, NOW) as tx:
        parts = evidence.read(vault, tx, item, "check")
        evidence.hold(tx, item, "operator", reference="counsel")
    assert b"".join(parts) == MARK
    evidence.tend(vault, NOW)
    evidence.tend(vault, NOW + 400 * DAY)
    assert list(haven.vault.store.names()) == []


def test_a_store_that_is_away_loses_nothing(s3: Store, haven: Haven, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    nowhere = Objects(endpoint=f"http://127.0.0.1:{port}", bucket="plain",
                      credentials=keys_in(tmp_path))  # fmt: skip
    folder = haven.settings.home / "evidence"
    away = replace(haven.vault, store=Remote(folder, Bucket(nowhere)))
    there = replace(haven.vault, store=Remote(folder, Bucket(s3.settings("plain"))))
    with haven.db.begin(ME, NOW) as tx:
        case = new_case(tx)
    with pytest.raises(Problem) as refused, haven.db.begin(ME, NOW) as tx:
        received(away, tx, case, MARK)
    assert (refused.value.code, refused.value.status) == ("objects.away", 503)
    assert list(folder.iterdir()) == []
    with haven.db.begin(ME, NOW) as tx:
        assert evidence.items(tx, case) == []
        item = received(there, tx, case, MARK)
        evidence.hold(tx, item, "operator", reference="counsel")
    # What the bucket is to be told is told when it is back.
    with pytest.raises(Problem):
        evidence.tend(away, NOW)
    evidence.tend(there, NOW)
    with haven.db.begin(ME, NOW) as tx:
        assert tx.value("SELECT kept_until FROM evidence_items WHERE id = %(i)s", i=item.id)


@pytest.mark.parametrize(("bucket", "secret"), [("plain", "another"), ("none", SECRET)])
def test_wrong_keys_and_buckets_are_said_without_a_word_of_them(
    s3: Store, tmp_path: Path, bucket: str, secret: str
) -> None:
    wrong = Bucket(Objects(endpoint=s3.endpoint, bucket=bucket,
                           credentials=keys_in(tmp_path, secret)))  # fmt: skip
    for ask in (lambda: wrong.put("evidence/x", b"x"), wrong.locks):
        with pytest.raises(Problem) as said:
            ask()
        assert said.value.status == 503
        assert secret not in f"{said.value} {said.value.detail} {said.value.__cause__}"


def test_keys_travel_sealed_and_lie_closed(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    for endpoint in ("http://s3.example.org", "s3.example.org", "http://127.0.0.1.example.org"):
        with pytest.raises(Problem) as open_way:
            Bucket(Objects(endpoint=endpoint, bucket="b", credentials=keys))
        assert open_way.value.code == "objects.endpoint"
    keys.chmod(0o644)
    for path in (keys, tmp_path / "none", None):
        with pytest.raises(Problem) as open_file:
            Bucket(Objects(endpoint="https://s3.example.org", bucket="b", credentials=path))
        assert open_file.value.code == "objects.credentials"


def test_an_upload_that_nobody_finished_is_given_up(s3: Store) -> None:
    bucket, signed = Bucket(s3.settings("plain", prefix="half")), s3.signed("plain")
    begun: datetime = utcnow()
    signed._ask("POST", "half/evidence/ab/unfinished", {"uploads": ""}, fine=(200,))
    assert bucket.sweep(begun - DAY) == 0
    assert bucket.sweep(begun + DAY) == 1
    assert bucket.sweep(begun + DAY) == 0


def test_what_is_lost_or_belongs_to_nothing_is_seen(s3: Store, haven: Haven) -> None:
    mine = Bucket(s3.settings("plain", prefix="check"))
    vault = replace(haven.vault, store=Remote(haven.settings.home / "evidence", mine))
    with haven.db.begin(ME, NOW) as tx:
        items = [received(vault, tx, new_case(tx), data) for data in (MARK, b"PLACEHOLDER two")]
    # A crash between the file and its row.
    with pytest.raises(RuntimeError), haven.db.begin(ME, NOW) as tx:  # noqa: PT012
        received(vault, tx, new_case(tx), b"PLACEHOLDER three")
        raise RuntimeError
    assert evidence.check(vault, utcnow()).strays == 0
    found = evidence.check(vault, utcnow() + 2 * DAY)
    assert (found.items, found.lost, found.strays) == (2, (), 1)
    mine.remove(f"evidence/{items[0].blob[:2]}/{items[0].blob}")
    evidence.check(vault, utcnow() + 4 * DAY)
    with haven.db.begin(ME, NOW) as tx:
        last = evidence.last_check(tx)
        assert last is not None
        assert last.lost == (items[0].id,)
        # One that is lost holds up no other.
        for item in items:
            evidence.hold(tx, item, "operator", reference="counsel")
    with pytest.raises(Problem) as told:
        evidence.tend(vault, NOW)
    assert told.value.code == "evidence.lost"
    with haven.db.read() as tx:
        sql = "SELECT id FROM evidence_items WHERE kept_until IS NOT NULL"
        assert [row["id"] for row in tx.rows(sql)] == [items[1].id]
