"""`openhaven ledger`: verify the whole log, print its public key, print a receipt."""

import sys
from typing import Protocol

import click

from openhaven.ledger.note import Signer, signer_from
from openhaven.ledger.outside import FILE_NAME, read_outside
from openhaven.ledger.proofs import receipt
from openhaven.ledger.verify import verify
from openhaven.storage import Database, Secrets, Settings, opened

LONG = 20_000


class Wired(Protocol):
    """What these verbs need."""

    @property
    def db(self) -> Database: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def settings(self) -> Settings: ...


def _wired(ctx: click.Context) -> Wired:
    """Return what the command line has wired already, else open the little that is needed.

    The whole system refuses to start on an altered ledger, which is just what is looked for here.
    """
    found: Wired | None = ctx.obj
    return found if found is not None else ctx.with_resource(opened())


@click.group("ledger", help="Check and show the record of every action.")
def ledger() -> None:
    """Group the verbs of the ledger."""


@ledger.command("verify")
@click.pass_context
def verify_command(ctx: click.Context) -> None:
    """Recompute everything. Exits 0 when nothing was altered, else names the first alteration."""
    haven = _wired(ctx)
    # The copy comes first: read later, it could be newer than the database as this reader sees it.
    outside = read_outside(haven.settings.home / FILE_NAME)
    bar = _Bar()
    with haven.db.read() as tx:
        report = verify(tx, outside, _signer(haven).vkey, bar.show)
    bar.done()
    click.echo(str(report))
    for finding in report.findings[1:10]:
        click.echo(f"  also: {finding}")
    ctx.exit(0 if report.ok else 1)


@ledger.command("key")
@click.pass_context
def key_command(ctx: click.Context) -> None:
    """Print the public key with which anybody can check the log."""
    click.echo(_signer(_wired(ctx)).vkey)


@ledger.command("proof")
@click.argument("entry")
@click.pass_context
def proof_command(ctx: click.Context, entry: str) -> None:
    """Print the receipt of ENTRY: a proof that can be checked offline."""
    haven = _wired(ctx)
    with haven.db.read() as tx:
        click.echo(receipt(tx, entry), nl=False)


def _signer(haven: Wired) -> Signer:
    return signer_from(bytes.fromhex(haven.secrets.ledger_seed))


class _Bar:
    """A progress bar on standard error, for long logs and people only."""

    def __init__(self) -> None:
        self._seen = -1

    def show(self, done: int, total: int) -> None:
        """Redraw the bar when a further percent is done."""
        percent = 100 * done // total
        if total < LONG or percent == self._seen or not sys.stderr.isatty():
            return
        self._seen = percent
        filled = "#" * (percent // 4)
        click.echo(f"\r[{filled:25}] {percent:3} %  {done} of {total} entries", nl=False, err=True)

    def done(self) -> None:
        """Leave the bar's line."""
        if self._seen >= 0:
            click.echo(err=True)
