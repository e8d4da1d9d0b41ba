"""The verb of reports: take what a person tells us, whoever they are."""

import secrets
from collections.abc import Sequence

import msgspec

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.intake.actions import New, insert
from openhaven.intake.conduct import note
from openhaven.intake.model import Account, Event, Item, Report, Target
from openhaven.intake.reports.files import keep_files
from openhaven.intake.reports.model import category_of
from openhaven.storage import Tx


def accept_report(
    tx: Tx,
    platform: str,
    report: Report,
    *,
    flagger: str | None = None,
    files: Sequence[bytes] = (),
) -> str:
    """Store a report and its event and return the receipt code; who reports may stay unnamed.

    A report is never refused for its category: an unknown word is kept and counts as `other`. One
    that was sent before under the same id gives its receipt again; another one under that id
    raises `Problem` (409). `flagger` is the id of the trusted flagger's key that it came by,
    `files` are pictures that were sent along.
    """
    if report.subject.item is None and report.subject.account is None:
        raise Problem("report.subject", "A report needs an item or an account.", "at `$.subject`")
    receipt, body = _receipt(tx, platform, report.id), msgspec.json.encode(report)
    if report.id is not None and _known(tx, receipt, body):
        return receipt
    report_id = new_id("rep")
    reporter = _reporter(tx, platform, report, flagger)
    conduct = "" if reporter is None else note(tx, platform, reporter, category_of(report.category))
    event = _report_event(tx, report, report_id, slow=conduct == "slow")
    subject = new_id("per")
    tx.keys.ensure([subject])
    seq = insert(tx, platform, [New(event, tx.keys.digest(body), subject)])[0].seq
    tx.wake("line")
    tx.run(
        """INSERT INTO reports (id, platform, receipt, event, item, account, category, subject,
             body, digest, anonymous, created_at, flagger, reporter)
           VALUES (%(id)s, %(p)s, %(receipt)s, %(event)s, %(item)s, %(account)s, %(category)s,
             %(subject)s, %(body)s, %(digest)s, %(anonymous)s, %(now)s, %(flagger)s,
             %(reporter)s)""",
        id=report_id,
        p=platform,
        receipt=tx.keys.digest(receipt.encode()),
        event=seq,
        item=report.subject.item,
        account=report.subject.account,
        category=str(event.context["category"]),
        subject=subject,
        body=tx.keys.seal(subject, body),
        digest=tx.keys.digest(body),
        anonymous=report.reporter is None and report.contact is None,
        now=tx.now,
        flagger=flagger,
        reporter=reporter,
    )
    keep_files(tx, report_id, subject, category_of(report.category), files)
    ledger.append(tx, "report.received", {"report": report_id}, row=("reports", report_id))
    return receipt


def _reporter(tx: Tx, platform: str, report: Report, flagger: str | None) -> bytes | None:
    """Return the digest by which who reports is known again; None for who stays unnamed.

    It is the account for which the platform vouches. An e-mail address is nobody's: anybody can
    write somebody else's into the form, who would then be warned and slower for it. A trusted
    flagger's conduct has figures of its own.
    """
    if not report.reporter or flagger is not None:
        return None
    return tx.keys.digest(f"reporter:{platform}:{report.reporter}".encode())


def warned(tx: Tx, receipt: str) -> bool:
    """Say whether who sent this report was warned with it, since their reports had no ground."""
    sql = """SELECT 1 FROM reports r JOIN reporter_warnings w ON w.platform = r.platform
               AND w.reporter = r.reporter AND w.warned_at = r.created_at
             WHERE r.receipt = %(code)s"""
    return tx.value(sql, code=tx.keys.digest(receipt.encode())) is not None


def _receipt(tx: Tx, platform: str, own_id: str | None) -> str:
    """Return a code that nobody guesses: a random one, or the one that belongs to this id."""
    if own_id is None:
        code = secrets.token_hex(10)
    else:
        code = tx.keys.digest(f"receipt:{platform}:{own_id}".encode()).hex()[:20]
    return "-".join(code[at : at + 4] for at in range(0, 20, 4))


def _known(tx: Tx, receipt: str, body: bytes) -> bool:
    """Say whether this report is stored; whoever sends it at the same moment waits here."""
    code = tx.keys.digest(receipt.encode())
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(code)s, 0))", code=code.hex())
    digest = tx.value("SELECT digest FROM reports WHERE receipt = %(code)s", code=code)
    if digest is not None and bytes(digest) != tx.keys.digest(body):
        raise Problem("report.conflict", "Another report was sent under this id.", status=409,
                      next_step="Give each report an id of its own.")  # fmt: skip
    return digest is not None


def _report_event(tx: Tx, report: Report, report_id: str, *, slow: bool) -> Event:
    about = report.subject
    target = Target(
        account=Account(id=about.account) if about.account else None,
        item=Item(id=about.item) if about.item else None,
    )
    return Event(
        id=report_id,
        kind="report.create",
        at=tx.now,
        account=Account(id=report.reporter or report_id),
        target=target,
        context={
            "report": report_id,
            "category": category_of(report.category),
            **({"trusted": "yes"} if report.trusted else {}),
            **({"slow": "yes"} if slow else {}),
        },
    )
