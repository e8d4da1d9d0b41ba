"""What this room writes: a pack that was put in force is kept for good."""

from collections.abc import Mapping

import msgspec

from openhaven import ledger
from openhaven.policy.pack import Pack
from openhaven.storage import Tx


def register(tx: Tx, pack: Pack) -> bool:
    """Keep the files of `pack`, so that its clauses can be shown later; say if it is new.

    The same fingerprint again changes nothing. A pack is registered before the first
    verdict that names it.
    """
    return keep_files(tx, pack.fingerprint, pack.name, pack.version, pack.files)


def keep_files(tx: Tx, fingerprint: str, name: str, version: str, files: Mapping[str, str]) -> bool:
    """Keep the files of a pack that was checked, as `register` does, without compiling it again."""
    added = tx.run(
        """INSERT INTO packs (fingerprint, name, version, files, loaded_at)
           VALUES (%(fingerprint)s, %(name)s, %(version)s, %(files)s::jsonb, %(now)s)
           ON CONFLICT (fingerprint) DO NOTHING""",
        fingerprint=fingerprint,
        name=name,
        version=version,
        files=msgspec.json.encode(files).decode(),
        now=tx.now,
    )
    if added:
        ledger.append(tx, "pack.loaded", {"pack": fingerprint}, row=("packs", fingerprint))
    return bool(added)
