"""Items: hashed first, sealed, touched on the record only, held by law, and destroyed for good."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from evidence_scene import DAY, MARK, ME, NOW, kinds, new_case, opened, received, taken
from hypothesis import given
from hypothesis import strategies as st

from openhaven import evidence, ledger
from openhaven.core import Actor, Problem
from openhaven.evidence.model import GROUNDS
from openhaven.line import Haven


def blobs(haven: Haven) -> list[Path]:
    folder = haven.settings.home / "evidence"
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix == ""]


def test_what_is_received_is_hashed_sealed_and_comes_back(haven: Haven) -> None:
    item = taken(haven)
    assert item.sha256 == hashlib.sha256(MARK).digest()
    assert item.md5 == hashlib.md5(MARK, usedforsecurity=False).digest()
    assert (item.size, item.name, item.source) == (
        len(MARK), "placeholder.png", "https://example.org/p/1")  # fmt: skip
    assert b"".join(opened(haven, item)) == MARK
    assert kinds(haven, item) == ["received", "opened"]
    (blob,) = blobs(haven)
    assert MARK not in blob.read_bytes()
    assert blob.name == hashlib.sha256(blob.read_bytes()).hexdigest() == item.blob
    assert blob.stat().st_mode & 0o777 == 0o400


def test_a_large_file_is_taken_from_its_path(haven: Haven, tmp_path: Path) -> None:
    file = tmp_path / "film.bin"
    file.write_bytes(bytes(range(256)) * 20_000)
    with haven.db.begin(ME, NOW) as tx:
        case = new_case(tx)
        item = evidence.receive(haven.vault, tx, case, kind="media", source="", method="upload",
                                data=file, media_type="video/mp4", name="film")  # fmt: skip
        with pytest.raises(Problem) as refused:
            evidence.receive(haven.vault, tx, case, kind="media", source="", method="upload",
                             data=tmp_path / "gone", media_type="video/mp4", name="x")  # fmt: skip
    assert refused.value.code == "evidence.file"
    digest = hashlib.sha256()
    for part in opened(haven, item):
        assert len(part) <= 65_536
        digest.update(part)
    assert digest.digest() == item.sha256


def test_no_byte_comes_before_the_entry_that_tells_it(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        early = evidence.read(haven.vault, tx, item, "check")
        with pytest.raises(Problem) as refused:
            next(early)
    assert refused.value.code == "evidence.early"
    with haven.db.begin(ME, NOW) as tx:
        never = evidence.read(haven.vault, tx, item, "check")
        tx.connection.rollback()
    with pytest.raises(Problem):
        next(never)


def test_altered_or_vanished_bytes_are_an_alarm(haven: Haven) -> None:
    item, other = taken(haven), taken(haven)
    paths = {path.name: path for path in blobs(haven)}
    spoilt = paths[item.blob]
    spoilt.chmod(0o600)
    spoilt.write_bytes(paths[other.blob].read_bytes())
    with pytest.raises(Problem) as altered:
        b"".join(opened(haven, item))
    spoilt.unlink()
    with pytest.raises(Problem) as gone:
        b"".join(opened(haven, item))
    assert (altered.value.code, gone.value.code) == ("evidence.altered", "evidence.lost")


def test_who_has_not_the_role_opens_nothing(haven: Haven) -> None:
    item = taken(haven)
    for actor in (Actor("staff", "stf_nobody", ("specialist",)), Actor("platform", "plf_1")):
        with pytest.raises(Problem) as refused:
            opened(haven, item, actor)
        assert refused.value.status == 403
    assert kinds(haven, item) == ["received"]


def test_the_database_refuses_to_forget_evidence(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        held = evidence.hold(tx, item, "us.2258a", reference="1")
    for sql in (
        "DELETE FROM evidence_items",
        "DELETE FROM custody_events",
        "DELETE FROM holds",
        "UPDATE custody_events SET actor = 'staff:other'",
        "UPDATE evidence_items SET md5 = sha256",
        f"UPDATE evidence_items SET sha256 = sha256('x') WHERE id = '{item.id}'",
        f"UPDATE holds SET until = placed_at + interval '1 day' WHERE id = '{held.id}'",
        "UPDATE evidence_items SET destroyed_at = '2026-11-23'",
    ):
        with pytest.raises(psycopg.errors.CheckViolation), haven.db.begin(ME, NOW) as tx:
            tx.run(sql)


# Viewing facts --------------------------------------------------------------------------------


def test_only_what_was_shown_in_full_counts_as_viewed(haven: Haven) -> None:
    item = taken(haven)
    shown = [("veiled", False, True), ("colour", False, False), ("grey", False, True),
             ("original", True, True)]  # fmt: skip
    said = []
    for rendering, exif, whole in shown:
        with haven.db.begin(ME, NOW) as tx:
            evidence.viewed(tx, item, rendering, exif, whole=whole)  # type: ignore[arg-type]
            fact = evidence.viewing_facts(tx, [item])[item.id]
            said.append((fact.viewed, fact.exif_viewed))
    assert said == [(False, False), (False, False), (True, False), (True, True)]
    assert len(fact.looks) == 4


def test_what_nobody_saw_was_not_viewed(haven: Haven) -> None:
    item = taken(haven)
    b"".join(opened(haven, item))
    with haven.db.read() as tx:
        fact = evidence.viewing_facts(tx, [item.id])[item.id]
    assert (fact.viewed, fact.exif_viewed, fact.looks) == (False, False, ())


# Holds ----------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(GROUNDS)), st.integers(0, 36 * 365 * 24))
def test_a_hold_is_never_shorter_than_its_law(code: str, hours: int) -> None:
    ground, begun = GROUNDS[code], datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    assert ground.until(begun) >= begun + timedelta(days=365 * ground.years + ground.days)
    assert ground.until(begun) <= begun + timedelta(days=366 * ground.years + ground.days + 1)


def test_the_clocks_are_those_of_the_law() -> None:
    ends = {code: ground.until(NOW) - NOW for code, ground in GROUNDS.items()}
    assert ends == {
        "lane": 365 * DAY, "us.2258a": 365 * DAY, "uk.nca.content": 365 * DAY,
        "uk.nca.reference": (5 * 365 + 1) * DAY, "us.2703f": 90 * DAY, "eu.epoc-pr": 60 * DAY,
        "operator": 365 * DAY,
    }  # fmt: skip
    assert {code: g.renew_days for code, g in GROUNDS.items() if g.renew_days} == {
        "lane": 365, "us.2703f": 90, "eu.epoc-pr": 30}  # fmt: skip
    leap = datetime(2028, 2, 29, tzinfo=UTC)
    assert GROUNDS["us.2258a"].until(leap) == datetime(2029, 3, 1, tzinfo=UTC)


def test_a_hold_outlives_erasure_and_ends_by_itself(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        evidence.hold(tx, item.case_id, "us.2703f", reference="letter 1")
        again = evidence.hold(tx, item.case_id, "us.2703f", reference="letter 1")
        assert [one.id for one in evidence.holds(tx, item.case_id)] == [again.id]
    with haven.db.begin(ME, NOW + DAY) as tx:
        assert evidence.forget_case(tx, [item.case_id]) == 0
    evidence.tend(haven.vault, NOW + 2 * DAY)
    assert b"".join(opened(haven, item)) == MARK
    with haven.db.begin(ME, NOW + 3 * DAY) as tx:
        longer = evidence.renew(tx, again.id)
        assert longer.until == NOW + 180 * DAY
        with pytest.raises(Problem):
            evidence.renew(tx, again.id)
    # The store was told, too: it refuses by itself.
    evidence.tend(haven.vault, NOW + 4 * DAY)
    assert not haven.vault.store.remove(item.blob, NOW + 179 * DAY)
    evidence.tend(haven.vault, NOW + 179 * DAY)
    assert b"".join(opened(haven, item)) == MARK
    evidence.tend(haven.vault, NOW + 180 * DAY)
    assert destroyed(haven, item)


def destroyed(haven: Haven, item: evidence.Item) -> bool:
    """Check that nothing opens the item any more, and that the record says so."""
    assert kinds(haven, item)[-2:] == ["destroyed", "removed"]
    with pytest.raises(Problem) as refused:
        opened(haven, item)
    assert refused.value.code == "evidence.destroyed"
    with haven.db.read() as tx:
        left = evidence.item(tx, item.id)
        assert tx.value("SELECT 1 FROM evidence_keys WHERE item = %(i)s", i=item.id) is None
        sql = "SELECT count(*) FROM ledger_entries WHERE row_table LIKE 'evidence_items%%' "
        assert tx.value(sql + "AND row_id = %(i)s AND salt IS NOT NULL", i=item.id) == 0
    assert (left.name, left.source, left.destroyed_at is not None) == ("", "", True)
    haven.sequencer.tick()
    with haven.db.read() as tx:
        assert ledger.verify(tx, None, haven.signer.vkey).findings == ()
    return item.blob not in {path.name for path in blobs(haven)}


def test_erasure_destroys_at_once_what_no_hold_keeps(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        assert evidence.forget_case(tx, [item.case_id]) == 1
    evidence.tend(haven.vault, NOW)
    assert destroyed(haven, item)


def test_what_nobody_holds_goes_after_a_week(haven: Haven) -> None:
    item = taken(haven)
    evidence.tend(haven.vault, NOW + 6 * DAY)
    assert b"".join(opened(haven, item)) == MARK
    evidence.tend(haven.vault, NOW + 8 * DAY)
    assert destroyed(haven, item)


def test_a_hold_on_one_item_keeps_that_one(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        other = received(haven.vault, tx, item.case_id, b"PLACEHOLDER two")
        evidence.hold(tx, item, "operator", reference="asked by counsel")
    evidence.tend(haven.vault, NOW + 8 * DAY)
    assert destroyed(haven, other)
    assert b"".join(opened(haven, item)) == MARK


@pytest.mark.parametrize(
    ("ground", "until", "reference", "code"),
    [
        ("no-such-law", None, "", "hold.ground"),
        ("operator", None, "  ", "hold.reason"),
        ("us.2703f", NOW + 91 * DAY, "", "hold.until"),
        ("us.2703f", NOW, "", "hold.until"),
    ],
)
def test_a_hold_needs_a_ground_and_an_end(
    haven: Haven, ground: str, until: datetime | None, reference: str, code: str
) -> None:
    item = taken(haven)
    with pytest.raises(Problem) as refused, haven.db.begin(ME, NOW) as tx:
        evidence.hold(tx, item, ground, until, reference)
    assert refused.value.code == code


def test_a_statutory_hold_is_not_ended_early(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        law = evidence.hold(tx, item, "us.2258a", reference="4711")
        own = evidence.hold(tx, item, "operator", reference="counsel")
    with pytest.raises(Problem) as refused, haven.db.begin(ME, NOW + DAY) as tx:
        evidence.release_hold(tx, law.id)
    assert refused.value.code == "hold.statutory"
    with haven.db.begin(ME, NOW + DAY) as tx:
        evidence.release_hold(tx, own.id)
        assert [one.stands(tx.now) for one in evidence.holds(tx, item.case_id)] == [True, False]


def test_what_a_hold_refers_to_is_sealed_and_forgotten_with_the_person(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        one = evidence.hold(tx, item, "operator", NOW + DAY, reference="letter of Mr Placeholder")
        assert evidence.hold(tx, item, "operator", NOW + DAY, one.reference).id == one.id
        evidence.forget_case(tx, [item.case_id])
        stored = tx.rows("SELECT reference, sealed_reference FROM holds")
    assert stored[0]["reference"] == ""
    assert b"Placeholder" not in bytes(stored[0]["sealed_reference"])
    with haven.db.read(NOW) as tx:
        assert evidence.holds(tx, item.case_id)[0].reference == "letter of Mr Placeholder"
    evidence.tend(haven.vault, NOW + 2 * DAY)
    with haven.db.read(NOW) as tx:
        assert evidence.holds(tx, item.case_id)[0].reference == ""
