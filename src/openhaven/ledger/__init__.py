"""The ledger: every action leaves an entry that nobody can alter, drop or slip in unseen.

`append` records an entry in the caller's transaction. Within a second `sequence` gives waiting
entries their order, grows a Merkle tree (RFC 6962, in tiles) and signs its head, which
`keep_outside` copies to a file. The log is public under /ledger and holds ids and salted
commitments only, so that `destroy_salt` can make an entry say nothing any more while all proofs
stay valid. `verify` recomputes everything; `receipt` is a proof for one person that needs neither
us nor a network to be checked.
"""

from openhaven.ledger.actions import append, append_many, destroy_salt, destroy_salts, sequence
from openhaven.ledger.findings import Finding, Report
from openhaven.ledger.jobs import Sequencer
from openhaven.ledger.model import SEALED, Head, New
from openhaven.ledger.note import Checkpoint, Signer, open_checkpoint, signer_from
from openhaven.ledger.outside import FILE_NAME, compare_outside, keep_outside, read_outside
from openhaven.ledger.proofs import (
    WORDS,
    Proven,
    Words,
    check_receipt,
    inclusion,
    receipt,
    salted,
)
from openhaven.ledger.store import head
from openhaven.ledger.tree import ProofError
from openhaven.ledger.verify import verify

__all__ = [
    "FILE_NAME",
    "SEALED",
    "WORDS",
    "Checkpoint",
    "Finding",
    "Head",
    "New",
    "ProofError",
    "Proven",
    "Report",
    "Sequencer",
    "Signer",
    "Words",
    "append",
    "append_many",
    "check_receipt",
    "compare_outside",
    "destroy_salt",
    "destroy_salts",
    "head",
    "inclusion",
    "keep_outside",
    "open_checkpoint",
    "read_outside",
    "receipt",
    "salted",
    "sequence",
    "signer_from",
    "verify",
]
