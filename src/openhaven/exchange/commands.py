"""Verbs of `openhaven bank` about sources, peers and files that leave the house."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from openhaven.core import HARMS, Problem, system
from openhaven.core.sheets import Sheet
from openhaven.exchange import jobs, store
from openhaven.exchange.actions import add_source, pause_source, remove_source, share, unshare
from openhaven.exchange.model import Page, Source, Stored
from openhaven.exchange.plugins import kinds, open_exchange
from openhaven.exchange.sending import commands as sending
from openhaven.line import Haven
from openhaven.signals.banks import bank_named
from openhaven.signals.banks.model import AT_MOST, MODES, WIDEST_RADIUS, Entry
from openhaven.signals.banks.reading import shown
from openhaven.signals.banks.store import entry_pages, listed

_ME = system("operator")
_PAGE = 10_000
_BAR_FROM = 20_000


@click.command("connect")
@click.argument("name")
@click.option("--kind", required=True, metavar="KIND",
              help="file, ncmec, stopncii, threatexchange, openhaven, or a plugin's.")  # fmt: skip
@click.option("--url", required=True, help="Its address; for a file its whole path.")
@click.option("--harm", type=click.Choice(sorted(HARMS)), required=True, metavar="HARM",
              help="The harm class that its entries stand for.")  # fmt: skip
@click.option("--credentials", type=click.File("r"),
              help="A file with one name=secret a line, or “-”; delete it after.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="A further setting of this kind of source.")  # fmt: skip
@click.option("--mode", type=click.Choice(MODES), default="shadow", show_default=True,
              help="What the banks that it fills begin as.")  # fmt: skip
@click.option("--at-most", type=click.Choice(AT_MOST), default="act", show_default=True)
@click.option("--radius", type=click.IntRange(0, WIDEST_RADIUS), default=31, show_default=True)
@click.option("--clause", default="", help="The clause of the policy that it serves.")
@click.option("--owner", default="operator", show_default=True, help="Who answers for it.")
@click.option("--purpose", default="", help="Why it is read, in a sentence.")
@click.option("--every", "interval_s", type=click.IntRange(60, 2_592_000), default=3600,
              show_default=True, help="How often it is read, in seconds.")  # fmt: skip
@click.option("--feedback/--no-feedback", "sends_feedback", default=False, show_default=True,
              help="Whether what reviewers say of matches is sent back.")  # fmt: skip
@click.pass_obj
def connect(
    haven: Haven,
    /,
    name: str,
    kind: str,
    credentials: Any,
    settings: tuple[str, ...],
    **values: Any,
) -> None:
    """Add a source called NAME, from which entries come by themselves."""
    if kind not in kinds():
        raise Problem("source.kind", f"There is no kind of source “{kind}” here.",
                      next_step="Use one of: " + ", ".join(kinds()))  # fmt: skip
    secrets = _pairs(credentials.read().splitlines()) if credentials else {}
    config = _pairs(settings)
    with haven.db.begin(_ME) as tx:
        source = add_source(tx, name, kind=kind, config=config, credentials=secrets, **values)
        # What is missing is told now, and then nothing is stored.
        open_exchange(source, secrets, haven.http)
    click.echo(f"The source “{name}” is connected. Read it now: openhaven bank fetch {name}")


@click.command("sources")
@click.pass_context
def sources(ctx: click.Context) -> None:
    """List the sources: when each was read, and what is stale since when and why.

    Exits 1 when one of them is stale.
    """
    haven: Haven = ctx.obj
    with haven.db.read() as tx:
        found, now = store.sources(tx), tx.now
    for one in found:
        click.echo(f"{one.name}\t{one.kind}\t{one.entries} entries\t{_state(one, now)}")
        if one.last_error is not None:
            click.echo(f"  fails since {_moment(one.failing_since)}: {one.last_error}")
        if one.refused:
            click.echo(f"  {one.refused} changes could not be used, lately: {one.last_refused}")
        if one.waiting or one.undelivered:
            click.echo(f"  feedback: {one.waiting} waiting, {one.undelivered} failed")
    ctx.exit(1 if any(one.stale(now) for one in found) else 0)


@click.command("fetch")
@click.argument("name")
@click.option("--all-may-go", is_flag=True,
              help="Believe a listing that leaves out most of what it had.")  # fmt: skip
@click.pass_obj
def fetch(haven: Haven, name: str, all_may_go: bool) -> None:
    """Read the source NAME now, to its end."""
    total = [0, 0, 0]

    def seen(stored: Stored, page: Page) -> None:
        for place, count in enumerate(stored):
            total[place] += count
        if page.more:
            click.echo(f"  {name}: {total[0]} added, {total[1]} withdrawn so far", err=True)

    jobs.fetch_now(haven.db, haven.http, name, all_may_go=all_may_go, seen=seen)
    click.echo(f"{total[0]} added, {total[1]} withdrawn, {total[2]} refused.")


@click.command("pause")
@click.argument("name")
@click.pass_obj
def pause(haven: Haven, name: str) -> None:
    """Stop reading the source NAME for a while; its entries stay."""
    with haven.db.begin(_ME) as tx:
        pause_source(tx, name, True)
    click.echo(f"“{name}” is not read any more until: openhaven bank resume {name}")


@click.command("resume")
@click.argument("name")
@click.pass_obj
def resume(haven: Haven, name: str) -> None:
    """Go on reading the source NAME."""
    with haven.db.begin(_ME) as tx:
        pause_source(tx, name, False)
    click.echo(f"“{name}” is read again.")


@click.command("disconnect")
@click.argument("name")
@click.confirmation_option(prompt="Are its entries to be withdrawn, and its credentials destroyed?")
@click.pass_obj
def disconnect(haven: Haven, name: str) -> None:
    """Remove the source NAME with what it alone brought."""
    with haven.db.begin(_ME) as tx:
        gone = remove_source(tx, name)
    click.echo(f"“{name}” is gone, and {gone} entries are withdrawn.")


@click.command("share")
@click.argument("name")
@click.option("--key", required=True, help="The name of the API key of the other Openhaven.")
@click.pass_obj
def share_(haven: Haven, name: str, key: str) -> None:
    """Let another Openhaven read our own entries of the bank NAME."""
    with haven.db.begin(_ME) as tx:
        share(tx, name, key)
    click.echo(f"The key “{key}” may read our own entries of “{name}”.")


@click.command("unshare")
@click.argument("name")
@click.option("--key", required=True, help="The name of the API key of the other Openhaven.")
@click.pass_obj
def unshare_(haven: Haven, name: str, key: str) -> None:
    """Take back what `share` allowed."""
    with haven.db.begin(_ME) as tx:
        unshare(tx, name, key)
    click.echo(f"The key “{key}” may not read “{name}” any more.")


@click.command("export")
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--own", is_flag=True, help="Leave out what sources brought.")
@click.pass_obj
def export(haven: Haven, name: str, file: Path, own: bool) -> None:
    """Write the living entries of the bank NAME to FILE: CSV, or JSON lines for *.json, *.jsonl."""
    if file.exists():
        raise Problem("bank.file", f"{file} exists already.", next_step="Choose another file.")
    aside = file.with_name(f".{file.name}.part")
    as_json = file.suffix in (".json", ".jsonl")
    with haven.db.read() as tx:
        info = bank_named(tx, name)
        (length,) = (one.entries for one in listed(tx) if one.id == info.id)
        try:
            with (
                os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out,
                click.progressbar(length=length, label=name, hidden=length < _BAR_FROM) as bar,
            ):
                sheet = Sheet(out, "\n")
                if not as_json:
                    sheet.line(["value", "quality", "provenance", "id", "tags", "expires_at"])
                count = 0
                for page in entry_pages(tx, info.id, _PAGE, own=own):
                    for entry in page:
                        row = _row(info.kind, entry)
                        if as_json:
                            out.write(json.dumps({k: v for k, v in row.items() if v}) + "\n")
                        else:
                            sheet.line(row.values())
                    count += len(page)
                    bar.update(len(page))
            aside.replace(file)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise Problem("bank.file", f"{file} cannot be written.", error.strerror or "",
                          next_step="Is there space, and may you write there?",
                          ) from error  # fmt: skip
    click.echo(f"{count} entries of “{name}” are in {file}.")


COMMANDS = (
    connect, disconnect, export, fetch, pause, resume, share_, sources, unshare_, *sending.COMMANDS,
)  # fmt: skip


def _pairs(given: Any) -> dict[str, str]:
    """Return name=value texts as a dict; raises `Problem` for one that is none."""
    found = {}
    for text in given:
        name, mark, value = text.partition("=")
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        if not mark or not name.strip():
            # The text is not shown: it may be a secret.
            raise Problem("source.setting", "A setting is written name=value, one by one.")
        found[name.strip()] = value.strip()
    return found


def _row(kind: str, entry: Entry) -> dict[str, Any]:
    return {
        "value": shown(kind, entry.value),
        "quality": "" if entry.quality is None else entry.quality,
        "provenance": entry.provenance,
        "id": entry.source_id or "",
        "tags": " ".join(tag.replace(" ", "_") for tag in entry.tags),
        "expires_at": "" if entry.expires_at is None else entry.expires_at.isoformat(),
    }


def _state(source: Source, now: datetime) -> str:
    if source.paused_at is not None:
        return f"paused since {_moment(source.paused_at)}"
    if source.stale(now):
        return f"STALE since {_moment(source.current_at or source.created_at)}"
    if source.current_at is None:
        return "not read yet"
    return f"up to date {_moment(source.current_at)}"


def _moment(at: datetime | None) -> str:
    return "-" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
