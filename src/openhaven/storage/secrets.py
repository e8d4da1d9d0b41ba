"""The machine's secrets: generated at the first start into a file that only its owner can read."""

import os
import secrets
from pathlib import Path

import msgspec

from openhaven.core import Problem
from openhaven.storage.blobs import sync_folder


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Secrets of one installation, each 32 random bytes as hexadecimal text.

    `master` wraps the sealing keys and makes digests and unguessable links, `ledger_seed` is the
    Ed25519 seed that signs checkpoints, `database_password` guards the bundled PostgreSQL.
    """

    master: str
    ledger_seed: str
    database_password: str

    @staticmethod
    def at(path: Path) -> "Secrets":
        """Read the secrets at `path`, or generate them there (mode 0600) when there are none.

        Raises `Problem` when the file is open to others or is no file of secrets, and when the home
        is closed to us.
        """
        try:
            text = _read(path)
        except OSError as error:
            raise Problem("home.closed", f"{path.parent} cannot be used.", error.strerror or "",
                          status=503, next_step="Start as the user who owns it, or set "
                          "OPENHAVEN_HOME to a directory of your own.") from error  # fmt: skip
        try:
            return msgspec.json.decode(text, type=Secrets)
        except msgspec.MsgspecError as error:
            raise Problem(
                "secrets.broken",
                f"{path} is no file of secrets.",
                str(error),
                next_step="Restore it from a backup: sealed data needs it.",
            ) from error


def _read(path: Path) -> bytes:
    if not path.exists():
        _write(path)
    if path.stat().st_mode & 0o077:
        raise Problem("secrets.open", f"Other users can read {path}.",
                      next_step=f"Run: chmod 600 {path}")  # fmt: skip
    return path.read_bytes()


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = Secrets(*(secrets.token_hex(32) for _ in Secrets.__struct_fields__))
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(fresh), indent=1))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A hard link fails when the file exists, so that of two first starts only one wins.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    # Whatever is sealed from now on needs this file: its name must be on the disk before that.
    sync_folder(path.parent)
