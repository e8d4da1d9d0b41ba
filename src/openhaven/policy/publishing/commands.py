"""`openhaven pack publish|approve|rollback|…`: how rules change, from the command line.

Whoever may run commands on this machine acts here in the name of a member of staff. That is more
than any rule of this program can hold: docs/publishing.md says what it means.
"""

import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import click

from openhaven import staff
from openhaven.core import Actor, Problem, utcnow
from openhaven.policy.includes import read_packs
from openhaven.policy.places import BrokenPack, PackError
from openhaven.policy.publishing import actions, force, shadow, steps, store
from openhaven.policy.publishing.archive import LARGEST, unpacked
from openhaven.policy.publishing.jobs import start
from openhaven.policy.publishing.model import Draft, Standing
from openhaven.policy.shipped import find_pack
from openhaven.signals import Banks
from openhaven.storage import Database, opened

T = TypeVar("T")


class Wired(Protocol):
    """What these verbs need."""

    @property
    def db(self) -> Database: ...


@contextmanager
def _with_rules() -> Iterator[Wired]:
    """Open the database, with something in force, without wiring the whole system."""
    with opened() as found:
        with found.db.read() as tx:
            fresh = store.newest(tx) is None
        if fresh:
            start(found.db, Banks(), found.settings.pack)
        yield found


def opened_db(ctx: click.Context) -> Database:
    """Return the database that these verbs work on; it is opened when nobody has yet."""
    found: Wired | None = ctx.obj
    return (found if found is not None else ctx.with_resource(_with_rules())).db


def actor_named(db: Database, name: str) -> Actor:
    """Return the member of staff in whose name a verb is done, unless they left (`Problem`)."""
    with db.read() as tx:
        return staff.acting(tx, name)


AS = click.option("--as", "name", required=True, help="The member of staff who does this.")
_REASON = click.option("--reason", required=True, help="Why, in a sentence or two.")
_ID = click.argument("draft_id", metavar="ID")


@click.command("publish")
@click.argument("what", metavar="PATH|ID")
@AS
@click.option("--title", default="", help="What it is for, in a line.")
@click.option("--backtest", default="", help="The id of a back-test of this pack.")
@click.pass_context
def publish_command(ctx: click.Context, what: str, name: str, title: str, backtest: str) -> None:
    """Propose the pack at PATH to a second person; or put the approved draft ID in force."""
    if what.startswith("dra_"):
        db = opened_db(ctx)
        _say_standing(steps.publish(db, actor_named(db, name), utcnow(), what))
        return
    files = _plainly(lambda: _read(what))
    db = opened_db(ctx)
    actor = actor_named(db, name)
    draft = _plainly(lambda: steps.propose_files(
        db, actor, utcnow(), title or f"The pack at {what}"[:200], files, backtest))  # fmt: skip
    _say_proposed(draft)


@click.command("propose")
@_ID
@AS
@click.option("--backtest", default="", help="The id of a back-test of this draft.")
@click.pass_context
def propose_command(ctx: click.Context, draft_id: str, name: str, backtest: str) -> None:
    """Ask for a second person's word on the draft ID."""
    db = opened_db(ctx)
    actor = actor_named(db, name)
    _say_proposed(_plainly(lambda: steps.propose(db, actor, utcnow(), draft_id, backtest)))


@click.command("approve")
@_ID
@AS
@_REASON
@click.option("--alone", is_flag=True, help="Nobody else here may publish: approve your own.")
@click.option("--later", is_flag=True, help="Approve only; somebody puts it in force later.")
@click.option("--fingerprint", required=True, help="What you read: `pack diff` prints it first.")
@click.pass_context
def approve_command(
    ctx: click.Context, draft_id: str, name: str, reason: str, alone: bool, later: bool,
    fingerprint: str,
) -> None:  # fmt: skip
    """Approve the draft ID, which somebody else wrote, and put it in force."""
    db = opened_db(ctx)
    actor = actor_named(db, name)
    with db.begin(actor) as tx:
        review = actions.approve(tx, draft_id, reason, alone=alone, fingerprint=fingerprint)
    if review.alone:
        click.echo("Approved alone: there was no second person, and everybody can see that.")
    if not later:
        _say_standing(steps.publish(db, actor, utcnow(), draft_id))


@click.command("reject")
@_ID
@AS
@_REASON
@click.pass_context
def reject_command(ctx: click.Context, draft_id: str, name: str, reason: str) -> None:
    """Say no to the draft ID; that ends it."""
    db = opened_db(ctx)
    with db.begin(actor_named(db, name)) as tx:
        actions.reject(tx, draft_id, reason)
    click.echo(f"{draft_id} is rejected. What runs stays.")


@click.command("withdraw")
@_ID
@AS
@click.pass_context
def withdraw_command(ctx: click.Context, draft_id: str, name: str) -> None:
    """Take back the draft ID of one's own."""
    db = opened_db(ctx)
    with db.begin(actor_named(db, name)) as tx:
        actions.withdraw(tx, draft_id)
    click.echo(f"{draft_id} is withdrawn.")


@click.command("update")
@_ID
@AS
@click.pass_context
def update_command(ctx: click.Context, draft_id: str, name: str) -> None:
    """Base the draft ID on what is in force by now, when somebody published meanwhile."""
    db = opened_db(ctx)
    with db.begin(actor_named(db, name)) as tx:
        draft = actions.bring_up_to_date(tx, draft_id, store.draft(tx, draft_id).version)
    click.echo(f"{draft.id} knows what is in force. Propose it again.")


@click.command("rollback")
@AS
@_REASON
@click.option("--to", default="", help="A fingerprint from `openhaven pack log`, or its beginning.")
@click.pass_context
def rollback_command(ctx: click.Context, name: str, reason: str, to: str) -> None:
    """Put in force again what was before, at once."""
    db = opened_db(ctx)
    with db.begin(actor_named(db, name)) as tx:
        row = force.roll_back(tx, reason, to)
    _say_standing(row)


@click.command("drafts")
@click.option("--all", "ended", is_flag=True, help="Those that have ended, too.")
@click.pass_context
def drafts_command(ctx: click.Context, ended: bool) -> None:
    """Print one line for each draft: id, state, owner, title."""
    with opened_db(ctx).read() as tx:
        found = store.drafts(tx, ended=ended)
    for one in found:
        click.echo(f"{one.id}\t{one.state}\t{one.owner_name}\t{one.title}")


@click.command("diff")
@_ID
@click.pass_context
def diff_command(ctx: click.Context, draft_id: str) -> None:
    """Print what the draft ID changes, line by line: what a second person reads."""
    with opened_db(ctx).read() as tx:
        draft = store.draft(tx, draft_id)
        old, new = store.files_of_pack(tx, draft.based_on), store.files_of(tx, draft_id)
    click.echo(f"{draft.id}\t{draft.fingerprint}")
    for name in sorted({*old, *new}):
        was, becomes = (text.get(name, "").splitlines() for text in (old, new))
        for line in difflib.unified_diff(was, becomes, f"now/{name}", f"draft/{name}", lineterm=""):
            click.echo(line)


@click.command("save")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--draft", "draft_id", default="", help="A draft instead of what is in force.")
@click.pass_context
def save_command(ctx: click.Context, folder: Path, draft_id: str) -> None:
    """Write the pack in force into FOLDER, which must not be there yet, to work on it."""
    with opened_db(ctx).read() as tx:
        files = (
            store.files_of(tx, store.draft(tx, draft_id).id) if draft_id
            else store.files_of_pack(tx, store.standing(tx).pack)
        )  # fmt: skip
    if folder.exists():
        raise Problem("folder.exists", f"{folder} is there already.",
                      next_step="Choose another name.")  # fmt: skip
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    click.echo(f"{folder}: {len(files)} files")


@click.command("log")
@click.pass_context
def log_command(ctx: click.Context) -> None:
    """Print what was in force since when, and why, the newest first."""
    with opened_db(ctx).read() as tx:
        rows = store.history(tx)
    for row in rows:
        _say_standing(row)


@click.command("shadow")
@click.argument("rule", default="")
@click.pass_context
def shadow_command(ctx: click.Context, rule: str) -> None:
    """Print the record of RULE, or of every rule that only looks on."""
    with opened_db(ctx).read() as tx:
        rules = [rule] if rule else shadow.shadow_rules(tx)
        records = [shadow.shadow_record(tx, one) for one in rules]
    for record in records:
        _say_record(record)
    if not records:
        click.echo("No rule of the pack in force only looks on.")


@click.command("promote")
@click.argument("rule")
@AS
@click.pass_context
def promote_command(ctx: click.Context, rule: str, name: str) -> None:
    """Begin a draft that makes the shadow rule RULE live, and propose it."""
    db = opened_db(ctx)
    actor = actor_named(db, name)
    with db.begin(actor) as tx:
        draft = shadow.promote(tx, rule)
    _say_proposed(steps.propose(db, actor, utcnow(), draft.id))


COMMANDS: tuple[click.Command, ...] = (
    publish_command, propose_command, approve_command, reject_command, withdraw_command,
    update_command, rollback_command, drafts_command, diff_command, save_command, log_command,
    shadow_command, promote_command,
)  # fmt: skip


def _read(what: str) -> dict[str, str]:
    """Return the files of a pack given as a folder, an archive or the name of an installed one."""
    path = Path(what)
    if path.is_file():
        if path.stat().st_size > LARGEST:
            raise Problem("archive.too_large", f"{what} is too large for a pack.", status=413)
        return unpacked(path.read_bytes())
    errors: list[PackError] = []
    texts = read_packs(find_pack(what), errors)
    if errors:
        raise BrokenPack(errors)
    return texts


def _plainly(work: Callable[[], T]) -> T:
    """Do it; print every mistake of a broken pack with its line and caret, and exit 1."""
    try:
        return work()
    except BrokenPack as broken:
        for error in broken.errors:
            click.echo(error.rendered())
        click.echo(f"{broken.title} {broken.next_step}", err=True)
        raise click.exceptions.Exit(1) from broken


def _say_proposed(draft: Draft) -> None:
    click.echo(f"{draft.id}\t{draft.state}\t{draft.owner_name}\t{draft.title}")
    if draft.backtest is None:
        click.echo("It was not back-tested.")
    click.echo(f"Somebody else reads it: openhaven pack diff {draft.id}")
    click.echo(
        f"and approves it: openhaven pack approve {draft.id} --as NAME --reason … --fingerprint …"
    )


def _say_standing(row: Standing) -> None:
    alone = ", approved alone" if row.alone else ""
    tested = f", back-test {row.backtest}" if row.backtest else ", no back-test"
    told = {"settings": "from the settings", "rolled_back": "rolled back"}.get(
        row.how, f"published{alone}{tested}"
    )
    click.echo(f"{row.at:%Y-%m-%d %H:%M:%S} UTC\t{row.name} {row.version}\t{row.pack}\t{told}")
    click.echo(f"  {row.by_whom}: {row.reason}")


def _say_record(record: shadow.Record) -> None:
    click.echo(f"{record.rule}: {record.matches} matches")
    for day in record.days[:14]:
        click.echo(f"  {day.day}\t{day.shadow} matched\t{day.unknown} could not be answered")
    if record.precision is not None:
        click.echo(
            f"  People agree on {record.agreed} of {record.judged}: {record.precision:.0%} "
            f"(between {record.low:.0%} and {record.high:.0%})"
        )
    else:
        click.echo("  Nobody has judged any of them yet.")
    for match in record.sample:
        click.echo(f"  {match.platform}\t{match.event}")
