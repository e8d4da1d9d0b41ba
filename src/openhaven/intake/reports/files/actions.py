"""The verb of files: keep what was sent along with a report."""

from collections.abc import Sequence

from openhaven import ledger
from openhaven.core import new_id
from openhaven.intake.reports.files.model import check, check_one
from openhaven.storage import Tx


def keep_files(tx: Tx, report: str, subject: str, harm: str, files: Sequence[bytes]) -> None:
    """Store pictures sealed for the subject of a report; the same one twice is one.

    Raises `Problem` (400), and nothing of the report is stored, where none may be sent or one is
    not to be taken.
    """
    check(harm, len(files))
    for data in dict.fromkeys(files):
        kept = new_id("rpf")
        tx.run(
            """INSERT INTO report_files (id, report, subject, type, body, created_at)
               VALUES (%(id)s, %(report)s, %(subject)s, %(type)s, %(body)b, %(now)s)""",
            id=kept,
            report=report,
            subject=subject,
            type=check_one(data),
            body=tx.keys.seal(subject, data),
            now=tx.now,
        )
        ledger.append(tx, "report.file", {"report": report, "file": kept})
