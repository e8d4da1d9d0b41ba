"""What the ledger knows: entries, what of a row is sealed, and the one canonical form of both.

The leaf of an entry is public. It holds ids and a commitment, never a text and never an id that
the platform gave: `New.check` refuses what does not look like an id of ours.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from openhaven.core import canonical

LEAF_VERSION = 1
MAX_LEAF = 65_535  # An entry bundle prefixes each entry with its length in 16 bits.
SALT_BYTES = 32
ERASURE = "erasure"

_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", re.ASCII)
_ACTOR = re.compile(r"[a-z]+:[A-Za-z0-9_.-]{1,80}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_.:/=*-]{0,159}", re.ASCII)

# The columns of each table that never change after the insert; the first one is its key. Changing
# a tuple would break what was sealed before: give the new set the name `table@2` and leave the old
# one as it stands. The highest number seals new rows.
SEALED: dict[str, tuple[str, ...]] = {
    "decisions": (
        "id", "case_id", "platform", "event", "judgement", "account", "subject", "item", "outcome",
        "harm", "clause", "clause_title", "clause_text", "pack", "facts", "ground",
        "ground_reference", "scope", "permanent", "until", "source", "automated_detection",
        "automated_decision", "redress", "content_type", "content_at", "language", "decided_by",
        "decided_at", "appeal_until",
    ),
    "decisions@2": (
        "id", "case_id", "platform", "event", "judgement", "account", "subject", "item", "outcome",
        "harm", "clause", "clause_title", "clause_text", "pack", "facts", "ground",
        "ground_reference", "scope", "permanent", "until", "source", "automated_detection",
        "automated_decision", "redress", "content_type", "content_at", "language", "decided_by",
        "decided_at", "appeal_until", "measure", "starts_at", "six", "copy_of",
    ),
    "judgements": ("id", "task", "staff", "outcome", "clause", "pack", "days", "facts", "at"),
    "notice_exceptions": ("id", "decision", "kind", "reference", "asked_by", "asked_at", "until"),
    "copy_lists": ("id", "decision", "asked_by", "asked_at", "n", "alone_upto"),
    "appeals": ("id", "decision", "subject", "created_at", "due_at"),
    "notices": ("id", "decision", "audience", "report", "kind", "subject", "language",
                "created_at"),
    "acts": ("id", "decision", "platform", "verb", "target", "until", "reverses", "reversible",
             "after", "intended_at"),
    "reports": ("id", "platform", "event", "item", "account", "category", "subject", "digest",
                "anonymous", "created_at"),
    "packs": ("fingerprint", "name", "version", "files"),
    "protection_changes": ("id", "platform", "feature", "role", "before", "after", "weaker", "at"),
    "protection_changes@2": ("id", "platform", "feature", "role", "before", "after", "weaker", "at",
                             "law"),
    "backtests": ("id", "label", "pack", "against", "since", "until", "platform", "purpose",
                  "started_by", "created_at"),
    "pack_reviews": ("id", "draft", "fingerprint", "said", "staff", "authors", "alone", "reason",
                     "at"),
    "packs_in_force": ("id", "seq", "after", "pack", "how", "review", "restores", "backtest",
                       "reason", "by_whom", "at"),
    "bank_sources": ("id", "kind", "url", "config", "harm", "mode", "at_most", "radius", "clause",
                     "owner", "purpose", "created_at"),
    "approvals": ("id", "kind", "matter", "asked_by", "asked_at", "lapses_at"),
    "evidence_items": ("id", "case_id", "kind", "sha256", "md5", "bytes", "media_type", "method",
                       "tool", "blob", "received_at", "received_by"),
    "custody_events": ("id", "item", "kind", "purpose", "actor", "at", "rendering", "whole", "exif",
                       "reference"),
    "holds": ("id", "case_id", "item", "ground", "placed_by", "placed_at"),
    "reveals": ("id", "staff", "media", "task", "at", "harm", "rendering", "side", "whole", "exif"),
    "rule_fallbacks": ("id", "rule", "pack", "since", "appeals", "overturned"),
    "read_seals": ("id", "reads", "digest", "made_at"),
    "glass_breaks": ("id", "staff", "permission", "subject", "taken_at", "ends_at"),
    "help_verifications": ("id", "service", "content", "seen_on", "seen_by", "at"),
    "network_looks": ("id", "network", "origin", "reason", "second", "asked_by", "asked_at"),
    "network_names": ("id", "network", "number", "reason", "named_by", "named_at"),
    "filing_receipts": ("id", "filing", "authority", "reference", "test", "sent", "files",
                        "finished_at"),
    "lawful_requests": ("id", "kind", "country", "via", "life", "received_at", "received_by"),
    "request_checks": ("id", "request", "kind", "result", "origin", "contact", "staff", "at"),
    "request_scopes": ("id", "request", "categories", "since", "until", "accounts", "digest",
                       "part", "delay_ground", "delay_days", "asked_by", "asked_at"),
    "request_files": ("id", "request", "side", "sha256", "bytes", "added_at", "added_by"),
    "request_deliveries": ("id", "request", "scope", "key_kind", "key_sha256", "plain_sha256",
                           "sha256", "bytes", "files", "made_at", "made_by"),
}  # fmt: skip

# A row of these tables that no entry speaks of was written behind the ledger's back.
ALWAYS_RECORDED = (
    "decisions", "judgements", "appeals", "pack_reviews", "packs_in_force", "rule_fallbacks",
    "bank_sources", "approvals", "evidence_items", "custody_events", "holds",
    "filing_receipts", "network_looks", "network_names", "lawful_requests", "request_checks",
    "request_scopes", "request_files", "request_deliveries",
)  # fmt: skip


class New(msgspec.Struct, frozen=True):
    """An entry to be appended: its kind, the ids it speaks of and the row that it seals."""

    kind: str
    ids: dict[str, str]
    row: tuple[str, str] | None = None

    def check(self) -> None:
        """Raise `ValueError` unless kind and ids are words and ids: the ledger is public."""
        if not _KIND.fullmatch(self.kind):
            raise ValueError(f"{self.kind!r} is no kind of ledger entry")
        for name, value in self.ids.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{self.kind}: {name!r} is no name of an id")
            if not isinstance(value, str) or not _ID.fullmatch(value):
                raise ValueError(f"{self.kind}: what stands under {name!r} is no id of ours")
        if self.row is not None and self.row[0] not in SEALED:
            raise ValueError(f"{self.kind}: the table {self.row[0]!r} has no sealed columns")


def check_actor(actor: str) -> None:
    """Raise `ValueError` unless `actor` is a kind and an id of ours, such as `staff:stf_…`."""
    if not _ACTOR.fullmatch(actor):
        raise ValueError("the actor of a ledger entry must be named by an id of ours")


class Entry(msgspec.Struct, frozen=True):
    """A stored entry, column by column.

    `at` is the text that stands in the leaf. What an attacker wrote into `ids` may be anything.
    """

    id: str
    at: str
    kind: str
    ids: Any
    actor: str
    row_table: str | None
    row_id: str | None
    salt: bytes | None
    commitment: bytes | None
    leaf: bytes
    idx: int | None


class Head(msgspec.Struct, frozen=True):
    """A stored checkpoint."""

    size: int
    root: bytes
    note: str


def moment(at: datetime) -> str:
    """Return a time as leaves tell it: cut to the second, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def leaf_of(entry: Entry) -> bytes:
    """Return the leaf that the columns of `entry` ask for.

    An entry that seals a row names it, so that nobody can point the entry at another row later.
    """
    fields: dict[str, Any] = {
        "v": LEAF_VERSION,
        "id": entry.id,
        "kind": entry.kind,
        "at": entry.at,
        "actor": entry.actor,
        "ids": entry.ids,
    }
    if entry.commitment is not None:
        fields["commitment"] = entry.commitment.hex()
        fields["row"] = f"{entry.row_table}:{entry.row_id}"
    return canonical(fields)


def table_of(name: str) -> str:
    """Return the table that a name of `SEALED` speaks of: `decisions@2` is about `decisions`."""
    return name.partition("@")[0]


def names_of(table: str) -> list[str]:
    """Return every name of `SEALED` that speaks of `table`, the one for new rows last."""
    names = [name for name in SEALED if table_of(name) == table]
    return sorted(names, key=lambda name: int(name.partition("@")[2] or 1))


def canonical_row(row: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of a row given as column to value, as the database reads it."""
    return canonical({name: plain(value) for name, value in row.items()})


def commit(salt: bytes, row: bytes) -> bytes:
    """Return HMAC-SHA256 over the canonical row; the salt must be exactly 32 bytes.

    HMAC gives equal tags for some keys of different lengths, so the length is part of the check.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("the salt of a commitment has 32 bytes")
    return hmac.digest(salt, row, "sha256")


def plain(value: Any) -> Any:
    """Return a database value in a form that has one JSON: the same value, the same bytes.

    Times go to UTC with microseconds, bytes to base64, exact numerics to their shortest decimal.
    Raises `TypeError` for a kind of value that has no such form yet.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(bytes(value)).decode()
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    raise TypeError(f"a sealed column cannot hold {type(value).__name__}")


def _decimal(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
