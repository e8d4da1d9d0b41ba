"""`openhaven platforms`, `openhaven keys` and `openhaven events`."""

from typing import TYPE_CHECKING

import click
import msgspec

from openhaven import intake
from openhaven.core import Problem, system

if TYPE_CHECKING:
    from openhaven.line import Haven

_ME = system("operator")


class _Shown(msgspec.Struct):
    name: str
    connector: str
    webhook_url: str | None
    private_basis: str | None


@click.group(help="Platforms: who sends events and receives acts.")
def platforms() -> None:
    """Group the verbs about platforms."""


@platforms.command("add")
@click.argument("name")
@click.option("--webhook", help="Where acts are sent (Standard Webhooks).")
@click.option("--private-basis", help="The legal basis for looking at private conversations.")
@click.pass_obj
def add(haven: "Haven", name: str, webhook: str | None, private_basis: str | None) -> None:
    """Add a platform and print its webhook secret, this once."""
    if webhook is not None:
        _check(webhook)
    with haven.db.begin(_ME) as tx:
        _, secret = intake.add_platform(tx, name, webhook_url=webhook, private_basis=private_basis)
    click.echo(secret)


def _check(webhook: str) -> None:
    from openhaven.connectors.http import UnreachableError, check_address

    try:
        check_address(webhook)
    except UnreachableError as error:
        raise Problem("webhook.unreachable", str(error), next_step="Check the address.") from error


@platforms.command("list")
@click.pass_obj
def list_platforms(haven: "Haven") -> None:
    """List the platforms."""
    with haven.db.read() as tx:
        sql = "SELECT name, connector, webhook_url, private_basis FROM platforms ORDER BY name"
        for row in tx.all(sql, _Shown):
            click.echo(f"{row.name}\t{row.connector}\t{row.webhook_url or '-'}")


@platforms.command("set")
@click.argument("name")
@click.option("--webhook", help="Where acts are sent from now on.")
@click.option("--new-secret", is_flag=True, help="Sign with a new secret from now on.")
@click.pass_obj
def set_platform(haven: "Haven", name: str, webhook: str | None, new_secret: bool) -> None:
    """Change where acts are sent; print the webhook secret when it is new, this once."""
    if webhook is None and not new_secret:
        raise Problem("platform.nothing", "There is nothing to change.",
                      next_step="Give --webhook URL, --new-secret or both.")  # fmt: skip
    if webhook is not None:
        _check(webhook)
    with haven.db.begin(_ME) as tx:
        platform = intake.platform_named(tx, name)
        secret = intake.set_webhook(tx, platform, webhook, new_secret=new_secret)
    click.echo(secret or f"Acts of “{name}” go to {webhook}, signed as before.")


@platforms.command("private-basis")
@click.argument("name")
@click.argument("basis")
@click.pass_obj
def private_basis_command(haven: "Haven", name: str, basis: str) -> None:
    """Record the legal basis on which private conversations may be looked at."""
    with haven.db.begin(_ME) as tx:
        intake.set_private_basis(tx, intake.platform_named(tx, name), basis)


@click.group(help="API keys of platforms.")
def keys() -> None:
    """Group the verbs about keys."""


@keys.command("create")
@click.argument("name")
@click.option("--platform", default="default", show_default=True)
@click.pass_obj
def create(haven: "Haven", name: str, platform: str) -> None:
    """Create an API key and print it alone on standard output, this once."""
    with haven.db.begin(_ME) as tx:
        key = intake.create_key(tx, name, intake.platform_named(tx, platform))
    click.echo(key)


@keys.command("flagger")
@click.argument("name")
@click.option("--platform", default="default", show_default=True)
@click.option("--harm", "harms", multiple=True, required=True,
              help="A harm class that it reports; repeat it for several.")  # fmt: skip
@click.pass_obj
def flagger(haven: "Haven", name: str, platform: str, harms: tuple[str, ...]) -> None:
    """Give the trusted flagger NAME a key that only reports these harms; print it, this once."""
    from openhaven.intake.flaggers import issue

    with haven.db.begin(_ME) as tx:
        key = issue(tx, name, intake.platform_named(tx, platform), harms)
    click.echo(key)


@keys.command("list")
@click.pass_obj
def list_keys(haven: "Haven") -> None:
    """List the keys: name, platform, when it was created and, when it was, revoked."""
    with haven.db.read() as tx:
        for row in tx.rows(
            """SELECT k.name, p.name AS platform, k.created_at, k.revoked_at
               FROM api_keys k JOIN platforms p ON p.id = k.platform ORDER BY k.created_at"""
        ):
            ended = f"revoked {row['revoked_at']:%Y-%m-%d}" if row["revoked_at"] else "works"
            click.echo(f"{row['name']}\t{row['platform']}\t{row['created_at']:%Y-%m-%d}\t{ended}")


@keys.command("revoke")
@click.argument("name")
@click.pass_obj
def revoke(haven: "Haven", name: str) -> None:
    """Revoke a key; it stops working within a second."""
    with haven.db.begin(_ME) as tx:
        intake.revoke_key(tx, name)


@click.group(help="Events that could not be judged.")
def events() -> None:
    """Group the verbs about events."""


@events.command("retry")
@click.pass_obj
def retry(haven: "Haven") -> None:
    """Judge stuck events again, such as after what they failed on was mended."""
    with haven.db.begin(_ME) as tx:
        count = intake.retry_stuck(tx)
    click.echo(f"{count} events are judged again.")
