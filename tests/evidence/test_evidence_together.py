"""What must not be lost or doubled when two do something at once, or something fails half-way."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from evidence_scene import DAY, ME, NOW, kinds, received, taken
from test_lane import Scene, Visitor, place, posted, rows, scene, suspected
from test_packet import a_case, export, person
from web_scene import Place

from openhaven import authorities, evidence, review, staff
from openhaven.core import Problem, utcnow
from openhaven.evidence import actions, holding, jobs, officers, opening, packet, store
from openhaven.evidence.stores import Folder
from openhaven.line import Haven, lane
from openhaven.review import lane as review_lane

__all__ = ["place", "scene"]


def test_a_key_that_comes_after_the_destruction_is_not_kept(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        assert evidence.forget_case(tx, [item.case_id]) == 1
        actions.put_key(tx, item.id, "ofc_late", b"wrapped")
        assert tx.value("SELECT count(*) FROM evidence_keys") == 0


def test_who_is_removed_while_something_is_received_keeps_no_key_of_it(haven: Haven) -> None:
    ida, sam = (person(haven, name, role) for name, role in
                (("Ida", "administrator"), ("Sam", "specialist")))  # fmt: skip
    with haven.db.begin(ida) as tx:
        officers.add(haven.vault, tx, sam.id,
                     X25519PrivateKey.generate().public_key().public_bytes_raw())  # fmt: skip
    item = taken(haven)
    with haven.db.begin(ME, NOW) as receiving:
        received(haven.vault, receiving, item.case_id, b"PLACEHOLDER two")
        with pytest.raises(Problem) as waits, haven.db.begin(ida) as tx:  # noqa: PT012
            tx.run("SET LOCAL lock_timeout = '300ms'")
            officers.remove(haven.vault, tx, sam.id)
    assert waits.value.code == "database.away"
    with haven.db.begin(ida) as tx:
        assert officers.remove(haven.vault, tx, sam.id) == 2


def test_a_hold_that_came_while_items_were_looked_for_is_seen(haven: Haven) -> None:
    held, free = taken(haven), taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        evidence.hold(tx, held.case_id, "us.2703f", reference="a letter")
        found = [held.id, free.id]
        assert holding.actions.still_free(tx, found) == [free.id]


def test_what_is_destroyed_while_the_store_is_listed_is_not_lost(haven: Haven) -> None:
    taken(haven)

    class Meanwhile(Folder):
        def names(self) -> Iterator[tuple[str, datetime]]:
            evidence.tend(haven.vault, NOW + 8 * DAY)
            yield from super().names()

    away = replace(haven.vault, store=Meanwhile(haven.settings.home / "evidence"))
    assert evidence.check(away, NOW).lost == ()
    assert list(haven.vault.store.names()) == []


def test_what_is_held_again_is_held_for_longer(haven: Haven) -> None:
    item = taken(haven)
    until = []
    for days in (0, 0.1, 300):
        with haven.db.begin(ME, NOW + days * DAY) as tx:
            until.append(evidence.hold(tx, item, "operator", reference="counsel").until)
    assert until[0] == until[1] < until[2]


def test_what_the_store_must_keep_does_not_hold_up_what_it_may_let_go(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        hold = evidence.hold(tx, item, "operator", reference="counsel")
    evidence.tend(haven.vault, NOW)
    with haven.db.begin(ME, NOW + DAY) as tx:
        evidence.release_hold(tx, hold.id)
    evidence.tend(haven.vault, NOW + 8 * DAY)
    assert kinds(haven, item)[-1] == "destroyed"
    with haven.db.read(NOW + 8 * DAY) as tx:
        assert jobs._to_remove(tx) == []
    evidence.tend(haven.vault, NOW + 366 * DAY)
    assert kinds(haven, item)[-1] == "removed"


def test_a_hold_that_ended_once_ends_once(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        hold = evidence.hold(tx, item, "us.2703f", reference="letter 1")
    # The job has read it as over, when somebody else had renewed it a moment before.
    with haven.db.begin(ME, NOW + 80 * DAY) as tx:
        evidence.renew(tx, hold.id)
    with haven.db.begin(ME, NOW + 91 * DAY) as tx:
        holding.actions._end(tx, [hold], "over")
        assert store.hold_of(tx, hold.id).stands(tx.now)
        assert not tx.value("SELECT count(*) FROM ledger_entries WHERE kind = 'hold.ended'")
    with haven.db.begin(ME, NOW) as tx, pytest.raises(Problem):
        evidence.hold(tx, item, "operator", reference="x" * 201)


def test_the_five_years_of_a_reference_are_none_of_the_content(haven: Haven) -> None:
    item = taken(haven)
    with haven.db.begin(ME, NOW) as tx:
        for ground in ("uk.nca.content", "uk.nca.reference"):
            evidence.hold(tx, item.case_id, ground, reference="NCA-1")
    evidence.tend(haven.vault, NOW + 364 * DAY)
    assert kinds(haven, item) == ["received"]
    evidence.tend(haven.vault, NOW + 366 * DAY)
    assert kinds(haven, item)[-2:] == ["destroyed", "removed"]
    with haven.db.read(NOW + 4 * 365 * DAY) as tx:
        (left,) = [one for one in evidence.holds(tx, item.case_id) if one.stands(tx.now)]
    assert left.ground == "uk.nca.reference"


def test_a_packet_that_could_not_be_written_was_not_released(haven: Haven, tmp_path: Path) -> None:
    sam = person(haven, "Sam", "specialist")
    case, made = a_case(haven)
    (tmp_path / "there.zip").write_bytes(b"")
    with pytest.raises(Problem) as refused:
        export(haven, sam, case, tmp_path / "there.zip")
    assert refused.value.code == "file.exists"
    assert "released" not in kinds(haven, made[0])

    def meanwhile() -> int:
        with haven.db.begin(ME, NOW) as tx:
            received(haven.vault, tx, case, b"PLACEHOLDER three")
        return haven.sequencer.tick()

    target = tmp_path / "one.zip"
    packet.export(haven.vault, sam, case, target, to="Police", reference="PS-1",
                  sequence=meanwhile, signer=haven.signer)  # fmt: skip
    assert packet.verify(target, haven.signer.vkey).files == 2


def test_what_could_not_be_read_was_not_viewed(scene: Scene, place: Place) -> None:
    _, _, case = suspected(scene)
    with scene.tx("Sam") as tx:
        (item,) = [one for one in evidence.items(tx, case) if one.kind == "media"]
        asked = opening.ask(tx, item, "The police ask for it.")
    with scene.tx("Sue") as tx:
        staff.approvals.answer(tx, asked, True)
    file = scene.haven.settings.home / "evidence" / item.blob[:2] / item.blob
    kept = file.rename(file.with_suffix(".away"))
    sam = Visitor(place).enter(scene.link("Sam"))
    sam.get(f"/console/lane/{case}")
    assert sam.post(f"/console/evidence/{item.id}/open").status == 500
    with scene.tx() as tx:
        assert not evidence.viewing_facts(tx, [item])[item.id].viewed
    kept.rename(file)
    assert sam.post(f"/console/evidence/{item.id}/open").status == 200
    with scene.tx() as tx:
        assert evidence.viewing_facts(tx, [item])[item.id].exif_viewed


# The lane -------------------------------------------------------------------------------------


def test_nothing_is_destroyed_while_a_duty_to_report_it_is_open(scene: Scene) -> None:
    _, _, case = suspected(scene)
    with scene.tx() as tx:
        assert [one.state for one in authorities.duties.list(tx, case=case)] == ["open"]
        item = evidence.items(tx, case)[0]
    for days in (340, 690, 1040):
        now = utcnow() + timedelta(days=days)
        assert lane.tend(scene.haven, now) == 0
        evidence.tend(scene.haven.vault, now + 25 * DAY)
    with scene.haven.db.begin(ME) as tx:
        assert len(evidence.holds(tx, case)) == 4
        parts = evidence.read(scene.haven.vault, tx, item, "check")
    assert b"".join(parts)


def test_one_case_that_fails_holds_up_no_other(scene: Scene) -> None:
    _, task = posted(scene)
    with scene.tx("Ana") as tx:
        review.claim(tx, task)
        review_lane.suspect(tx, task)
    # The same bytes again are in the lane at once.
    item, _ = posted(scene, "yan")
    # What is stored of the first one's event cannot be read.
    with scene.tx() as tx:
        tx.run("""UPDATE events SET body = '\\x00'::bytea WHERE seq =
                  (SELECT event FROM tasks WHERE id = %(t)s)""", t=task)  # fmt: skip
    for _ in range(2):
        assert lane.tend(scene.haven) == 1
    with pytest.raises(ValueError):  # noqa: PT011 (whatever it is, it is said)
        lane.tend(scene.haven)
    states = {row["item"]: row["sealed_at"] is not None
              for row in rows(scene, "SELECT item, sealed_at FROM cases")}  # fmt: skip
    assert states.pop(item)
    assert set(states.values()) == {False}
