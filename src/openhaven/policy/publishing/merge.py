"""Puts two people's changes to the same pack together, file by file. Pure."""

from collections.abc import Mapping

from openhaven.core import Problem

Files = Mapping[str, str]


def merged(base: Files, mine: Files, theirs: Files) -> dict[str, str]:
    """Return `theirs` with the files that `mine` changed since `base`.

    A file that only one side changed (or removed) is as on that side; one that both changed in the
    same way is as on both. Raises `Problem` (409) naming the files that they changed differently.
    """
    found: dict[str, str] = {}
    both: list[str] = []
    for name in sorted({*base, *mine, *theirs}):
        was, my, their = base.get(name), mine.get(name), theirs.get(name)
        if my not in (was, their) and their != was:
            both.append(name)
            continue
        text = their if my == was else my
        if text is not None:
            found[name] = text
    if both:
        raise Problem("draft.conflict", "This draft and what was published meanwhile change the "
                      "same files.", ", ".join(both), status=409,
                      next_step="Begin a new draft of what is in force, and write the change into "
                      "that.")  # fmt: skip
    return found
