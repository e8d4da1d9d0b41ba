"""`openhaven bank`: create banks, fill and empty them, and say what matches were right."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from openhaven import staff
from openhaven.core import HARMS, Actor, Problem, system
from openhaven.exchange.commands import COMMANDS
from openhaven.exchange.lookback.commands import look_back
from openhaven.line import Haven
from openhaven.signals.banks import matches, store
from openhaven.signals.banks.actions import bank_named, create_bank, set_at_most, set_mode
from openhaven.signals.banks.entries import (
    add_entries,
    confirm_negative,
    propose_negative,
    withdraw_entry,
)
from openhaven.signals.banks.index import NEAR
from openhaven.signals.banks.model import (
    AT_MOST,
    KINDS,
    MODES,
    OPINIONS,
    WIDEST_RADIUS,
    Added,
    Entry,
    NewEntry,
)
from openhaven.signals.banks.reading import Line, parse_value, read_entries, shown
from openhaven.storage import Tx

_ME = system("operator")
_CHUNK = 5_000
_SHOWN = 10
_BAR_FROM = 500_000  # bytes of a file from which on people like to see how far it is

_as = click.option("--as", "name_of", metavar="STAFF", help="Who does it, by name.")


@click.group(help="Banks: lists of hashes and links that content is compared with.")
def bank() -> None:
    """Group the verbs about banks."""


for _command in COMMANDS:
    bank.add_command(_command)
bank.add_command(look_back)


# Banks ----------------------------------------------------------------------------------------


@bank.command("create")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What its entries are.")
@click.option("--harm", type=click.Choice(sorted(HARMS)), required=True, metavar="HARM",
              help="The harm class that its entries stand for.")  # fmt: skip
@click.option("--opinion", type=click.Choice(OPINIONS), default="positive", show_default=True)
@click.option("--radius", type=click.IntRange(0, WIDEST_RADIUS), default=31, show_default=True,
              help="How many bits of 256 a picture, frame or text may differ by.")  # fmt: skip
@click.option("--mode", type=click.Choice(MODES), default="live", show_default=True)
@click.option("--at-most", type=click.Choice(AT_MOST), default="act", show_default=True,
              help="What a match may lead to, whatever a rule says.")  # fmt: skip
@click.option("--clause", default="", help="The clause of the policy that it serves.")
@click.option("--owner", default="operator", show_default=True, help="Who answers for it.")
@click.option("--purpose", default="", help="Why it is kept, in a sentence.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="When it is switched off.")
@click.pass_obj
def create(haven: Haven, /, name: str, expires: datetime | None, **values: str) -> None:
    """Create an empty bank called NAME."""
    ends = None if expires is None else expires.replace(tzinfo=UTC)
    with haven.db.begin(_ME) as tx:
        create_bank(tx, name, expires_at=ends, **values)  # type: ignore[arg-type]
    click.echo(f"The bank “{name}” is there and empty. Fill it: openhaven bank import {name} FILE")


@bank.command("list")
@click.pass_obj
def list_(haven: Haven) -> None:
    """List the banks: name, kind, harm, opinion, radius, mode, entries, owner."""
    with haven.db.read() as tx:
        for row in store.listed(tx):
            radius = row.radius if row.kind in (*NEAR, "plugin") else "-"
            click.echo(
                f"{row.name}\t{row.kind}\t{row.harm}\t{row.opinion}\t{radius}\t{row.mode}"
                f"\t{row.entries}\t{row.owner}"
            )
    for kind, words in haven.banks.trouble.items():
        click.echo(f"The file of {kind} is made anew by `openhaven work`; {words}", err=True)
    for kind, number in haven.banks.waiting.items():
        if number:
            click.echo(f"{number} changes of {kind} match and are not in their file yet.", err=True)


@bank.command("show")
@click.argument("name")
@click.argument("value", required=False)
@click.pass_obj
def show(haven: Haven, name: str, value: str | None) -> None:
    """Show the bank NAME, or its entry VALUE and what is known of it."""
    with haven.db.read() as tx:
        info = bank_named(tx, name)
        if value is not None:
            found = store.entry_of(tx, info.id, _value(info.kind, value))
            _show_entry(info.kind, found)
            return
        (row,) = (one for one in store.listed(tx) if one.id == info.id)
        waiting = store.proposed(tx, info.id)
    for word, told in (
        ("kind", row.kind), ("harm", row.harm), ("opinion", row.opinion), ("mode", row.mode),
        ("at most", row.at_most), ("clause", row.clause or "-"), ("owner", row.owner),
        ("purpose", row.purpose or "-"), ("expires", row.expires_at or "-"),
        ("entries", row.entries), ("matches said to be right", row.confirmed),
        ("matches said to be false", row.false_matches), ("waiting for a second person",
                                                          row.proposed),
    ):  # fmt: skip
        click.echo(f"{word}: {told}")
    for entry in waiting:
        click.echo(f"  proposed: {shown(info.kind, entry.value)} by {entry.added_by}")


@bank.command("mode")
@click.argument("name")
@click.argument("mode", type=click.Choice(MODES))
@click.pass_obj
def mode_(haven: Haven, name: str, mode: str) -> None:
    """Make the bank NAME live, shadow (noted only) or off."""
    with haven.db.begin(_ME) as tx:
        set_mode(tx, name, mode)
    click.echo(f"The bank “{name}” is now {mode}.")


@bank.command("at-most")
@click.argument("name")
@click.argument("at_most", type=click.Choice(AT_MOST))
@click.pass_obj
def at_most_(haven: Haven, name: str, at_most: str) -> None:
    """Say what a match of the bank NAME may lead to: an act, or a review at most."""
    with haven.db.begin(_ME) as tx:
        set_at_most(tx, name, at_most)
    click.echo(f"A match of “{name}” leads to {at_most} at most.")


# Entries --------------------------------------------------------------------------------------


@bank.command("add")
@click.argument("name")
@click.argument("values", nargs=-1, required=True)
@click.option("--provenance", default="the command line", help="Where it comes from.")
@_as
@click.pass_obj
def add(
    haven: Haven, name: str, values: tuple[str, ...], provenance: str, name_of: str | None
) -> None:
    """Add VALUES to the bank NAME. In a bank of harmless things this proposes them."""
    with haven.db.begin(_ME) as tx:
        info = bank_named(tx, name)
        entries = [NewEntry(_value(info.kind, one), None, provenance) for one in values]
    with haven.db.begin(_who(haven, name_of)) as tx:
        result = _put(tx, name, info.opinion, entries)
    _say(result.added, result.known, [Line(r.place + 1, None, r.reason) for r in result.refused])
    if info.opinion == "negative" and result.added:
        click.echo(f"Another person confirms it: openhaven bank confirm {name} VALUE --as STAFF")


@bank.command("add-video")
@click.argument("name")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--provenance", default="", help="Where they come from; else the file's name.")
@_as
@click.pass_obj
def add_video(
    haven: Haven, name: str, files: tuple[Path, ...], provenance: str, name_of: str | None
) -> None:
    """Add films to the bank NAME: hashes of a frame a second are kept, the FILES are not."""
    with haven.db.read() as tx:
        info = bank_named(tx, name)
    if info.kind != "video":
        raise Problem("bank.kind", f"“{name}” is no bank of films.", next_step="Make one of them: "
                      "openhaven bank create NAME --kind video --harm HARM")  # fmt: skip
    entries, faults = [], []
    with click.progressbar(files, label=name, hidden=len(files) < 2) as bar:
        for place, file in enumerate(bar, 1):
            film, unknown = haven.hasher.film(file.read_bytes())
            if film:
                entries.append(NewEntry(film, None, provenance or file.name))
            if unknown:
                faults.append(Line(place, None, f"{file.name}: {unknown}"))
    with haven.db.begin(_who(haven, name_of)) as tx:
        result = _put(tx, name, info.opinion, entries)
    _say(result.added, result.known, faults)


@bank.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--provenance", default="", help="Where the entries come from.")
@_as
@click.pass_context
def import_(
    ctx: click.Context, name: str, file: Path, provenance: str, name_of: str | None
) -> None:
    """Add the entries of FILE (one value a line, CSV or JSON) to the bank NAME."""
    haven: Haven = ctx.obj
    actor, size = _who(haven, name_of), file.stat().st_size
    with haven.db.read() as tx:
        info = bank_named(tx, name)
    added = known = refused = place = 0
    faults: list[Line] = []
    with (
        file.open("rb") as source,
        click.progressbar(length=size, label=name, hidden=size < _BAR_FROM) as bar,
    ):
        for chunk in _chunks(info.kind, source, provenance or file.name):
            entries = [(line.number, line.entry) for line in chunk if line.entry is not None]
            with haven.db.begin(actor) as tx:
                result = _put(tx, name, info.opinion, [entry for _, entry in entries])
            added, known = added + result.added, known + result.known
            wrong = [line for line in chunk if line.entry is None]
            wrong += [Line(entries[one.place][0], None, one.reason) for one in result.refused]
            refused += len(wrong)
            faults = sorted(faults + wrong)[:_SHOWN]
            bar.update(source.tell() - place)
            place = source.tell()
    _say(added, known, faults, refused)
    ctx.exit(1 if refused and not added + known else 0)


@bank.command("withdraw")
@click.argument("name")
@click.argument("value")
@click.option("--reason", default="it should not be there", show_default=True)
@_as
@click.pass_obj
def withdraw(haven: Haven, name: str, value: str, reason: str, name_of: str | None) -> None:
    """Take the entry VALUE out of the bank NAME; what rested on it is looked at again."""
    with haven.db.begin(_who(haven, name_of)) as tx:
        entry = withdraw_entry(tx, name, _value(bank_named(tx, name).kind, value), reason)
    click.echo(f"Entry {entry} of “{name}” is withdrawn and matches no more.")


@bank.command("confirm")
@click.argument("name")
@click.argument("value")
@click.option("--as", "name_of", required=True, metavar="STAFF", help="Who confirms it, by name.")
@click.pass_obj
def confirm(haven: Haven, name: str, value: str, name_of: str) -> None:
    """Confirm VALUE, which somebody else proposed for NAME, a bank of harmless things."""
    with haven.db.begin(_who(haven, name_of)) as tx:
        entry = confirm_negative(tx, name, _value(bank_named(tx, name).kind, value))
    click.echo(f"Entry {entry} of “{name}” is confirmed and counts from now on.")


@bank.command("feedback")
@click.argument("match", type=int)
@click.argument("word", type=click.Choice(["confirm", "false-match"]))
@click.option("--as", "name_of", required=True, metavar="STAFF", help="Who says it, by name.")
@click.pass_obj
def feedback(haven: Haven, match: int, word: str, name_of: str) -> None:
    """Say of a match (by its number) that it was right, or false."""
    with haven.db.begin(_who(haven, name_of)) as tx:
        matches.say(tx, match, word.replace("-", "_"))
        found = matches.match(tx, match)
    where = f"“{found.bank}”" if found else "its bank"
    click.echo(f"That is noted with {where}. Sources that take such words are told.")


# Inside ---------------------------------------------------------------------------------------


def _put(tx: Tx, name: str, opinion: str, entries: Sequence[NewEntry]) -> Added:
    verb = propose_negative if opinion == "negative" else add_entries
    return verb(tx, name, entries)


def _who(haven: Haven, name: str | None) -> Actor:
    """Return who acts: the member of staff that is named, else the operator."""
    if name is None:
        return _ME
    with haven.db.read() as tx:
        return staff.acting(tx, name)


def _value(kind: str, text: str) -> bytes:
    try:
        return parse_value(kind, text)
    except ValueError as error:
        raise Problem("bank.value", "This is no value of that bank.", f"{error}.".capitalize(),
                      next_step="Give a hash in hexadecimal, or a web address.",
                      ) from error  # fmt: skip


def _chunks(kind: str, file: BinaryIO, provenance: str) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for line in read_entries(kind, file, provenance):
        chunk.append(line)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _say(added: int, known: int, faults: Sequence[Line], refused: int | None = None) -> None:
    count = len(faults) if refused is None else refused
    click.echo(f"{added} added, {known} known already, {count} refused.")
    for fault in sorted(faults)[:_SHOWN]:
        click.echo(f"  line {fault.number}: {fault.fault}", err=True)
    if count > _SHOWN:
        click.echo(f"  and {count - _SHOWN} more", err=True)


def _show_entry(kind: str, entry: Entry | None) -> None:
    if entry is None:
        raise Problem("bank.no_entry", "The bank has no such entry.", status=404)
    state = "living" if entry.living else "waits for a second person"
    if entry.withdrawn_at is not None:
        state = f"withdrawn {entry.withdrawn_at:%Y-%m-%d %H:%M} UTC: {entry.withdrawn_reason}"
    for word, told in (
        ("entry", entry.id), ("value", shown(kind, entry.value)), ("state", state),
        ("quality", entry.quality), ("provenance", entry.provenance),
        ("its id there", entry.source_id), ("tags", ", ".join(entry.tags)),
        ("added", f"{entry.added_at:%Y-%m-%d %H:%M} UTC by {entry.added_by}"),
        ("confirmed by", entry.confirmed_by), ("expires", entry.expires_at),
    ):  # fmt: skip
        click.echo(f"{word}: {told if told not in (None, '') else '-'}")
