"""Finds the pack that somebody wants to try, by what they call it."""

from openhaven.core import Problem
from openhaven.policy.backtest.model import Candidate
from openhaven.policy.load import load
from openhaven.policy.publishing import draft, files_of, files_of_pack, standing
from openhaven.policy.shipped import find_pack, shipped
from openhaven.storage import Tx


def chosen(tx: Tx, what: str) -> Candidate:
    """Return a pack to be tried: a draft (`dra_…`), one that was in force, or an installed one.

    An empty word is what is in force. Raises `Problem` for a draft that has mistakes or was not
    checked since its last change, and when there is nothing of this name.
    """
    if not what:
        now = standing(tx)
        label = f"what is in force ({now.name} {now.version})"
        return Candidate(label, now.pack, files_of_pack(tx, now.pack))
    if what.startswith("dra_"):
        return _draft(tx, what)
    if what.startswith("sha256:"):
        return _kept(tx, what)
    if what not in shipped():
        raise Problem("pack.missing", f"There is no installed pack “{what[:80]}”.", status=404,
                      next_step="Give the id of a draft, a fingerprint, or one of: "
                      + ", ".join(shipped()))  # fmt: skip
    return Candidate.of(f"the installed pack {what}", load(find_pack(what)))


def _draft(tx: Tx, number: str) -> Candidate:
    found = draft(tx, number)
    if found.tried is None or found.tried.errors or found.tried.fingerprint != found.fingerprint:
        raise Problem("draft.unchecked", "This draft has mistakes, or was changed since its check.",
                      found.title, status=409,
                      next_step="Check it, correct what is said there, and try again.",
                      )  # fmt: skip
    return Candidate(f"the draft “{found.title}”", found.fingerprint, files_of(tx, number))


def _kept(tx: Tx, fingerprint: str) -> Candidate:
    files = files_of_pack(tx, fingerprint)
    if not files:
        raise Problem("pack.missing", "This policy pack was never in force here.",
                      fingerprint[:80], status=404,
                      next_step="See what was with: openhaven pack log")  # fmt: skip
    return Candidate(f"the pack {fingerprint[:19]}…", fingerprint, files)
