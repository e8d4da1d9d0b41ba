"""`openhaven pack backtest|backtests`: try a pack over stored events from the command line."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType

import click
import msgspec

from openhaven import intake
from openhaven.core import Actor, Problem, system
from openhaven.policy.backtest import actions, looking, store
from openhaven.policy.backtest.choose import chosen
from openhaven.policy.backtest.figures import Figures
from openhaven.policy.backtest.jobs import run
from openhaven.policy.backtest.model import Backtest, Candidate, Wish
from openhaven.policy.backtest.words import told
from openhaven.policy.load import load
from openhaven.policy.publishing.commands import actor_named, opened_db
from openhaven.policy.shipped import find_pack
from openhaven.storage import Database

_OPERATOR = system("operator")
_PURPOSE = "To see what this pack would change before it is used."


def _moment(value: str) -> datetime:
    """Return a day or a moment; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("a day is 2026-11-01, a moment 2026-11-01T08:30") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


@click.command("backtest")
@click.argument("what", metavar="PATH|DRAFT")
@click.option("--from", "since", required=True, type=_moment, help="The first day or moment.")
@click.option("--to", "until", type=_moment, help="Up to this moment, which is not part of it.")
@click.option("--platform", help="Only events of this platform.")
@click.option("--against", help="Another pack, instead of what happened.")
@click.option("--purpose", default=_PURPOSE, help="What for: it is a look into people's data.")
@click.option("--as", "name", default="", help="The member of staff who does this.")
@click.option("--show", is_flag=True, help="Print what the named events say (with --as).")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def backtest_command(
    ctx: click.Context, what: str, since: datetime, until: datetime | None, platform: str | None,
    against: str | None, purpose: str, name: str, show: bool, as_json: bool,
) -> None:  # fmt: skip
    """Try the pack at PATH (or a draft) over stored events, and show what would be different."""
    db = opened_db(ctx)
    actor = actor_named(db, name) if name else _OPERATOR
    if show and not name:
        raise click.UsageError("Whoever looks at what people wrote says who they are: --as NAME.")
    with db.begin(actor) as tx:
        wish = Wish(
            tried=_candidate(db, what),
            against=None if against is None else _candidate(db, against),
            since=since,
            until=until or tx.now,
            platform=None if platform is None else intake.platform_named(tx, platform).id,
            purpose=purpose,
        )
        number = actions.start(tx, wish, _runner())
    done = _worked(db, actor, number, quiet=as_json)
    _shown(db, done, as_json=as_json)
    if show:
        _looks(db, actor, number)


@click.command("backtests")
@click.argument("number", metavar="[ID]", default="")
@click.option("--cancel", is_flag=True, help="Cancel the back-test ID.")
@click.option("--go-on", is_flag=True, help="Work here on the back-test ID, which waits.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def backtests_command(
    ctx: click.Context, number: str, cancel: bool, go_on: bool, as_json: bool
) -> None:
    """List the back-tests, or show (cancel, go on with) the one with this ID."""
    db = opened_db(ctx)
    if cancel:
        with db.begin(_OPERATOR) as tx:
            actions.ask_cancel(tx, number)
        return
    if go_on:
        _shown(db, _worked(db, _OPERATOR, number, quiet=as_json), as_json=as_json)
        return
    with db.read() as tx:
        rows = [store.find(tx, number)] if number else store.latest(tx)
    if number:
        _shown(db, rows[0], as_json=as_json)
        return
    for row in rows:
        click.echo(f"{row.id}  {row.state:<9}  {row.done}/{row.total}  {row.label}")


COMMANDS = (backtest_command, backtests_command)


def _candidate(db: Database, what: str) -> Candidate:
    if what.startswith(("dra_", "sha256:")):
        with db.read() as tx:
            return chosen(tx, what)
    found = load(find_pack(what))
    return Candidate.of(f"{found.name} {found.version}", found)


def _runner() -> str:
    return f"cli:{socket.gethostname()}:{os.getpid()}"


def _worked(db: Database, actor: Actor, number: str, *, quiet: bool) -> Backtest:
    """Work on a back-test here, with the lowest priority; Ctrl-C ends it with what is known."""
    try:
        _wait_for_turn(db, number)
        with click.progressbar(length=1, label="Trying", hidden=quiet, file=sys.stderr) as bar:

            def progress(done: int, total: int) -> None:
                bar.length = max(total, 1)
                bar.update(done - bar.pos)

            with _gently(), _interrupted(lambda: _cancel(db, actor, number)):
                run(db, number, _runner(), progress)
    except KeyboardInterrupt:
        with db.begin(actor) as tx:
            actions.end_cancelled(tx, number)
        raise Problem("backtest.cancelled", "The back-test was cancelled.") from None
    with db.read() as tx:
        return store.find(tx, number)


def _cancel(db: Database, actor: Actor, number: str) -> None:
    with suppress(Problem), db.begin(actor) as tx:
        actions.ask_cancel(tx, number)


@contextmanager
def _interrupted(cancel: Callable[[], None]) -> Iterator[None]:
    """Take the first Ctrl-C as the wish to cancel, in a thread beside the work; a second one ends.

    Elsewhere than in the main thread, where no signal arrives, nothing is different.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def asked(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=cancel, name="cancel", daemon=True).start()

    before = signal.signal(signal.SIGINT, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _gently() -> Iterator[None]:
    """Let everything else on this machine go first; afterwards as before, where that is allowed."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    try:
        yield
    finally:
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, before)


def _wait_for_turn(db: Database, number: str) -> None:
    """Take the back-test; where another one runs, wait until it has ended."""
    said = False
    while True:
        with db.begin(_OPERATOR) as tx:
            if actions.claim(tx, _runner(), number) is not None:
                return
            if store.find(tx, number).state != "waiting":
                raise Problem("backtest.taken", "Another process has taken this back-test.",
                              status=409,
                              next_step=f"See it with: openhaven pack backtests {number}",
                              )  # fmt: skip
        if not said:
            click.echo("Another back-test runs; this one waits for its end.", err=True)
            said = True
        time.sleep(1.0)


def _shown(db: Database, done: Backtest, *, as_json: bool) -> None:
    with db.read() as tx:
        examples = store.examples(tx, done.id)
    if as_json:
        click.echo(msgspec.json.encode({"backtest": done, "examples": examples}))
    elif done.figures is None:
        click.echo(f"{done.id} is {done.state}: {done.done} of {done.total} events.")
    else:
        click.echo("\n".join(told(done, msgspec.convert(done.figures, Figures), examples)))
        click.echo(f"\nKept as {done.id}.")
    if done.state == "failed":
        raise Problem("backtest.failed", "The back-test could not be done.", done.error or "")
    if done.state == "cancelled":
        raise Problem("backtest.cancelled", "The back-test was cancelled.",
                      f"{done.done} of {done.total} events had been looked at.")  # fmt: skip


def _looks(db: Database, actor: Actor, number: str) -> None:
    with db.begin(actor) as tx:
        looks = looking.look_at(tx, number)
    for one in looks:
        text = "(gone, or not to be looked at)" if one.text is None else one.text
        click.echo(f"\n{one.example.platform} {one.example.event}, {one.kind}:\n  {text}")
        for link in one.links:
            click.echo(f"  {link}")
