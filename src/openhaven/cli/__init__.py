"""Every verb of the command line, on one page."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import click

from openhaven import __version__
from openhaven.core import Problem
from openhaven.storage import Settings

# verb -> (module, name of the click command, needs a wired system)
VERBS: dict[str, tuple[str, str, bool]] = {
    "demo": ("openhaven.cli.run", "demo", False),
    "run": ("openhaven.cli.run", "run", False),
    "serve": ("openhaven.cli.run", "serve", True),
    "work": ("openhaven.cli.run", "work", True),
    "platforms": ("openhaven.intake.commands", "platforms", True),
    "keys": ("openhaven.intake.commands", "keys", True),
    "events": ("openhaven.intake.commands", "events", True),
    "staff": ("openhaven.staff.commands", "staff", True),
    "bank": ("openhaven.signals.banks.commands", "bank", True),
    "match": ("openhaven.cli.match", "match", False),
    "pack": ("openhaven.policy.commands", "pack", False),
    "counters": ("openhaven.history.commands", "counters", True),
    "ledger": ("openhaven.ledger.commands", "ledger", False),
    "evidence": ("openhaven.evidence.commands", "evidence", False),
    "receipt": ("openhaven.decisions.receipts.commands", "receipt", False),
    "support": ("openhaven.support.commands", "support", True),
    "authorities": ("openhaven.authorities.commands", "authorities", True),
    "returning": ("openhaven.exchange.returning.commands", "returning", True),
    "matrix": ("openhaven.connectors.matrix.commands", "matrix", True),
    "records": ("openhaven.records.commands", "records", True),
    "backup": ("openhaven.cli.keep", "backup", False),
    "restore": ("openhaven.cli.keep", "restore", False),
    "upgrade": ("openhaven.cli.keep", "upgrade", False),
}


class _Verbs(click.Group):
    """Loads a verb when it is called, so that a short command starts quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in VERBS:
            return None
        module, name, _ = VERBS[cmd_name]
        command: click.Command = getattr(__import__(module, fromlist=[name]), name)
        return command


@click.group(cls=_Verbs, help="Openhaven: an online-safety system that a platform runs itself.")
@click.version_option(__version__, prog_name="openhaven")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Wire the system for the verb that needs it; `--help` needs nothing."""
    verb = ctx.invoked_subcommand
    asks_help = any(word in ("--help", "-h") for word in sys.argv[1:])
    if verb is None or asks_help or verb not in VERBS or not VERBS[verb][2]:
        return
    from openhaven.main import running  # Wiring is slow to import; help and checks go without.

    stack = ctx.with_resource(ExitStack())
    ctx.obj = stack.enter_context(running(Settings.load()))


def main() -> None:
    """Run the command line; a `Problem` becomes a sentence and exit code 1."""
    _plainly(cli)


def _plainly(command: Callable[..., Any]) -> None:
    try:
        command(standalone_mode=True)
    except Problem as problem:
        click.echo(f"openhaven: {problem.title} {problem.detail}".rstrip(), err=True)
        if problem.next_step:
            click.echo(f"  {problem.next_step}", err=True)
        sys.exit(1)


__all__ = ["VERBS", "cli", "main"]
