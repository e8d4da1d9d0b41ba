"""`openhaven matrix`: connect a homeserver, and see what works."""

from datetime import timedelta
from pathlib import Path

import click

from openhaven.connectors.http import check_address
from openhaven.connectors.matrix import actions, catching_up, checkup, registration, store
from openhaven.connectors.matrix.catching_up import LONGEST_BACK
from openhaven.connectors.matrix.model import Server
from openhaven.connectors.model import Wiring
from openhaven.core import Problem, system
from openhaven.line import Haven

_ME = system("operator")


@click.group(help="Matrix homeservers (Synapse).")
def matrix() -> None:
    """Group the verbs about homeservers."""


@matrix.command("connect")
@click.option("--homeserver", required=True, help="Its address, such as http://127.0.0.1:8008.")
@click.option("--server-name", required=True, help="What follows the colon in a Matrix id.")
@click.option("--name", help="What the platform is called here; else made from the server name.")
@click.option("--private-basis", help="The legal basis for looking into private rooms.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("registration.yaml"),
    show_default=True,
    help="Where the registration is written.",
)
@click.pass_obj
def connect(
    haven: Haven,
    homeserver: str,
    server_name: str,
    name: str | None,
    private_basis: str | None,
    out: Path,
) -> None:
    """Connect a homeserver: write its registration and say what its operator does next."""
    check_address(homeserver)
    if out.exists():
        raise Problem("matrix.file", f"{out} exists already.",
                      next_step="Choose another file with --out.")  # fmt: skip
    title = name or "matrix-" + "".join(c if c.isalnum() else "-" for c in server_name.lower())
    with haven.db.begin(_ME) as tx:
        platform = actions.connect(tx, title, homeserver, server_name, private_basis)
        server = store.server(tx, platform)
        registration.write(out, registration.registration(server, haven.settings.url))
    click.echo(registration.instructions(server, out))


@matrix.command("registration")
@click.argument("name", required=False)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.pass_obj
def registration_command(haven: Haven, name: str | None, out: Path) -> None:
    """Write the registration again, such as after our address has changed."""
    server = _chosen(haven, name)
    registration.write(out, registration.registration(server, haven.settings.url))
    click.echo(registration.instructions(server, out))


@matrix.command("check")
@click.argument("name", required=False)
@click.pass_context
def check(ctx: click.Context, name: str | None) -> None:
    """Say in plain words what works. Exits 1 when something does not."""
    haven: Haven = ctx.obj
    works = True
    for line in checkup.look(_wiring(haven), _chosen(haven, name)):
        works = works and line.works
        click.echo(f"{'works' if line.works else 'WRONG'}  {line.words}")
        if not line.works:
            click.echo(f"       {line.next_step}")
    ctx.exit(0 if works else 1)


@matrix.command("retry")
@click.argument("name", required=False)
@click.pass_obj
def retry(haven: Haven, name: str | None) -> None:
    """Try again what was set aside because it could not be read."""
    server = _chosen(haven, name)
    with haven.db.begin(_ME) as tx:
        count = actions.try_again(tx, server.platform)
    click.echo(f"{count} events are tried again.")


@matrix.command("catch-up")
@click.argument("name", required=False)
@click.option(
    "--hours",
    type=click.IntRange(1, LONGEST_BACK.days * 24),
    default=24,
    show_default=True,
    help="How far back to read.",
)
@click.pass_obj
def catch_up(haven: Haven, name: str | None, hours: int) -> None:
    """Read again what was said, in every room, and hand on what never came.

    After a restart of the homeserver this happens by itself.
    """
    server = _chosen(haven, name)
    with haven.db.begin(_ME) as tx:
        catching_up.owe(tx, server.platform, tx.now - timedelta(hours=hours))
    click.echo("It is read again by `openhaven work`. See how far with: openhaven matrix check")


def _chosen(haven: Haven, name: str | None) -> Server:
    with haven.db.read() as tx:
        if name is not None:
            return store.server(tx, name)
        known = store.servers(tx)
    if len(known) == 1:
        return known[0]
    raise Problem(
        "matrix.which" if known else "matrix.none",
        "There are several homeservers." if known else "No homeserver is connected.",
        next_step="Name one of: " + ", ".join(server.name for server in known)
        if known
        else "Connect one with: openhaven matrix connect",
    )


def _wiring(haven: Haven) -> Wiring:
    return Wiring(haven.settings, haven.db, haven.blobs, haven.http, haven.hasher)
