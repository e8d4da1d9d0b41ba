"""`openhaven pack stats` and `pack lift`: how the rules stand, and letting one act again."""

import click

from openhaven.policy.publishing.commands import AS, actor_named, opened_db
from openhaven.policy.publishing.store import newest
from openhaven.policy.standing.actions import lift
from openhaven.policy.standing.model import Standing
from openhaven.policy.standing.store import standing
from openhaven.policy.store import pack_as_it_stood
from openhaven.storage import Tx

_COLUMNS = ("matched", "acted", "shadow", "unknown", "capped", "reviewed", "decided", "overturned")


@click.command("stats")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 366))
@click.pass_context
def stats_command(ctx: click.Context, days: int) -> None:
    """Show what each rule did over the last days (UTC, today is one of them).

    matched: it held; acted: what it says followed; shadow: it held and only looked on; unknown: it
    could not be answered; capped: its number for the day was used up; reviewed: it has fallen back.
    """
    with opened_db(ctx).read() as tx:
        found = standing(tx, _rules_in_force(tx), days)
    width = max([len("rule"), *(len(one.rule) for one in found)])
    click.echo("  ".join(["rule".ljust(width), *_COLUMNS]))
    for one in found:
        numbers = [str(getattr(one, name)).rjust(len(name)) for name in _COLUMNS]
        click.echo("  ".join([one.rule.ljust(width), *numbers]) + _fell(one))


def _rules_in_force(tx: Tx) -> list[str]:
    row = newest(tx)
    return [] if row is None else [rule.id for rule in pack_as_it_stood(tx, row.pack).rules]


def _fell(one: Standing) -> str:
    if one.fallen is None:
        return ""
    appeals = f"{one.upheld} of {one.appeals} appeals upheld"
    return f"  only asks a person since {one.fallen:%Y-%m-%d} ({appeals}); see `pack lift`"


@click.command("lift")
@click.argument("rule")
@AS
@click.option("--reason", required=True, help="Why it may act by itself again.")
@click.pass_context
def lift_command(ctx: click.Context, rule: str, name: str, reason: str) -> None:
    """Let RULE act by itself again, after it fell back to asking a person."""
    db = opened_db(ctx)
    with db.begin(actor_named(db, name)) as tx:
        lift(tx, rule, reason)
    click.echo(f"{rule} acts by itself again.")


COMMANDS = (stats_command, lift_command)
