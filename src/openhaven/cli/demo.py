"""`python -m openhaven.cli.demo`: make what the demo needs, and print it as JSON for its parent.

The key and the secret of Plaza are made once and kept in a file that only the owner can read.
"""

import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click
import msgspec

from openhaven import staff
from openhaven.cli.run import KEPT, Kept, Made, kept
from openhaven.core import Problem, system
from openhaven.storage import Database, Secrets, Settings, Tx, migrate

if TYPE_CHECKING:
    from openhaven.line import Haven

_ME = system("demo")
_REVIEWERS = ("Reviewer one", "Reviewer two")
_ROLES = ("moderator", "appeals", "policy", "administrator", "specialist")
_LINK_LIFE = timedelta(hours=24)


def main() -> int:
    """Print the demo's key, secret and sign-in links; returns 1 with a sentence for a problem."""
    settings = Settings.load()
    try:
        known = kept(settings.home, settings.database_url) if settings.database_url else None
        made = _first(settings) if known is None else Made(known, _new_links(settings))
    except Problem as problem:
        click.echo(f"openhaven: {problem} {problem.next_step}", err=True)
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(made))
    return 0


def _new_links(settings: Settings) -> dict[str, str]:
    """Make links only, without wiring the whole: the others start in the same moment."""
    migrate(settings.database_url)
    secrets = Secrets.at(settings.home / "secrets.json")
    db = Database(settings.database_url, bytes.fromhex(secrets.master), size=1)
    try:
        with db.begin(_ME) as tx:
            return _links(tx)
    finally:
        db.close()


def _first(settings: Settings) -> Made:
    from openhaven.authorities.cybertip import Account, set_account
    from openhaven.main import running
    from plaza import pictures

    with running(settings) as haven:
        with haven.db.begin(_ME) as tx:
            made = Made(_keep(haven, tx), _links(tx))
            _bank(haven, tx, "demo-known", pictures.planted(), "other",
                  "A benign picture that stands for known material in the demo.")  # fmt: skip
            _bank(haven, tx, "demo-child-safety", pictures.placeholder(), "csam.known",
                  "An abstract placeholder that stands for known abuse in the demo.")  # fmt: skip
            set_account(tx, Account("demo", "demo"))
        # Whoever finds the file may rely on what it names: the database has it already.
        file = os.open(settings.home / KEPT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(file, "wb") as out:
            out.write(msgspec.json.encode(made.kept))
    return made


def _keep(haven: "Haven", tx: Tx) -> Kept:
    from openhaven import intake

    # A first start that was killed half-way left the platform without the file.
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
    return Kept(intake.create_key(tx, name, intake.platform_named(tx, platform)), secret)


def _bank(haven: "Haven", tx: Tx, name: str, picture: bytes, harm: str, purpose: str) -> None:
    """Plant a picture in a bank, so that a perceptual match happens before one's eyes."""
    from openhaven.signals.banks import NewEntry, add_entries, create_bank

    if tx.value("SELECT 1 FROM banks WHERE name = %(n)s", n=name):
        return
    found = haven.hasher.hash(picture)
    if found.pdq is None or found.quality is None:
        raise Problem(
            "demo.picture", "The demo's picture could not be hashed.", found.unknown or ""
        )
    create_bank(tx, name, kind="pdq", harm=harm, owner="demo", purpose=purpose)
    add_entries(tx, name, [NewEntry(found.pdq, found.quality, "made by the demo")])


def _links(tx: Tx) -> dict[str, str]:
    return {name: _link(tx, name) for name in _REVIEWERS}


def _link(tx: Tx, name: str) -> str:
    known = {member.name: member for member in staff.members(tx)}
    member = known.get(name) or staff.create(tx, name, _ROLES)
    return staff.sign_in_link(tx, member, _LINK_LIFE)


if __name__ == "__main__":
    sys.exit(main())
