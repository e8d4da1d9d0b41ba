"""`openhaven match`: say what the banks know of files on this machine, or only hash them."""

import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from openhaven import ledger
from openhaven.core import system
from openhaven.signals.banks import bank_named
from openhaven.signals.banks.comparing import WHY_NOT, Compared, compare, protects_children
from openhaven.signals.banks.store import infos
from openhaven.signals.hashes import MediaHash, MediaHasher
from openhaven.storage import Settings

if TYPE_CHECKING:
    from openhaven.line import Haven

MATCHED, UNREADABLE = 3, 4
LARGEST = 1_000_000_000
_ME = system("operator")
_AT_ONCE = 2
_WINDOW = 64


class Read(NamedTuple):
    """A file, and what was seen in it or why it could not be read."""

    path: Path
    seen: MediaHash | None
    fault: str = ""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--hash", "only_hash", is_flag=True, help="Only hash them; no bank is asked.")
@click.option("--bank", "names", multiple=True, metavar="NAME", help="Ask only this bank.")
@click.option("--json", "as_json", is_flag=True, help="Answer with a line of JSON for each file.")
@click.pass_context
def match(
    ctx: click.Context, files: tuple[Path, ...], only_hash: bool, names: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Compare FILES (and all in folders) with the banks; nothing of them is stored.

    Banks about harm to children are asked only by name, and that is put into the ledger. The exit
    code is 0 when nothing matched, 3 when something did, 4 when nothing did but a file could not be
    read, and 1 when it could not be done at all.
    """
    with ExitStack() as stack:
        haven = None if only_hash else ctx.obj or stack.enter_context(_wired())
        chosen = _chosen(haven, names) if haven else set()
        hasher = MediaHasher(children=_AT_ONCE)
        stack.callback(hasher.close)
        paths = list(_walked(files))
        matched = unread = 0
        with click.progressbar(length=len(paths), label="comparing", file=sys.stderr,
                               hidden=len(paths) < 2) as bar:  # fmt: skip
            for one in _read_all(hasher, paths):
                found = compare(haven.banks.snapshot, one.seen, chosen) \
                    if haven and one.seen else []  # fmt: skip
                matched, unread = matched + bool(found), unread + bool(one.fault)
                _say(one, found, as_json=as_json, only_hash=only_hash)
                bar.update(1)
    if unread:
        click.echo(f"{unread} of {len(paths)} could not be read.", err=True)
    ctx.exit(MATCHED if matched else UNREADABLE if unread else 0)


def _wired() -> Any:
    from openhaven.main import running  # Wiring is slow to import; hashing goes without.

    return running(Settings.load())


def _chosen(haven: "Haven", names: tuple[str, ...]) -> set[str]:
    """Return the banks to ask; those about harm to children only by name, and on record."""
    with haven.db.read() as tx:
        haven.banks.refresh(tx)
        known = infos(tx)
        named = [bank_named(tx, name) for name in names]
    closed = [one for one in named if protects_children(one.harm)]
    if closed:
        with haven.db.begin(_ME) as tx:
            for one in closed:
                ledger.append(tx, "bank.compared", {"bank": one.id})
        click.echo("It is put into the ledger that this machine asked a bank about harm to "
                   "children.", err=True)  # fmt: skip
    if named:
        return {one.name for one in named}
    left = [one.name for one in known if protects_children(one.harm)]
    if left:
        click.echo(f"Not asked: {', '.join(left)}. {WHY_NOT} With --bank they are asked, and that "
                   "is put into the ledger.", err=True)  # fmt: skip
    return {one.name for one in known if not protects_children(one.harm)}


# Files ----------------------------------------------------------------------------------------


def _walked(given: Iterable[Path]) -> Iterator[Path]:
    """Yield files as given, and those below folders in order; links to folders are not followed."""
    for one in given:
        if not one.is_dir():
            yield one
            continue
        for folder, folders, names in os.walk(one):
            folders.sort()
            yield from (Path(folder) / name for name in sorted(names))


def _read_all(hasher: MediaHasher, paths: list[Path]) -> Iterator[Read]:
    """Yield every file in order; a few are hashed at a time, and a few dozen are ahead."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rest = iter(paths)
        while window := list(itertools.islice(rest, _WINDOW)):
            yield from pool.map(lambda path: _read(hasher, path), window)


def _read(hasher: MediaHasher, path: Path) -> Read:
    try:
        if path.exists() and not path.is_file():
            return Read(path, None, "it is no regular file")
        if path.stat().st_size > LARGEST:
            return Read(path, None, f"it has more than {LARGEST:,} bytes")
        return Read(path, hasher.hash(path.read_bytes()))
    except OSError as error:
        return Read(path, None, error.strerror or type(error).__name__)


# Answers --------------------------------------------------------------------------------------


def _say(one: Read, found: list[Compared], *, as_json: bool, only_hash: bool) -> None:
    name = _printable(one.path)
    if as_json:
        click.echo(json.dumps(_object(name, one, found, only_hash=only_hash)))
        return
    if one.seen is None:
        click.echo(f"{name}: {one.fault}", err=True)
        return
    if only_hash:
        pdq = one.seen.pdq.hex() if one.seen.pdq else "-"
        click.echo(f"{name}\t{pdq}\t{one.seen.quality or 0}\t{one.seen.sha256.hex()}")
    for each in found:
        bank = each.match
        near = "the same file" if each.kind != "pdq" else f"{bank.distance} of 256 bits"
        click.echo(f"{name}\t{bank.bank}\tentry {bank.entry}\t{near}\t{bank.opinion}"
                   + ("\tin trial" if bank.mode == "shadow" else ""))  # fmt: skip
    if not found and not only_hash:
        unseen = one.seen.unknown if one.seen.type.startswith("image/") else None
        click.echo(f"{name}\tno match" + (f" (not seen as a picture: {unseen})" if unseen else ""))


def _object(name: str, one: Read, found: list[Compared], *, only_hash: bool) -> dict[str, Any]:
    if one.seen is None:
        return {"file": name, "error": one.fault}
    seen = one.seen
    made: dict[str, Any] = {
        "file": name, "type": seen.type, "sha256": seen.sha256.hex(), "sha1": seen.sha1.hex(),
        "md5": seen.md5.hex(), "pdq": seen.pdq.hex() if seen.pdq else None,
        "quality": seen.quality, "unknown": seen.unknown,
        "readings": [{"read": other.read, "pdq": other.pdq.hex()} for other in seen.others],
    }  # fmt: skip
    if not only_hash:
        made["matches"] = [
            {"bank": each.match.bank, "entry": each.match.entry, "kind": each.kind,
             "distance": each.match.distance, "opinion": each.match.opinion,
             "mode": each.match.mode, "provenance": each.match.provenance,
             "reading": each.reading}
            for each in found
        ]  # fmt: skip
    return made


def _printable(path: Path) -> str:
    """Return a path for a screen: a name may hold what would steer a terminal."""
    text = click.format_filename(path)
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
