"""Evidence: sealed copies of what may matter to an authority, with their custody and their end.

`receive` hashes first, then seals under a key of the item's own, which is wrapped for the officers
named for it; `read` opens, after who does and why is written down. Every touch is a custody event
and a ledger entry. `viewing_facts` is the only source of any statement that something was viewed.
`hold` keeps things by a legal ground, beyond erasure and retention; what no hold keeps any more is
destroyed by the room's job, provably: the key first, then the bytes.
"""

from openhaven.evidence.actions import read, receive, released, touch, viewed
from openhaven.evidence.holding import forget_case, hold, release_hold, renew
from openhaven.evidence.jobs import check, tend
from openhaven.evidence.model import GROUNDS, Check, Custody, Hold, Item, Look, Viewing
from openhaven.evidence.store import (
    copy_of,
    custody,
    custody_of_case,
    ending,
    hold_of,
    holds,
    item,
    items,
    last_check,
    viewing_facts,
)
from openhaven.evidence.vault import Vault, vault

__all__ = [
    "GROUNDS",
    "Check",
    "Custody",
    "Hold",
    "Item",
    "Look",
    "Vault",
    "Viewing",
    "check",
    "copy_of",
    "custody",
    "custody_of_case",
    "ending",
    "forget_case",
    "hold",
    "hold_of",
    "holds",
    "item",
    "items",
    "last_check",
    "read",
    "receive",
    "release_hold",
    "released",
    "renew",
    "tend",
    "touch",
    "vault",
    "viewed",
    "viewing_facts",
]
