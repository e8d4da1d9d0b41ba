"""The worker: loops that claim what is waiting, each in its own thread, woken by the database."""

import queue
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import structlog

from openhaven import (
    connectors,
    decisions,
    evidence,
    exchange,
    intake,
    ledger,
    policy,
    records,
    review,
    support,
    survivors,
)
from openhaven.core import Problem, system
from openhaven.decisions import Act, copies
from openhaven.line import asking, filings, lane, undone
from openhaven.line.clocks import run_clocks
from openhaven.line.drafts import matter
from openhaven.line.guarding import keep_guard, tell_of_glass
from openhaven.line.haven import Haven
from openhaven.line.pace import Pace
from openhaven.line.telling import tell_owners
from openhaven.line.walk import conclude, walk

log = structlog.get_logger("worker")

BATCH = 400
LEASE = timedelta(seconds=60)
# A mail host may be slow in each of its answers, and a letter cannot be sent again unnoticed.
LETTER_LEASE = timedelta(minutes=5)
# Acts under way at the same time, a quarter of them with the same platform: one that is slow to
# answer must not hold up what the others wait for.
CARRIERS = 8
SHARE = CARRIERS // 4
ME = system("worker")


# What each loop does; it returns how much it found, so that a busy loop does not wait ----------


def judge_events(haven: Haven, pace: Pace | None = None) -> int:
    """Walk one batch of events; where the batch fails, walk them one by one.

    `pace` says how many they are at most (400 without one), and learns how long that took.
    """
    began = time.monotonic()
    try:
        with haven.db.begin(ME) as tx:
            # By matter: so two workers that meet the same cases never wait for each other.
            batch = sorted(intake.claim(tx, pace.size if pace else BATCH), key=matter)
            walk(haven, tx, batch)
        if pace:
            pace.took(len(batch), time.monotonic() - began)
        return len(batch)
    except Problem as problem:
        if problem.code == "database.away":
            raise
        return _one_by_one(haven)
    except Exception:  # A defect in judging must not stop the line: it is narrowed down below.
        log.exception("line.batch_failed")
        return _one_by_one(haven)


def _one_by_one(haven: Haven) -> int:
    with haven.db.begin(ME) as tx:
        waiting = intake.waiting(tx, BATCH)
    for seq in waiting:
        _alone(haven, seq)
    return len(waiting)


def _alone(haven: Haven, seq: int) -> None:
    try:
        with haven.db.begin(ME) as tx:
            walk(haven, tx, intake.claim(tx, 1, only=seq))
    except Exception as error:  # The event is counted and, after three times, set aside for staff.
        if _away(error):
            raise
        log.exception("line.event_failed", seq=seq)
        with haven.db.begin(ME) as tx:
            intake.stumble(tx, seq)


def _away(error: Exception) -> bool:
    """Say whether it was the database and not the thing under way that failed."""
    return isinstance(error, Problem) and error.code == "database.away"


def settle_judgements(haven: Haven) -> int:
    """Turn judgements into decisions, each in a transaction of its own.

    One that fails holds up no other. Raises `Problem` when only such are left: they stay as they
    were given, are in a metric, and are tried again.
    """
    settled, failed = 0, list[str]()
    while settled + len(failed) < BATCH and _settle_next(haven, failed):
        settled += 1
    if failed and not settled:
        raise Problem("judgements.stuck", "There are judgements that cannot be settled.",
                      f"{len(failed)} at least", status=500)  # fmt: skip
    return settled


def _settle_next(haven: Haven, failed: list[str]) -> bool:
    """Settle the oldest judgement that can be; note in `failed` which ones could not."""
    given: review.Given | None = None
    while len(failed) < BATCH:
        try:
            with haven.db.begin(ME) as tx:
                given = next(iter(review.waiting_judgements(tx, 1, but=failed)), None)
                if given is not None:
                    conclude(haven, tx, given)
                    undone.follow(tx, given)
        except Exception as error:  # A defect must not keep other people's decisions waiting.
            if given is None or _away(error):
                raise
            log.exception("line.judgement_failed", judgement=given.id)
            failed.append(given.id)
            given = None
            continue
        return given is not None
    return False


def carry_act(haven: Haven) -> int:
    """Send the next act that is due; the attempt is stored before, the result after."""
    acts = due_acts(haven, 1)
    for act in acts:
        carry(haven, act)
    return len(acts)


def due_acts(haven: Haven, limit: int) -> list[Act]:
    """Claim acts that are due, `limit` at most; the attempt at each is stored."""
    with haven.db.begin(ME) as tx:
        return decisions.claim_acts(tx, limit, LEASE, each=SHARE)


def carry(haven: Haven, act: Act) -> None:
    """Send a claimed act, and store how it went."""
    try:
        carried = connectors.carry_out(haven.db, haven.connectors, act)
    except Exception as error:  # Whatever a connector does, the act stays visible and is retried.
        log.exception("act.failed", act=act.id)
        carried = connectors.Carried("retry", f"The connector failed: {type(error).__name__}.")
    if carried.error:
        log.warning("act.not_delivered", act=act.id, state=carried.state, attempts=act.attempts)
    with haven.db.begin(ME) as tx:
        decisions.finish_act(tx, act, carried.state, carried.error)


def send_letters(haven: Haven) -> int:
    """Send notices by e-mail; without a mail host they wait where staff sees them."""
    sent = 0
    while sent < BATCH and _send_next(haven):
        sent += 1
    return sent


def _send_next(haven: Haven) -> bool:
    """Send the next letter, which is taken alone: while it is on its way others can be sent."""
    with haven.db.begin(ME) as tx:
        letter = next(iter(decisions.claim_letters(tx, 1, LETTER_LEASE)), None)
    if letter is None:
        return False
    try:
        error = connectors.mail.send(haven.db, haven.settings, letter)
    except Exception as failure:  # One letter must not hold up those to other people.
        log.exception("letter.failed", notice=letter.id)
        error = f"The letter could not be made ({type(failure).__name__})."
    with haven.db.begin(ME) as tx:
        decisions.finish_letter(tx, letter, error)
    return True


def tally_passed(haven: Haven) -> int:
    """Count events that were judged one by one into one ledger entry."""
    with haven.db.begin(ME) as tx:
        counts = intake.tally(tx, 5_000)
        for pack, outcomes in counts.items():
            numbers = {outcome: str(n) for outcome, n in sorted(outcomes.items())}
            ledger.append(tx, "events.judged", {"pack": pack} | numbers)
    return 0


def return_leases(haven: Haven) -> int:
    """Give back tasks whose lease has ended, and end decisions whose time has come."""
    with haven.db.begin(ME) as tx:
        review.return_leases(tx)
        decisions.cancel_expired(tx)
    with haven.db.begin(ME) as tx:
        copies.follow(tx, haven.voice)
    return 0


def follow_banks(haven: Haven) -> int:
    """Learn of new and withdrawn bank entries."""
    with haven.db.read() as tx:
        haven.banks.refresh(tx)
    return 0


def follow_policy(haven: Haven) -> int:
    """Put in force what was published, in this process."""
    return policy.publishing.follow(haven.db, haven.banks, haven.packs)


def watch_rules(haven: Haven) -> int:
    """Sum up what rules did, and let those only ask a person that were overturned too often."""
    with haven.db.begin(ME) as tx:
        policy.sum_up(tx)
        for rule in policy.fall_back(tx, haven.packs.current):
            log.warning("rule.fell_back", rule=rule)
    return 0


def keep_house(haven: Haven) -> int:
    """Forget what is past its retention."""
    return records.retain(haven.db, haven.blobs, haven.settings.retention)


def keep_banks(haven: Haven) -> int:
    """Withdraw bank entries whose time has come, and forget matches that led nowhere."""
    return exchange.keep_banks(haven.db, haven.settings.retention.events)


def call_staff(haven: Haven) -> int:
    """Send the calls to staff that are due."""
    return survivors.send_alerts(haven.db, haven.settings, haven.http)


def follow_helplines(haven: Haven) -> int:
    """Learn of changes in the directory of services that help."""
    haven.support.current()
    return 0


def read_helplines(haven: Haven) -> int:
    """Read the directory of services that help, when it is time to."""
    return support.read_when_due(haven.db, haven.settings.helplines, haven.http.read)


# The machinery ---------------------------------------------------------------------------------


class Worker:
    """Runs the loops until `stop`; a loop that fails says so, waits and goes on."""

    def __init__(self, haven: Haven) -> None:
        self._haven = haven
        self._stopping = threading.Event()
        self._wakes: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self._backtests = policy.backtest.Tender(haven.db, haven.settings.home)
        self._claimed: queue.SimpleQueue[Act | None] = queue.SimpleQueue()
        self._free = threading.Semaphore(CARRIERS)

    def follow(self) -> None:
        """Start only what a process needs that answers by itself: knowing banks and rules."""
        self._loop("banks", 0.4, lambda: follow_banks(self._haven))
        self._loop("policy", 0.5, lambda: follow_policy(self._haven), "policy")
        self._loop("directory", 5.0, lambda: follow_helplines(self._haven))

    def start(self) -> None:
        """Start every loop and the listener that wakes them."""
        haven, pace = self._haven, Pace()
        self._loop("judgements", 1.0, lambda: settle_judgements(haven))
        self._loop("line", 1.0, lambda: judge_events(haven, pace), "line")
        self._loop("acts", 2.0, self._hand_out)
        self._loop("lane", 2.0, lambda: lane.tend(haven), "lane")
        self._loop("filings", 5.0, lambda: filings.send(haven), "filings")
        self._loop("duties", 20.0, lambda: filings.watch(haven), "authorities")
        self._loop("network", 5.0, lambda: filings.look(haven), "network")
        self._loop("requests", 5.0, lambda: asking.tend(haven), "requests")
        self._loop("evidence", 60.0, lambda: evidence.tend(haven.vault))
        for number in range(CARRIERS):
            self._spawn(f"carry-{number}", self._carry_on)
        self._loop("letters", 5.0, lambda: send_letters(haven), "notices")
        self._loop("ledger", 0.5, haven.sequencer.tick)
        self._loop("tally", 5.0, lambda: tally_passed(haven))
        self._loop("leases", 5.0, lambda: return_leases(haven))
        self._loop("clocks", 5.0, lambda: run_clocks(haven))
        self._loop("rules", 10.0, lambda: watch_rules(haven))
        self._loop("rule-messages", 30.0, lambda: tell_owners(haven), "rule_messages")
        self.follow()
        self._loop("house", 600.0, lambda: keep_house(haven))
        self._loop("guard", 300.0, lambda: keep_guard(haven))
        self._loop("glass", 5.0, lambda: tell_of_glass(haven), "glass")
        self._loop("exchange", 5.0, lambda: exchange.fetch_due(haven.db, haven.http), "exchange")
        self._loop("feedback", 5.0, lambda: exchange.send_due(haven.db, haven.http))
        self._loop("sendings", 5.0, lambda: exchange.send_entries(haven.db, haven.http))
        self._loop("recalls", 1.0, lambda: exchange.look_after(haven.db))
        self._loop("look-backs", 5.0, lambda: exchange.look_back_due(haven.db, haven.banks))
        self._loop("expiry", 60.0, lambda: keep_banks(haven))
        self._loop("returning", 10.0, lambda: exchange.keep_returning(haven.db), "returning")
        self._loop("survivors", 2.0, lambda: survivors.tend(haven.db), "survivors")
        self._loop("watches", 30.0, lambda: survivors.keep_watches(haven.db))
        self._loop("alerts", 5.0, lambda: call_staff(haven), "alerts")
        self._loop("helplines", 30.0, lambda: read_helplines(haven))
        self._loop("backtests", 1.0, self._backtests.tend, "backtests")
        for name, job in connectors.jobs(haven.connectors).items():
            self._loop(name, 1.0, job, name)
        self._spawn("listener", self._listen)

    def stop(self) -> None:
        """Ask every loop to end, and wait until it has."""
        self._stopping.set()
        for wake in self._wakes.values():
            wake.set()
        for _ in range(CARRIERS):
            self._claimed.put(None)
            self._free.release()
        for thread in self._threads:
            thread.join(timeout=20)
        self._backtests.stop()

    def run(self) -> None:
        """Start and wait until `stop` is called from a signal handler."""
        self.start()
        while not self._stopping.wait(1.0):
            pass
        self.stop()

    def ask_to_stop(self) -> None:
        """Make `run` return; safe to call from a signal handler."""
        self._stopping.set()

    def _hand_out(self) -> int:
        """Give acts that are due to the carriers that are free; with none free, wait for one.

        One loop claims for all carriers: if each did, every act would wake them all. Returns 0 when
        nothing more is due: an act that is over wakes the loop again.
        """
        self._free.acquire()
        free = 1
        while self._free.acquire(blocking=False):
            free += 1
        acts = list[Act]()
        try:
            if not self._stopping.is_set():
                acts = due_acts(self._haven, free)
        finally:
            for _ in range(free - len(acts)):
                self._free.release()
        for act in acts:
            self._claimed.put(act)
        return len(acts) if len(acts) == free else 0

    def _carry_on(self) -> None:
        """Carry one act after another, until there is None."""
        while (act := self._claimed.get()) is not None:
            try:
                carry(self._haven, act)
            except Exception as error:  # Its lease ends by itself, and then it is tried again.
                log.error("act.not_stored", act=act.id, error=type(error).__name__)
            finally:
                self._free.release()

    def _loop(self, name: str, pause: float, job: Callable[[], int], channel: str = "") -> None:
        wake = self._wakes.setdefault(channel or name, threading.Event())
        self._spawn(name, lambda: self._repeat(name, pause, job, wake))

    def _spawn(self, name: str, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=body, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _repeat(
        self, name: str, pause: float, job: Callable[[], int], wake: threading.Event
    ) -> None:
        failures = 0
        while not self._stopping.is_set():
            wake.clear()
            try:
                found = job()
                failures = 0
            except Exception as error:  # Said aloud and tried again; what waits is in the metrics.
                failures += 1
                found = 0
                log.error("loop.failed", loop=name, error=type(error).__name__, failures=failures,
                          exc_info=not isinstance(error, Problem))  # fmt: skip
            if not found:
                # Bounded, since a night of failures would make the power too large for a float.
                wake.wait(min(pause * 2 ** min(failures, 8), 30.0))

    def _listen(self) -> None:
        """Wake loops when the database says that there is something for them."""
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._haven.db.url, autocommit=True) as connection:
                    for channel in self._wakes:
                        connection.execute(f'LISTEN "{channel}"')
                    while not self._stopping.is_set():
                        for note in connection.notifies(timeout=1.0, stop_after=1):
                            self._wakes[note.channel].set()
            except psycopg.Error as error:
                log.warning("listener.away", error=type(error).__name__)
                time.sleep(1.0)
