"""`openhaven bank send`, `sent` and `take-back`: our own entries on their way to a service."""

import click

from openhaven.core import Problem
from openhaven.exchange import store as sources
from openhaven.exchange.plugins import open_exchange
from openhaven.exchange.sending import actions, store
from openhaven.exchange.sending.model import Taker
from openhaven.line import Haven
from openhaven.policy.publishing.commands import actor_named

_AS = click.option("--as", "name_of", required=True, metavar="STAFF", help="Who does it, by name.")


@click.command("send")
@click.argument("bank")
@click.option("--to", "source", required=True, help="The source that takes the entries.")
@_AS
@click.option("--reason", required=True, help="Why they are sent; the second person reads it.")
@click.pass_obj
def send(haven: Haven, bank: str, source: str, name_of: str, reason: str) -> None:
    """Ask a second person to agree that our own entries of BANK are sent to a service."""
    with haven.db.begin(actor_named(haven.db, name_of)) as tx:
        to = sources.source(tx, source)
        if not isinstance(open_exchange(to, sources.credentials(tx, to.id), haven.http), Taker):
            raise Problem("sending.kind", f"Sources of the kind {to.kind} take no entries.",
                          "How entries are sent to it is not public.", status=409,
                          next_step=f"Write a file: openhaven bank export {bank} FILE --own",
                          )  # fmt: skip
        number = actions.ask(tx, bank, source, reason)
    click.echo(f"{number} waits for a second person, in the console under /console/second.")


@click.command("sent")
@click.pass_obj
def sent(haven: Haven) -> None:
    """List what is sent to services, the newest first."""
    with haven.db.read() as tx:
        found = store.sendings(tx)
    for one in found:
        numbers = f"{one.sent} sent, {one.waiting} waiting, {one.failed} failed"
        click.echo(f"{one.id}\t{one.bank} to {one.source}\t{one.state}\t{numbers}, "
                   f"{one.taken_back} taken back")  # fmt: skip
        if one.last_error:
            click.echo(f"  {one.last_error}")


@click.command("take-back")
@click.argument("bank")
@click.option("--from", "source", required=True, help="The source that took the entries.")
@_AS
@click.option("--reason", required=True, help="Why they are taken back.")
@click.pass_obj
def take_back(haven: Haven, bank: str, source: str, name_of: str, reason: str) -> None:
    """Take back all that was sent of BANK to a service; it takes one person."""
    with haven.db.begin(actor_named(haven.db, name_of)) as tx:
        count = actions.take_back(tx, bank, source, reason)
    click.echo(f"{count} entries of “{bank}” are being taken back from “{source}”.")


COMMANDS = (send, sent, take_back)
