"""Files that are kept up to date, and one Openhaven that reads a bank of another one."""

import csv
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from exchange_scene import ME, Scene, hexed
from web_scene import serving

from openhaven import intake
from openhaven.core import Actor, Problem
from openhaven.exchange import jobs, share, unshare
from openhaven.exchange.store import SHARED_PAGE, shared_page
from openhaven.ledger import verify
from openhaven.line import Haven
from openhaven.signals.banks import (
    NewEntry,
    add_entries,
    create_bank,
    propose_negative,
    withdraw_entry,
)
from openhaven.signals.banks.commands import bank as bank_commands
from openhaven.signals.banks.reading import read_entries
from openhaven.storage import Database


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db)


def test_a_file_is_read_again_when_it_changed_and_what_it_left_out_goes(
    scene: Scene, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("md5,quality,id\n" + "".join(f"{hexed(n)},,n{n}\n" for n in range(12_000)))
    scene.connect("ours", "file", str(file), config={"kind": "md5"})
    assert scene.fetch("ours") == 3
    assert len(scene.alive("ours-md5")) == 12_000
    assert scene.fetch("ours") == 1
    assert scene.source("ours").pages == 4
    file.write_text("md5,quality,id\n" + "".join(f"{hexed(n)},,n{n}\n" for n in range(1, 11_000)))
    scene.fetch("ours")
    assert len(scene.alive("ours-md5")) == 10_999
    file.unlink()
    with pytest.raises(Problem, match="could not be read"):
        scene.fetch("ours")
    assert len(scene.alive("ours-md5")) == 10_999
    assert "No such file" in (scene.source("ours").last_error or "")


def test_a_file_that_changes_while_it_is_read_is_begun_again(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("".join(f"{hexed(n)}\n" for n in range(6_000)))
    scene.connect("ours", "file", str(file), config={"kind": "md5"})
    with scene.db.begin(ME) as tx:
        source, credentials = jobs.actions.claim(tx, "ours") or pytest.fail("not due")
    page = jobs.open_exchange(source, credentials, scene.http).fetch("", source.created_at)
    with scene.db.begin(ME) as tx:
        jobs.actions.store_page(tx, source, page)
        tx.run("UPDATE bank_sources SET lease_until = NULL")
    file.write_text("".join(f"{hexed(n)}\n" for n in range(100, 6_000)))
    os.utime(file, ns=(1, 1))
    with pytest.raises(Problem):
        scene.fetch("ours")
    assert "changed while" in (scene.source("ours").last_error or "")
    assert len(scene.alive("ours-md5")) == 5_000
    scene.fetch("ours")
    assert scene.alive("ours-md5") == {hexed(n) for n in range(100, 6_000)}


@pytest.mark.parametrize("form", ["list", "lines"])
def test_json_of_both_forms_is_read(scene: Scene, tmp_path: Path, form: str) -> None:
    rows = [{"pdq": hexed(n, 32), "quality": 40 + n, "tags": ["a", "b"]} for n in range(20)]
    file = tmp_path / "list.json"
    file.write_text(json.dumps(rows) if form == "list" else "\n".join(map(json.dumps, rows)))
    scene.connect("ours", "file", f"file://{file}", config={"kind": "pdq"})
    scene.fetch("ours")
    assert scene.alive("ours-pdq") == {hexed(n, 32) for n in range(10, 20)}
    assert scene.source("ours").refused == 10


# Peers ----------------------------------------------------------------------------------------


def key_of(haven: Haven, name: str = "peer") -> str:
    with haven.db.begin(ME) as tx:
        intake.add_platform(tx, name)
        return intake.create_key(tx, name, intake.platform_named(tx, name))


def test_a_peer_reads_what_was_shared_and_follows_it(
    haven: Haven, db: Database, database_url: str
) -> None:
    here = Scene(haven.db)
    with haven.db.begin(ME) as tx:
        create_bank(tx, "ours", kind="md5", harm="scam", owner="us", purpose="a test")
        create_bank(tx, "secret", kind="md5", harm="scam", owner="us", purpose="a test")
        for start in range(0, SHARED_PAGE * 2 + 5, 500):
            values = [NewEntry(bytes.fromhex(hexed(n))) for n in range(start, start + 500)]
            add_entries(tx, "ours", values)
    key = key_of(haven)
    whole = {hexed(n) for n in range(2_500)}
    with serving(haven) as house:
        url, config = house.url.rstrip("/"), {"bank": "ours"}
        here.connect("friend", "openhaven", url, credentials={"key": key}, config=config)
        with pytest.raises(Problem):  # it was not shared yet
            here.fetch("friend")
        assert "HTTP 404" in (here.source("friend").last_error or "")
        with haven.db.begin(ME) as tx:
            share(tx, "ours", "peer")
        here.fetch("friend")
        assert here.alive("friend-md5") == whole
        with haven.db.begin(ME) as tx:
            withdraw_entry(tx, "ours", bytes.fromhex(hexed(7)))
            add_entries(tx, "ours", [NewEntry(bytes.fromhex(hexed(9_999)))])
        here.fetch("friend")
        assert here.alive("friend-md5") == whole - {hexed(7)} | {hexed(9_999)}
        # What came from a source is not handed on: our own bank of their entries has none to give.
        with haven.db.begin(ME) as tx:
            share(tx, "friend-md5", "peer")
        here.connect("echo", "openhaven", url, credentials={"key": key},
                     config={"bank": "friend-md5"})  # fmt: skip
        here.fetch("echo")
        assert here.rows("SELECT 1 FROM banks WHERE name = 'echo-md5'") == []
        # A database that was put back tells other places: everything is read again.
        here.run("UPDATE bank_sources SET checkpoint = 'c.1-1.5.5' WHERE name = 'friend'")
        with pytest.raises(Problem):
            here.fetch("friend")
        assert here.source("friend").checkpoint == ""
        here.fetch("friend")
        assert here.alive("friend-md5") == whole - {hexed(7)} | {hexed(9_999)}
        with haven.db.begin(ME) as tx:
            unshare(tx, "ours", "peer")
        with pytest.raises(Problem):
            here.fetch("friend")
        assert len(here.alive("friend-md5")) == 2_500


@pytest.mark.parametrize(
    "after",
    ["", "l.e.1", "x.e.1.1", "c.e.-1.1", "c.e.²³.1", f"c.e.{'9' * 20}.1", f"c.e.1.{'9' * 40}",
     "c.e.1.1." * 99],
)  # fmt: skip
def test_a_place_that_is_none_is_refused(db: Database, after: str) -> None:
    with db.begin(ME) as tx:
        made = create_bank(tx, "ours", kind="md5", harm="scam", owner="us", purpose="a test")
        bank = {"id": made.id, "name": "ours", "kind": "md5", "opinion": "positive"}
        if not after:
            after = shared_page(tx, bank, "").next
            assert shared_page(tx, bank, after).next == after
            after = after.replace(".", " ")
        epoch = shared_page(tx, bank, "").next.split(".")[1]
        with pytest.raises(Problem, match="no place in a bank"):
            shared_page(tx, bank, after.replace(".e.", f".{epoch}."))


def test_a_change_that_commits_late_is_not_passed_over(haven: Haven) -> None:
    here = Scene(haven.db)
    key = key_of(haven)
    with haven.db.begin(ME) as tx:
        create_bank(tx, "ours", kind="md5", harm="scam", owner="us", purpose="a test")
        share(tx, "ours", "peer")
    with serving(haven) as house:
        here.connect("friend", "openhaven", house.url.rstrip("/"), credentials={"key": key},
                     config={"bank": "ours"})  # fmt: skip
        here.fetch("friend")
        with haven.db.begin(ME) as slow:
            add_entries(slow, "ours", [NewEntry(bytes.fromhex(hexed(1)))])
            with haven.db.begin(ME) as quick:
                add_entries(quick, "ours", [NewEntry(bytes.fromhex(hexed(2)))])
            here.fetch("friend")
        here.fetch("friend")
    assert here.alive("friend-md5") == {hexed(1), hexed(2)}


def test_peers_say_what_they_think_of_our_entries(haven: Haven) -> None:
    here, key = Scene(haven.db), key_of(haven)
    with haven.db.begin(ME) as tx:
        create_bank(tx, "ours", kind="md5", harm="scam", owner="us", purpose="a test")
        add_entries(tx, "ours", [NewEntry(bytes.fromhex(hexed(1)))])
        share(tx, "ours", "peer")
    (entry,) = here.rows("SELECT id FROM bank_entries")
    with serving(haven) as house:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}

        def say(number: str, word: str, name: str = "ours") -> int:
            body = json.dumps({"id": number, "word": word}).encode()
            url = f"{house.url.rstrip('/')}/v1/banks/{name}/feedback"
            return here.http.send("POST", url, body=body, headers=headers).status

        assert say(str(entry["id"]), "false_match") == 200
        assert say(str(entry["id"]), "confirm") == 200
        assert say("99999", "confirm") == 404
        assert say("x", "confirm") == 404
        assert say(str(entry["id"]), "maybe") == 400
        assert say(str(entry["id"]), "confirm", "secret") == 404
        bad = here.http.send("GET", f"{house.url.rstrip('/')}/v1/banks/ours/changes?after=zz",
                             headers=headers)  # fmt: skip
        assert bad.status == 400
    assert [row["word"] for row in here.rows("SELECT word FROM bank_feedback")] == ["confirm"]


def test_what_waits_for_a_second_person_is_not_shared(haven: Haven) -> None:
    here, key = Scene(haven.db), key_of(haven)
    with haven.db.begin(ME) as tx:
        create_bank(tx, "fine", kind="md5", harm="other", owner="us", purpose="a test",
                    opinion="negative")  # fmt: skip
        share(tx, "fine", "peer")
    with haven.db.begin(Actor("staff", "stf_1", ("policy",))) as tx:
        propose_negative(tx, "fine", [NewEntry(bytes.fromhex(hexed(1)))])
    with serving(haven) as house:
        url = f"{house.url.rstrip('/')}/v1/banks/fine/changes"
        reply = here.http.send("GET", url, headers={"authorization": f"Bearer {key}"})
    assert json.loads(reply.body)["changes"] == []


# The command line -----------------------------------------------------------------------------


def call(haven: Haven, *argv: str, **more: str) -> Result:
    return CliRunner().invoke(bank_commands, argv, obj=haven, **more)  # type: ignore[arg-type]


def test_a_source_is_connected_looked_at_and_taken_away(haven: Haven, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("".join(f"{hexed(n)}\n" for n in range(30)))
    made = call(haven, "connect", "ours", "--kind", "file", "--url", str(file), "--harm", "scam",
                "--set", "kind=md5", "--mode", "live")  # fmt: skip
    assert made.exit_code == 0, made.output
    assert "30 added, 0 withdrawn, 0 refused." in call(haven, "fetch", "ours").output
    assert "ours\tfile\t30 entries\tup to date" in call(haven, "sources").output
    out = tmp_path / "out.csv"
    assert "30 entries" in call(haven, "export", "ours-md5", str(out)).output
    assert len(out.read_text().splitlines()) == 31
    assert oct(out.stat().st_mode & 0o777) == "0o600"
    assert isinstance(call(haven, "export", "ours-md5", str(out)).exception, Problem)
    none = tmp_path / "none.jsonl"
    assert "0 entries" in call(haven, "export", "ours-md5", str(none), "--own").output
    haven_now = Scene(haven.db)
    haven_now.run("UPDATE bank_entries SET provenance = '=1+1', tags = '{@x}'")
    odd = tmp_path / "odd.csv"
    assert call(haven, "export", "ours-md5", str(odd)).exit_code == 0
    row = next(csv.DictReader(odd.read_text().splitlines()))
    assert (row["provenance"], row["tags"]) == ("'=1+1", "'@x")
    with odd.open("rb") as lines:
        back = next(iter(read_entries("md5", lines, "")))
    assert back.entry is not None
    assert (back.entry.provenance, back.entry.tags) == ("=1+1", ("@x",))
    haven_now.run("""UPDATE bank_sources SET current_at = now() - interval '4 hours',
                       failures = 1, last_error = 'It is away.', failing_since = now()""")
    stale = call(haven, "sources")
    assert stale.exit_code == 1
    assert "STALE since" in stale.output
    assert "It is away." in stale.output
    assert "not read any more" in call(haven, "pause", "ours").output
    assert call(haven, "sources").exit_code == 0
    assert "30 entries are withdrawn" in call(haven, "disconnect", "ours", input="y\n").output


@pytest.mark.parametrize("sql", ["url = 'https://another.example'", "mode = 'live'"])
def test_a_source_that_was_turned_to_another_address_is_found_out(haven: Haven, sql: str) -> None:
    here = Scene(haven.db)
    here.connect("friend", "openhaven", "https://friend.example", mode="shadow")
    haven.sequencer.tick()
    with haven.db.read() as tx:
        assert verify(tx, None, haven.signer.vkey).ok
    here.run(f"UPDATE bank_sources SET {sql}")
    with haven.db.read() as tx:
        assert "of bank_sources is not what was sealed" in str(verify(tx, None, haven.signer.vkey))


def test_what_was_exported_can_be_imported(haven: Haven, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        call(haven, "create", name, "--kind", "pdq", "--harm", "other")
    file = tmp_path / "list.jsonl"
    file.write_text("\n".join(
        json.dumps({"pdq": hexed(n, 32), "quality": 90, "id": f"x{n}", "tags": ["a", "b"],
                    "expires_at": "2099-01-01"}) for n in range(5)))  # fmt: skip
    call(haven, "import", "one", str(file))
    for name, suffix in (("two", "csv"), ("three", "json")):
        out = tmp_path / f"{name}.{suffix}"
        call(haven, "export", "one", str(out))
        assert "5 added" in call(haven, "import", name, str(out)).output
    rows = Scene(haven.db).rows("""SELECT value, quality, source_id, tags, expires_at, count(*) AS n
        FROM bank_entries GROUP BY 1, 2, 3, 4, 5""")
    assert [row["n"] for row in rows] == [3] * 5


def test_secrets_are_not_shown_when_they_are_written_wrongly(haven: Haven, tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("hunter2\n")
    result = call(haven, "connect", "c", "--kind", "ncmec", "--url", "https://c.example", "--harm",
                  "csam.known", "--credentials", str(file))  # fmt: skip
    assert isinstance(result.exception, Problem)
    assert "hunter2" not in result.output + str(result.exception)
    assert call(haven, "sources").output == ""
