"""The page that checks receipts without a network: one file with its own script and style.

It is saved and opened from a disk, so it brings its own policy: nothing but its own script and
style, by their hashes, and no request to anywhere.
"""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from markupsafe import Markup


@cache
def parts() -> dict[str, Any]:
    """Return script, style and the policy (CSP) that lets nothing else happen."""
    script, style = _read("check.js"), _read("check.css")
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    # Both files are our own, and hold nothing that comes from outside.
    return {"script": Markup(script), "style": Markup(style), "policy": policy}  # noqa: S704


def _read(name: str) -> str:
    folder = resources.files("openhaven.transparency") / "templates"
    return (folder / name).read_text("utf-8")


def _source(text: str) -> str:
    """Return how a policy names exactly this script or style (CSP level 3, hash source)."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
