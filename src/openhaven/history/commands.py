"""`openhaven counters`: what is counted, and since when."""

from datetime import datetime
from typing import Any, Protocol

import click

from openhaven.core import utcnow
from openhaven.history.model import LETTERS
from openhaven.history.store import Counting, counting, space
from openhaven.storage import Database


class Wired(Protocol):
    """What the command line gives to each of its verbs."""

    @property
    def db(self) -> Database: ...


@click.group(help="Counters: what happened lately, as rules may ask for it.")
def counters() -> None:
    """Group the verbs about counters."""


@counters.command("show")
@click.pass_obj
def show(haven: Wired) -> None:
    """Show what the policy in force counts, and since when; a changed counter begins anew."""
    with haven.db.read() as tx:
        found, used = counting(tx), space(tx)
    if not found:
        click.echo("The policy in force counts nothing.")
    for one in found:
        click.echo(f"{one.name}: {_said(one.declared)}")
        click.echo(f"  counts since {one.since:%Y-%m-%d %H:%M} UTC{_not_whole(one, utcnow())}")
    click.echo(f"All counters take {used.rows:,} rows, {used.bytes / 1e6:,.1f} MB.")


def _said(declared: dict[str, Any]) -> str:
    """Return a declaration in one line, as it may stand in the file."""
    kind, *_ = (name for name in declared if name not in ("by", "on", "where", "in"))
    windows = ", ".join(name.removeprefix("in_") for name in declared["in"])
    where = f", where {declared['where']}" if declared["where"] else ""
    return (
        f"{kind} {declared[kind]} by {' and '.join(declared['by'])},"
        f" on {', '.join(declared['on'])}{where}, in {windows}"
    )


def _not_whole(one: Counting, now: datetime) -> str:
    """Return which windows have begun before the counter did."""
    short = [
        span
        for name in one.declared["in"]
        if (now - one.since).total_seconds()
        < int((span := name.removeprefix("in_"))[:-1]) * LETTERS[span[-1]]
    ]
    return f"; not yet for the whole of {', '.join(short)}" if short else ""
