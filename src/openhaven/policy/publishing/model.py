"""The values of publishing: drafts and their states, what was tried, said, and in force."""

import re
from datetime import datetime
from typing import Literal

import msgspec

from openhaven.core import Problem
from openhaven.policy.places import PackError

State = Literal["draft", "checked", "proposed", "approved", "live", "rejected", "withdrawn"]
Said = Literal["approved", "rejected"]
How = Literal["settings", "published", "rolled_back"]

LONGEST_REASON = 2_000
OPEN: tuple[State, ...] = ("draft", "checked")
"""The states in which a draft may be written on."""
UNENDED: tuple[State, ...] = ("draft", "checked", "proposed", "approved")

MOST_FILES = 500
MOST_BYTES = 16_000_000
LONGEST_FILE = 2_000_000
# A name is plain in every part, so that it cannot lead out of a folder that it is written into.
FILE_NAME = re.compile(r"(?:[a-z0-9][a-z0-9-]{0,62}/){0,2}[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Fault(msgspec.Struct, frozen=True):
    """An example that does not hold: its place and name, and what is wrong."""

    file: str
    line: int
    column: int
    name: str
    fault: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.name}: {self.fault}"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a trial with its draft: the mistakes, and the examples that do not hold.

    `program` is the version that tried, `seconds` how long it computed.
    """

    fingerprint: str
    program: str
    seconds: float
    name: str = ""
    version: str = ""
    clauses: int = 0
    rules: int = 0
    examples: int = 0
    errors: tuple[PackError, ...] = ()
    faults: tuple[Fault, ...] = ()
    warnings: tuple[PackError, ...] = ()


class Trial(Tried, frozen=True, kw_only=True):
    """What came of trying the files of a pack.

    `fingerprint` is that of `files`, which are those that were `given` (their fingerprint) together
    with the installed packs that they include.
    """

    given: str = ""
    files: dict[str, str] = {}

    @property
    def ok(self) -> bool:
        """Whether this pack may come into force."""
        return not self.errors and not self.faults


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A set of files that somebody wants to put in force; see the table `pack_drafts`.

    `owner` and `authors` are ids of staff. `version` grows with each change; who changes a draft
    says which version they saw. `based_on` is the fingerprint of what was in force at its start.
    """

    id: str
    title: str
    fingerprint: str
    based_on: str
    owner: str
    owner_name: str
    authors: tuple[str, ...]
    version: int
    state: State
    tried: Tried | None
    backtest: str | None
    created_at: datetime
    updated_at: datetime
    proposed_at: datetime | None
    ended_at: datetime | None


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What a second person said of a draft; `alone` when there was nobody else to ask."""

    id: str
    draft: str
    fingerprint: str
    said: Said
    staff: str
    staff_name: str
    alone: bool
    reason: str
    at: datetime


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One row of what was in force, since `at`: by which way, and why."""

    seq: int
    id: str
    after: int | None
    pack: str
    name: str
    version: str
    how: How
    draft: str | None
    review: str | None
    restores: int | None
    alone: bool
    backtest: str | None
    reason: str
    by_whom: str
    at: datetime


def check_file_name(name: str) -> str:
    """Return `name`; raises `Problem` when no file of a pack can be called so."""
    if FILE_NAME.fullmatch(name):
        return name
    raise Problem("draft.file", "No file of a pack can have this name.", repr(name[:120]),
                  next_step="Files are pack.toml, policy.md, rules.yaml, counters.yaml, "
                  "examples.yaml, terms/….txt and links/….txt.")  # fmt: skip


def check_files(files: dict[str, str]) -> dict[str, str]:
    """Return `files`; raises `Problem` when too many or too large (413), or badly named (400)."""
    for name in files:
        check_file_name(name)
    sizes = [_size(text) for text in files.values()]
    if len(files) > MOST_FILES or sum(sizes) > MOST_BYTES or max(sizes, default=0) > LONGEST_FILE:
        raise Problem("draft.too_large", "This is too much for one pack.",
                      f"At most {MOST_FILES} files of {LONGEST_FILE:,} bytes, "
                      f"{MOST_BYTES:,} bytes together.", status=413)  # fmt: skip
    return files


def _size(text: str) -> int:
    """Return the bytes of a text; raises `Problem` for what the database cannot hold as text."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Problem("draft.file", "A file of a pack is UTF-8 text; this is not.") from error
    if "\x00" in text:
        raise Problem("draft.file", "A file of a pack is text; this holds the character 0.")
    return size


def check_words(what: str, words: str, longest: int) -> str:
    """Return `words` without space around; raises `Problem` when there are none, or too many."""
    tidy = words.strip()
    if 1 <= len(tidy) <= longest and "\x00" not in tidy:
        return tidy
    raise Problem("draft.words", f"Please give a {what} of 1 to {longest:,} characters.")
