"""`python -m openhaven.cli.demo`: make what the demo needs, and print it as JSON for its parent.

The key and the secret of Plaza are made once and kept in a file that only the owner can read.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

import click
import msgspec

from openhaven import intake, staff
from openhaven.cli.run import Made
from openhaven.core import Problem, system
from openhaven.line import Haven
from openhaven.main import running
from openhaven.signals.banks.actions import NewEntry, add_entries, create_bank
from openhaven.storage import Settings, Tx

_ME = system("demo")
_REVIEWERS = ("Reviewer one", "Reviewer two")
_ROLES = ("moderator", "appeals", "administrator")
_LINK_LIFE = timedelta(hours=24)


class _Kept(msgspec.Struct):
    key: str
    webhook_secret: str


def main() -> int:
    """Print the demo's key, secret and sign-in links; returns 1 with a sentence for a problem."""
    try:
        with running(Settings.load()) as haven:
            made = _make(haven)
    except Problem as problem:
        click.echo(f"openhaven: {problem} {problem.next_step}", err=True)
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(made))
    return 0


def _make(haven: Haven) -> Made:
    file = haven.settings.home / "demo.json"
    with haven.db.begin(_ME) as tx:
        kept = _kept(haven, tx, file)
        _bank(haven, tx)
        links = {name: _link(tx, name) for name in _REVIEWERS}
    return Made(kept.key, kept.webhook_secret, links)


def _kept(haven: Haven, tx: Tx, file: Path) -> _Kept:
    if file.exists() and tx.value("SELECT 1 FROM platforms WHERE name = 'plaza'"):
        return msgspec.json.decode(file.read_bytes(), type=_Kept)
    # A first start that was killed half-way left the platform without the file, or the other way.
    name = "plaza"
    while tx.value("SELECT 1 FROM platforms WHERE name = %(n)s", n=name):
        name += "-again"
    port = int(os.environ.get("PLAZA_PORT") or haven.settings.port + 1)
    host = haven.settings.host
    platform, secret = intake.add_platform(
        tx,
        name,
        webhook_url=f"http://{host}:{port}/openhaven/acts",
        private_basis="Demo: every message is synthetic and nobody's.",
    )
    kept = _Kept(intake.create_key(tx, name, intake.platform_named(tx, platform)), secret)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(msgspec.json.encode(kept))
    return kept


def _bank(haven: Haven, tx: Tx) -> None:
    """Plant a benign picture in a bank, so that a perceptual match happens before one's eyes."""
    from plaza import pictures

    if tx.value("SELECT 1 FROM banks WHERE name = 'demo-known'"):
        return
    found = haven.hasher.hash(pictures.planted())
    if found.pdq is None or found.quality is None:
        raise Problem(
            "demo.picture", "The demo's picture could not be hashed.", found.unknown or ""
        )
    create_bank(tx, "demo-known", kind="pdq", harm="other", owner="demo",
                purpose="A benign picture that stands for known material in the demo.")  # fmt: skip
    entry = NewEntry(found.pdq, found.quality, "made by the demo")
    add_entries(tx, "demo-known", [entry])


def _link(tx: Tx, name: str) -> str:
    known = {member.name: member for member in staff.members(tx)}
    member = known.get(name) or staff.create(tx, name, _ROLES)
    return staff.sign_in_link(tx, member, _LINK_LIFE)


if __name__ == "__main__":
    sys.exit(main())
