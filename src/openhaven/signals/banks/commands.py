"""`openhaven bank`: create banks, import lists, withdraw entries."""

from pathlib import Path
from typing import Protocol

import click

from openhaven.core import HARMS, Problem, system
from openhaven.signals.banks.actions import (
    add_entries,
    bank_named,
    create_bank,
    set_mode,
    withdraw_entry,
)
from openhaven.signals.banks.model import KINDS, MODES, OPINIONS, WIDEST_RADIUS, NewEntry
from openhaven.signals.banks.reading import Line, parse_value, read_entries
from openhaven.signals.banks.store import listed
from openhaven.storage import Database

_ME = system("operator")
_CHUNK = 1_000
_SHOWN = 10


class Wired(Protocol):
    """What the command line gives to each of its verbs."""

    @property
    def db(self) -> Database: ...


@click.group(help="Banks: lists of hashes and links that content is compared with.")
def bank() -> None:
    """Group the verbs about banks."""


@bank.command("add")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What its entries are.")
@click.option("--harm", type=click.Choice(sorted(HARMS)), required=True, metavar="HARM",
              help="The harm class that its entries stand for.")  # fmt: skip
@click.option("--opinion", type=click.Choice(OPINIONS), default="positive", show_default=True)
@click.option("--radius", type=click.IntRange(0, WIDEST_RADIUS), default=31, show_default=True,
              help="How many bits of 256 a picture may differ by (pdq only).")  # fmt: skip
@click.option("--mode", type=click.Choice(MODES), default="live", show_default=True)
@click.option("--owner", default="operator", show_default=True, help="Who answers for it.")
@click.option("--purpose", default="", help="Why it is kept, in a sentence.")
@click.pass_obj
def add(
    haven: Wired,
    name: str,
    kind: str,
    harm: str,
    opinion: str,
    radius: int,
    mode: str,
    owner: str,
    purpose: str,
) -> None:
    """Create an empty bank called NAME."""
    with haven.db.begin(_ME) as tx:
        create_bank(tx, name, kind=kind, harm=harm, owner=owner, purpose=purpose, opinion=opinion,
                    radius=radius, mode=mode)  # fmt: skip
    click.echo(f"The bank “{name}” is there and empty. Fill it: openhaven bank import {name} FILE")


@bank.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--provenance", default="", help="Where the entries come from.")
@click.pass_context
def import_(ctx: click.Context, name: str, file: Path, provenance: str) -> None:
    """Add the entries of FILE (one value a line, CSV or JSON) to the bank NAME."""
    haven: Wired = ctx.obj
    with haven.db.read() as tx:
        kind = bank_named(tx, name).kind
    text = file.read_text("utf-8", errors="replace")
    lines = read_entries(kind, text, provenance or file.name)
    faults = [line for line in lines if line.entry is None]
    entries = [(line.number, line.entry) for line in lines if line.entry is not None]
    added = known = 0
    with click.progressbar(length=len(entries), label=name, hidden=len(entries) < _CHUNK) as bar:
        for chunk in _chunks(entries):
            with haven.db.begin(_ME) as tx:
                result = add_entries(tx, name, [entry for _, entry in chunk])
            added, known = added + result.added, known + result.known
            faults += [Line(chunk[one.place][0], None, one.reason) for one in result.refused]
            bar.update(len(chunk))
    click.echo(f"{added} added, {known} known already, {len(faults)} refused.")
    for fault in sorted(faults)[:_SHOWN]:
        click.echo(f"  line {fault.number}: {fault.fault}", err=True)
    ctx.exit(1 if faults and not added + known else 0)


@bank.command("list")
@click.pass_obj
def list_(haven: Wired) -> None:
    """List the banks: name, kind, harm, opinion, radius, mode, entries, owner."""
    with haven.db.read() as tx:
        for row in listed(tx):
            radius = row.radius if row.kind == "pdq" else "-"
            click.echo(
                f"{row.name}\t{row.kind}\t{row.harm}\t{row.opinion}\t{radius}\t{row.mode}"
                f"\t{row.entries}\t{row.owner}"
            )


@bank.command("mode")
@click.argument("name")
@click.argument("mode", type=click.Choice(MODES))
@click.pass_obj
def mode_(haven: Wired, name: str, mode: str) -> None:
    """Make the bank NAME live, shadow (counted only) or off."""
    with haven.db.begin(_ME) as tx:
        set_mode(tx, name, mode)
    click.echo(f"The bank “{name}” is now {mode}.")


@bank.command("withdraw")
@click.argument("name")
@click.argument("value")
@click.pass_obj
def withdraw(haven: Wired, name: str, value: str) -> None:
    """Take the entry VALUE out of the bank NAME."""
    with haven.db.begin(_ME) as tx:
        try:
            parsed = parse_value(bank_named(tx, name).kind, value)
        except ValueError as error:
            raise Problem(
                "bank.value",
                "This is no value of that bank.",
                f"{error}.".capitalize(),
                next_step="Give a hash in hexadecimal, or a web address.",
            ) from error
        entry = withdraw_entry(tx, name, parsed)
    click.echo(f"Entry {entry} of “{name}” is withdrawn and matches no more.")


def _chunks(
    entries: list[tuple[int, NewEntry]],
) -> list[list[tuple[int, NewEntry]]]:
    return [entries[start : start + _CHUNK] for start in range(0, len(entries), _CHUNK)]
