"""`openhaven support`: where people are told to turn, and who verified it."""

from datetime import date
from pathlib import Path
from typing import Protocol

import click

from openhaven import support as room
from openhaven.connectors import Http
from openhaven.core import Actor, Problem
from openhaven.storage import Database, Settings
from openhaven.support.jobs import read_directory

_OPERATOR = Actor("system", "command")


class Wired(Protocol):
    """What the command line gives to each of its verbs."""

    @property
    def db(self) -> Database: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def http(self) -> Http: ...


@click.group("support", help="Helplines and other services: who can help, and who verified it.")
def support() -> None:
    """Group the verbs of the directory."""


@support.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def import_command(ctx: click.Context, file: Path) -> None:
    """Import services from FILE (CSV), all or none; every mistake is named with its line."""
    haven: Wired = ctx.obj
    try:
        with haven.db.begin(_OPERATOR) as tx:
            services = room.read_csv(file.read_bytes(), tx.now.date())
            done = room.take_in(tx, services, "file")
    except room.BadFile as bad:
        for one in bad.complaints:
            click.echo(one, err=True)
        raise click.exceptions.Exit(1) from bad
    _say(done)


@support.command("fetch")
@click.option("--kind", help="The adapter; without it, the one in the settings.")
@click.option("--url", help="Where the directory is; without it, the one in the settings.")
@click.pass_context
def fetch_command(ctx: click.Context, kind: str | None, url: str | None) -> None:
    """Read another directory, all or nothing, through an adapter."""
    haven: Wired = ctx.obj
    mine = haven.settings.helplines
    address = url or mine.directory_url
    if not address:
        raise Problem("support.url", "It is not said where the directory is.",
                      next_step="Give --url, or the setting helplines.directory_url.")  # fmt: skip
    # The key belongs to the address in the settings, and is shown to nobody else.
    key = mine.directory_key if address == mine.directory_url else ""
    source = room.Source(address, key, haven.http.read)
    _say(read_directory(haven.db, _OPERATOR, kind or mine.directory, source))


def _say(done: room.Imported) -> None:
    click.echo(f"{done.new} new, {done.changed} changed, {done.same} as they were.")


@support.command("list")
@click.option("--country", help="Only this country (GB), EU, or * for everywhere.")
@click.pass_context
def list_command(ctx: click.Context, country: str | None) -> None:
    """Print one line for each service: id, country, name, and when it was verified by whom."""
    haven: Wired = ctx.obj
    with haven.db.read() as tx:
        services = room.kept(tx)
    for one in services:
        if country in (None, one.country) and not one.withdrawn:
            click.echo(_line(one))


@support.command("stale")
@click.pass_context
def stale_command(ctx: click.Context) -> None:
    """Print the services that nobody verified lately; exit code 1 when there are any."""
    haven: Wired = ctx.obj
    days = haven.settings.helplines.verified_days
    with haven.db.read() as tx:
        today = tx.now.date()
        old = [one for one in room.kept(tx) if not one.withdrawn and not one.is_fresh(today, days)]
    for one in old:
        click.echo(_line(one))
    if old:
        raise click.exceptions.Exit(1)


@support.command("verify")
@click.argument("service")
@click.option("--by", required=True, help="Who called or looked.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="On which day; without it, today.")
@click.pass_context
def verify_command(ctx: click.Context, service: str, by: str, on: object) -> None:
    """Note that somebody saw that all that SERVICE says is true."""
    haven: Wired = ctx.obj
    day: date | None = on.date() if hasattr(on, "date") else None
    with haven.db.begin(_OPERATOR) as tx:
        click.echo(_line(room.verify(tx, service, by, day)))


@support.command("withdraw")
@click.argument("service")
@click.pass_context
def withdraw_command(ctx: click.Context, service: str) -> None:
    """Take SERVICE out of the directory; importing it again brings it back."""
    haven: Wired = ctx.obj
    with haven.db.begin(_OPERATOR) as tx:
        room.withdraw(tx, service)
    click.echo(f"{service} is no longer shown.")


def _line(one: room.Service) -> str:
    seen = f"verified {one.verified_on} by {one.verified_by}" if one.verified_on else "unverified"
    reached = one.call or one.text or one.chat or one.web
    return "\t".join((one.id, one.country, one.name, reached, seen))
