"""What follows from an answer of the authority's server: the receipt and the next state."""

from openhaven.authorities.cybertip import actions, store, wire
from openhaven.authorities.cybertip.actions import Job
from openhaven.authorities.cybertip.machine import Attempt, Done, Move, judge
from openhaven.authorities.cybertip.wire import Answer
from openhaven.storage import Tx

_TAKEN_BACK = ("retract", "renew")
_GONE = "The report was taken back, or the authority has deleted it."


def follow(
    tx: Tx, job: Job, attempt: Attempt, step: Done, answer: Answer, expected_md5: str
) -> bool:
    """Store an answer and what follows from it; say whether the sender is done with it for now."""
    move = judge(step.step, answer, step, expected_md5)
    done = move in ("opened", "stored", "finished") or (step.step, move) == _TAKEN_BACK
    actions.receive(tx, step, answer, done=done)
    match move:
        case "opened":
            actions.opened(tx, job, attempt, answer.report)
        case "retract":
            actions.end_attempt(tx, job, attempt, "retracting")
        case "refused":
            _refused(tx, job, attempt, step, answer)
        case "finished" | "strange":
            _over(tx, job, attempt, answer, move)
            return True
        case "renew" | "again" | "credentials":
            _wait(tx, job, attempt, step, answer, move)
            return True
    return False


def _over(tx: Tx, job: Job, attempt: Attempt, answer: Answer, move: Move) -> None:
    """Store that the authority has the report, or that it says what cannot be."""
    if move == "finished":
        whole = store.attempt(tx, job.id)
        assert whole is not None
        actions.finish(tx, job, whole, _missing(whole, answer))
        return
    words = f"The authority says that {attempt.report} is finished, but not by us."
    actions.fail(tx, job, f"{words} Ask it before you go on.", go_on=False)


def _wait(tx: Tx, job: Job, attempt: Attempt, step: Done, answer: Answer, move: Move) -> None:
    """Make ready for what comes after a pause; a failed filing that was taken back has none."""
    if move == "renew":
        state = "retracted" if step.step == "retract" else "gone"
        actions.end_attempt(tx, job, attempt, state)
    elif step.step == "submit":
        actions.end_attempt(tx, job, attempt, "lost")
    elif step.step == "upload":
        actions.forget_step(tx, step)
    if move == "credentials":
        actions.note_account(tx, not_accepted(answer.code))
    filed = tx.value("SELECT state = 'filed' FROM filings WHERE id = %(f)s", f=job.id)
    if move == "renew" and not filed:
        actions.at_rest(tx, job)
        return
    later = f"The authority could not do it now ({step.step}, code {answer.code})."
    words = {"renew": _GONE, "credentials": not_accepted(answer.code)}.get(move, later)
    actions.rest(tx, job, words)


def _refused(tx: Tx, job: Job, attempt: Attempt, step: Done, answer: Answer) -> None:
    """Leave to a person what the authority does not take, and take the report back."""
    words = (f"The authority refused it ({step.step}, code {answer.code}, its number of the "
             f"call {answer.request or 'unknown'}).")  # fmt: skip
    known = attempt.report is not None
    actions.end_attempt(tx, job, attempt, "retracting" if known else "lost")
    actions.fail(tx, job, words, go_on=known)


def _missing(attempt: Attempt, answer: Answer) -> str | None:
    """Return a sentence when the server's list of files is not ours; it lists none with 5102."""
    ours = {one.file for one in attempt.steps if one.step == "upload" and one.done}
    if answer.code != wire.SUCCESS or set(answer.files) == ours:
        return None
    return "The authority names other files than were sent. Ask it about this report."


def not_accepted(code: int) -> str:
    """Return what staff is told when user and password are not accepted."""
    return (f"The authority does not accept our user and password (code {code}). Set them again: "
            "openhaven authorities account")  # fmt: skip
