"""What is answered as stored survives a loss of power: a file, and every name that leads to it."""

import os
from pathlib import Path

import pytest

from openhaven.storage import Blobs, Secrets


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the paths that are synced to the disk during the test."""
    seen: set[str] = set()
    real = os.fsync

    def watched(descriptor: int) -> None:
        seen.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    return seen


def test_a_blob_and_every_folder_that_leads_to_it(tmp_path: Path, synced: set[str]) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.put("med_abc", b"sealed")
    assert {str(tmp_path / "blobs"), str(tmp_path / "blobs" / "bc")} <= synced
    assert any(path.endswith(".part") for path in synced)
    assert blobs.get("med_abc") == b"sealed"


def test_the_secrets_and_their_name(tmp_path: Path, synced: set[str]) -> None:
    first = Secrets.at(tmp_path / "home" / "secrets.json")
    assert str(tmp_path / "home") in synced
    assert Secrets.at(tmp_path / "home" / "secrets.json") == first
