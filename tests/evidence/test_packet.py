"""Packets: they hold, and whatever is changed in one is found, with no database at hand."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from evidence_scene import MARK, ME, NOW, kinds, new_case, received

from openhaven import evidence, staff
from openhaven.core import Actor, Problem, system
from openhaven.evidence import officers, opening, packet
from openhaven.evidence.sealing import SealError, unwrap
from openhaven.evidence.whole import whole
from openhaven.line import Haven

PARTS = ("README.txt", "manifest.json", "manifest.signed-note", "case.jsonld")


def person(haven: Haven, name: str, *roles: str) -> Actor:
    with haven.db.begin(system("operator")) as tx:
        return staff.create(tx, name, roles).actor


@pytest.fixture
def sam(haven: Haven) -> Actor:
    """Return a specialist."""
    return person(haven, "Sam", "specialist")


def a_case(haven: Haven, *, lane: bool = False) -> tuple[str, list[evidence.Item]]:
    with haven.db.begin(ME, NOW) as tx:
        case = new_case(tx, lane=lane)
        made = [received(haven.vault, tx, case, data) for data in (MARK, b"PLACEHOLDER two" * 9000)]
        evidence.hold(tx, case, "operator", reference="for a packet")
        evidence.viewed(tx, made[0], "grey", exif_shown=False)
    return case, made


def export(haven: Haven, who: Actor, case: str, target: Path) -> Path:
    packet.export(haven.vault, who, case, target, to="Police of Somewhere", reference="PS-1",
                  sequence=haven.sequencer.tick, signer=haven.signer)  # fmt: skip
    return target


def test_a_packet_holds_and_tells_all(haven: Haven, sam: Actor, tmp_path: Path) -> None:
    case, made = a_case(haven)
    file = export(haven, sam, case, tmp_path / "one.zip")
    found = packet.verify(file, haven.signer.vkey)
    assert (found.case, found.files) == (case, 2)
    with zipfile.ZipFile(file) as packed:
        manifest = json.loads(packed.read("manifest.json"))
        graph = json.loads(packed.read("case.jsonld"))
        assert packed.read(f"files/{made[0].id}") == MARK
    first = manifest["items"][0]
    assert (first["viewed"], first["exif_viewed"], first["name"]) == (
        True, False, "placeholder.png")  # fmt: skip
    told = [one["kind"] for one in manifest["custody"] if one["item"] == made[0].id]
    assert told == ["received", "viewed", "released", "opened"]
    assert {one["@type"].partition(":")[2] for one in graph["@graph"]} == {
        "Investigation", "File", "Identity", "Tool", "InvestigativeAction"}  # fmt: skip
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Problem) as there:
        export(haven, sam, case, file)
    assert there.value.code == "file.exists"


def test_whatever_is_changed_is_found(haven: Haven, sam: Actor, tmp_path: Path) -> None:
    case, made = a_case(haven)
    file = export(haven, sam, case, tmp_path / "one.zip")
    with zipfile.ZipFile(file) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    proof = next(name for name in parts if name.startswith("ledger/"))
    path = f"files/{made[0].id}"
    changes = {
        "file": {path: MARK[:-1] + b"x"},
        "manifest": {"manifest.json": parts["manifest.json"].replace(b'"grey"', b'"colour"')},
        "graph": {"case.jsonld": parts["case.jsonld"].replace(b"viewed", b"opened")},
        "proof": {proof: parts[proof].replace(b"index ", b"index 1", 1)},
        "note": {"manifest.signed-note": parts["manifest.signed-note"][:-9] + b"AAAAAAAA\n"},
        "gone": {path: None},
        "added": {"files/evi_other": b"x"},
    }
    for name, change in changes.items():
        spoilt = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(spoilt, "w") as packed:
            for part, data in (parts | change).items():
                if data is not None:
                    packed.writestr(part, data)
        with pytest.raises(packet.Faulty):
            packet.verify(spoilt, haven.signer.vkey)
    # What the ZIP file says of how its parts are compressed is read before anything is checked.
    whole_file = file.read_bytes()
    for mark, at in ((b"PK\x01\x02", 10), (b"PK\x05\x06", 19)):
        place = whole_file.rindex(mark) + at
        altered = bytes([whole_file[place] ^ 0x20])
        spoilt.write_bytes(whole_file[:place] + altered + whole_file[place + 1 :])
        with pytest.raises(packet.Faulty):
            packet.verify(spoilt, haven.signer.vkey)
    (tmp_path / "none.zip").write_bytes(b"no packet at all")
    with pytest.raises(packet.Faulty):
        packet.verify(tmp_path / "none.zip", haven.signer.vkey)


def test_who_looks_while_a_packet_is_made_does_not_spoil_it(
    haven: Haven, sam: Actor, tmp_path: Path
) -> None:
    case, made = a_case(haven)
    looks = [made[0]]

    def sequence() -> int:
        placed = haven.sequencer.tick()
        while looks:
            with haven.db.begin(sam) as tx:
                evidence.viewed(tx, looks.pop(), "grey", exif_shown=False)
        return placed

    packet.export(haven.vault, sam, case, tmp_path / "one.zip", to="Police", reference="PS-1",
                  sequence=sequence, signer=haven.signer)  # fmt: skip
    assert packet.verify(tmp_path / "one.zip", haven.signer.vkey).files == 2


KILLED = """
import os, signal, sys
from pathlib import Path
from openhaven.evidence.whole import whole
with whole(Path(sys.argv[1])) as file:
    file.write(b"PLACEHOLDER" * 100_000)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_who_is_killed_while_writing_in_the_clear_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "one.zip"
    with whole(target) as file:
        if list(tmp_path.iterdir()):
            pytest.skip("this file system knows no files without a name")
        file.write(MARK)
    assert target.read_bytes() == MARK
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ZeroDivisionError), whole(tmp_path / "two.zip") as file:
        file.write(MARK[: 1 // 0])
    call = [sys.executable, "-c", KILLED, str(tmp_path / "three.zip")]
    assert subprocess.run(call).returncode == -9
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(Problem) as there, whole(target):
        raise AssertionError
    assert there.value.code == "file.exists"


def test_the_command_checks_offline(haven: Haven, sam: Actor, tmp_path: Path) -> None:
    case, _ = a_case(haven)
    file = export(haven, sam, case, tmp_path / "one.zip")
    call = [shutil.which("env") or "env", "-i", sys.executable, "-m", "openhaven", "evidence",
            "verify", str(file), "--key"]  # fmt: skip
    good = subprocess.run([*call, haven.signer.vkey], capture_output=True, text=True, cwd=tmp_path)
    assert (good.returncode, "This packet holds" in good.stdout) == (0, True), good
    bad = subprocess.run([*call, "nonsense"], capture_output=True, text=True, cwd=tmp_path)
    assert bad.returncode == 1
    assert {one.name for one in tmp_path.iterdir()} == {file.name, "home"}


def test_what_may_show_a_child_takes_two_people(haven: Haven, sam: Actor, tmp_path: Path) -> None:
    sue, mod = person(haven, "Sue", "specialist"), person(haven, "Mo", "moderator")
    case, made = a_case(haven, lane=True)
    with pytest.raises(Problem) as alone:
        export(haven, sam, case, tmp_path / "one.zip")
    assert alone.value.code == "evidence.second"
    assert "released" not in kinds(haven, made[0])
    with haven.db.begin(mod) as tx, pytest.raises(Problem):
        opening.ask(tx, evidence.item(tx, made[0].id), "curious")
    for item in made:
        with haven.db.begin(sam) as tx:
            asked = opening.ask(tx, evidence.item(tx, item.id), "for the police")
        with haven.db.begin(sam) as tx, pytest.raises(Problem):
            staff.approvals.answer(tx, asked, True)
        with haven.db.begin(sue) as tx:
            staff.approvals.answer(tx, asked, True)
    packet.verify(export(haven, sam, case, tmp_path / "one.zip"), haven.signer.vkey)


def test_an_officer_opens_with_their_own_key_until_they_leave(haven: Haven, sam: Actor) -> None:
    ida = person(haven, "Ida", "administrator")
    _, made = a_case(haven)
    private, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    with haven.db.begin(sam) as tx, pytest.raises(Problem):
        officers.add(haven.vault, tx, sam.id, private.public_key().public_bytes_raw())
    with haven.db.begin(ida) as tx:
        added = officers.add(haven.vault, tx, sam.id, private.public_key().public_bytes_raw())
        assert added == 2
    _, later = a_case(haven)
    for item, data in ((made[0], MARK), (later[0], MARK)):
        with haven.db.begin(sam) as tx:
            parts = officers.recover(haven.vault, tx, item.id, private)
        assert b"".join(parts) == data
    with haven.db.begin(sam) as tx, pytest.raises(Problem):
        officers.recover(haven.vault, tx, made[0].id, other)
    with haven.db.begin(ida) as tx:
        assert officers.remove(haven.vault, tx, sam.id) == 4
    with haven.db.begin(sam) as tx, pytest.raises(Problem):
        officers.recover(haven.vault, tx, made[0].id, private)
    # For all others nothing has changed.
    with haven.db.begin(ME, NOW) as tx:
        parts = evidence.read(haven.vault, tx, made[0], "check")
    assert b"".join(parts) == MARK


def test_who_left_with_a_key_has_nothing_that_it_opens(haven: Haven, sam: Actor) -> None:
    sue, ida = person(haven, "Sue", "specialist"), person(haven, "Ida", "administrator")
    _, made = a_case(haven)
    keys = {one.id: X25519PrivateKey.generate() for one in (sam, sue)}
    for who, private in keys.items():
        with haven.db.begin(ida) as tx:
            officers.add(haven.vault, tx, who, private.public_key().public_bytes_raw())
    with haven.db.read() as tx:
        before = {bytes(row["wrapped"]) for row in tx.rows("SELECT wrapped FROM evidence_keys")}
    # Nobody thinks of the keys when somebody leaves: the account is disabled, that is all.
    with haven.db.begin(ida) as tx:
        staff.disable(tx, staff.named(tx, "Sam"))
    evidence.tend(haven.vault)
    with haven.db.begin(ida) as tx:
        after = tx.rows("SELECT item, wrapped FROM evidence_keys")
        assert tx.value("SELECT count(*) FROM evidence_officers WHERE removed_at IS NULL") == 1
    # No wrapping of then is left, and none of now opens with the key that left.
    assert not before & {bytes(row["wrapped"]) for row in after}
    assert len(after) == 2 * len(made)
    for row in after:
        with pytest.raises(SealError):
            unwrap(bytes(row["wrapped"]), keys[sam.id], row["item"])
    with haven.db.begin(sue) as tx:
        parts = officers.recover(haven.vault, tx, made[0].id, keys[sue.id])
    assert b"".join(parts) == MARK
    with haven.db.begin(ME, NOW) as tx:
        parts = evidence.read(haven.vault, tx, made[0], "check")
    assert b"".join(parts) == MARK
