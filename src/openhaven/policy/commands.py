"""`openhaven pack`: check, test and show packs, without a database; and publish them, with one."""

import sys

import click
import msgspec

from openhaven.policy.backtest.commands import COMMANDS as BACKTESTS
from openhaven.policy.examples import check_examples, run_examples
from openhaven.policy.load import load
from openhaven.policy.measuring import measure_with
from openhaven.policy.pack import Pack
from openhaven.policy.places import BrokenPack
from openhaven.policy.publishing.commands import COMMANDS
from openhaven.policy.shipped import find_pack, shipped
from openhaven.policy.standing.commands import COMMANDS as STANDING
from openhaven.signals.text import digest


@click.group("pack", help="Check, test, show and publish policy packs.")
def pack() -> None:
    """Group the verbs of policy packs."""


@pack.command("check")
@click.argument("path")
def check_command(path: str) -> None:
    """Check the pack at PATH (a folder, or a shipped pack's name). Exits 1 when it has mistakes."""
    found = _loaded(path)
    for one in found.warnings:
        click.echo(msgspec.structs.replace(one, message=f"warning: {one.message}").rendered())
    click.echo(f"{found.name} {found.version} is sound: {_counts(found)}.")
    click.echo(found.fingerprint)


@pack.command("test")
@click.argument("path")
def test_command(path: str) -> None:
    """Run the examples of the pack at PATH. Exits 1 when one does not hold."""
    found = _loaded(path)
    tried = run_examples(found, measure_with(found))
    broken = [one for one in tried if one.fault]
    for one in broken:
        click.echo(f"{one.place.file}:{one.place.line}:{one.place.column}: {one.name}: {one.fault}")
    click.echo(f"{len(tried) - len(broken)} of {len(tried)} examples hold.")
    if broken:
        raise click.exceptions.Exit(1)


@pack.command("show")
@click.argument("path", default="starter")
@click.option("--language", default="", help="Show the clauses whole, in this language: `de`.")
def show_command(path: str, language: str) -> None:
    """Show the clauses and rules of the pack at PATH, or of the starter pack."""
    found = _loaded(path)
    click.echo(f"{found.name} {found.version} by {found.manifest.owner}: {_counts(found)}")
    click.echo(found.fingerprint)
    if found.manifest.include:
        click.echo(f"It includes {', '.join(found.manifest.include)}.")
    for clause in found.clauses.values():
        said, spoken = clause.said_in(language)
        click.echo(f"\n{said.title} [{clause.anchor}] ({clause.ground}: {said.reference})")
        if language:
            click.echo(said.text if spoken else f"(not in {language} yet)\n{said.text}")
        for rule in found.rules:
            if rule.clause == clause.anchor:
                shadow = ", shadow" if rule.mode == "shadow" else ""
                pack_of = found.origins[rule.id].rpartition("/")[0]
                origin = f" (from {pack_of})" if pack_of else ""
                click.echo(f"  {rule.id}{origin}: {rule.then.outcome}{shadow}: {rule.when.strip()}")
                if reason := found.in_library.get(rule.id):
                    click.echo(f"    (runs in the CEL library, which is slower: {reason})")


@pack.command("hide")
def hide_command() -> None:
    """Read words, one a line, and print the entries that stand for them in a list of terms.

    The words are read from the standard input, so that they stay out of the shell's history.
    """
    for line in sys.stdin:
        if line.strip():
            click.echo(digest(line.strip()))


@pack.command("list")
def list_command() -> None:
    """List the packs that are installed."""
    for name, folder in shipped().items():
        click.echo(f"{name}\t{folder}")


for _command in (*COMMANDS, *STANDING, *BACKTESTS):
    pack.add_command(_command)


def _loaded(path: str) -> Pack:
    """Return the pack at `path`; print its mistakes and exit 1 when it has some."""
    try:
        found = load(find_pack(path))
        check_examples(found)
    except BrokenPack as broken:
        for error in broken.errors:
            click.echo(error.rendered())
        click.echo(f"{broken.title} {broken.next_step}", err=True)
        raise click.exceptions.Exit(1) from broken
    return found


def _counts(found: Pack) -> str:
    lists = len(found.term_lists) + len(found.link_lists)
    return f"{len(found.clauses)} clauses, {len(found.rules)} rules, {lists} lists"
