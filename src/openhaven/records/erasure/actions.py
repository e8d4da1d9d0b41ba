"""The verb of erasure: destroy the keys of what is sealed for a person, blank what names them."""

from openhaven import evidence, history, ledger, review, survivors
from openhaven.authorities import network
from openhaven.core import Problem
from openhaven.exchange import returning
from openhaven.staff import approvals
from openhaven.storage import Tx

_ERASED = "Erased at the request of the person concerned."


def erase(tx: Tx, platform: str, account: str) -> list[str]:
    """Erase a person: destroy the keys of everything sealed for them, blank what names them.

    Open work on their matters ends without a decision, and who reported them is answered no more.
    The ledger's entries and proofs stay valid and say nothing any more. Returns the ids of the
    blobs to be deleted after the commit. Raises `Problem` 404 for an account that we do not know.
    """
    whom = {"p": platform, "a": account}
    subjects = _blank_account(tx, whom)
    # Each step waits for those who work on these rows; what they wrote is seen by the next one.
    # The order is that of the line (events, history, judgements, labels, cases, reports): so no
    # deadlocks.
    reports = _reports_about(tx, whom)
    survivors.forget_person(tx, platform, account)
    blobs = _blank_events(tx, whom, reports)
    history.forget(tx, platform, account)
    returning.forget(tx, platform, account)
    _wait_for_judgements(tx, whom)
    tx.run("DELETE FROM labels WHERE platform = %(p)s AND account = %(a)s", **whom)
    tx.run("DELETE FROM told_labels WHERE platform = %(p)s AND account = %(a)s", **whom)
    cases = _take_cases(tx, whom)
    _require_sealed(tx, cases)
    subjects += _blank_reports(tx, reports, cases)
    _end_cases(tx, cases)
    evidence.forget_case(tx, cases)
    network.forget_account(tx, platform, account, cases)
    subjects += _blank_decisions(tx, whom, cases)
    for subject in set(subjects):
        tx.keys.destroy(subject)
    tx.run("""UPDATE notices SET body = NULL, email_state =
                CASE WHEN email_state = 'intended' THEN 'none' ELSE email_state END
              WHERE subject = ANY(%(s)s)""", s=subjects)  # fmt: skip
    ledger.append(tx, "person.erased", {})
    return blobs


def _ids(tx: Tx, sql: str, **params: object) -> list[str]:
    return [str(row["id"]) for row in tx.rows(sql, **params)]


def _blank_account(tx: Tx, whom: dict[str, str]) -> list[str]:
    """Delete the account and return the subject that things are sealed for."""
    sql = "DELETE FROM accounts WHERE platform = %(p)s AND id = %(a)s RETURNING subject AS id"
    subjects = _ids(tx, sql, **whom)
    # A conversation in which we wrote to the person is one like any other now.
    sql = "UPDATE matrix_rooms SET person = NULL WHERE platform = %(p)s AND person = %(a)s"
    tx.run(sql, **whom)
    # Somebody who only ever reported has events and no account.
    known = "SELECT 1 FROM events WHERE platform = %(p)s AND account = %(a)s LIMIT 1"
    if not subjects and not tx.value(known, **whom):
        raise Problem("account.unknown", "There is no such account.", status=404)
    return subjects


def _reports_about(tx: Tx, whom: dict[str, str]) -> list[str]:
    """Return the ids of the reports about the person or what they posted."""
    sql = """SELECT id FROM reports WHERE platform = %(p)s AND (account = %(a)s OR item IN (
               SELECT item FROM events WHERE platform = %(p)s AND account = %(a)s
                 AND kind <> 'report.create'))"""
    return _ids(tx, sql, **whom)


def _blank_events(tx: Tx, whom: dict[str, str], reports: list[str]) -> list[str]:
    """Blank the person's events, media and own reports; return the ids of the media.

    What others reported is blanked as well, and in other events of others the person's items.
    """
    sql = """UPDATE events SET item = NULL,
               body = CASE WHEN kind = 'report.create' THEN NULL ELSE body END
             WHERE platform = %(p)s AND account <> %(a)s AND (
               seq IN (SELECT event FROM reports WHERE id = ANY(%(reports)s))
               OR item IN (SELECT item FROM events WHERE platform = %(p)s AND account = %(a)s
                             AND kind <> 'report.create'))
             RETURNING seq, kind"""
    others = tx.rows(sql, reports=reports, **whom)
    sql = """UPDATE events SET account = '', item = NULL, body = NULL
             WHERE platform = %(p)s AND account = %(a)s RETURNING seq"""
    seqs = [row["seq"] for row in tx.rows(sql, **whom)]
    told = [row["seq"] for row in others if row["kind"] == "report.create"]
    _forget_findings(tx, seqs + told)
    sql = "UPDATE reports SET body = NULL WHERE event = ANY(%(seqs)s) RETURNING subject AS id"
    for own_words in _ids(tx, sql, seqs=seqs):
        tx.keys.destroy(own_words)
    # With the row go the hashes: they would say what somebody posted to who has the picture.
    blobs = _ids(tx, "DELETE FROM media WHERE event = ANY(%(seqs)s) RETURNING id", seqs=seqs)
    for media in blobs:
        tx.keys.destroy(f"media:{media}")
    return blobs


def _forget_findings(tx: Tx, seqs: list[int]) -> None:
    """Forget what signals, banks and rules noted about these events."""
    tx.run("DELETE FROM event_features WHERE event = ANY(%(seqs)s)", seqs=seqs)
    tx.run("DELETE FROM bank_matches WHERE event = ANY(%(seqs)s)", seqs=seqs)
    tx.run("DELETE FROM shadow_matches WHERE event = ANY(%(seqs)s)", seqs=seqs)


def _wait_for_judgements(tx: Tx, whom: dict[str, str]) -> None:
    """Wait for judgements that are being settled."""
    tx.run("""SELECT 1 FROM judgements j JOIN tasks t ON t.id = j.task
                JOIN cases c ON c.id = t.case_id
              WHERE c.platform = %(p)s AND c.account = %(a)s AND j.state = 'given'
              ORDER BY j.id FOR UPDATE OF j""", **whom)  # fmt: skip


def _take_cases(tx: Tx, whom: dict[str, str]) -> list[str]:
    """Lock the cases; return their ids."""
    sql = """SELECT id FROM cases WHERE platform = %(p)s AND account = %(a)s
             ORDER BY coalesce(item, '') COLLATE "C", account COLLATE "C" FOR UPDATE"""
    return _ids(tx, sql, **whom)


def _require_sealed(tx: Tx, cases: list[str]) -> None:
    """Raise `Problem` (409) while a copy that the law asks for is still being made."""
    sql = """SELECT 1 FROM cases WHERE id = ANY(%(c)s) AND sealed_at IS NULL
             AND lane_at IS NOT NULL AND lane_why <> 'report' LIMIT 1"""
    if tx.value(sql, c=cases):
        raise Problem("account.being_sealed", "A matter of this account is just being secured.",
                      status=409, next_step="Try again in a minute.")  # fmt: skip


def _blank_reports(tx: Tx, reports: list[str], cases: list[str]) -> list[str]:
    """Close and blank what others reported; return the subjects that it is sealed for."""
    sql = """UPDATE reports SET body = NULL, item = left(item, 0), account = left(account, 0),
               state = CASE WHEN state = 'decided' THEN state ELSE 'closed' END,
               decided_at = coalesce(decided_at, %(now)s)
             WHERE id = ANY(%(reports)s) OR case_id = ANY(%(cases)s)
             RETURNING id, subject"""
    rows = tx.rows(sql, now=tx.now, cases=cases, reports=reports)
    ledger.destroy_salts(tx, "reports", [str(row["id"]) for row in rows])
    return [str(row["subject"]) for row in rows]


def _end_cases(tx: Tx, cases: list[str]) -> None:
    """End the work on these cases without a decision, and blank what they are about."""
    tx.run("""UPDATE tasks SET state = 'cancelled', claimed_by = NULL, lease_until = NULL,
                done_at = %(now)s
              WHERE case_id = ANY(%(cases)s) AND state IN ('open', 'claimed')""",
           now=tx.now, cases=cases)  # fmt: skip
    tx.run(
        """UPDATE task_notes SET body = NULL WHERE subject IN (
                SELECT 'notes:' || id FROM cases WHERE id = ANY(%(cases)s))""",
        cases=cases,
    )
    for case in cases:
        tx.keys.destroy(f"notes:{case}")
    sql = """UPDATE judgements SET facts = %(erased)s,
               state = CASE WHEN state = 'withdrawn' THEN state ELSE 'settled' END WHERE task IN (
               SELECT id FROM tasks WHERE case_id = ANY(%(cases)s)) RETURNING id"""
    ledger.destroy_salts(tx, "judgements", _ids(tx, sql, erased=_ERASED, cases=cases))
    sql = """SELECT j.id FROM judgements j JOIN tasks t ON t.id = j.task
             WHERE t.case_id = ANY(%(cases)s)"""
    approvals.forget(tx, _ids(tx, sql, cases=cases))
    tx.run("""UPDATE cases SET account = 'erased:' || id, item = NULL, state = 'closed',
                closed_at = coalesce(closed_at, %(now)s)
              WHERE id = ANY(%(cases)s)""", now=tx.now, cases=cases)  # fmt: skip


def _forget_what_followed(tx: Tx, made: list[str]) -> None:
    """Blank what a second person was asked about these decisions, and which copies there were."""
    sql = """SELECT id FROM copy_lists WHERE decision = ANY(%(d)s)
             UNION ALL SELECT id FROM notice_exceptions WHERE decision = ANY(%(d)s)"""
    asked = _ids(tx, sql, d=made)
    approvals.forget(tx, asked)
    # Items of the person that were found as copies of what somebody else posted go as well.
    tx.run("""DELETE FROM copy_items c USING events e WHERE e.seq = c.event
                AND (e.account = '' OR c.list = ANY(%(l)s))""", l=asked)  # fmt: skip


def _blank_decisions(tx: Tx, whom: dict[str, str], cases: list[str]) -> list[str]:
    """Blank decisions with what followed from them; return the subjects that is sealed for."""
    sql = """UPDATE decisions SET account = NULL, item = NULL, facts = %(erased)s
             WHERE platform = %(p)s AND (account = %(a)s OR case_id = ANY(%(cases)s))
             RETURNING id, coalesce(subject, id) AS subject"""
    rows = tx.rows(sql, erased=_ERASED, cases=cases, **whom)
    made = [str(row["id"]) for row in rows]
    sql = """UPDATE acts SET target = '{}', state = CASE WHEN state = 'intended'
               THEN 'cancelled' ELSE state END
             WHERE decision = ANY(%(ids)s) RETURNING id"""
    ledger.destroy_salts(tx, "acts", _ids(tx, sql, ids=made))
    ledger.destroy_salts(tx, "decisions", made)
    tx.run("DELETE FROM kept_copies WHERE decision = ANY(%(ids)s)", ids=made)
    tx.run("DELETE FROM strikes WHERE decision = ANY(%(ids)s)", ids=made)
    tx.run("UPDATE decision_words SET body = NULL WHERE decision = ANY(%(ids)s)", ids=made)
    _forget_what_followed(tx, made)
    _withdraw_appeals(tx, made)
    return [str(row["subject"]) for row in rows]


def _withdraw_appeals(tx: Tx, made: list[str]) -> None:
    """Blank the appeals against these decisions; one that waits ends without an answer."""
    tx.run("UPDATE appeals SET body = NULL WHERE decision = ANY(%(ids)s)", ids=made)
    sql = """UPDATE appeals SET state = 'withdrawn', decided_at = %(now)s
             WHERE decision = ANY(%(ids)s) AND state = 'open' RETURNING id, decision"""
    for row in tx.rows(sql, now=tx.now, ids=made):
        ids = {"appeal": str(row["id"]), "decision": str(row["decision"])}
        ledger.append(tx, "appeal.withdrawn", ids)
        review.cancel_appeal_task(tx, ids["appeal"])
