"""How a packet for an authority is made: files, a manifest with hashes, our signature. Pure."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from openhaven.authorities.requests.model import Wanted
from openhaven.core import canonical

HEADER = "openhaven lawful request 1"
READ_ME = """What this is
------------
The answer of {service} to a request of an authority. `manifest.json` says which request, what was
agreed to be given, and the SHA-256 of each file. `manifest.signed-note` is our signature over it
(Ed25519, C2SP signed-note); the public key is at {url}/ledger/key.

It holds what the scope in the manifest names, and nothing else. Where a file that you expect is
missing, nothing of the kind is held here.
"""


def manifest_of(
    request: str, reference: str, wanted: Wanted, files: Mapping[str, bytes], now: datetime
) -> bytes:
    """Return the manifest of a packet: canonical JSON."""
    told: dict[str, Any] = {
        "request": request,
        "reference": reference,
        "made_at": now.isoformat(timespec="seconds"),
        "scope": {"categories": list(wanted.categories), "since": wanted.since.isoformat(),
                  "until": wanted.until.isoformat(),
                  "accounts": [{"platform": one.platform, "account": one.account}
                               for one in wanted.subjects]},
        "files": [{"name": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
                  for name, data in sorted(files.items())],
    }  # fmt: skip
    return canonical(told)


def note_text(manifest: bytes) -> str:
    """Return the text that is signed for a manifest."""
    return f"{HEADER}\n{hashlib.sha256(manifest).hexdigest()}\n"


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP file of these files, the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packet:
        for name, data in sorted(files.items()):
            packet.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return out.getvalue()
