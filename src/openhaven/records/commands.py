"""`openhaven records`: what is kept about people."""

from typing import TYPE_CHECKING

import click

from openhaven import intake
from openhaven.core import system
from openhaven.records import erase, retain

if TYPE_CHECKING:
    from openhaven.line import Haven

_ME = system("operator")


@click.group(help="People's data: erasure and retention.")
def records() -> None:
    """Group the verbs about people's data."""


@records.command("erase")
@click.argument("account")
@click.option("--platform", default="default", show_default=True)
@click.confirmation_option(
    prompt="This cannot be undone, and ends open work and appeals. Erase this person?"
)
@click.pass_obj
def erase_command(haven: "Haven", account: str, platform: str) -> None:
    """Erase a person by the platform's account id; the ledger's proofs stay valid."""
    with haven.db.begin(_ME) as tx:
        blobs = erase(tx, intake.platform_named(tx, platform).id, account)
    for blob in blobs:
        haven.blobs.delete(blob)


@records.command("retain")
@click.pass_obj
def retain_command(haven: "Haven") -> None:
    """Forget now what is past its retention (the worker does so by itself)."""
    retain(haven.db, haven.blobs, haven.settings.retention)
