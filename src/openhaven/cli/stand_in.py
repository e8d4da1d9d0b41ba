"""The demo's authority: a stand-in on this machine, and the settings that lead there alone.

The demo never reports anything to anybody: whatever `openhaven.toml` says of authorities would lead
a synthetic report to a real one, so that the demo does not start with it.
"""

import os
import socket
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from openhaven.core import Problem
from openhaven.storage import Settings
from openhaven.supervise import Service, check_port

CONFIG = "demo.toml"
_HOST = "127.0.0.1"
_LARGEST_PORT = 65_535


def stand_in(settings: Settings, env: Mapping[str, str], plaza_port: int) -> tuple[Service, str]:
    """Return the service that answers for the authority, and its address without a path.

    It answers on PLAZA_AUTHORITY_PORT, or else on the port after Plaza's, or on any that is free.
    Raises `Problem` for a port that was named and is taken.
    """
    port = _port(plaza_port)
    more = {"PLAZA_AUTHORITY_PORT": str(port)}
    argv = (sys.executable, "-m", "plaza.authority")
    log = settings.home / "logs" / "authority.log"
    service = Service("authority", argv, {**env, **more}, log=log, address=(_HOST, port))
    return service, f"http://{_HOST}:{port}"


def _port(plaza_port: int) -> int:
    if named := os.environ.get("PLAZA_AUTHORITY_PORT"):
        check_port(_HOST, int(named), "PLAZA_AUTHORITY_PORT")
        return int(named)
    wanted = min(plaza_port + 1, _LARGEST_PORT)
    try:
        check_port(_HOST, wanted)
    except Problem:
        with socket.socket() as probe:
            probe.bind((_HOST, 0))
            return int(probe.getsockname()[1])
    return wanted


def configured(settings: Settings, address: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Write the demo's own settings, which add the stand-in to the operator's; return the file.

    Raises `Problem` when the operator's settings name authorities already.
    """
    named = environ.get("OPENHAVEN_CONFIG", "")
    given = Path(named or "openhaven.toml")
    text = given.read_text("utf-8") if named or given.exists() else ""
    if "authorities" in tomllib.loads(text):
        raise Problem("demo.authorities", "The demo reports to a stand-in on this machine only.",
                      f"{given} has a part [authorities].",
                      next_step="Let OPENHAVEN_CONFIG name a file without it, for the demo.",
                      )  # fmt: skip
    settings.home.mkdir(parents=True, exist_ok=True)
    made = settings.home / CONFIG
    made.touch(mode=0o600)
    made.write_text(f"{text}\n{_PART.format(address=address)}", "utf-8")
    return made.resolve()


_PART = """# Written by `openhaven demo` at each start.
[authorities]
established = "US"
cybertip_url = "{address}/ispws"
reporter_first_name = "Demo"
reporter_last_name = "Desk"
reporter_email = "reports@plaza.example"
company = "Plaza, a demo: everything in this report is synthetic."
legal_url = "https://plaza.example/legal"
"""
