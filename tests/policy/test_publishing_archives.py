"""Archives that somebody uploads: packs are taken out, and nothing else is."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_scene import FILES
from publishing_scene import office

from openhaven.core import Problem
from openhaven.policy import publishing
from openhaven.policy.publishing import unpacked
from openhaven.storage import Database


def zipped(files: Mapping[str, str | bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def tarred(files: Mapping[str, str | bytes], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def linked(kind: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("pack.toml")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    return out.getvalue()


def zip_link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("pack.toml")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: tarred(files, "w")])
def test_a_pack_comes_out_as_it_went_in(pack) -> None:  # type: ignore[no-untyped-def]
    assert unpacked(pack(FILES)) == FILES
    assert unpacked(pack({f"my-pack/{name}": text for name, text in FILES.items()})) == FILES
    around = {"./" + name: text for name, text in FILES.items()}
    extra = {"README.md": "Hello", ".git/config": "x", "__MACOSX/._pack.toml": b"\x00\xff"}
    assert unpacked(pack({**around, **extra})) == FILES


HOSTILE: dict[str, tuple[bytes, str]] = {
    "up": (tarred({"../evil.txt": "x"}), "archive.unfit"),
    "up in a zip": (zipped({"terms/../../evil.txt": "x"}), "archive.unfit"),
    "from the root": (tarred({"/etc/passwd": "x"}), "archive.unfit"),
    "backslash": (zipped({"terms\\..\\evil.txt": "x"}), "archive.unfit"),
    "symbolic link": (linked(tarfile.SYMTYPE), "archive.unfit"),
    "hard link": (linked(tarfile.LNKTYPE), "archive.unfit"),
    "device": (linked(tarfile.CHRTYPE), "archive.unfit"),
    "link in a zip": (zip_link(), "archive.unfit"),
    "no text": (zipped({"pack.toml": b"\xff\xfe"}), "archive.unfit"),
    "unusual packing": (zipped(FILES, zipfile.ZIP_LZMA), "archive.unfit"),
    "bomb": (zipped({"terms/big.txt": "a" * 300_000_000}), "archive.too_large"),
    "bomb of tar": (tarred({"terms/big.txt": b"a" * 100_000_000}), "archive.too_large"),
    "bomb beside": (tarred({".hidden": b"a" * 100_000_000, **FILES}), "archive.too_large"),
    "many": (zipped({f"terms/t{n}.txt": "w" for n in range(3_000)}), "archive.too_large"),
    "many small": (tarred({f"terms/t{n}.txt": "w" for n in range(600)}), "archive.too_large"),
    "nested": (zipped({"pack.zip": zipped(FILES)}), "archive.unreadable"),
    "nested in a pack": (zipped({**FILES, "terms/a.zip": zipped(FILES)}), "archive.unfit"),
    "too large": (b"PK" + bytes(8_000_001), "archive.too_large"),
    "nothing": (b"", "archive.unreadable"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(600), "archive.unreadable"),
    "cut off": (zipped(FILES)[:-30], "archive.unreadable"),
    "cut off gz": (tarred(FILES)[:-60], "archive.unreadable"),
    "gz of nothing": (gzip.compress(b"x" * 1_000), "archive.unreadable"),
    "xz": (tarred(FILES, "w:xz"), "archive.unreadable"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused(name: str) -> None:
    data, code = HOSTILE[name]
    with pytest.raises(Problem) as problem:
        unpacked(data)
    assert problem.value.code == code


def test_a_name_given_twice_is_refused() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for text in (b"one", b"two"):
            info = tarfile.TarInfo("pack.toml")
            info.size = 3
            archive.addfile(info, io.BytesIO(text))
    with pytest.raises(Problem, match="twice"):
        unpacked(out.getvalue())


@given(st.binary(max_size=400), st.integers(0, 600), st.booleans())
@settings(max_examples=150, deadline=None)
def test_damaged_archives_end_in_a_problem_or_in_files(noise: bytes, at: int, gz: bool) -> None:
    whole = tarred(FILES) if gz else zipped(FILES)
    try:
        files = unpacked(whole[:at] + noise + whole[at + len(noise) :])
    except Problem:
        return
    assert all(isinstance(text, str) for text in files.values())


def test_an_archive_becomes_a_draft(db: Database, tmp_path: Path) -> None:
    here = office(db, tmp_path)
    files = unpacked(zipped({f"mine/{name}": text for name, text in FILES.items()}))
    with db.begin(here.ada) as tx:
        draft = publishing.start_draft(tx, "From an archive", files)
        assert publishing.files_of(tx, draft.id) == FILES
