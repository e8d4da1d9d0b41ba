"""Hold entries against their own columns and the rows they seal against their commitments."""

import hmac
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import psycopg

from openhaven.ledger import store
from openhaven.ledger.findings import Findings
from openhaven.ledger.model import (
    ALWAYS_RECORDED,
    SALT_BYTES,
    SEALED,
    Entry,
    canonical_row,
    commit,
    leaf_of,
    table_of,
)
from openhaven.storage import Tx

Rows = Mapping[tuple[str, str], Mapping[str, Any]]


class RowCheck:
    """Counts the rows that are as they were sealed, and those whose salt was destroyed."""

    def __init__(self, tx: Tx, findings: Findings) -> None:
        self._tx, self._findings = tx, findings
        self.rows = self.erased = 0

    def chunk(self, entries: list[Entry], altered: Collection[int | None] = ()) -> None:
        """Check `entries`; those in `altered` have been named already and are left out."""
        sound = [entry for entry in entries if entry.idx not in altered and self._columns(entry)]
        sealing = [entry for entry in sound if entry.commitment is not None]
        self.erased += sum(entry.salt is None for entry in sealing)
        living = [entry for entry in sealing if entry.salt is not None]
        rows = self._fetch(living)
        for entry in living:
            self._row(entry, rows)

    def finish(self) -> None:
        """Look for salts that vanished without an erasure and rows that no entry speaks of."""
        silent = store.unexplained(self._tx)
        if silent is not None:
            self._findings.about(
                silent,
                f"the salt of the row {silent.row_id} of {silent.row_table} was destroyed, "
                "though no erasure is recorded",
            )
        for table in ALWAYS_RECORDED:
            row = store.unrecorded(self._tx, table)
            if row is not None:
                self._findings.of_log(
                    float("inf"), f"the row {row} of {table} was written without an entry"
                )

    def _columns(self, entry: Entry) -> bool:
        wanted = leaf_of(entry)
        if wanted == entry.leaf:
            return True
        self._findings.about(entry, _difference(entry.leaf, wanted))
        return False

    def _fetch(self, entries: list[Entry]) -> Rows:
        wanted: dict[str, set[str]] = {}
        for entry in entries:
            if entry.row_table in SEALED:
                wanted.setdefault(entry.row_table, set()).add(str(entry.row_id))
        return {
            (name, key): row
            for name, keys in wanted.items()
            for key, row in self._read(name, keys).items()
        }

    def _read(self, name: str, keys: Collection[str]) -> dict[str, Mapping[str, Any]]:
        try:
            return store.sealed_rows(self._tx, name, keys)
        except psycopg.DataError:
            # A value that nothing of ours can have written, such as an infinite date.
            if len(keys) == 1:
                return {key: {} for key in keys}
            return {key: row for one in keys for key, row in self._read(name, [one]).items()}

    def _row(self, entry: Entry, rows: Rows) -> None:
        name = str(entry.row_table)
        what = f"the row {entry.row_id} of {table_of(name)}"
        if name not in SEALED:
            self._findings.about(entry, f"{what} is of a table that this version cannot check")
            return
        row = rows.get((name, str(entry.row_id)))
        if row is None:
            self._findings.about(entry, f"{what} is gone, though no erasure is recorded")
        elif not _fits(entry, row):
            listed = ", ".join(SEALED[name])
            self._findings.about(
                entry, f"{what} is not what was sealed; one of these columns was altered: {listed}"
            )
        else:
            self.rows += 1


def _fits(entry: Entry, row: Mapping[str, Any]) -> bool:
    if entry.salt is None or entry.commitment is None or len(entry.salt) != SALT_BYTES:
        return False
    return hmac.compare_digest(commit(entry.salt, canonical_row(row)), entry.commitment)


def _difference(leaf: bytes, wanted: bytes) -> str:
    """Say in which members the columns of an entry differ from its leaf."""
    try:
        signed = msgspec.json.decode(leaf, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "its leaf cannot be read"
    stored = msgspec.json.decode(wanted, type=dict[str, Any])
    names = sorted(name for name in signed | stored if signed.get(name) != stored.get(name))
    if not names:
        return "its leaf does not have the canonical form"
    told = ", ".join(
        f"{name} (its leaf says {signed.get(name)!r}, the column {stored.get(name)!r})"
        for name in names
    )
    return f"its columns were altered: {told}"
