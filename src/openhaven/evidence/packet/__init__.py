"""Packets: items for somebody outside, with everything that shows what they are.

A packet is a ZIP file of the items, a manifest with hashes, custody, holds and viewing facts, the
same as CASE/UCO (JSON-LD), a receipt of the ledger for each entry, and a signed note over all of
it. `verify` checks one with nothing but the log's public key, offline.
"""

from openhaven.evidence.packet.actions import export, released_to
from openhaven.evidence.packet.verify import Faulty, Verified, verify

__all__ = ["Faulty", "Verified", "export", "released_to", "verify"]
