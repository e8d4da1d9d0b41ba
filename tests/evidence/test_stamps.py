"""Time stamps by others: what holds is carried and checked, what does not is said; and sealing."""

import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from evidence_scene import MARK
from hypothesis import given
from hypothesis import strategies as st
from stamp_scene import Authority, serving_stamps
from test_packet import a_case, person

from openhaven.core import Actor, utcnow
from openhaven.evidence import packet
from openhaven.evidence.commands import _stamper
from openhaven.evidence.sealing import CHUNK, SealError
from openhaven.line import Haven
from openhaven.storage.settings import Timestamps
from ports import free_ports

pytestmark = pytest.mark.timeout(900)
OPENHAVEN = Path(sys.executable).with_name("openhaven")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serving_stamps(tmp_path_factory.mktemp("tsa")) as found:
        yield found


@pytest.fixture
def sam(haven: Haven) -> Actor:
    return person(haven, "Sam", "specialist")


def stamper_of(authority: Authority, mode: str = "good") -> packet.Stamper:
    authority.mode = mode
    found = _stamper(Timestamps(authority.url, authority.root))
    assert found is not None
    return found


def made(haven: Haven, who: Actor, case: str, target: Path, **more: object) -> packet.Stamp | None:
    return packet.export(haven.vault, who, case, target, to="Police", reference="PS-1",
                         sequence=haven.sequencer.tick, signer=haven.signer, **more)  # type: ignore[arg-type]  # fmt: skip


def test_a_packet_carries_the_time_that_somebody_else_stamped(
    haven: Haven, sam: Actor, tmp_path: Path, authority: Authority
) -> None:
    case, _ = a_case(haven)
    file = tmp_path / "one.zip"
    stamp = made(haven, sam, case, file, stamper=stamper_of(authority))
    assert stamp is not None
    assert stamp.at is not None
    roots = packet.roots_in(authority.root)
    assert f"{stamp.at:%Y-%m-%d %H:%M:%S}" in packet.verify(file, haven.signer.vkey, roots).stamp
    assert "NOT checked" in packet.verify(file, haven.signer.vkey).stamp
    # What others use says the same.
    with zipfile.ZipFile(file) as packed:
        packed.extractall(tmp_path / "all")
        parts = {name: packed.read(name) for name in packed.namelist()}
    done = subprocess.run(
        [shutil.which("openssl") or "openssl", "ts", "-verify", "-data", "manifest.json", "-in",
         "manifest.tsr", "-CAfile", authority.root],
        cwd=tmp_path / "all", capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, "OK" in done.stdout + done.stderr) == (0, True), done
    # Another stamp, none, or one of another authority is found.
    other = stamper_of(authority).stamp(b"another manifest").answer
    for change in ({"manifest.tsr": other}, {"manifest.tsr": None}):
        _pack(tmp_path / "bad.zip", parts | change)
        with pytest.raises(packet.Faulty):
            packet.verify(tmp_path / "bad.zip", haven.signer.vkey, roots)
    with serving_stamps(_folder(tmp_path / "other")) as stranger, pytest.raises(packet.Faulty):
        packet.verify(file, haven.signer.vkey, packet.roots_in(stranger.root))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _pack(target: Path, parts: dict[str, bytes | None]) -> None:
    with zipfile.ZipFile(target, "w") as packed:
        for name, data in parts.items():
            if data is not None:
                packed.writestr(name, data)


def test_who_lies_or_is_away_holds_up_no_packet(
    haven: Haven, sam: Actor, tmp_path: Path, authority: Authority
) -> None:
    case, _ = a_case(haven)
    stamp = made(haven, sam, case, tmp_path / "one.zip", stamper=stamper_of(authority, "fails"))
    assert stamp is not None
    assert "HTTP 500" in stamp.why
    said = packet.verify(tmp_path / "one.zip", haven.signer.vkey).stamp
    assert stamp.why in said
    data = Authority.data
    for mode in ("wrong digest", "wrong nonce", "expired", "nonsense"):
        found = stamper_of(authority, mode).stamp(data)
        assert (found.answer, found.at) == (b"", None), mode
        assert found.why, mode
    assert stamper_of(authority).stamp(data).at is not None
    late = stamper_of(authority).stamp(data, utcnow() + timedelta(hours=1))
    assert "clock" in late.why
    (port,) = free_ports(1)
    for settings in (Timestamps(f"http://127.0.0.1:{port}/", authority.root),
                     Timestamps(authority.url)):  # fmt: skip
        silent = _stamper(settings)
        assert silent is not None
        assert silent.stamp(data).why


def test_without_the_library_it_is_said_and_not_passed_over(
    haven: Haven, sam: Actor, tmp_path: Path, authority: Authority
) -> None:
    case, _ = a_case(haven)
    made(haven, sam, case, tmp_path / "one.zip", stamper=stamper_of(authority))
    program = (
        "import sys; sys.modules['rfc3161_client'] = None\n"
        "from pathlib import Path; from openhaven.evidence import packet\n"
        f"print(packet.verify(Path({str(tmp_path / 'one.zip')!r}), {haven.signer.vkey!r}).stamp)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "NOT checked" in done.stdout, done


# Sealing --------------------------------------------------------------------------------------


def test_only_who_it_was_sealed_for_opens_a_packet(
    haven: Haven, sam: Actor, tmp_path: Path
) -> None:
    case, _ = a_case(haven)
    police, court, other = (X25519PrivateKey.generate() for _ in range(3))
    publics = [one.public_key().public_bytes_raw() for one in (police, court)]
    sealed = tmp_path / "one.sealed"
    made(haven, sam, case, sealed, seal_for=publics)
    assert MARK not in sealed.read_bytes()
    assert b"manifest.json" not in sealed.read_bytes()
    for private in (police, court):
        key = tmp_path / f"{private.public_key().public_bytes_raw().hex()}.key"
        key.write_text(private.private_bytes_raw().hex())
        target = key.with_suffix(".zip")
        done = _run("open", sealed, target, "--key", key, cwd=tmp_path)
        assert done.returncode == 0, done
        assert target.stat().st_mode & 0o777 == 0o600
        assert packet.verify(target, haven.signer.vkey).files == 2
    done = _run("verify", sealed, "--key", haven.signer.vkey, cwd=tmp_path)
    assert (done.returncode, "sealed" in done.stdout) == (1, True)
    key = tmp_path / "other.key"
    key.write_text(other.private_bytes_raw().hex())
    done = _run("open", sealed, tmp_path / "other.zip", "--key", key, cwd=tmp_path)
    assert (done.returncode, (tmp_path / "other.zip").exists()) == (1, False)


def _run(verb: str, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([OPENHAVEN, "evidence", verb, *map(str, words)], capture_output=True,
                          text=True, cwd=cwd, env={})  # fmt: skip


PRIVATE = X25519PrivateKey.generate()


def _sealed(pieces: list[bytes]) -> bytes:
    out = io.BytesIO()
    envelope = packet.Envelope(out, [PRIVATE.public_key().public_bytes_raw()])
    for piece in pieces:
        envelope.write(piece)
    envelope.close()
    return out.getvalue()


@given(st.lists(st.integers(0, 2 * CHUNK + 3), max_size=4), st.data())
def test_whatever_is_sealed_opens_whole_or_not_at_all(
    sizes: list[int], data: st.DataObject
) -> None:
    pieces = [bytes([at % 256]) * size for at, size in enumerate(sizes)]
    sealed = _sealed(pieces)
    assert b"".join(packet.opened(io.BytesIO(sealed), PRIVATE)) == b"".join(pieces)
    at = data.draw(st.integers(0, len(sealed) - 1))
    flipped = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    for spoilt in (flipped, sealed[:at], sealed + b"x"):
        with pytest.raises(SealError):
            list(packet.opened(io.BytesIO(spoilt), PRIVATE))


def test_the_command_asks_for_whom(haven: Haven, tmp_path: Path) -> None:
    words = ("cas_1", tmp_path / "x", "--as", "Sam", "--to", "Police", "--reference", "1")
    done = _run("export", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert "--for KEY" in done.stdout + done.stderr
    assert not (tmp_path / "x").exists()
