"""`openhaven returning`: what is kept, and agreements with other operators."""

import base64
import binascii
import os
import secrets
from pathlib import Path

import click

from openhaven.core import Problem, system
from openhaven.exchange.returning import figures, lists
from openhaven.exchange.returning.model import setting
from openhaven.line import Haven

_ME = system("operator")
_KEY = 32


@click.group("returning", help="Those who may come back: what is kept, and lists of others.")
def returning() -> None:
    """Group the verbs of re-registration."""


@returning.command("show")
@click.pass_context
def show(ctx: click.Context) -> None:
    """Say what is kept and what came of it; exits 1 when newcomers could not be looked up."""
    haven: Haven = ctx.obj
    with haven.db.read() as tx:
        found = figures.counts(tx)
    for one in found.classes:
        click.echo(f"{one.harm}\t{one.held} remembered\t{one.intended} waiting for identifiers\t"
                   f"{one.listed} from lists\t{one.tokens} tokens")  # fmt: skip
    for reason, number in found.ends.items():
        click.echo(f"ended\t{reason}\t{number}")
    for strength, number in found.met.items():
        click.echo(f"newcomers\t{strength}\t{number}")
    if found.met.get("unknown"):
        click.echo("Some newcomers could not be looked up; the log says why.", err=True)
    ctx.exit(1 if found.met.get("unknown") else 0)


@returning.command("key")
@click.pass_obj
def key(haven: Haven) -> None:
    """Print the public key with which others check our lists."""
    with haven.db.read() as tx:
        click.echo(base64.b64encode(lists.public_key(tx)).decode())


@returning.command("agreements")
@click.pass_obj
def agreements(haven: Haven) -> None:
    """List the agreements with other operators."""
    with haven.db.read() as tx:
        for one in lists.agreements(tx):
            state = "ended" if one.ended_at else f"until {one.until:%Y-%m-%d}"
            click.echo(f"{one.name}\t{state}\t{one.entries} entries\t{' '.join(one.classes)}")


@returning.command("agree")
@click.argument("name")
@click.option("--key", "their_key", required=True, help="The other operator's public key (base64).")
@click.option("--secret", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="A file with the shared secret; it is made when there is none.")  # fmt: skip
@click.option("--for", "classes", multiple=True, required=True, metavar="CLASS",
              help="A class of harm; may be given several times.")  # fmt: skip
@click.option("--days", type=click.IntRange(1, 366), default=180, show_default=True)
@click.pass_obj
def agree(
    haven: Haven, /, name: str, their_key: str, secret: Path, classes: tuple[str, ...], days: int
) -> None:
    """Make the agreement NAME, under which lists can be exchanged by two people."""
    shared = _secret(secret)
    with haven.db.begin(_ME) as tx:
        lists.agree(tx, name, shared, _bytes(their_key), list(classes), days)
    click.echo(f"“{name}” is agreed for {days} days.")
    click.echo(f"Bring {secret} to the other operator by a safe way, and delete it.")


@returning.command("end")
@click.argument("name")
@click.confirmation_option(prompt="Is its secret to be destroyed, with every token under it?")
@click.pass_obj
def end(haven: Haven, name: str) -> None:
    """End the agreement NAME now."""
    with haven.db.begin(_ME) as tx:
        found = [one for one in lists.agreements(tx) if one.name == name and not one.ended_at]
        if not found:
            raise Problem(
                "returning.agreement", "There is no agreement of this name in force.", status=404,
                next_step="See `openhaven returning agreements`.",
            )  # fmt: skip
        lists.end_agreement(tx, found[0].id)
    click.echo(f"“{name}” has ended.")


@returning.command("classes")
@click.pass_obj
def classes(haven: Haven) -> None:
    """List the grounds on which an account is remembered, for how long, and what may follow."""
    del haven
    for name, one in setting().classes.items():
        click.echo(f"{name}\t{one.days} days\t{one.answer}")


def _secret(path: Path) -> bytes:
    """Return the secret in a file (base64), or make one there that only its owner can read."""
    try:
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(base64.b64encode(secrets.token_bytes(_KEY)).decode() + "\n")
        if path.stat().st_mode & 0o077:
            raise Problem("returning.secret", f"Other users can read {path}.",
                          next_step=f"Run: chmod 600 {path}")  # fmt: skip
        return _bytes(path.read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise Problem("returning.secret", f"{path} cannot be used.", type(error).__name__,
                      next_step="Name a file that you may read and write.") from error  # fmt: skip


def _bytes(text: str) -> bytes:
    try:
        found = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != _KEY:
        raise Problem(
            "returning.key", "A key or secret is 32 bytes, written as base64.",
            next_step="The other operator gets theirs by `openhaven returning key`.",
        )  # fmt: skip
    return found
