"""`openhaven evidence`: hand out a packet, check one offline, and who can open what is sealed."""

from pathlib import Path
from typing import Protocol

import click
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from openhaven import connectors, ledger, staff
from openhaven.connectors.http import UnreachableError
from openhaven.core import Problem
from openhaven.evidence import jobs, officers, packet
from openhaven.evidence.sealing import SealError
from openhaven.evidence.store import officers as officers_of
from openhaven.evidence.vault import Vault, vault
from openhaven.evidence.whole import whole
from openhaven.ledger.note import NoteError, parse_vkey
from openhaven.storage import Database, Secrets, Settings, bucket_of, opened
from openhaven.storage.settings import Timestamps


@click.group("evidence", help="Sealed evidence: packets, and the officers who can open it.")
def evidence() -> None:
    """Group the verbs of evidence."""


class Wired(Protocol):
    """What these verbs need."""

    @property
    def db(self) -> Database: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def settings(self) -> Settings: ...


def _wired(ctx: click.Context) -> Wired:
    """Open the little that is needed; checking a packet and making a key do without."""
    found: Wired | None = ctx.obj
    return found if found is not None else ctx.with_resource(opened())


def _vault(haven: Wired) -> Vault:
    bucket = bucket_of(haven.settings.objects)
    return vault(haven.settings.home, bytes.fromhex(haven.secrets.master), haven.db, bucket)


@evidence.command("export")
@click.argument("case")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", required=True, help="Who you are: a member of staff.")
@click.option("--to", required=True, help="Who gets it.")
@click.option("--reference", required=True, help="Under which number of theirs.")
@click.option("--for", "publics", multiple=True, metavar="KEY",
              help="The receiver's public key, as `evidence key` prints it; more than one may be "
              "given.")  # fmt: skip
@click.option("--plain", is_flag=True, help="Do not seal it for anybody.")
@click.pass_context
def export_command(
    ctx: click.Context, case: str, file: Path, name: str, to: str, reference: str,
    publics: tuple[str, ...], plain: bool,
) -> None:  # fmt: skip
    """Write a packet of CASE to FILE, sealed for who has the private half of a key."""
    if bool(publics) == plain:
        raise Problem("packet.open", "Say for whom the packet is to be sealed.",
                      next_step="Give --for KEY. Where the receiver has no key, and another way to "
                      "keep it safe, --plain.")  # fmt: skip
    keys = [_public(one) for one in publics]
    haven = _wired(ctx)
    with haven.db.read() as tx:
        actor = staff.acting(tx, name)
    signer = ledger.signer_from(bytes.fromhex(haven.secrets.ledger_seed))
    sequencer = ledger.Sequencer(haven.db, signer, haven.settings.home)
    sequencer.start()
    stamp = packet.export(
        _vault(haven), actor, case, file, to=to, reference=reference, seal_for=keys,
        sequence=sequencer.tick, signer=signer, stamper=_stamper(haven.settings.timestamps),
    )  # fmt: skip
    kept = "Only who has the key opens it." if keys else (
        "It holds files in the clear: keep it safe.")  # fmt: skip
    click.echo(f"{file}: {file.stat().st_size} bytes. {kept}")
    if stamp is not None and stamp.why:
        click.echo(f"It has no time stamp: {stamp.why}.")


def _stamper(set_to: Timestamps) -> packet.Stamper | None:
    """Return the service that stamps the time, None when none is set."""
    if not set_to.url:
        return None
    http, roots = connectors.Http(), packet.roots_in(set_to.roots) if set_to.roots else ()

    def ask(request: bytes) -> bytes:
        if not roots:
            raise packet.StampError("the setting timestamps.roots names no certificates")
        try:
            said = http.send("POST", set_to.url, body=request, limit=100_000, patience_s=30,
                             headers={"content-type": "application/timestamp-query"})  # fmt: skip
        except (UnreachableError, Problem) as error:
            raise packet.StampError(f"the service gave no answer ({error})") from error
        if said.status != 200:
            raise packet.StampError(f"the service answered HTTP {said.status}")
        return said.body

    return packet.Stamper(ask, roots)


@evidence.command("open")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path, exists=True),
              help="Your secret key, as `evidence key` made it.")  # fmt: skip
def open_command(file: Path, target: Path, key_file: Path) -> None:
    """Open a packet that was sealed for you, offline: TARGET is the ZIP file in it."""
    private = X25519PrivateKey.from_private_bytes(_public(key_file.read_text("ascii").strip()))
    try:
        with open(file, "rb") as source, whole(target) as out:
            for piece in packet.opened(source, private):
                out.write(piece)
    except SealError as error:
        raise Problem("packet.closed", f"This packet was not opened: {error}.",
                      next_step="Is it whole, and is the key yours?") from error  # fmt: skip
    click.echo(f"{target}: {target.stat().st_size} bytes. Now check it: openhaven evidence verify")


@evidence.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", required=True, metavar="VKEY",
              help="The log's public key, as it stands at /ledger/key.")  # fmt: skip
@click.option("--roots", type=click.Path(path_type=Path, exists=True),
              help="A PEM file with the root of the time-stamp service.")  # fmt: skip
@click.pass_context
def verify_command(ctx: click.Context, file: Path, key: str, roots: Path | None) -> None:
    """Say whether a packet holds, without a database or a network. Exits 0 when it does, else 1."""
    with open(file, "rb") as source:
        if packet.is_sealed(source):
            click.echo("This packet is sealed. First: openhaven evidence open FILE TARGET --key …")
            ctx.exit(1)
    try:
        parse_vkey(key)
        found = packet.verify(file, key, packet.roots_in(roots) if roots else ())
    except NoteError as error:
        click.echo(f"The key cannot be used: {error}.")
        ctx.exit(1)
    except packet.Faulty as error:
        click.echo(f"This packet does not hold: {error}.")
        ctx.exit(1)
    click.echo(
        f"This packet holds. Case {found.case}, made {found.made_at}: {found.files} files are as "
        f"they were received, and {found.entries} entries of the log “{found.origin}” prove it."
    )
    if found.stamp:
        click.echo(found.stamp)


@evidence.command("check")
@click.pass_context
def check_command(ctx: click.Context) -> None:
    """Compare the store of sealed files with the items. Exits 1 when one is lost, else 0."""
    found = jobs.check(_vault(_wired(ctx)))
    click.echo(f"{found.items} items, of which {len(found.lost)} are lost; {found.strays} files "
               "belong to no item.")  # fmt: skip
    for item in found.lost:
        click.echo(f"Lost: {item}. Restore it from a backup.")
    if found.lost:
        ctx.exit(1)


# Officers -------------------------------------------------------------------------------------


@evidence.group("officers")
def officers_group() -> None:
    """Who besides this installation can open what is sealed."""


@officers_group.command("list")
@click.pass_context
def list_command(ctx: click.Context) -> None:
    """List the officers, with when each was added or removed."""
    with _wired(ctx).db.read() as tx:
        for one in officers_of(tx, living=False):
            end = f", removed {one.removed_at:%Y-%m-%d}" if one.removed_at else ""
            click.echo(f"{one.name}: {one.public.hex()}, since {one.added_at:%Y-%m-%d}{end}")


@officers_group.command("add")
@click.argument("name")
@click.argument("public")
@click.option("--as", "who", required=True, help="Who you are: an administrator.")
@click.pass_context
def add_command(ctx: click.Context, name: str, public: str, who: str) -> None:
    """Make NAME an officer, whose key (64 hexadecimal digits) `evidence key` has printed."""
    haven = _wired(ctx)
    with haven.db.read() as tx:
        actor, member = staff.acting(tx, who), staff.named(tx, name)
    with haven.db.begin(actor) as tx:
        n = officers.add(_vault(haven), tx, member.id, _public(public))
    click.echo(f"{member.name} is an officer; the keys of {n} items were wrapped for them.")


@officers_group.command("remove")
@click.argument("name")
@click.option("--as", "who", required=True, help="Who you are: an administrator.")
@click.pass_context
def remove_command(ctx: click.Context, name: str, who: str) -> None:
    """Take an officer's keys away; all keys are wrapped anew for who is left."""
    haven = _wired(ctx)
    with haven.db.read() as tx:
        actor, member = staff.acting(tx, who), staff.named(tx, name)
    with haven.db.begin(actor) as tx:
        n = officers.remove(_vault(haven), tx, member.id)
    click.echo(f"{member.name} is no officer any more; {n} wrapped keys were removed.")


def _public(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise Problem("officer.key", "A public key has 64 hexadecimal digits.",
                      next_step="Make one with: openhaven evidence key FILE")  # fmt: skip
    return found


@evidence.command("key")
@click.argument("file", type=click.Path(path_type=Path))
def key_command(file: Path) -> None:
    """Make an officer's key: the secret half goes to FILE (keep it offline), the other is shown."""
    made = X25519PrivateKey.generate()
    with whole(file) as out:
        out.write(made.private_bytes_raw().hex().encode() + b"\n")
    click.echo(made.public_key().public_bytes_raw().hex())


@evidence.command("recover")
@click.argument("item")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path, exists=True),
              help="The officer's secret key.")  # fmt: skip
@click.option("--as", "who", required=True, help="Who you are: the officer.")
@click.pass_context
def recover_command(ctx: click.Context, item: str, target: Path, key_file: Path, who: str) -> None:
    """Open ITEM with an officer's own key, as when this installation's secret was lost."""
    haven = _wired(ctx)
    private = X25519PrivateKey.from_private_bytes(_public(key_file.read_text("ascii").strip()))
    with haven.db.read() as tx:
        actor = staff.acting(tx, who)
    with haven.db.begin(actor) as tx:
        parts = officers.recover(_vault(haven), tx, item, private)
    with whole(target) as out:
        for part in parts:
            out.write(part)
    click.echo(f"{target}: {target.stat().st_size} bytes, as they were received.")
