"""Verbs of `openhaven authorities`: the account, the schema, what is due and what was sent."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from openhaven.authorities import duties, store
from openhaven.authorities.cybertip import Account, Server, accept_schema, fetch_schema, set_account
from openhaven.authorities.cybertip import store as cybertip
from openhaven.authorities.model import STATES, named
from openhaven.authorities.requests import store as register
from openhaven.authorities.requests.keys import open_with
from openhaven.core import Problem, system
from openhaven.line import Haven

_ME = system("operator")


@click.group()
def authorities() -> None:
    """Whom the law asks to be told: the account there, what is due and what was sent."""


@authorities.command()
@click.argument("credentials", type=click.File("r"))
@click.pass_obj
def account(haven: Haven, credentials: Any) -> None:
    """Store user and password at NCMEC from the file CREDENTIALS (or “-”): one a line.

    They are sealed. Delete the file after.
    """
    lines = [line.strip() for line in credentials.read().splitlines() if line.strip()]
    if len(lines) != 2:
        raise Problem("authorities.account", "Two lines are wanted: the user, then the password.")
    given = Account(*lines)
    # An address to which a password must not go is told before it is stored.
    Server(haven.http, haven.settings.authorities.cybertip_url, given)
    with haven.db.begin(_ME) as tx:
        set_account(tx, given)
    click.echo("Stored. Try it: openhaven authorities status")


@authorities.command()
@click.pass_obj
def status(haven: Haven) -> None:
    """Ask the authority's server whether it knows us, and say what stands against sending."""
    where = haven.settings.authorities
    code = _server(haven).status().code
    click.echo(f"{where.cybertip_url}\tcode {code}" + (" (all is well)" if code == 0 else ""))
    with haven.db.read() as tx:
        found = cybertip.trouble(tx)
    if found.schema_new:
        click.echo("The schema has changed. See: openhaven authorities schema --show")
    if code != 0:
        raise Problem("authorities.status", "The authority does not accept us now.", f"Code {code}",
                      next_step="Codes 2000 to 3300: openhaven authorities account")  # fmt: skip


@authorities.command()
@click.option("--accept", is_flag=True, help="Say that you have looked at what is new.")
@click.option("--show", is_flag=True, help="Show what is new, line by line; nothing is fetched.")
@click.pass_obj
def schema(haven: Haven, accept: bool, show: bool) -> None:
    """Fetch the schema that reports are held against, or accept a new one.

    Exits 1 when the authority has changed it and nobody has looked.
    """
    if accept:
        with haven.db.begin(_ME) as tx:
            count = accept_schema(tx)
        click.echo("Accepted." if count else "There is nothing new.")
        return
    if not show:
        try:
            fetch_schema(haven.db, _server(haven))
        except Problem as problem:
            click.echo(f"{problem.title} {problem.detail}", err=True)
    with haven.db.read() as tx:
        known = [one.decode().splitlines() for one in cybertip.schemas(tx)]
    if not known:
        raise Problem("authorities.schema", "There is no schema yet, so nothing can be sent.",
                      next_step="See that the account is right: openhaven authorities status",
                      )  # fmt: skip
    if len(known) == 1:
        click.echo(f"The schema is known ({len(known[0])} lines).")
        return
    for line in difflib.unified_diff(known[0], known[1], "relied on", "new", lineterm="", n=1):
        click.echo(line)
    raise Problem("authorities.schema_new", "The authority has changed its schema.",
                  "Until somebody has looked, what is sent has to fit both.",
                  next_step="Then say: openhaven authorities schema --accept")  # fmt: skip


@authorities.command("duties")
@click.pass_context
def duties_(ctx: click.Context) -> None:
    """List what has to be reported, the first due first. Exits 1 when something is overdue."""
    haven: Haven = ctx.obj
    with haven.db.read() as tx:
        found, now = duties.listed(tx), tx.now
    for one in found:
        late = "OVERDUE" if one.late(now) else "due"
        click.echo(f"{one.id}\t{named(one.authority)}\t{late} {one.due_at:%Y-%m-%d %H:%M} UTC"
                   f"\tcase {one.case_id}")  # fmt: skip
    ctx.exit(1 if any(one.late(now) for one in found) else 0)


@authorities.command("filings")
@click.pass_context
def filings_(ctx: click.Context) -> None:
    """List reports to authorities with their state. Exits 1 when one needs a person."""
    haven: Haven = ctx.obj
    with haven.db.read() as tx:
        found = store.filings(tx)
    for one in found:
        click.echo(f"{one.id}\t{named(one.authority)}\t{STATES[one.state]}"
                   f"\t{one.reference or ''}{' (TEST)' if one.test else ''}")  # fmt: skip
        if one.trouble:
            click.echo(f"  {one.trouble}")
    ctx.exit(1 if any(one.state == "failed" for one in found) else 0)


@authorities.command("requests")
@click.option("--all", "everything", is_flag=True, help="Also those that have ended.")
@click.pass_context
def requests_(ctx: click.Context, everything: bool) -> None:
    """List what authorities ask for, the first due first. Exits 1 when something is overdue."""
    haven: Haven = ctx.obj
    with haven.db.read() as tx:
        found, now = register.listed(tx, which="all" if everything else "open"), tx.now
    for line in found:
        one = line.request
        late = "OVERDUE" if one.late(now) else "ended" if one.ended else "due"
        at = one.ended_at or one.due_at
        click.echo(f"{one.id}\t{one.kind}\t{one.country}\t{one.state}"
                   f"\t{late} {at:%Y-%m-%d %H:%M} UTC{' LIFE' if one.life else ''}")  # fmt: skip
    ctx.exit(1 if any(line.request.late(now) for line in found) else 0)


@authorities.command("unseal")
@click.argument("packet", type=click.File("rb"))
@click.option("--key", type=click.File("r"), required=True, help="The X25519 key: 64 hex digits.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the ZIP goes.")
def unseal(packet: Any, key: Any, out: Path) -> None:
    """Open a PACKET that was sealed to an X25519 key. For the authority that has the key."""
    try:
        private = bytes.fromhex("".join(key.read().split()))
    except ValueError as error:
        raise Problem("request.key", "The key has 64 hexadecimal digits.") from error
    plain = open_with(private, packet.read())
    with _fresh_file(out) as file:
        file.write(plain)
    click.echo(f"Opened: {out}")


@contextmanager
def _fresh_file(path: Path) -> Iterator[Any]:
    """Open a new file that only its owner reads; raises `Problem` when it is there already."""
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise Problem("request.exists", f"{path} is there already.", status=409,
                      next_step="Choose another name.") from error  # fmt: skip
    with path.open("wb") as file:
        yield file


def _server(haven: Haven) -> Server:
    with haven.db.read() as tx:
        known = cybertip.account(tx)
    if known is None:
        raise Problem("authorities.account", "There is no user and password at NCMEC yet.",
                      next_step="Store them: openhaven authorities account FILE")  # fmt: skip
    return Server(haven.http, haven.settings.authorities.cybertip_url, known)
