"""`openhaven …` as an operator calls it: a process of its own, exit codes, sentences."""

import os
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from api_scene import REMOVE, Town, body, name, saying, town_on
from line_receiver import receiving
from pictures import encoded, picture
from standardwebhooks import Webhook

from openhaven import decisions, intake
from openhaven.core import utcnow
from openhaven.main import build
from openhaven.storage import Secrets, Settings, postgres

TOOL = (sys.executable, "-m", "openhaven")


def tool(
    env: dict[str, str], *argv: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*TOOL, *argv), env=env, capture_output=True, text=True, timeout=300, cwd=cwd, check=False
    )


def env_of(home: Path, **more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OPENHAVEN_")}
    return clean | {"OPENHAVEN_HOME": str(home)} | more


@pytest.fixture
def env(town: Town, tmp_path: Path) -> dict[str, str]:
    return env_of(town.haven.settings.home, OPENHAVEN_DATABASE_URL=town.haven.db.url)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Check that a command ended with a sentence and without a trace; return what it said."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert done.stderr.startswith("openhaven: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def test_a_key_is_printed_alone(town: Town, env: dict[str, str]) -> None:
    label = name("k")
    made = tool(env, "keys", "create", label, "--platform", "here")
    assert made.returncode == 0, made.stderr
    key = made.stdout.removesuffix("\n")
    assert key.startswith("oh_")
    assert "\n" not in key
    assert town.send(body(), key=key).status == 202
    [row] = town.rows("SELECT digest FROM api_keys WHERE name = %(n)s", n=label)
    assert key.encode() not in bytes(row["digest"])


@pytest.mark.slow
def test_a_key_is_revoked_from_the_command_line(town: Town, env: dict[str, str]) -> None:
    label = name("k")
    key = tool(env, "keys", "create", label, "--platform", "here").stdout.strip()
    assert town.send(body(), key=key).status == 202
    assert "already" in refused(tool(env, "keys", "create", label))
    assert tool(env, "keys", "revoke", label).returncode == 0
    time.sleep(1.05)
    assert town.send(body(), key=key).status == 401
    assert "no living key" in refused(tool(env, "keys", "revoke", label))
    assert "no platform" in refused(tool(env, "keys", "create", label, "--platform", "nowhere"))


@pytest.mark.slow
def test_a_platform_is_added_with_its_secret(town: Town, env: dict[str, str]) -> None:
    label = "p" + name("x")[2:]
    made = tool(env, "platforms", "add", label, "--webhook", "http://127.0.0.1:9/hook")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("whsec_")
    assert made.stdout.count("\n") == 1
    assert f"{label}\twebhook\thttp://127.0.0.1:9/hook" in tool(env, "platforms", "list").stdout
    assert "already" in refused(tool(env, "platforms", "add", label))
    for bad in ("Capital", "under_score", "", "x" * 64, "a b", "'; DROP TABLE platforms"):
        refused(tool(env, "platforms", "add", "--", bad))


def test_a_platform_gets_its_address_and_a_new_secret_later(
    town: Town, env: dict[str, str]
) -> None:
    label, begun = "p" + name("x")[2:], utcnow()
    assert tool(env, "platforms", "add", label).stdout.startswith("whsec_")
    key = tool(env, "keys", "create", name("k"), "--platform", label).stdout.strip()
    with receiving() as receiver:
        first = tool(env, "platforms", "set", label, "--webhook", receiver.url)
        assert first.stdout.startswith("whsec_"), "the secret of the first address is told"
        again = tool(env, "platforms", "set", label, "--new-secret").stdout.strip()
        assert again.startswith("whsec_")
        assert again != first.stdout.strip()
        same = tool(env, "platforms", "set", label, "--webhook", receiver.url).stdout
        assert "signed as before" in same
        town.judged(saying(REMOVE), key)
        town.here.work()
        sent = receiver.headers[0]
        Webhook(again).verify(sent["raw"], sent)
    assert "nothing to change" in refused(tool(env, "platforms", "set", label))
    refused(tool(env, "platforms", "set", label, "--webhook", "ftp://x/"))
    keys = tool(env, "keys", "list").stdout.splitlines()
    (made,) = [line.split("\t")[1:] for line in keys if f"\t{label}\t" in line]
    assert made in [[label, f"{day:%Y-%m-%d}", "works"] for day in (begun, utcnow())]


@pytest.mark.slow
@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/",
        "http://169.254.169.254/",
        "http://127.0.0.1:99999/",
        "http://no-such-host.invalid/",
        "http://user:secret@127.0.0.1/",
    ],
)
def test_a_webhook_that_leads_nowhere_is_refused_with_a_sentence(
    town: Town, env: dict[str, str], url: str
) -> None:
    said = refused(tool(env, "platforms", "add", "p" + name("x")[2:], "--webhook", url))
    assert "secret" not in said


@pytest.mark.slow
def test_erasing_from_the_command_line(town: Town, env: dict[str, str]) -> None:
    account = name("a")
    town.judged(saying(REMOVE, account={"id": account}))
    done = tool(env, "records", "erase", account, "--platform", "here", "--yes")
    assert done.returncode == 0, done.stderr
    assert town.rows("SELECT 1 AS one FROM accounts WHERE id = %(a)s", a=account) == []
    assert "no such account" in refused(
        tool(env, "records", "erase", account, "--platform", "here", "--yes")
    )


def test_the_ledger_holds_and_then_names_what_was_altered(small_town: Town) -> None:
    town = small_town
    env = env_of(town.haven.settings.home, OPENHAVEN_DATABASE_URL=town.haven.db.url)
    decision = town.judged(saying(REMOVE))["decision"]
    town.judged(saying(REMOVE))
    town.work()
    fine = tool(env, "ledger", "verify")
    assert (fine.returncode, fine.stderr) == (0, "")
    assert "holds" in fine.stdout
    with psycopg.connect(town.haven.db.url, autocommit=True) as attacker:
        attacker.execute(
            "UPDATE decisions SET facts = 'Nothing happened.' WHERE id = %s", [decision]
        )
    bad = tool(env, "ledger", "verify")
    assert bad.returncode == 1
    assert decision in bad.stdout.splitlines()[0]
    assert "Traceback" not in bad.stderr
    with psycopg.connect(town.haven.db.url, autocommit=True) as attacker:
        attacker.execute("DELETE FROM ledger_entries WHERE idx = 0")
    assert tool(env, "ledger", "verify").returncode == 1


# Settings --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("colour = 'red'", "colour"),
        ("port = 70000", "port"),
        ("port = 'many'", "port"),
        ("[retention]\nevents = 0", "retention"),
        ("[retention]\nfor_ever = 1", "for_ever"),
        ("[mail]\nhosts = 'x'", "hosts"),
        ("media_limit = -1", "media_limit"),
        ("behind_proxy = 3", "behind_proxy"),
        ("host = ", "openhaven.toml"),
        ("\udcff", "openhaven.toml"),
        ("port = 1\nport = 2", "openhaven.toml"),
    ],
)
def test_a_wrong_settings_file_is_a_sentence(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "openhaven.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    for verb in (("serve",), ("keys", "create", "x"), ("ledger", "verify"), ("backup", "x.tar")):
        said = refused(tool(env_of(tmp_path / "home"), *verb, cwd=tmp_path))
        assert word in said
        if verb == ("serve",) and word != "port":
            break
    assert not (tmp_path / "home").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENHAVEN_PORT", "0"),
        ("OPENHAVEN_PORT", "x"),
        ("OPENHAVEN_PORT", "65536"),
        ("OPENHAVEN_MEDIA_LIMIT", "1"),
        ("OPENHAVEN_CONFIG", "/no/such/file.toml"),
        ("OPENHAVEN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/x"),
        ("OPENHAVEN_DATABASE_URL", "mysql://x"),
    ],
)
def test_a_wrong_variable_is_a_sentence(
    town: Town, tmp_path: Path, variable: str, value: str
) -> None:
    env = env_of(tmp_path, OPENHAVEN_DATABASE_URL=town.haven.db.url) | {variable: value}
    refused(tool(env, "keys", "create", "x"))


@pytest.mark.slow
def test_a_first_start_with_a_pack_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """Later on what was published is in force, and a wrong setting is only remarked on."""
    env = env_of(tmp_path / "home", OPENHAVEN_PACK="/no/such/pack")
    assert "/no/such/pack" in refused(tool(env, "keys", "create", "x"))


@pytest.mark.slow
def test_a_taken_port_is_a_sentence(town: Town, env: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = {"OPENHAVEN_PORT": str(other.getsockname()[1])}
        for verb in ("run", "serve", "demo"):
            said = refused(tool(env | taken, verb))
            assert taken["OPENHAVEN_PORT"] in said
            assert "OPENHAVEN_PORT" in said


@pytest.mark.slow
def test_secrets_that_others_can_read_stop_the_start(town: Town, tmp_path: Path) -> None:
    Secrets.at(tmp_path / "secrets.json")
    (tmp_path / "secrets.json").chmod(0o644)
    env = env_of(tmp_path, OPENHAVEN_DATABASE_URL=town.haven.db.url)
    assert "chmod 600" in refused(tool(env, "keys", "create", "x"))


@pytest.mark.slow
def test_an_unknown_verb_is_wrong_usage(tmp_path: Path) -> None:
    done = tool(env_of(tmp_path), "explode")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert tool(env_of(tmp_path), "--help").returncode == 0
    assert list(tmp_path.iterdir()) == []


# Backup and restore ----------------------------------------------------------------------------


@pytest.fixture
def old_home(tmp_path: Path) -> dict[str, Any]:
    """A home with the bundled PostgreSQL, in which something has happened."""
    home = tmp_path / "old"
    settings = Settings(home=home)
    secrets = Secrets.at(home / "secrets.json")
    with postgres.start(home, password=secrets.database_password) as server:
        house = build(settings, secrets, server.url)
        with receiving() as receiver, town_on(house, receiver) as town:
            media = town.media(encoded(picture(), "PNG")).json["id"]
            sent = saying(f"{REMOVE} sealed-words")
            sent["item"]["media"] = [{"id": media}]
            verdict = town.judged(sent)
            statement = town.ask("GET", f"/v1/decisions/{verdict['decision']}/statement").json
            token = town.token(verdict["decision"])
            town.work()
        house.close()
    return {
        "home": home,
        "media": media,
        "event": sent["id"],
        "decision": verdict["decision"],
        "statement": statement,
        "token": token,
        "key": town.here.key,
    }


@pytest.mark.slow
def test_a_backup_is_restored_into_another_home(old_home: dict[str, Any], tmp_path: Path) -> None:
    file, new = tmp_path / "backup.tar", tmp_path / "new"
    done = tool(env_of(old_home["home"]), "backup", str(file))
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o077 == 0
    assert "there already" in refused(tool(env_of(old_home["home"]), "backup", str(file)))
    assert "in use" in refused(tool(env_of(old_home["home"]), "restore", str(file)))
    done = tool(env_of(new), "restore", str(file))
    assert done.returncode == 0, done.stderr
    verified = tool(env_of(new), "ledger", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    check_restored(new, old_home)
    key = tool(env_of(new), "keys", "create", "again").stdout
    assert key.startswith("oh_")


def check_restored(home: Path, old: dict[str, Any]) -> None:
    """Check that what was sealed opens in the new home, and that its links are the same."""
    secrets = Secrets.at(home / "secrets.json")
    assert (home / "secrets.json").stat().st_mode & 0o077 == 0
    with postgres.start(home, password=secrets.database_password) as server:
        house = build(Settings(home=home), secrets, server.url)
        with house.db.read() as tx:
            platform = intake.platform_named(tx, "here").id
            row = intake.event_of(tx, platform, old["event"])
            assert row is not None
            _, event = intake.open_event(tx, row.seq)
            assert event is not None
            assert event.item is not None
            assert "sealed-words" in str(event.item.text)
            sealed = house.blobs.get(old["media"])
            assert sealed is not None
            assert tx.keys.open(f"media:{old['media']}", sealed) == encoded(picture(), "PNG")
            assert decisions.appeal_token(tx, old["decision"]) == old["token"]
            notice = decisions.notice_text(tx, old["decision"])
            assert notice is not None
            assert notice.text == old["statement"]["notice"]["text"]
        house.close()


@pytest.mark.slow
def test_a_broken_backup_restores_nothing(old_home: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    assert tool(env_of(old_home["home"]), "backup", str(file)).returncode == 0
    with tarfile.open(file) as packed:
        dump = packed.getmember("database.dump")
    # Not between two members, where nothing is that anybody reads.
    data = bytearray(file.read_bytes())
    data[dump.offset_data + dump.size // 2] ^= 0xFF
    for broken in (bytes(data), bytes(data[: len(data) // 3]), b"", b"no tar at all" * 100):
        bad = tmp_path / "bad.tar"
        bad.write_bytes(broken)
        said = refused(tool(env_of(tmp_path / "fresh"), "restore", str(bad)))
        assert "backup" in said or "damaged" in said
        assert not (tmp_path / "fresh" / "secrets.json").exists()
