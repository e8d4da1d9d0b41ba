"""`openhaven staff`: who works here, and links for them to sign in."""

from datetime import timedelta
from typing import Protocol

import click

from openhaven.core import Actor, Problem
from openhaven.staff import oidc, passkeys, passwords, reads
from openhaven.staff.actions import (
    create,
    disable,
    set_roles,
    sign_in_link,
    sign_out_everywhere,
)
from openhaven.staff.model import ROLES, Member
from openhaven.staff.reads.model import as_csv
from openhaven.staff.store import members, named
from openhaven.storage import Database, Settings

_OPERATOR = Actor("system", "command")


class Wired(Protocol):
    """What the command line gives to each of its verbs."""

    @property
    def db(self) -> Database: ...
    @property
    def settings(self) -> Settings: ...


@click.group("staff", help="The people who work here.")
def staff() -> None:
    """Group the verbs of staff."""


_ROLE = click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES),
                     help="What they may do; repeat it for several roles.")  # fmt: skip


@staff.command("add")
@click.argument("name")
@_ROLE
@click.pass_context
def add_command(ctx: click.Context, name: str, roles: tuple[str, ...]) -> None:
    """Add NAME and print a link with which they sign in."""
    haven: Wired = ctx.obj
    with haven.db.begin(_OPERATOR) as tx:
        path = sign_in_link(tx, create(tx, name, roles))
    click.echo(haven.settings.url + path)


@staff.command("link")
@click.argument("name")
@click.option("--minutes", type=click.IntRange(1, 1_440), default=15, show_default=True,
              help="How long the link works.")  # fmt: skip
@click.pass_context
def link_command(ctx: click.Context, name: str, minutes: int) -> None:
    """Print a link that signs NAME in, once. Earlier links of theirs stop working."""
    haven: Wired = ctx.obj
    with haven.db.begin(_OPERATOR) as tx:
        path = sign_in_link(tx, named(tx, name), timedelta(minutes=minutes))
    click.echo(haven.settings.url + path)


@staff.command("roles")
@click.argument("name")
@_ROLE
@click.pass_context
def roles_command(ctx: click.Context, name: str, roles: tuple[str, ...]) -> None:
    """Give NAME these roles instead of the old ones, and sign them out."""
    haven: Wired = ctx.obj
    with haven.db.begin(_OPERATOR) as tx:
        set_roles(tx, named(tx, name), roles)
    click.echo(f"{name}: {', '.join(sorted(set(roles)))}")


@staff.command("disable")
@click.argument("name")
@click.pass_context
def disable_command(ctx: click.Context, name: str) -> None:
    """Let NAME go: their sessions end and their links stop working."""
    haven: Wired = ctx.obj
    with haven.db.begin(_OPERATOR) as tx:
        disable(tx, named(tx, name))
    click.echo(f"{name} can no longer sign in.")


@staff.command("sign-out")
@click.argument("name")
@click.pass_context
def sign_out_command(ctx: click.Context, name: str) -> None:
    """Sign NAME out everywhere: their sessions end, and links that they did not use."""
    haven: Wired = ctx.obj
    with haven.db.begin(_OPERATOR) as tx:
        ended = sign_out_everywhere(tx, named(tx, name))
    click.echo(f"{name} is signed out ({ended} {'session' if ended == 1 else 'sessions'}).")


@staff.command("reset")
@click.argument("name")
@click.pass_context
def reset_command(ctx: click.Context, name: str) -> None:
    """End every way in that NAME has, and print a link: for somebody who lost what they had."""
    haven: Wired = ctx.obj
    with haven.db.begin(_OPERATOR) as tx:
        member = named(tx, name)
        sign_out_everywhere(tx, member)
        passkeys.remove_all(tx, member)
        passwords.remove(tx, member)
        oidc.disconnect(tx, member)
        path = sign_in_link(tx, member)
    click.echo(haven.settings.url + path)


@staff.command("reads")
@click.option("--check", is_flag=True, help="Compare what was read with what was sealed.")
@click.option("--person", default="", help="Only what this person read.")
@click.option("--matter", default="", help="Only who read this matter (its id).")
@click.pass_context
def reads_command(ctx: click.Context, check: bool, person: str, matter: str) -> None:
    """Print who read what as CSV, newest first; or check that none of it was altered."""
    haven: Wired = ctx.obj
    with haven.db.read() as tx:
        altered = reads.check(tx) if check else []
        found = [] if check else reads.found(tx, reads.Seek(person, matter), 100_000)
    if altered:
        raise Problem("reads.altered", "What was read is not what was sealed.", ", ".join(altered),
                      next_step="Somebody wrote to the database behind our back.")  # fmt: skip
    click.echo("Nothing was altered." if check else as_csv(found).rstrip())


@staff.command("list")
@click.pass_context
def list_command(ctx: click.Context) -> None:
    """Print one line for each person: name, roles, since when, and whether they left."""
    haven: Wired = ctx.obj
    with haven.db.read() as tx:
        everybody = members(tx)
    for member in everybody:
        click.echo(_line(member))


def _line(member: Member) -> str:
    left = f", left {member.disabled_at:%Y-%m-%d}" if member.disabled_at else ""
    return f"{member.name}\t{', '.join(member.roles)}\tsince {member.created_at:%Y-%m-%d}{left}"
