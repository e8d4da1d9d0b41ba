"""Packets: items for somebody outside, with everything that shows what they are.

A packet is a ZIP file of the items, a manifest with hashes, custody, holds and viewing facts, the
same as CASE/UCO (JSON-LD), a receipt of the ledger for each entry, and a signed note over all of
it; where a service is set, with a time stamp of somebody else. It is sealed for who shall have it
(`Envelope`). `verify` checks one with nothing but the log's public key, offline.
"""

from openhaven.evidence.packet.actions import export, released_to
from openhaven.evidence.packet.envelope import Envelope, is_sealed, opened
from openhaven.evidence.packet.stamping import Stamp, Stamper, StampError, roots_in
from openhaven.evidence.packet.verify import Faulty, Verified, verify

__all__ = [
    "Envelope",
    "Faulty",
    "Stamp",
    "StampError",
    "Stamper",
    "Verified",
    "export",
    "is_sealed",
    "opened",
    "released_to",
    "roots_in",
    "verify",
]
