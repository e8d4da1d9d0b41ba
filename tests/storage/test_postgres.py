"""The bundled PostgreSQL: it starts anywhere, loses nothing, and never stays behind."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from openhaven.core import Problem
from openhaven.storage import cluster, programs
from openhaven.storage.postgres import Server, server_options, socket_folder, start
from openhaven.storage.process import wait_until

PASSWORD = "a'b%c"
LAUNCHER = """
    import sys, time
    from pathlib import Path
    from openhaven.storage.postgres import start
    server = start(Path(sys.argv[1]), password=sys.argv[2])
    print(server.url, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with start(tmp_path / "home", password=PASSWORD) as running:
        yield running


@pytest.fixture
def launchers() -> Iterator[list[subprocess.Popen[str]]]:
    """Launchers as processes of their own; none survives the test."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait(300)


def launch(home: Path, launchers: list[subprocess.Popen[str]]) -> tuple[subprocess.Popen[str], str]:
    """Start a launcher in its own process; return it and the URL of its server."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(LAUNCHER), str(home), PASSWORD],
        stdout=subprocess.PIPE,
        text=True,
    )
    launchers.append(process)
    assert process.stdout
    return process, process.stdout.readline().strip()


def ask(url: str, sql: str) -> object:
    with psycopg.connect(url, connect_timeout=300) as connection:
        row = connection.execute(sql.encode()).fetchone()
        return row[0] if row else None


def kill_all(data: Path) -> None:
    for pid in cluster.living(data):
        os.kill(pid, signal.SIGKILL)


def test_the_server_answers_several_processes_and_sorts_the_same_everywhere(
    server: Server,
) -> None:
    with psycopg.connect(server.url) as one, psycopg.connect(server.url) as two:
        assert (
            one.execute("SELECT pg_backend_pid()").fetchone()
            != two.execute("SELECT pg_backend_pid()").fetchone()
        )
    assert ask(server.url, "SELECT 'Z' < 'a' AND current_setting('data_checksums') = 'on'") is True
    assert ask(server.url, "SHOW server_encoding") == "UTF8"


def test_nobody_listens_on_the_network(server: Server) -> None:
    assert ask(server.url, "SHOW listen_addresses") == ""


def test_only_the_password_opens_and_the_role_is_no_superuser(server: Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url.replace("a%27b", "wrong"))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url.replace("openhaven:", "postgres:"))
    assert ask(server.url, "SHOW is_superuser") == "off"
    assert ask(server.url, "SELECT rolcreatedb FROM pg_roles WHERE rolname = 'openhaven'") is True


def test_state_and_socket_are_closed_to_others(tmp_path: Path, server: Server) -> None:
    assert server.owned
    for name in ("postgres", "run", "logs"):
        assert (tmp_path / "home" / name).stat().st_mode & 0o077 == 0
    assert (tmp_path / "home/logs/postgres.log").stat().st_mode & 0o077 == 0


def test_the_log_never_holds_what_a_statement_says(tmp_path: Path, server: Server) -> None:
    with psycopg.connect(server.url) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT %s::int", ["private words"])
    with psycopg.connect(server.url) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT 'private words' FROM nowhere")
    assert "private" not in (tmp_path / "home/logs/postgres.log").read_text()


def test_a_second_caller_attaches_and_leaves_the_server_running(
    tmp_path: Path, server: Server
) -> None:
    guest = start(tmp_path / "home", password=PASSWORD)
    assert not guest.owned
    assert guest.url == server.url
    guest.stop()
    assert ask(server.url, "SELECT 1") == 1


def test_a_second_owner_is_refused_with_the_reason(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openhaven.storage.postgres._PATIENCE", 0.2)
    with pytest.raises(Problem) as caught:
        start(tmp_path / "home", password=PASSWORD, attach=False)
    assert caught.value.code == "home.occupied"
    assert str(os.getpid()) in caught.value.title


def test_a_given_address_wins(tmp_path: Path) -> None:
    given = start(tmp_path / "home", url="postgresql://db.example/x")
    assert given.url == "postgresql://db.example/x"
    assert not (tmp_path / "home").exists()


def test_stop_leaves_no_process_and_no_lock(tmp_path: Path) -> None:
    server = start(tmp_path / "home", password=PASSWORD)
    server.stop()
    server.stop()
    assert cluster.living(tmp_path / "home/postgres") == []
    assert not (tmp_path / "home/postgres/postmaster.pid").exists()


def test_a_server_that_ended_by_itself_is_started_again(tmp_path: Path, server: Server) -> None:
    kill_all(tmp_path / "home/postgres")
    assert wait_until(lambda: not server.alive(), 300)
    server.restart()
    assert ask(server.url, "SELECT 1") == 1


def test_a_lost_secrets_file_does_not_lock_the_owner_out(tmp_path: Path) -> None:
    start(tmp_path / "home", password="first").stop()
    said: list[str] = []
    with start(tmp_path / "home", password="second", say=said.append) as server:
        assert ask(server.url, "SELECT 1") == 1
    assert "password" in said[0]


def test_homes_on_long_paths_stand_side_by_side(tmp_path: Path) -> None:
    homes = [tmp_path / ("é" * 60) / ("long" * 20) / name for name in ("one", "two")]
    with start(homes[0], password="1") as one, start(homes[1], password="2") as two:
        sockets = [socket_folder(home, os.getuid()) for home in homes]
        assert all(len(os.fsencode(path)) <= 107 - 14 for path in sockets)
        assert all(path.stat().st_mode & 0o077 == 0 for path in sockets)
        with psycopg.connect(one.url) as connection:
            connection.execute("CREATE TABLE only_in_one (n int)")
        assert ask(two.url, "SELECT to_regclass('only_in_one') IS NULL") is True
    assert not any(path.exists() for path in sockets)


def test_a_socket_directory_made_by_somebody_else_is_refused(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 120)
    environ = {"XDG_RUNTIME_DIR": "/dev/shm"}
    folder = socket_folder(home, os.getuid(), environ)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(Problem, match="belongs to somebody else"):
            socket_folder(home, os.getuid(), environ)
    finally:
        folder.unlink()


def test_data_of_another_version_says_what_to_do(tmp_path: Path) -> None:
    data = tmp_path / "home/postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("14\n")
    with pytest.raises(Problem) as caught:
        start(tmp_path / "home", password=PASSWORD)
    assert caught.value.code == "database.version"
    assert "postgresql-14" in caught.value.next_step
    assert (data / "PG_VERSION").read_text() == "14\n"


def test_a_first_start_that_was_cut_off_begins_anew(tmp_path: Path) -> None:
    draft = tmp_path / "home/postgres.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    with start(tmp_path / "home", password=PASSWORD) as server:
        assert ask(server.url, "SELECT 1") == 1
    assert not draft.exists()


def test_a_stale_lock_whose_pid_is_now_somebody_else_is_no_obstacle(tmp_path: Path) -> None:
    home = tmp_path / "home"
    start(home, password=PASSWORD).stop()
    # The pid of this very test: alive, and no PostgreSQL.
    stale = [os.getpid(), home / "postgres", 0, 5432, home / "run", "", "0 0", "ready"]
    (home / "postgres/postmaster.pid").write_text("\n".join(map(str, stale)))
    with start(home, password=PASSWORD) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_a_zombie_postmaster_is_no_obstacle(tmp_path: Path) -> None:
    abandoned = start(tmp_path / "home", password=PASSWORD)
    data = tmp_path / "home/postgres"
    zombie = int(cluster.postmaster(data)[0])
    kill_all(data)  # we do not wait for it: it stays a zombie, and its lock file stays
    assert wait_until(lambda: not cluster.living(data), 300)
    assert abandoned._running
    os.close(abandoned._running.lock)  # as the death of a launcher would
    with start(tmp_path / "home", password=PASSWORD) as server:
        assert "State:\tZ" in Path(f"/proc/{zombie}/status").read_text()
        assert ask(server.url, "SELECT 1") == 1
    assert not abandoned.alive()


def test_the_server_dies_with_its_launcher(
    tmp_path: Path, launchers: list[subprocess.Popen[str]]
) -> None:
    process, url = launch(tmp_path / "home", launchers)
    assert ask(url, "SELECT 1") == 1
    process.kill()
    assert wait_until(lambda: not cluster.living(tmp_path / "home/postgres"), 300)
    log = (tmp_path / "home/logs/postgres.log").read_text()
    assert "database system is shut down" in log


def test_an_orphan_is_stopped_and_replaced(
    tmp_path: Path, launchers: list[subprocess.Popen[str]]
) -> None:
    process, _ = launch(tmp_path / "home", launchers)
    data = tmp_path / "home/postgres"
    orphan = int(cluster.postmaster(data)[0])
    os.kill(orphan, signal.SIGSTOP)  # so that it cannot follow its launcher in time
    process.kill()
    process.wait(300)
    os.kill(orphan, signal.SIGCONT)
    with start(tmp_path / "home", password=PASSWORD) as server:
        assert int(cluster.postmaster(data)[0]) != orphan
        assert ask(server.url, "SELECT 1") == 1


def test_committed_rows_survive_sigkill_of_everything(
    tmp_path: Path, launchers: list[subprocess.Popen[str]]
) -> None:
    dice, committed = random.Random(20261121), 0
    for _ in range(5):
        process, url = launch(tmp_path / "home", launchers)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (n int PRIMARY KEY)")
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (committed,)
            for _ in range(dice.randint(1, 200)):
                connection.execute("INSERT INTO kept VALUES (%s)", [committed])
                committed += 1
            victims = [process.pid, *cluster.living(tmp_path / "home/postgres")]
            dice.shuffle(victims)
            for pid in victims:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(300)
    with start(tmp_path / "home", password=PASSWORD) as server:
        assert ask(server.url, "SELECT count(*) FROM kept") == committed


def test_a_server_is_started_from_the_main_thread_only(tmp_path: Path) -> None:
    code = LAUNCHER.replace(
        "server = start(Path(sys.argv[1]), password=sys.argv[2])",
        """
    import threading
    def run():
        try:
            start(Path(sys.argv[1]), password=sys.argv[2])
        except RuntimeError as error:
            print(error)
    thread = threading.Thread(target=run); thread.start(); thread.join(); sys.exit()
    """,
    )
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "h"), "x"],
                          capture_output=True, text=True, timeout=300, check=False)  # fmt: skip
    assert "main thread" in done.stdout


@pytest.mark.parametrize("major", [15, 16, 17, 18])
def test_every_version_gets_only_settings_that_it_knows(major: int) -> None:
    assert ("io_method" in server_options(major, Path("/s"))) == (major >= 18)


def test_postgresql_of_the_machine_serves_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [(f, s) for f, s in programs._folders() if "wheel" not in s]
    if not any(programs._look(*folder) for folder in folders):
        pytest.skip("there is no PostgreSQL on this machine besides the wheel")
    monkeypatch.setattr(programs, "_folders", lambda: iter(folders))
    with start(tmp_path / "home", password=PASSWORD) as server:
        assert "wheel" not in server.about
        assert ask(server.url, "SELECT 'Z' < 'a'") is True
    monkeypatch.undo()
    # The wheel is of another version now; the data decides which programs are used.
    with start(tmp_path / "home", password=PASSWORD) as server:
        assert "wheel" not in server.about or programs.find_programs().major == 15


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run PostgreSQL as another account")
def test_root_can_use_an_account_and_change_its_mind() -> None:
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    base.chmod(0o755)
    home = base / "home"
    try:
        for account in (None, "nobody", None):
            with start(home, password=PASSWORD, account=account) as server:
                assert ask(server.url, "SELECT 1") == 1
                assert (account or "namespace") in server.about
    finally:
        shutil.rmtree(base)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run PostgreSQL as another account")
def test_a_home_that_is_closed_to_the_account_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    tmp_path.chmod(0o755)
    with pytest.raises(Problem) as caught:
        start(closed / "home", password=PASSWORD, account="nobody")
    assert caught.value.code == "home.closed"
    assert "OPENHAVEN_HOME" in caught.value.next_step
