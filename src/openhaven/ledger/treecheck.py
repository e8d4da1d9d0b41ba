"""Hold the entries, the tiles and the signed checkpoints against each other, chunk by chunk.

Two of the three that agree tell which one was altered. Where an entry and its tile disagree, the
next signed root decides between them; until then they are suspects.
"""

import copy

import msgspec

from openhaven.ledger import store
from openhaven.ledger.findings import MAX_FINDINGS, Findings
from openhaven.ledger.model import Entry, Head
from openhaven.ledger.note import Checkpoint, NoteError, open_checkpoint
from openhaven.ledger.tiles import MAX_LEVEL, Edge, edge_tiles, extend, width_at
from openhaven.ledger.tree import (
    HASH_BYTES,
    TILE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Frontier,
    leaf_hash,
)
from openhaven.storage import Tx


class Suspect(msgspec.Struct, frozen=True):
    """A place where entry and tile disagree; without an entry, it is missing."""

    index: int
    entry: Entry | None


class TreeCheck:
    """The state of a reader that has seen the log up to some index."""

    def __init__(self, tx: Tx, vkey: str, kept: Checkpoint | None, findings: Findings) -> None:
        self._tx, self._vkey, self._kept, self._findings = tx, vkey, kept, findings
        # One object while entries and tiles agree, which they do in an unaltered log.
        self._tiles = self._entries = Frontier()
        self._edge: Edge = {}
        self._suspects: list[Suspect] = []
        self._good = 0
        self._lost = False
        self.altered: set[int] = set()
        self.checkpoints = 0

    @property
    def root(self) -> bytes:
        """The root of what was read."""
        return self._tiles.root()

    def start(self) -> None:
        """Check what is said about the empty log."""
        self._decide_all(store.heads_between(self._tx, -1, 0), 0)

    def chunk(self, begin: int, end: int, entries: list[Entry]) -> None:
        """Read the indexes [`begin`, `end`), `begin` being a multiple of 256."""
        self.altered = set()
        by_index = {entry.idx: entry for entry in entries}
        hashes = self._stored_hashes(begin, end)
        heads: dict[int, list[Head]] = {}
        for head in store.heads_between(self._tx, begin, end):
            heads.setdefault(head.size, []).append(head)
        stops = heads.keys() | ({self._kept.size} if self._kept else set())
        for index in range(begin, end):
            self._step(index, by_index.get(index), hashes[index - begin])
            if index + 1 in stops:
                self._decide_all(heads.get(index + 1, []), index + 1)
        self._upper_tiles(begin, hashes)

    def finish(self, size: int) -> None:
        """Check the right edge of a log of `size` and give up on suspects that nothing decides."""
        for suspect in self._suspects:
            self._blame(suspect, "it and the tree disagree, and no signed checkpoint decides")
        for level, index in edge_tiles(size):
            if level:
                self._same(level, index, store.tile(self._tx, level, index), self._edge[level])
        expected = sum(-(-(size >> TILE_HEIGHT * lv) // TILE_WIDTH) for lv in range(MAX_LEVEL + 1))
        stored = store.tile_count(self._tx)
        if stored != expected:
            self._findings.of_log(
                size, f"the tree is stored in {stored} tiles where {expected} belong"
            )

    def _stored_hashes(self, begin: int, end: int) -> list[bytes]:
        """Return the hashes of the stored lowest tiles; empty where a tile is too short."""
        first, last = begin // TILE_WIDTH, -(-end // TILE_WIDTH)
        stored = store.tiles(self._tx, 0, first, last)
        hashes: list[bytes] = []
        for index in range(first, last):
            row, wanted = stored.get(index, b""), width_at(0, index, end) * HASH_BYTES
            if len(row) != wanted:
                self._findings.of_log(
                    index * TILE_WIDTH + wanted // HASH_BYTES,
                    f"the tile 0/{index} of the tree has {len(row)} bytes instead of {wanted}",
                )
            row = row[:wanted].ljust(wanted, b"\x00")
            hashes += [row[at : at + HASH_BYTES] for at in range(0, wanted, HASH_BYTES)]
        return hashes

    def _step(self, index: int, entry: Entry | None, stored: bytes) -> None:
        """Take in one place: its entry, if there is one, and its hash in the tree."""
        own = stored if entry is None else leaf_hash(entry.leaf)
        if entry is None or own != stored:
            if len(self._suspects) < MAX_FINDINGS:
                self._suspects.append(Suspect(index, entry))
            self.altered.add(index)
            if self._entries is self._tiles:
                self._entries = copy.deepcopy(self._tiles)
        self._tiles.push(stored)
        if self._entries is not self._tiles:
            self._entries.push(own)

    def _decide_all(self, heads: list[Head], size: int) -> None:
        for head in heads:
            self.checkpoints += 1
            signed = self._open(head)
            if signed is not None and not self._lost:
                self._decide(signed)
        if self._kept is not None and self._kept.size == size and not self._lost:
            self._hold_against_kept(self._kept)

    def _open(self, head: Head) -> Checkpoint | None:
        try:
            signed = open_checkpoint(head.note, self._vkey)
        except NoteError as error:
            self._findings.of_log(
                head.size - 1, f"the checkpoint over {head.size} entries does not hold: {error}"
            )
            return None
        if (signed.size, signed.root) != (head.size, head.root):
            self._findings.of_log(
                head.size - 1,
                f"the checkpoint stored for {head.size} entries was signed for {signed.size} "
                "entries or for another root",
            )
            return None
        return signed

    def _decide(self, signed: Checkpoint) -> None:
        """Let a signed root decide between the entries and the tiles read so far."""
        by_entries, by_tiles = (
            self._entries.root() == signed.root,
            self._tiles.root() == signed.root,
        )
        if by_tiles:
            self._blame_all("it was altered: its leaf is not the one that was signed")
            self._entries = self._tiles
        elif by_entries:
            self._blame_all("its hash in the tree was altered; the entry itself is as signed")
            self._tiles = self._entries
        elif self._suspects:
            self._blame_all("it and its hash in the tree were both altered")
            self._lost = True
        else:
            self._findings.of_log(
                self._good - 1,
                f"one of the entries {self._good} to {signed.size - 1} was rewritten together with "
                f"the tree: they do not lead to the root signed over {signed.size} entries",
            )
            self._lost = True
        self._good = signed.size

    def _hold_against_kept(self, kept: Checkpoint) -> None:
        if kept.root not in (self._tiles.root(), self._entries.root()):
            self._findings.of_log(
                kept.size - 1,
                f"the ledger was rewritten: the checkpoint kept outside of the database was signed "
                f"over {kept.size} other entries",
            )

    def _blame_all(self, what: str) -> None:
        for suspect in self._suspects:
            self._blame(suspect, what)
        self._suspects = []

    def _blame(self, suspect: Suspect, what: str) -> None:
        if suspect.entry is None:
            self._findings.at(suspect.index, "it is missing")
        else:
            self._findings.about(suspect.entry, what)

    def _upper_tiles(self, begin: int, hashes: list[bytes]) -> None:
        """Compare the full tiles above the leaves with what the lowest tiles ask for."""
        tiles, self._edge = extend(self._edge, begin, hashes)
        for (level, index), wanted in tiles.items():
            if level and len(wanted) == TILE_BYTES:
                self._same(level, index, store.tile(self._tx, level, index), wanted)

    def _same(self, level: int, index: int, stored: bytes, wanted: bytes) -> None:
        if stored == wanted:
            return
        width = TILE_WIDTH**level
        spot = next(
            (at for at in range(0, len(wanted), HASH_BYTES)
             if stored[at : at + HASH_BYTES] != wanted[at : at + HASH_BYTES]),
            len(wanted) - HASH_BYTES,
        ) // HASH_BYTES  # fmt: skip
        self._findings.of_log(
            (index * TILE_WIDTH + spot + 1) * width - 1,
            f"the tile {level}/{index} of the tree was altered at its hash {spot}",
        )
