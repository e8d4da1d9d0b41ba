"""The work on one back-test, from its first event to its figures, in short reading transactions."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog

from openhaven.core import Problem, system
from openhaven.history import Counter
from openhaven.policy.backtest import actions, store
from openhaven.policy.backtest.figures import Figures
from openhaven.policy.backtest.judge import Judge, Known, reach, to_replay
from openhaven.policy.backtest.model import Example, Plan, State
from openhaven.policy.backtest.progress import Progress
from openhaven.policy.backtest.stored import Past, Side, happened, open_page, said
from openhaven.policy.backtest.tally import Tally
from openhaven.policy.folder import fingerprint
from openhaven.policy.load import load_texts
from openhaven.policy.model import Verdict
from openhaven.policy.pack import Pack
from openhaven.storage import Database, Tx

log = structlog.get_logger("backtest")
ME = system("backtest")
EVERY_S = 0.5
SAVE_S = 3.0
AWAY_S = 60.0

Tell = Callable[[int, int], None]


class _StopError(Exception):
    """Nobody waits for the result any more: it was cancelled, or another process has taken it."""


class Stopped(Exception):  # noqa: N818 (no fault: this process shall end)
    """This process shall end; the back-test is given back and taken up again later."""


def run(
    db: Database,
    number: str,
    runner: str,
    progress: Tell = lambda _done, _total: None,
    stopping: Callable[[], bool] = lambda: False,
) -> State:
    """Work on the back-test `number`, which `runner` has claimed; return how it ended.

    It goes on where an earlier process had come. `progress` is told of events done and in all,
    `stopping` asked now and then; when it says so the back-test waits again. One that is to be
    cancelled ends with what is known. A database that is away is waited for, up to a minute.
    """
    work = _Work(db, number, runner, progress, stopping)
    try:
        work.through()
        figures, examples = work.found()
        with db.begin(ME) as tx:
            actions.end_done(tx, number, runner, figures, examples)
    except Stopped:
        with db.begin(ME) as tx:
            work.save(tx)
            actions.give_back(tx, number, runner)
    except _StopError:
        known = work.found() if work.tally is not None else (None, [])
        with db.begin(ME) as tx:
            actions.end_if_asked(tx, number, runner, *known)
    except Problem as problem:
        if problem.code == "database.away":
            raise
        _fail(db, number, f"{problem.title} {problem.detail}")
    except Exception as error:  # Recorded as the end of this back-test; the line is not concerned.
        log.exception("backtest.failed", backtest=number)
        _fail(db, number, f"The program has a fault here ({type(error).__name__}).")
    with db.read() as tx:
        return store.find(tx, number).state


def _fail(db: Database, number: str, why: str) -> None:
    with db.begin(ME) as tx:
        actions.end_failed(tx, number, why)


class _Work:
    """One run through a period."""

    def __init__(
        self, db: Database, number: str, runner: str, progress: Tell,
        stopping: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.db, self.number, self.runner = db, number, runner
        self.progress, self.stopping = progress, stopping
        self.done = self.total = 0
        self.heard = 0.0
        self.begun = self.saved = time.monotonic()
        self.seconds = 0.0
        self.after = 0
        self.tally: Tally | None = None
        self.judges: list[Judge] = []
        self.minutes: dict[str, float] = {}
        self.notes: list[str] = []

    def through(self) -> None:
        """Read all events of the period, or those that are left of it."""
        self.hear()
        with self.db.read() as tx:
            plan = store.plan(tx, self.number)
            span = store.span(tx, plan.since, plan.until, plan.platform)
            thens = {name: store.old_pack(tx, name) for name in span.packs if name}
            features = store.features_since(tx)
            human = store.human(tx, span, plan.since)
            self.minutes = store.minutes(tx)
            before = store.progress(tx, self.number)
            digest = tx.keys.digest
        self.hear()
        packs = self.packs(plan, thens)
        complete = span.begin is None or features <= span.begin
        replayed = [to_replay(pack, list(thens.values()), complete=complete) for pack in packs]
        lead = plan.since - max(reach(counters) for counters in replayed)
        events = self.history(plan, lead, replayed)
        self.judges = [
            Judge(pack, thens.get, Known(features, events), digest, counters)
            for pack, counters in zip(packs, replayed, strict=True)
        ]
        self.notes = _note_replay(replayed, lead, events)
        tally, queues = Tally(human), _Queues(thens)
        self.total = span.total
        self.lead_in(plan, lead)
        if before is not None:
            self.resume(plan, tally, before)
        self.tally = tally
        for page in self.pages(plan, plan.since, plan.until, self.after):
            _take(page, self.judges, tally, queues)
            self.after = page[-1].row.seq
            self.step(len(page))

    def found(self) -> tuple[Figures, list[Example]]:
        """Return what is known by now, as figures and examples."""
        assert self.tally is not None
        figures = self.tally.close(self.judges[0].pack, self.minutes)
        figures.seconds = round(self.seconds + time.monotonic() - self.begun, 2)
        figures.notes += self.notes
        return figures, self.tally.examples()

    def resume(self, plan: Plan, tally: Tally, before: Progress) -> None:
        """Go on from what an earlier process had found."""
        tally.resume(before.counted)
        for judge, spent in zip(self.judges, before.spent, strict=True):
            judge.caps.resume(spent)
        if any(judge.counts for judge in self.judges):
            self.total += before.done
            self.recount(self.pages(plan, plan.since, plan.until, 0, before.after))
        self.after, self.seconds = before.after, before.seconds
        self.done += before.done
        self.saved = time.monotonic()
        self.hear()

    def save(self, tx: Tx) -> None:
        """Keep how far it is, for another process."""
        if self.tally is None or not self.after:
            return
        progress = Progress(
            after=self.after,
            done=self.tally.figures.events,
            seconds=self.seconds + time.monotonic() - self.begun,
            counted=self.tally.counted(),
            spent=[judge.caps.spent() for judge in self.judges],
        )
        actions.save(tx, self.number, self.runner, progress)
        self.saved = time.monotonic()

    @staticmethod
    def packs(plan: Plan, thens: dict[str, Pack | None]) -> list[Pack]:
        """Return the pack that is tried, and the one that it is held against, if there is one."""
        known = {pack.fingerprint: pack for pack in thens.values() if pack is not None}
        files = [plan.files] + ([plan.against_files] if plan.against_files else [])
        return [known.get(fingerprint(texts)) or load_texts(texts, kept=True) for texts in files]

    def history(
        self, plan: Plan, lead: datetime, replayed: list[tuple[Counter, ...]]
    ) -> datetime | None:
        """Return since when what counters look at can be read; None when it all can."""
        if not any(replayed):
            return None
        with self.db.read() as tx:
            return store.history_since(tx, lead, plan.until)

    def lead_in(self, plan: Plan, lead: datetime) -> None:
        """Count what happened before the period, as far as counters look back."""
        if lead >= plan.since:
            return
        with self.db.read() as tx:
            self.total += store.span(tx, lead, plan.since, plan.platform).total
        self.recount(self.pages(plan, lead, plan.since))

    def recount(self, pages: Iterator[list[Past]]) -> None:
        """Let counters see events that are not judged here."""
        for page in pages:
            for past in page:
                for judge in self.judges:
                    judge.lead_in(past)
            self.step(len(page))

    def pages(
        self, plan: Plan, since: datetime, until: datetime, after: int = 0, last: int | None = None
    ) -> Iterator[list[Past]]:
        """Yield the events of a span, page by page, each read in a transaction of its own.

        Only those whose number is beyond `after`, up to `last`.
        """
        with self.db.read() as tx:
            span = store.span(tx, since, until, plan.platform)
            grounds = store.bases(tx)
        after = max(after, span.first - 1)
        last = span.last if last is None else min(last, span.last)
        while page := self.page(plan, after, last, since, until, grounds):
            yield page
            after = page[-1].row.seq

    def page(
        self, plan: Plan, after: int, last: int, since: datetime, until: datetime,
        grounds: dict[str, str | None],
    ) -> list[Past]:  # fmt: skip
        """Return the next page, opened; waits for a database that is away."""
        end = time.monotonic() + AWAY_S
        while True:
            try:
                with self.db.read() as tx:
                    rows = store.page(tx, after, last, since, until, plan.platform)
                    return open_page(tx, rows, grounds)
            except Problem as problem:
                if problem.code != "database.away" or time.monotonic() > end:
                    raise
                time.sleep(1.0)

    def step(self, events: int) -> None:
        """Note that some events are done, and look twice a second whether to go on."""
        self.done += events
        if time.monotonic() - self.heard >= EVERY_S:
            self.hear()

    def hear(self) -> None:
        """Say that this process lives. Raises when it shall stop."""
        if self.stopping():
            raise Stopped
        try:
            with self.db.begin(ME) as tx:
                go_on = actions.hear(tx, self.number, self.runner, self.done, self.total)
                if go_on and time.monotonic() - self.saved >= SAVE_S:
                    self.save(tx)
        except Problem as problem:
            # Where the database is away nobody can have cancelled; reading the next page waits.
            if problem.code != "database.away":
                raise
            go_on = True
        if not go_on:
            raise _StopError
        self.heard = time.monotonic()
        self.progress(self.done, self.total)


class _Queues:
    """Which queue a rule of a pack that was in force asked for."""

    def __init__(self, packs: dict[str, Pack | None]) -> None:
        self._queues = {
            name: {rule.id: rule.then.queue for rule in pack.rules}
            for name, pack in packs.items()
            if pack is not None
        }

    def __call__(self, pack: str, rule: str) -> str:
        return self._queues.get(pack, {}).get(rule, "general")


def _take(page: list[Past], judges: list[Judge], tally: Tally, queues: _Queues) -> None:
    answers = [judge.judge(page) for judge in judges]
    for past, *told in zip(page, *answers, strict=True):
        short = next((one for one in told if isinstance(one, str)), None)
        if short is not None:
            tally.skip(past, short)
            continue
        sides = [said(past, one) for one in told if isinstance(one, Verdict)]
        now: Side = sides[1] if len(sides) > 1 else happened(past, queues)
        tally.take(past, now, sides[0])


def _note_replay(
    replayed: list[tuple[Counter, ...]], lead: datetime, since: datetime | None
) -> list[str]:
    """Say which counters were counted again, and from when on that could be done."""
    names = sorted({counter.name for counters in replayed for counter in counters})
    if not names:
        return []
    begin = lead if since is None else max(lead, since)
    return [f"Counted again, from {begin:%Y-%m-%d %H:%M} UTC on: {', '.join(names)}."]
