"""Why a verb of publishing is refused, in words that say what to do."""

from openhaven.core import Permission, Problem
from openhaven.policy.places import BrokenPack
from openhaven.policy.publishing.model import Draft, Standing, Trial

_ENDS = {
    "live": "it came into force",
    "rejected": "it was rejected",
    "withdrawn": "it was withdrawn",
}


def may_not(permission: Permission) -> Problem:
    """Say that the one who acts lacks a permission, or is no member of staff."""
    return Problem("policy.forbidden", "You may not do this with the rules.",
                   f"It needs the permission {permission}.", status=403,
                   next_step="The role “policy” has it; an administrator gives roles.",
                   )  # fmt: skip


def own_draft(*, others: bool) -> Problem:
    """Say that nobody reviews what they wrote."""
    step = (
        "Ask somebody else who may publish; to take it back, withdraw it."
        if others
        else "Nobody else here may publish. You can approve it alone; everybody will see that."
    )
    return Problem("draft.own", "You wrote or proposed this draft, so you cannot review it.",
                   "A second person looks at every change of the rules.", status=403,
                   next_step=step)  # fmt: skip


def not_alone() -> Problem:
    """Say that there is somebody who can be asked."""
    return Problem("draft.not_alone", "You are not the only one here who may publish.", status=403,
                   next_step="Ask somebody else to approve it: openhaven staff list",
                   )  # fmt: skip


def not_yours(draft: Draft) -> Problem:
    """Say that only its authors take a draft back."""
    return Problem("draft.not_yours", "Only those who wrote a draft withdraw it.",
                   f"It is {draft.owner_name}'s.", status=403,
                   next_step="If it was proposed, you can reject it.")  # fmt: skip


def ended(draft: Draft) -> Problem:
    """Say that nothing more can be done with a draft."""
    return Problem("draft.ended", "This draft has ended.",
                   f"On {draft.ended_at:%Y-%m-%d} {_ENDS.get(draft.state, 'it ended')}.",
                   status=409, next_step="Begin a new one; it can begin with the same files.",
                   )  # fmt: skip


def not_open(draft: Draft) -> Problem:
    """Say that a draft can no longer be written on."""
    if draft.ended_at is not None:
        return ended(draft)
    return Problem("draft.proposed", "This draft was proposed; nobody changes it any more.",
                   "What the second person reads is what comes into force.", status=409,
                   next_step="Withdraw it and begin a new one with its files.")  # fmt: skip


def not_proposed(draft: Draft) -> Problem:
    """Say that there is nothing to review."""
    if draft.ended_at is not None:
        return ended(draft)
    if draft.state == "approved":
        return Problem("draft.approved", "This draft is approved already.", status=409,
                       next_step=f"Put it in force: openhaven pack publish {draft.id} --as NAME",
                       )  # fmt: skip
    return Problem("draft.not_proposed", "This draft was not proposed yet.", status=409,
                   next_step=f"When it is ready: openhaven pack propose {draft.id} --as NAME",
                   )  # fmt: skip


NAMED = len("sha256:") + 12
"""So much of a fingerprint has to be named: nobody hits on another text's by chance."""


def read_nothing() -> Problem:
    """Say that a word on a draft has to name what was read."""
    return Problem("draft.fingerprint", "Say which text you have read.",
                   next_step="Name the draft's fingerprint: `openhaven pack diff` prints it first, "
                   "and the API gives it with the draft.")  # fmt: skip


def read_another() -> Problem:
    """Say that what somebody read and approved is not what was proposed since."""
    return Problem("draft.read_another", "This draft was changed and proposed again since you read "
                   "it.", status=409, next_step="Read it again; nothing was approved.",
                   )  # fmt: skip


def not_approved(draft: Draft) -> Problem:
    """Say that a draft lacks the second person's word."""
    if draft.ended_at is not None:
        return ended(draft)
    return Problem("draft.not_approved", "No second person has approved this draft.",
                   f"Its state is “{draft.state}”.", status=409,
                   next_step=f"Ask for it: openhaven pack approve {draft.id} --as NAME",
                   )  # fmt: skip


def published_meanwhile(now: Standing) -> Problem:
    """Say that something else came into force since the draft was begun."""
    return Problem("draft.outdated", "Somebody published meanwhile.",
                   f"Since {now.at:%Y-%m-%d %H:%M} UTC {now.name} {now.version} is in force, which "
                   "this draft does not know.", status=409,
                   next_step="Bring the draft up to date; then it is checked and approved again.",
                   )  # fmt: skip


def nothing_before() -> Problem:
    """Say that there is nothing that a roll-back could restore."""
    return Problem("policy.nothing_before", "There is nothing else to go back to.", status=409,
                   next_step="See what was in force with: openhaven pack log")  # fmt: skip


def check_version(draft: Draft, seen: int) -> None:
    """Raise `Problem` (409) unless the writer saw the draft as it is."""
    if draft.version != seen:
        raise Problem("draft.changed", "Somebody else has changed this draft meanwhile.",
                      f"You saw version {seen}; it is at version {draft.version}.", status=409,
                      next_step="Load it again and write your change into it.")  # fmt: skip


def check_trial(draft: Draft, trial: Trial) -> None:
    """Raise `Problem` unless these very files were tried, without any fault.

    409 for other files; 422 for mistakes and for examples that do not hold, with all of them.
    """
    if trial.errors:
        raise BrokenPack(trial.errors)
    if trial.faults:
        count = len(trial.faults)
        raise Problem(
            "pack.examples",
            "One of its own examples does not hold." if count == 1
            else f"{count} of its own examples do not hold.",
            "\n".join(map(str, trial.faults[:50])),
            status=422,
            next_step="Mend the rules or the examples. What runs stays.",
        )  # fmt: skip
    if trial.fingerprint != draft.fingerprint:
        raise Problem("draft.untried", "This draft was changed since it was checked.", status=409,
                      next_step="Check it again.")  # fmt: skip
