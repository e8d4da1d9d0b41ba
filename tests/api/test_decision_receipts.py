"""Receipts of decisions over HTTP and on the command line: for the person, and for the platform."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from api_scene import Town, name, problem, saying
from click.testing import CliRunner, Result
from line_scene import OPERATOR

from openhaven import ledger, records
from openhaven.cli import cli

FACTS = "It says “zork” about\nJo\u202e Doe\x1b[2J."


def receipt_of(town: Town, decision: str) -> str:
    town.work()
    reply = town.ask("GET", f"/v1/decisions/{decision}/receipt")
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"{decision}.tlog-proof" in reply.headers["content-disposition"]
    return str(reply.body, "utf-8")


def verify(file: Path, key: str) -> Result:
    return CliRunner().invoke(cli, ["receipt", "verify", str(file), "--key", key])


@pytest.fixture(scope="module")
def made(town: Town) -> dict[str, Any]:
    return town.decided("restrict", days=3, facts=FACTS)


@pytest.fixture
def saved(town: Town, made: dict[str, Any], tmp_path: Path) -> Path:
    file = tmp_path / "mine.tlog-proof"
    file.write_text(receipt_of(town, made["id"]), "utf-8")
    return file


def test_a_receipt_says_what_was_decided_and_who_may_not_be_named_is_not(
    town: Town, made: dict[str, Any]
) -> None:
    proven = ledger.check_receipt(receipt_of(town, made["id"]), town.haven.signer.vkey)
    words = proven.words or ""
    assert proven.fields["kind"] == "decision.made"
    clause = made["clause_text"].replace("\n", "\n    ")
    for told in (made["id"], made["item"], made["account"], made["clause_title"], clause,
                 made["redress"], "It says “zork” about\n    Jo  Doe"):  # fmt: skip
        assert told in words
    for kept in (town.token(made["id"]), made["decided_by"], made["subject"], made["case_id"],
                 made["judgement"], "/appeal/", "\x1b", "\u202e"):  # fmt: skip
        assert kept not in words


def test_a_rule_s_receipt_names_no_rule(town: Town) -> None:
    made = town.judged(saying("zorgblat"))["decision"]
    words = ledger.check_receipt(receipt_of(town, made), town.haven.signer.vkey).words or ""
    assert "A computer found this and decided it." in words
    assert (
        town.rows("SELECT decided_by FROM decisions WHERE id = %(d)s", d=made)[0][
            "decided_by"
        ].removeprefix("rule:")
        not in words
    )


def test_the_person_finds_the_same_receipt_by_the_link(town: Town, made: dict[str, Any]) -> None:
    path = f"/appeal/{town.token(made['id'])}"
    page = town.place.ask("GET", path, headers={"accept": "text/html"}).body.decode()
    assert f'href="{path}/receipt"' in page
    town.work()
    mine = ledger.check_receipt(
        town.place.ask("GET", f"{path}/receipt").body.decode(), town.haven.signer.vkey
    )
    theirs = ledger.check_receipt(receipt_of(town, made["id"]), town.haven.signer.vkey)
    assert (mine.leaf, mine.words) == (theirs.leaf, theirs.words)
    statement = town.ask("GET", f"/v1/decisions/{made['id']}/statement").json
    assert statement["receipt"].endswith(f"{path}/receipt")
    assert statement["receipt"] in statement["notice"]["text"]


def test_nobody_else_gets_it(town: Town, made: dict[str, Any]) -> None:
    problem(town.ask("GET", f"/v1/decisions/{made['id']}/receipt", key=town.there.key), 404)
    problem(town.ask("GET", f"/v1/decisions/{made['id']}/receipt", key=""), 401)
    problem(town.ask("GET", "/v1/decisions/dec_nothing/receipt"), 404)
    token = town.token(made["id"])
    for guess in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:26], "x"):
        problem(town.place.ask("GET", f"/appeal/{guess}/receipt"), 404)


def test_it_waits_until_the_entry_has_its_place(small_town: Town) -> None:
    verdict = small_town.judged(saying("zorgblat"))
    path = f"/v1/decisions/{verdict['decision']}/receipt"
    assert problem(small_town.ask("GET", path), 409)["code"] == "ledger.waiting"
    small_town.work()
    assert small_town.ask("GET", path).status == 200


def test_once_somebody_is_erased_their_receipt_says_no_word(small_town: Town) -> None:
    made = small_town.decided("remove", facts="Something about Jo Doe.")
    before = receipt_of(small_town, made["id"])
    with small_town.haven.db.begin(OPERATOR) as tx:
        records.erase(tx, small_town.here.platform, made["account"])
    after = ledger.check_receipt(receipt_of(small_town, made["id"]), small_town.haven.signer.vkey)
    assert after.words is None
    assert small_town.rows("SELECT body FROM decision_words") == [{"body": None}]
    # What the person had saved before still proves what it did.
    kept = ledger.check_receipt(before, small_town.haven.signer.vkey)
    assert "Something about Jo Doe." in (kept.words or "")
    assert kept.leaf == after.leaf


def test_words_that_were_altered_behind_our_back_are_not_given_out(small_town: Town) -> None:
    first, second = (small_town.decided("remove")["id"] for _ in range(2))
    small_town.work()
    with small_town.haven.db.begin(OPERATOR) as tx:
        tx.run("""UPDATE decision_words a SET body = b.body, subject = b.subject
                  FROM decision_words b WHERE a.decision = %(a)s AND b.decision = %(b)s""",
               a=first, b=second)  # fmt: skip
    assert problem(small_town.ask("GET", f"/v1/decisions/{first}/receipt"), 500)["code"] == (
        "ledger.words"
    )


def test_the_command_says_that_it_holds_and_what_was_recorded(town: Town, saved: Path) -> None:
    key = town.place.ask("GET", "/ledger/key").body.decode().strip()
    shown = verify(saved, key)
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("This receipt holds. Entry ")
    assert "It says “zork” about" in shown.output
    assert all(sign.isprintable() or sign == "\n" for sign in shown.output)


def test_the_command_says_what_does_not_hold(town: Town, saved: Path, tmp_path: Path) -> None:
    key = town.haven.signer.vkey
    text = saved.read_text("utf-8")
    cases = {
        text.replace("index ", "index 1"): "does not hold",
        text.replace("— ", "- "): "not a signature",
        text[:-9] + "AAAAAAA=\n": "does not hold",
        "": "this is no receipt", "c2sp.org/tlog-proof@v1\n\n": "does not tell the entry's index",
    }  # fmt: skip
    for bad, why in cases.items():
        saved.write_text(bad, "utf-8")
        shown = verify(saved, key)
        assert shown.exit_code == 1
        assert why in shown.output
        assert "What was recorded" not in shown.output
    for data in (b"\xff" * 10, b"x" * 3_000_000):
        saved.write_bytes(data)
        assert (verify(saved, key).exit_code, verify(saved, key).output) == (
            1, "This receipt does not hold: this is no receipt.\n")  # fmt: skip
    missing = verify(tmp_path / "nowhere", key)
    assert (missing.exit_code, missing.output) == (
        1, "The file cannot be read: No such file or directory.\n")  # fmt: skip
    saved.write_text(text, "utf-8")
    for wrong in ("", "x", key[:-2], key.replace("+", " "), name()):
        assert verify(saved, wrong).exit_code == 1
    stranger = ledger.signer_from(bytes(32), town.haven.signer.name).vkey
    assert "does not hold" in verify(saved, stranger).output


@pytest.mark.slow
def test_the_command_needs_no_database(town: Town, saved: Path) -> None:
    command = [sys.executable, "-m", "openhaven", "receipt", "verify", str(saved), "--key",
               town.haven.signer.vkey]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300,
                           env={"OPENHAVEN_DATABASE_URL": "postgresql://no.invalid/"})  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "This receipt holds." in ended.stdout
