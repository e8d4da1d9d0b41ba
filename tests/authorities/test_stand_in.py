"""The demo's authority is on this machine, and the demo's settings lead to no other one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from openhaven.cli.stand_in import configured, stand_in
from openhaven.core import Problem
from openhaven.storage import Settings
from plaza.authority import Authority, serving

HERE = "http://127.0.0.1:8702"


def test_the_demos_settings_lead_to_the_stand_in_and_keep_the_rest(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('service_name = "Mine"\n[mail]\nhost = "mail.example"\n')
    settings = Settings(home=tmp_path / "home")
    made = configured(settings, HERE, {"OPENHAVEN_CONFIG": str(own)})
    assert made.stat().st_mode & 0o077 == 0
    found = Settings.load({"OPENHAVEN_CONFIG": str(made)})
    assert found.authorities.cybertip_url == f"{HERE}/ispws"
    assert (found.service_name, found.mail.host) == ("Mine", "mail.example")
    # A second start writes it anew, and adds nothing twice.
    assert (
        configured(settings, HERE, {"OPENHAVEN_CONFIG": str(own)}).read_text().count("[auth") == 1
    )


def test_the_demo_does_not_start_with_a_real_authority(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[authorities]\ncybertip_url = "https://report.cybertip.org/ispws"\n')
    with pytest.raises(Problem) as found:
        configured(Settings(home=tmp_path), HERE, {"OPENHAVEN_CONFIG": str(own)})
    assert found.value.code == "demo.authorities"
    assert not (tmp_path / "demo.toml").exists()


def test_a_port_that_is_taken_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLAZA_AUTHORITY_PORT", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        service, address = stand_in(Settings(home=tmp_path), {"A": "b"}, port - 1)
        assert address == f"http://127.0.0.1:{service.env['PLAZA_AUTHORITY_PORT']}"
        assert service.env["PLAZA_AUTHORITY_PORT"] != str(port)
        assert service.env["A"] == "b"
        monkeypatch.setenv("PLAZA_AUTHORITY_PORT", str(port))
        with pytest.raises(Problem, match="cannot be used"):
            stand_in(Settings(home=tmp_path), {}, 8701)


def test_what_it_shows_is_numbers_and_no_content() -> None:
    authority = Authority()
    with serving(authority) as url:
        page = url.removesuffix("ispws")
        http = urllib3.PoolManager(retries=False)
        assert b"received nothing yet" in http.request("GET", page).data
        authority.submit(b"<report>A secret of a report</report>")
        shown = http.request("GET", page)
        assert shown.headers["content-security-policy"].startswith("default-src 'none'")
        assert b"4000001" in shown.data
        assert b"This is no authority." in shown.data
        assert b"secret" not in shown.data
        # Whoever does not know the account reads nothing else.
        assert http.request("GET", f"{url}/status").status == 401


def test_it_does_not_start_without_a_port() -> None:
    env = {name: value for name, value in os.environ.items() if name != "PLAZA_AUTHORITY_PORT"}
    done = subprocess.run([sys.executable, "-m", "plaza.authority"], env=env, check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 2
    assert "PLAZA_AUTHORITY_PORT" in done.stderr
