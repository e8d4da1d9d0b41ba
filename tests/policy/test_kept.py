"""A pack that was in force is kept: what was decided on can be shown as it stood then."""

from pathlib import Path

import pytest
from policy_scene import POLICY, RULE, event, found, pack_of, write

from openhaven.core import Problem, system
from openhaven.policy import (
    clause_as_it_stood,
    load,
    pack_as_it_stood,
    register,
)
from openhaven.storage import Database

ME = system("tests")


def test_a_pack_is_kept_once_with_one_entry_in_the_ledger(db: Database, tmp_path: Path) -> None:
    pack = pack_of(tmp_path)
    with db.begin(ME) as tx:
        assert register(tx, pack)
        assert not register(tx, pack)
    with db.begin(ME) as tx:
        assert not register(tx, load(tmp_path))
        rows = tx.rows("SELECT kind, ids, row_id FROM ledger_entries")
    assert rows == [
        {"kind": "pack.loaded", "ids": {"pack": pack.fingerprint}, "row_id": pack.fingerprint}
    ]


def test_a_clause_is_shown_as_it_stood(db: Database, tmp_path: Path) -> None:
    old = pack_of(tmp_path)
    new = load(write(tmp_path, {"policy.md": POLICY.replace("be kind.", "be very kind.")}))
    assert old.fingerprint != new.fingerprint
    with db.begin(ME) as tx:
        register(tx, old)
        register(tx, new)
    with db.read() as tx:
        assert clause_as_it_stood(tx, old.fingerprint, "kind") == old.clauses["kind"]
        assert clause_as_it_stood(tx, new.fingerprint, "kind").text == "Please be very kind."
        assert clause_as_it_stood(tx, old.fingerprint, "spam").ground == "law"


def test_a_kept_pack_judges_as_it_did(db: Database, tmp_path: Path) -> None:
    pack = pack_of(tmp_path)
    with db.begin(ME) as tx:
        register(tx, pack)
    with db.read() as tx:
        again = pack_as_it_stood(tx, pack.fingerprint)
    assert again.fingerprint == pack.fingerprint
    findings = [found("bad")]
    assert again.evaluate(event(), findings) == pack.evaluate(event(), findings)


def test_what_was_never_there(db: Database, tmp_path: Path) -> None:
    pack = pack_of(tmp_path)
    with db.begin(ME) as tx:
        register(tx, pack)
        with pytest.raises(Problem, match="no clause “nothing”") as clause:
            clause_as_it_stood(tx, pack.fingerprint, "nothing")
        with pytest.raises(Problem, match="never in force here") as missing:
            clause_as_it_stood(tx, "sha256:00", "kind")
    assert (clause.value.status, missing.value.status) == (404, 404)


def test_the_fingerprint_changes_with_every_byte_and_with_nothing_else(tmp_path: Path) -> None:
    first = pack_of(tmp_path / "a")
    assert first.fingerprint.startswith("sha256:")
    assert len(first.fingerprint) == 71
    elsewhere = write(tmp_path / "b", {"README.md": "Hello", ".git/config": "x", "__init__.py": ""})
    assert load(elsewhere).fingerprint == first.fingerprint
    changed = {load(write(tmp_path / "c", change)).fingerprint for change in (
        {"rules.yaml": RULE + "\n"}, {"rules.yaml": RULE, "terms/bad.txt": "zorgblat"},
        {"terms/more.txt": "zorgblat\n"}, {"examples.yaml": "[]"},
    )}  # fmt: skip
    assert len(changed | {first.fingerprint}) == 5
