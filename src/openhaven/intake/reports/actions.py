"""The verb of reports: take what a person tells us, whoever they are."""

import secrets

import msgspec

from openhaven import ledger
from openhaven.core import HARMS, Problem, new_id
from openhaven.intake.actions import New, insert
from openhaven.intake.model import Account, Event, Item, Report, Target
from openhaven.storage import Tx


def accept_report(tx: Tx, platform: str, report: Report) -> str:
    """Store a report and its event and return the receipt code; who reports may stay unnamed.

    A report is never refused for its category: an unknown word is kept and counts as `other`.
    """
    if report.subject.item is None and report.subject.account is None:
        raise Problem("report.subject", "A report needs an item or an account.", "at `$.subject`")
    report_id = new_id("rep")
    receipt = "-".join(secrets.token_hex(2) for _ in range(5))
    event = _report_event(tx, report, report_id)
    subject = new_id("per")
    tx.keys.ensure([subject])
    body = msgspec.json.encode(report)
    seq = insert(tx, platform, [New(event, tx.keys.digest(body), subject)])[0].seq
    tx.wake("line")
    tx.run(
        """INSERT INTO reports (id, platform, receipt, event, item, account, category, subject,
             body, digest, anonymous, created_at)
           VALUES (%(id)s, %(p)s, %(receipt)s, %(event)s, %(item)s, %(account)s, %(category)s,
             %(subject)s, %(body)s, %(digest)s, %(anonymous)s, %(now)s)""",
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
    )
    ledger.append(tx, "report.received", {"report": report_id}, row=("reports", report_id))
    return receipt


def _report_event(tx: Tx, report: Report, report_id: str) -> Event:
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
        context={"report": report_id, "category": category_of(report.category)},
    )


_PLAIN = {"csam": "csam.known", "child-abuse": "csam.known", "child_abuse": "csam.known",
          "child-safety": "csam.known", "intimate-image": "ncii", "self-harm": "self_harm",
          "eating-disorder": "eating_disorder", "threat": "violence.threat",
          "violence": "violence.threat", "fraud": "scam", "hate-speech": "hate"}  # fmt: skip


def category_of(word: str) -> str:
    """Return the harm class for a report's category; `other` for a word that we do not know."""
    plain = word.strip().lower().replace(" ", "-")
    candidates = (plain, plain.replace("-", "_"), _PLAIN.get(plain, "other"))
    return next((code for code in candidates if code in HARMS), "other")
