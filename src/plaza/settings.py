"""Plaza's settings: a handful of environment variables, all checked before anything starts."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


class SettingsError(Exception):
    """What is wrong with the settings, one sentence a line, for the person who starts Plaza."""


@dataclass(frozen=True)
class Settings:
    """Where Plaza listens, where it keeps its state, and how it reaches Openhaven."""

    openhaven_url: str
    openhaven_key: str
    webhook_secret: str
    home: Path = Path(".openhaven/plaza")
    host: str = "127.0.0.1"
    port: int = 8701
    generator: bool = True
    # Where the stand-in for an authority shows what it has received; empty without one.
    authority_url: str = ""

    @property
    def url(self) -> str:
        """The address of Plaza itself, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @staticmethod
    def load(environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check the environment; raises `SettingsError` that names every wrong value."""
        wrong = [words for check in (_url, _key, _secret, _port, _switch)
                 if (words := check(environ))]  # fmt: skip
        if wrong:
            raise SettingsError("\n".join(wrong))
        return Settings(
            openhaven_url=environ["OPENHAVEN_URL"].rstrip("/"),
            openhaven_key=environ["OPENHAVEN_KEY"],
            webhook_secret=environ["OPENHAVEN_WEBHOOK_SECRET"],
            home=Path(environ.get("PLAZA_HOME") or ".openhaven/plaza"),
            host=environ.get("PLAZA_HOST") or "127.0.0.1",
            port=int(environ.get("PLAZA_PORT") or 8701),
            generator=environ.get("PLAZA_GENERATOR", "1") == "1",
            authority_url=environ.get("PLAZA_AUTHORITY_URL", ""),
        )


def _url(environ: Mapping[str, str]) -> str:
    try:
        parts = urlsplit(environ.get("OPENHAVEN_URL", ""))
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
    except ValueError:
        good = False
    return "" if good else "OPENHAVEN_URL must be an address such as http://127.0.0.1:8700."


def _key(environ: Mapping[str, str]) -> str:
    key = environ.get("OPENHAVEN_KEY", "")
    good = key.isascii() and key.isprintable() and key and " " not in key
    return "" if good else "OPENHAVEN_KEY must be an API key: `openhaven keys create` prints one."


def _secret(environ: Mapping[str, str]) -> str:
    prefix, _, rest = environ.get("OPENHAVEN_WEBHOOK_SECRET", "").partition("_")
    try:
        size = len(base64.b64decode(rest + "=" * (-len(rest) % 4), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if prefix == "whsec" and size >= 24:
        return ""
    return ("OPENHAVEN_WEBHOOK_SECRET must be `whsec_` and at least 24 bytes in base64: "
            "`openhaven platforms add` prints one.")  # fmt: skip


def _port(environ: Mapping[str, str]) -> str:
    port = environ.get("PLAZA_PORT") or "8701"
    good = port.isascii() and port.isdigit() and 1 <= int(port) <= 65535
    return "" if good else f"PLAZA_PORT must be a number from 1 to 65535, not “{port}”."


def _switch(environ: Mapping[str, str]) -> str:
    value = environ.get("PLAZA_GENERATOR", "1")
    return "" if value in ("0", "1") else f"PLAZA_GENERATOR must be 0 or 1, not “{value}”."
