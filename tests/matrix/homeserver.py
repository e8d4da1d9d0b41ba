"""A real Synapse on loopback, from its own virtual environment, with SQLite and no federation."""

import hashlib
import hmac
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import urllib3

from ports import free_port

PYTHON = Path(__file__).resolve().parents[2] / ".venv-synapse" / "bin" / "python"
NAME = "haven.test"
_POOL = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=60, read=300))
_FREELY = {"per_second": 1000, "burst_count": 1000}


def need_synapse() -> None:
    """Skip the test with one clear line where Synapse is not installed; fail when `CI=true`."""
    if PYTHON.exists():
        return
    message = f"Synapse is not installed: {PYTHON} is missing (python3 -m venv, matrix-synapse)"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


class Homeserver:
    """One Synapse: it can be started, stopped, killed and started again on the same state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, registration: Path) -> None:
        """Write homeserver.yaml (JSON is YAML) with the two lines that connect us."""
        at = self.folder
        config = {
            "server_name": NAME,
            "app_service_config_files": [str(registration)],
            "listeners": [
                {
                    "port": self.port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "tls": False,
                    "resources": [{"names": ["client"], "compress": False}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(at / "synapse.db")}},
            "media_store_path": str(at / "media"),
            "signing_key_path": str(at / "signing.key"),
            "pid_file": str(at / "pid"),
            "log_config": str(at / "log.yaml"),
            "report_stats": False,
            "registration_shared_secret": "for-tests",
            "macaroon_secret_key": "for-tests",
            "form_secret": "for-tests",
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "bcrypt_rounds": 4,
            "rc_message": _FREELY,
            "rc_joins": {"local": _FREELY},
            "rc_invites": {"per_room": _FREELY, "per_user": _FREELY},
            "rc_reports": _FREELY,
            "rc_media_create": _FREELY,
        }
        log = {
            "version": 1,
            "handlers": {"file": {"class": "logging.FileHandler", "filename": str(at / "log")}},
            "root": {"level": "INFO", "handlers": ["file"]},
            "disable_existing_loggers": False,
        }
        (at / "homeserver.yaml").write_text(json.dumps(config))
        (at / "log.yaml").write_text(json.dumps(log))

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [str(PYTHON), "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]
        if not (self.folder / "signing.key").exists():
            subprocess.run(
                [*command, "--generate-keys"], cwd=self.folder, check=True, capture_output=True
            )
        output = open(self.folder / "output", "ab")  # noqa: SIM115
        self._process = subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        output.close()
        ends = time.monotonic() + 300
        while time.monotonic() < ends:
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "output").read_text()[-2000:])
            try:
                if _POOL.request("GET", f"{self.url}/health").status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                time.sleep(0.05)
        raise RuntimeError("Synapse did not start within 300 s")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it with a signal and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(300)
            self._process = None

    def register(self, name: str, *, admin: bool = False) -> "User":
        """Make an account, as an operator does with the shared secret."""
        where = "/_synapse/admin/v1/register"
        nonce = _json("GET", self.url + where)[1]["nonce"]
        role = "admin" if admin else "notadmin"
        told = "\0".join((nonce, name, "a password", role)).encode()
        body = {
            "nonce": nonce,
            "username": name,
            "password": "a password",
            "admin": admin,
            "mac": hmac.new(b"for-tests", told, hashlib.sha1).hexdigest(),
        }
        status, made = _json("POST", self.url + where, body)
        assert status == 200, made
        return User(self, made["user_id"], made["access_token"])


class User:
    """A person with a client: everything goes through the client-server API."""

    def __init__(self, homeserver: Homeserver, user_id: str, token: str) -> None:
        self.id = user_id
        self.token = token
        self._at = homeserver
        self._sent = 0

    def ask(
        self, method: str, path: str, body: Any = None, *, base: str = "/_matrix/client/v3"
    ) -> tuple[int, Any]:
        """Send a request; return the status and the answer."""
        return _json(method, self._at.url + base + path, body, token=self.token)

    def do(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a request that must succeed; return the answer."""
        status, answer = self.ask(method, path, body, **more)
        assert status == 200, (status, answer)
        return answer

    def room(self, preset: str = "public_chat", **settings: Any) -> str:
        """Create a room and return its id."""
        return str(self.do("POST", "/createRoom", {"preset": preset, **settings})["room_id"])

    def join(self, room: str) -> None:
        """Join a room."""
        self.do("POST", f"/join/{quote(room)}", {})

    def send(self, room: str, content: Mapping[str, Any], kind: str = "m.room.message") -> str:
        """Send an event and return its id."""
        self._sent += 1
        path = f"/rooms/{quote(room)}/send/{kind}/{self._sent}.{time.time_ns()}"
        return str(self.do("PUT", path, content)["event_id"])

    def say(self, room: str, words: str, **more: Any) -> str:
        """Say something in a room; return the event's id."""
        return self.send(room, {"msgtype": "m.text", "body": words, **more})

    def upload(self, data: bytes, kind: str) -> str:
        """Upload a file; return its `mxc://` address."""
        answer = _POOL.request(
            "POST",
            self._at.url + "/_matrix/media/v3/upload",
            body=data,
            headers={"authorization": f"Bearer {self.token}", "content-type": kind},
        )
        assert answer.status == 200, answer.data
        return str(answer.json()["content_uri"])

    def download(self, uri: str) -> int:
        """Try to download a file; return the status."""
        where = f"/_matrix/client/v1/media/download/{uri.removeprefix('mxc://')}"
        headers = {"authorization": f"Bearer {self.token}"}
        return int(_POOL.request("GET", self._at.url + where, headers=headers).status)

    def report(self, room: str, event: str, reason: str) -> None:
        """Report a message, as the menu of a client does."""
        self.do("POST", f"/rooms/{quote(room)}/report/{quote(event)}", {"reason": reason})

    def report_user(self, user: str, reason: str) -> None:
        """Report an account."""
        self.do("POST", f"/users/{quote(user)}/report", {"reason": reason})

    def event(self, room: str, event: str) -> dict[str, Any]:
        """Return an event as this person sees it."""
        found: dict[str, Any] = self.do("GET", f"/rooms/{quote(room)}/event/{quote(event)}")
        return found

    def words(self, room: str) -> list[str]:
        """Return what was said in a room, oldest first."""
        chunk = self.do("GET", f"/rooms/{quote(room)}/messages?dir=b&limit=100")["chunk"]
        said = [e["content"].get("body") for e in chunk if e["type"] == "m.room.message"]
        return [words for words in reversed(said) if words]

    def rooms(self) -> list[str]:
        """Return the rooms that this person is in."""
        return list(self.do("GET", "/joined_rooms")["joined_rooms"])


def _json(method: str, url: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None and method == "GET" else json.dumps(body or {}).encode()
    answer = _POOL.request(method, url, body=data, headers=headers)
    return answer.status, json.loads(answer.data or b"{}")
