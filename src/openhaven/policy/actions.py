"""The one write of this room: a pack that was put in force is kept for good."""

import msgspec

from openhaven import ledger
from openhaven.policy.pack import Pack
from openhaven.storage import Tx


def register(tx: Tx, pack: Pack) -> bool:
    """Keep the files of `pack`, so that its clauses can be shown later; say if it is new.

    The same fingerprint again changes nothing. A pack is registered before the first
    verdict that names it.
    """
    added = tx.run(
        """INSERT INTO packs (fingerprint, name, version, files, loaded_at)
           VALUES (%(fingerprint)s, %(name)s, %(version)s, %(files)s::jsonb, %(now)s)
           ON CONFLICT (fingerprint) DO NOTHING""",
        fingerprint=pack.fingerprint,
        name=pack.name,
        version=pack.version,
        files=msgspec.json.encode(pack.files).decode(),
        now=tx.now,
    )
    if added:
        ledger.append(
            tx, "pack.loaded", {"pack": pack.fingerprint}, row=("packs", pack.fingerprint)
        )
    return bool(added)
