"""Verbs of survivors: ask for a removal, tell of a threat, withdraw, and let the clocks run."""

import secrets

import msgspec

from openhaven import intake, ledger
from openhaven.core import Problem, new_id
from openhaven.core.words import mark
from openhaven.intake import Platform, Report, ReportSubject
from openhaven.protections.freezes import freeze_contact, thaw_contact
from openhaven.review.order import LEAST
from openhaven.signals.banks import withdraw_entries
from openhaven.storage import Tx
from openhaven.survivors import store
from openhaven.survivors.alerts.actions import call_staff
from openhaven.survivors.model import (
    CLOCK,
    DANGER_QUEUE,
    LAST,
    MOST_WORDS,
    QUEUE,
    Kind,
    Removal,
    Threat,
    category,
    checked,
    regimes,
    stage,
    stage_word,
)
from openhaven.survivors.store import Learning, Made, Running

CHANNEL = "survivors"


# Asking ---------------------------------------------------------------------------------------


def ask_removal(tx: Tx, platform: Platform, asked: Removal, origin: str = "") -> Made:
    """Store a request to take things down, a report for each, and begin its clock of 48 hours.

    `origin` names the network it came from, for the limits. Returns the request's id and its code,
    which is shown once. Raises `Problem` (400) for what is missing, 429 over the limit of a day.
    """
    asked = checked(asked)
    store.require_room(tx, "removal", origin)
    young = asked.age == "child"
    made = insert(tx, platform.id, "removal", young=young, origin=origin,
                  body=asked, regimes=regimes(asked))  # fmt: skip
    for item in asked.items:
        about = ReportSubject(item=item)
        kind = category("removal", young=young)
        report(tx, made.id, platform.id, Report(subject=about, category=kind, text=asked.text,
                                                 contact=asked.contact or None))  # fmt: skip
    return made


def tell_threat(tx: Tx, platform: Platform, told: Threat, origin: str = "") -> Made:
    """Store that somebody is threatened; call staff at once when somebody may be in danger.

    Where the platform vouches for the account (`told.reporter`), contact between the two accounts
    is frozen in both directions. Somebody on the web can prove no account, so nothing is frozen.
    """
    if not told.account and not told.item and not told.text:
        raise Problem(
            "threat.empty",
            mark("Tell us a little about what happened."),
            next_step=mark("The name of the account is enough. A few words are, too."),
        )
    if len(told.text) > MOST_WORDS:
        raise Problem("threat.text", mark("Your words are longer than 10,000 characters."),
                      next_step=mark("Please shorten them."))  # fmt: skip
    store.require_room(tx, "threat", origin)
    young = told.age != "adult"
    made = insert(tx, platform.id, "threat", young=young, danger=told.danger, origin=origin,
                  vouched=bool(told.reporter), body=told)  # fmt: skip
    about = ReportSubject(item=told.item or None, account=told.account or None)
    if about.item is None and about.account is None:
        # The task is about the request itself, never about whoever asks for help, until a
        # specialist says whom it is about (`unnamed`).
        about = ReportSubject(account=made.id)
    about_them = Report(subject=about, category=category("threat", young=young), text=told.text,
                        reporter=told.reporter or None, contact=told.contact or None)  # fmt: skip
    report(tx, made.id, platform.id, about_them)
    if told.freeze and told.reporter and told.account and told.reporter != told.account:
        freeze_contact(tx, platform.id, told.reporter, told.account)
    if told.danger:
        call_staff(tx, "danger", made.id)
    return made


def insert(
    tx: Tx, platform: str, kind: Kind, *, young: bool, body: object, origin: str,
    danger: bool = False, vouched: bool = False, regimes: tuple[str, ...] = (),
    watched: Learning | None = None,
) -> Made:  # fmt: skip
    """Store a request under a fresh code, with its ledger entry."""
    made = Made(new_id("srq"), _code())
    subject = new_id("per")
    due = tx.now + CLOCK if kind == "removal" else None
    tx.run(
        """INSERT INTO survivor_requests (id, kind, platform, receipt, subject, body, young, danger,
             regimes, created_at, due_at, bank, entry, expires_at, origin, vouched)
           VALUES (%(id)s, %(kind)s, %(p)s, %(receipt)s, %(subject)s, %(body)s, %(young)s,
             %(danger)s, %(regimes)s, %(now)s, %(due)s, %(bank)s, %(entry)s, %(expires)s,
             %(origin)s, %(vouched)s)""",
        id=made.id, kind=kind, p=platform, receipt=store.digest(tx, made.code), subject=subject,
        body=tx.keys.seal(subject, msgspec.json.encode(body)), young=young, danger=danger,
        regimes=list(regimes), now=tx.now, due=due, bank=watched.bank if watched else None,
        entry=watched.entry if watched else None, expires=watched.expires if watched else None,
        origin=store.origin_of(tx, origin), vouched=vouched,
    )  # fmt: skip
    ledger.append(tx, f"survivor.{kind}", {"request": made.id})
    tx.wake(CHANNEL)
    return made


def _code() -> str:
    """Return 80 random bits in groups of four, to be written down."""
    code = secrets.token_hex(10)
    return "-".join(code[at : at + 4] for at in range(0, 20, 4))


def report(tx: Tx, request: str, platform: str, told: Report) -> None:
    """Let the request become a report, which the line takes up as any other."""
    receipt = intake.accept_report(tx, platform, told)
    sql = """INSERT INTO survivor_items (request, report)
             SELECT %(r)s, id FROM reports WHERE receipt = %(receipt)s"""
    tx.run(sql, r=request, receipt=tx.keys.digest(receipt.encode()))


# Withdrawing ----------------------------------------------------------------------------------


def withdraw(tx: Tx, code: str) -> None:
    """Take a request back: what was sealed for it is destroyed, its clock and its watch end.

    Raises `Problem` (404) for a wrong code. One that has ended already stays as it is.
    """
    found = store.by_code(tx, code)
    sql = """UPDATE survivor_requests SET state = 'withdrawn', ended_at = %(now)s, body = NULL,
               origin = NULL, why = 'withdrawn' WHERE id = %(id)s AND state = 'open'"""
    if not tx.run(sql, id=found.id, now=tx.now):
        return
    tx.keys.destroy(found.subject)
    _forget_reports(tx, found.id)
    _end_clocks(tx, found.id)
    if found.entry is not None:
        _let_entry_go(tx, found.entry, "whoever asked for it withdrew it")
    ledger.append(tx, "survivor.withdrawn", {"request": found.id})
    tx.wake("console")


def _end_clocks(tx: Tx, request: str) -> None:
    """End the clock of a request, and that of a rule where nobody else reported the matter."""
    sql = """UPDATE tasks SET law_from = NULL, law_at = NULL, law_stage = 0
             WHERE state IN ('open', 'claimed')
               AND case_id IN (SELECT r.case_id FROM survivor_items i
                 JOIN reports r ON r.id = i.report WHERE i.request = %(id)s)
               AND NOT EXISTS (SELECT 1 FROM reports o WHERE o.case_id = tasks.case_id
                 AND o.id NOT IN (SELECT report FROM survivor_items WHERE request = %(id)s))"""
    tx.run(sql, id=request)
    tx.run(
        """UPDATE tasks SET clock_at = law_at, urgency = CASE WHEN law_stage >= 2 THEN 1 ELSE 0 END
                WHERE state IN ('open', 'claimed')
                AND case_id IN (SELECT r.case_id FROM survivor_items i
                  JOIN reports r ON r.id = i.report WHERE i.request = %(id)s)""",
        id=request,
    )


def _forget_reports(tx: Tx, request: str) -> None:
    """Destroy the words and the contact in the reports of a request; nobody is answered."""
    sql = """UPDATE reports SET body = NULL, decided_at = coalesce(decided_at, %(now)s),
               state = CASE WHEN state = 'decided' THEN state ELSE 'closed' END
             WHERE id IN (SELECT report FROM survivor_items WHERE request = %(r)s)
             RETURNING subject"""
    for row in tx.rows(sql, r=request, now=tx.now):
        tx.keys.destroy(str(row["subject"]))


def _let_entry_go(tx: Tx, entry: int, why: str) -> None:
    """Withdraw an entry of a bank unless somebody else waits for the same picture."""
    sql = "SELECT 1 FROM survivor_requests WHERE entry = %(e)s AND state = 'open'"
    if tx.value(sql, e=entry) is None and withdraw_entries(tx, [entry], why):
        ledger.append(tx, "bank.entry_withdrawn", {"entry": str(entry)})


def lift_freeze(tx: Tx, code: str) -> tuple[str, str]:
    """Let the two accounts of a threat meet again, because who was threatened wants it.

    Returns platform and account of whoever asked for the freeze, for who remembers what holds.
    """
    found = store.by_code(tx, code)
    told = store.threat_of(tx, found)
    if told is not None and told.reporter and told.account:
        thaw_contact(tx, found.platform, told.reporter, told.account)
    return found.platform, told.reporter if told else ""


def forget_person(tx: Tx, platform: str, account: str) -> None:
    """Destroy what a person who is erased told of a threat, and end freezes that name them.

    Has to come before the events are blanked, which say who told it.
    """
    sql = """UPDATE survivor_requests q SET body = NULL, origin = NULL, state = 'withdrawn',
               ended_at = coalesce(q.ended_at, %(now)s), why = 'withdrawn'
             FROM survivor_items i JOIN reports r ON r.id = i.report
               JOIN events e ON e.seq = r.event
             WHERE i.request = q.id AND e.platform = %(p)s AND e.account = %(a)s
             RETURNING q.subject"""
    for row in tx.rows(sql, p=platform, a=account, now=tx.now):
        tx.keys.destroy(str(row["subject"]))
    sql = """DELETE FROM contact_freezes
             WHERE platform = %(p)s AND (account = %(a)s OR other = %(a)s)"""
    tx.run(sql, p=platform, a=account)


# Clocks ---------------------------------------------------------------------------------------


def mark_tasks(tx: Tx) -> int:
    """Show the clock and the danger of requests on the tasks that their reports led to.

    From half of its time on a task counts as grave as any; in the last six hours it comes before
    all others, and where somebody may be in danger before those. A cry for which a platform
    vouches has a quarter of the time until its turn, so that unnamed ones, of which anybody can
    send many, do not stand before it.
    """
    sql = """WITH asked AS (
               SELECT r.case_id, min(q.due_at) AS due, min(q.created_at) AS since,
                 bool_or(q.danger) AS danger, bool_or(q.vouched) AS vouched
               FROM survivor_requests q JOIN survivor_items i ON i.request = q.id
               JOIN reports r ON r.id = i.report
               WHERE q.state = 'open' AND r.case_id IS NOT NULL GROUP BY r.case_id),
             wanted AS (
               SELECT t.id, least(a.due, t.law_at) AS due,
                 least(t.due_at, coalesce(a.due, t.due_at)) AS due_at,
                 CASE WHEN a.danger THEN 2
                   WHEN a.due - %(last)s <= %(now)s OR t.law_stage >= 2 THEN 1 ELSE 0 END
                   AS urgency,
                 CASE WHEN a.danger OR a.due - %(half)s <= %(now)s THEN 4 ELSE t.severity END
                   AS severity,
                 CASE WHEN a.vouched THEN least(t.share, %(first)s) ELSE t.share END AS share,
                 CASE WHEN a.danger THEN %(danger)s WHEN t.queue = 'general' THEN %(queue)s
                   ELSE t.queue END AS queue
               FROM tasks t JOIN asked a ON a.case_id = t.case_id
               WHERE t.kind = 'review' AND t.state IN ('open', 'claimed'))
             UPDATE tasks t SET clock_at = w.due, due_at = w.due_at, urgency = w.urgency,
               severity = w.severity, queue = w.queue, share = w.share
             FROM wanted w WHERE w.id = t.id AND (t.clock_at, t.due_at, t.urgency, t.severity,
               t.queue, t.share)
               IS DISTINCT FROM (w.due, w.due_at, w.urgency, w.severity, w.queue, w.share)"""
    changed = tx.run(sql, now=tx.now, last=LAST, half=CLOCK / 2, queue=QUEUE, danger=DANGER_QUEUE,
                     first=LEAST)  # fmt: skip
    if changed:
        tx.wake("console")
    return changed


def escalate(tx: Tx, running: Running) -> None:
    """Note how far the clock of a request has run, and call staff in its last hours and after."""
    reached = stage(running.created_at, running.due_at, tx.now)
    if reached <= running.stage:
        return
    sql = "UPDATE survivor_requests SET stage = %(s)s WHERE id = %(id)s AND stage < %(s)s"
    if tx.run(sql, id=running.id, s=reached):
        ledger.append(tx, f"survivor.clock_{stage_word(reached)}", {"request": running.id})
        if reached >= 2:
            call_staff(tx, "clock" if reached == 2 else "overdue", running.id)


def end_answered(tx: Tx) -> int:
    """End removals and threats on which everything was decided and carried out."""
    ended = store.answered(tx)
    for request in ended:
        sql = """UPDATE survivor_requests SET state = 'ended', ended_at = %(now)s, why = 'answered'
                 WHERE id = %(id)s AND state = 'open'"""
        if tx.run(sql, id=request, now=tx.now):
            ledger.append(tx, "survivor.answered", {"request": request})
    return len(ended)


def forget_origins(tx: Tx) -> int:
    """Forget from which network requests came that are older than a day."""
    sql = """UPDATE survivor_requests SET origin = NULL
             WHERE origin IS NOT NULL AND created_at < %(now)s - interval '1 day'"""
    return tx.run(sql, now=tx.now)
