"""`openhaven receipt`: check a receipt, with neither a database nor a network."""

from pathlib import Path

import click

from openhaven import ledger
from openhaven.ledger.note import NoteError, parse_vkey

MOST = 2_000_000


@click.group("receipt", help="Check what a person was given about a decision.")
def receipt() -> None:
    """Group the verbs of receipts."""


@receipt.command("verify")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--key", required=True, metavar="VKEY",
              help="The log's public key, as it stands at /ledger/key.")  # fmt: skip
@click.pass_context
def verify_command(ctx: click.Context, file: Path, key: str) -> None:
    """Say whether FILE proves what it says. Exits 0 when it holds, else 1 with the reason."""
    try:
        parse_vkey(key)
        proven = ledger.check_receipt(_read(file), key)
    except NoteError as error:
        click.echo(f"The key cannot be used: {error}.")
        ctx.exit(1)
    except ledger.ProofError as error:
        click.echo(f"This receipt does not hold: {error}.")
        ctx.exit(1)
    except OSError as error:
        click.echo(f"The file cannot be read: {error.strerror}.")
        ctx.exit(1)
    click.echo(_told(proven))


def _read(file: Path) -> str:
    """Return the text of a receipt; raises `ProofError` for what cannot be one, and `OSError`."""
    with click.open_file(str(file), "rb") as stream:
        data = stream.read(MOST + 1)
    try:
        if len(data) <= MOST:
            return str(data, "utf-8")
    except UnicodeDecodeError:
        pass
    raise ledger.ProofError("this is no receipt")


def _told(proven: ledger.Proven) -> str:
    """Say what was proven; what a log can be made to hold must not move the cursor of a reader."""
    fields, head = proven.fields, proven.checkpoint
    first = (
        f"This receipt holds. Entry {proven.index} of the log “{head.origin}”, recorded "
        f"{fields.get('at')} as {fields.get('kind')}, stands under a head of {head.size} entries "
        "that the log has signed."
    )
    if proven.words is None:
        rest = "It carries no words: they were erased, or it is older than words in receipts."
    else:
        rest = "What was recorded:\n\n" + proven.words.rstrip("\n")
    shown = f"{first}\n\n{rest}"
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in shown)
