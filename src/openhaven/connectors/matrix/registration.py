"""The file that a homeserver reads to know us, and what its operator has to do with it."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from openhaven.connectors.matrix.model import SENDER, Server

SERVICE = "openhaven"


def registration(server: Server, our_url: str) -> dict[str, Any]:
    """Return the registration of the application service (Matrix 1.11, application services, 2.1).

    The namespace of users holds every local account and excludes nobody: with it the homeserver
    sends us every event of every room that one of its people is in, and lets us redact in a room
    without being a member. The aliases are ours alone, so that nobody can take our rooms' names.
    """
    name = re.escape(server.server_name)
    return {
        "id": SERVICE,
        "url": our_url,
        "as_token": server.tokens.ours,
        "hs_token": server.tokens.theirs,
        "sender_localpart": SENDER,
        "rate_limited": False,
        "namespaces": {
            "users": [{"exclusive": False, "regex": f"@.*:{name}"}],
            "aliases": [{"exclusive": True, "regex": f"#openhaven-.*:{name}"}],
            "rooms": [],
        },
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Write the registration so that only its owner can read it: it holds both tokens."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    text = yaml.safe_dump(content, sort_keys=False)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("# The registration of Openhaven. It holds secrets: keep it readable by\n")
        file.write("# Synapse's account alone.\n")
        file.write(text)
    draft.replace(path)


def instructions(server: Server, path: Path) -> str:
    """Return what the operator of the homeserver does next."""
    return f"""\
Add these two lines to homeserver.yaml, and restart Synapse (its account must be able to read the
file: it holds secrets, so give it to that account alone):

app_service_config_files:
  - {path.resolve()}

Then run: openhaven matrix check

It makes the account {server.sender}. Let it be a server administrator, with the token
of somebody who is one:

curl -X PUT -H "Authorization: Bearer $ADMIN_TOKEN" -H "Content-Type: application/json" \\
  -d '{{"admin": true}}' {server.url}/_synapse/admin/v1/users/{server.sender}/admin

and run `openhaven matrix check` again. It says in plain words what works."""
