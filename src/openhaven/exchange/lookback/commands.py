"""`openhaven bank look-back`: compare a bank with what was seen before, and see how far it is."""

import time
from datetime import UTC

import click

from openhaven.core import Problem, system
from openhaven.exchange.lookback import actions, store
from openhaven.exchange.lookback.jobs import look_back_due
from openhaven.exchange.lookback.model import DAYS, MOST_DAYS, LookBack
from openhaven.line import Haven
from openhaven.signals.banks import bank_named

_ME = system("operator")
_STEPS = 1_000
_PAUSE_S = 0.3


@click.command("look-back")
@click.argument("name")
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=DAYS, show_default=True)
@click.option("--show", is_flag=True, help="Only say what was done and how far it is.")
@click.option("--cancel", is_flag=True, help="End one that is under way.")
@click.pass_obj
def look_back(haven: Haven, name: str, days: int, show: bool, cancel: bool) -> None:
    """Compare the bank NAME with the hashes of what was posted in the last days.

    Only for banks of the sexual abuse of children and of intimate images. Each match is put before
    a person. Interrupted, it is gone on with by `openhaven work`.
    """
    if cancel:
        with haven.db.begin(_ME) as tx:
            actions.cancel(tx, name)
        click.echo(f"“{name}” looks back no more. What was found stays.")
        return
    if show:
        with haven.db.read() as tx:
            runs = store.look_backs(tx, bank_named(tx, name).id)
        for run in runs:
            click.echo(_line(run))
        return
    with haven.db.begin(_ME) as tx:
        asked = actions.ask(tx, name, days)
    run = _watched(haven, asked)
    click.echo(_line(run))
    if run.state != "done":
        raise Problem("look_back.not_done", "It did not come to its end.", run.last_error or "",
                      next_step=f"See: openhaven bank look-back {name} --show")  # fmt: skip


def _watched(haven: Haven, run_id: str) -> LookBack:
    """Do the work, or watch a worker do it, until the run has ended."""
    with click.progressbar(length=_STEPS, label="looking back") as bar:
        while True:
            with haven.db.read() as tx:
                run = store.look_back(tx, run_id)
            bar.update(int(run.part * _STEPS) - bar.pos)
            if not run.is_open:
                return run
            if not look_back_due(haven.db, haven.banks):
                time.sleep(_PAUSE_S)


def _line(run: LookBack) -> str:
    at = f"{run.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    words = f"{at}\t{run.state}\t{run.days} days\t{run.entries} entries\t{run.looked} of "
    words += f"{run.media * run.shares} media\t{run.matches} matches\t{run.tasks} tasks"
    return words + (f"\t{run.last_error}" if run.last_error else "")
