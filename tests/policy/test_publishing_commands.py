"""`openhaven pack publish|approve|rollback|…` as people call them."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from policy_scene import FILES, write
from publishing_scene import EXAMPLES, STRICTER, Office, office
from test_publishing_archives import zipped

from openhaven.core import Problem
from openhaven.policy.commands import pack
from openhaven.storage import Database


@pytest.fixture
def here(db: Database, tmp_path: Path) -> Office:
    return office(db, tmp_path)


def call(here: Office, *argv: str) -> Result:
    return CliRunner().invoke(pack, argv, obj=SimpleNamespace(db=here.db))


def problem(result: Result) -> str:
    assert isinstance(result.exception, Problem), result.output
    return result.exception.code


def read(here: Office, draft: str) -> tuple[str, str]:
    """Return the option that names what a second person has read."""
    return "--fingerprint", call(here, "diff", draft).output.splitlines()[0].split("\t")[1]


def test_from_a_folder_to_in_force_and_back(here: Office, tmp_path: Path) -> None:
    folder = write(tmp_path / "new", {"rules.yaml": STRICTER, "examples.yaml": EXAMPLES})
    said = call(here, "publish", str(folder), "--as", "Ada", "--title", "Stricter")
    assert said.exit_code == 0, said.output
    draft = said.output.split("\t")[0]
    assert "\tproposed\tAda\tStricter\n" in said.output
    assert "It was not back-tested." in said.output
    assert call(here, "drafts").output == f"{draft}\tproposed\tAda\tStricter\n"
    diff = call(here, "diff", draft).output
    assert "--- now/rules.yaml" in diff
    assert "+  then: {outcome: remove, harm: harassment}" in diff
    own = call(here, "approve", draft, *read(here, draft), "--as", "Ada", "--reason", "Mine.")
    assert problem(own) == "draft.own"
    done = call(
        here, "approve", draft, *read(here, draft), "--as", "Ben", "--reason", "It reads well."
    )
    assert done.exit_code == 0, done.output
    assert "published, no back-test" in done.output
    assert here.follow().current.files["rules.yaml"] == STRICTER
    back = call(here, "rollback", "--as", "Ben", "--reason", "Too strict.")
    assert "rolled back" in back.output
    assert here.follow().current.files["rules.yaml"] == FILES["rules.yaml"]
    log = call(here, "log").output
    assert [word in log for word in ("rolled back", "published", "from the settings")] == [True] * 3
    assert log.index("Too strict.") < log.index("It reads well.")
    assert call(here, "drafts").output == ""
    assert "\tlive\t" in call(here, "drafts", "--all").output


def test_approve_now_and_publish_later(here: Office, tmp_path: Path) -> None:
    archive = tmp_path / "new.zip"
    archive.write_bytes(zipped({**FILES, "rules.yaml": STRICTER}))
    draft = call(here, "publish", str(archive), "--as", "Ada").output.split("\t")[0]
    early = call(here, "publish", draft, "--as", "Ben")
    assert problem(early) == "draft.not_approved"
    later = call(
        here, "approve", draft, *read(here, draft), "--as", "Ben", "--reason", "Fine.", "--later"
    )
    assert (later.exit_code, later.output) == (0, "")
    assert "published" in call(here, "publish", draft, "--as", "Ada").output


def test_a_folder_with_mistakes_prints_them_with_carets(here: Office, tmp_path: Path) -> None:
    folder = write(tmp_path / "new", {"rules.yaml": STRICTER.replace("bad", "bat")})
    said = call(here, "publish", str(folder), "--as", "Ada")
    assert said.exit_code == 1
    assert said.stdout.startswith("rules.yaml:4:14: There is no name “terms.bat”.")
    assert "                 ^\n" in said.stdout
    assert call(here, "drafts", "--all").output == ""


def test_who_may(here: Office, tmp_path: Path) -> None:
    folder = str(write(tmp_path / "new", {"rules.yaml": STRICTER}))
    assert problem(call(here, "publish", folder, "--as", "Mia")) == "policy.forbidden"
    assert problem(call(here, "publish", folder, "--as", "Zoe")) == "staff.missing"
    assert call(here, "publish", folder).exit_code == 2
    draft = call(here, "publish", folder, "--as", "Ada").output.split("\t")[0]
    assert problem(call(here, "reject", draft, "--as", "Ada", "--reason", "x")) == "draft.own"
    assert "is rejected" in call(here, "reject", draft, "--as", "Ben", "--reason", "x").output
    again = call(here, "publish", folder, "--as", "Ada").output.split("\t")[0]
    assert "is withdrawn" in call(here, "withdraw", again, "--as", "Ada").output
    assert problem(call(here, "rollback", "--as", "Ben", "--reason", "x")) == (
        "policy.nothing_before"
    )


def test_save_edit_publish(here: Office, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    assert "files" in call(here, "save", str(folder)).output
    assert problem(call(here, "save", str(folder))) == "folder.exists"
    (folder / "rules.yaml").write_text(STRICTER)
    draft = call(here, "publish", str(folder), "--as", "Ada").output.split("\t")[0]
    assert draft.startswith("dra_")


def test_somebody_published_meanwhile(here: Office, tmp_path: Path) -> None:
    folder = str(write(tmp_path / "new", {"rules.yaml": STRICTER, "examples.yaml": EXAMPLES}))
    draft = call(here, "publish", folder, "--as", "Ada").output.split("\t")[0]
    here.published(policy_md=FILES["policy.md"] + "\n")
    late = call(here, "approve", draft, *read(here, draft), "--as", "Ben", "--reason", "Fine.")
    assert problem(late) == "draft.outdated"
    assert "Propose it again" in call(here, "update", draft, "--as", "Ada").output
    assert "\tproposed\t" in call(here, "propose", draft, "--as", "Ada").output
    assert (
        call(
            here, "approve", draft, *read(here, draft), "--as", "Ben", "--reason", "Fine."
        ).exit_code
        == 0
    )
    files = here.follow().current.files
    assert (files["rules.yaml"], files["policy.md"]) == (STRICTER, FILES["policy.md"] + "\n")
