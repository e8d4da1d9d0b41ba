"""What the evidence room needs to work with bytes: the store, its own key, and the database."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from openhaven.evidence.remote import Remote
from openhaven.evidence.sealing import officer_key
from openhaven.evidence.stores import Folder, Store
from openhaven.storage import Bucket, Database


@dataclass(frozen=True)
class Vault:
    """The store of sealed bytes, the installation's private key, and the database."""

    store: Store
    key: X25519PrivateKey
    db: Database

    @property
    def public(self) -> bytes:
        """The installation's public key (X25519, 32 bytes)."""
        return self.key.public_key().public_bytes_raw()


def vault(home: Path, master: bytes, db: Database, bucket: Bucket | None = None) -> Vault:
    """Return the vault in a bucket, or without one in the folder `home/evidence`.

    `master` is the installation's secret.
    """
    folder = home / "evidence"
    store: Store = Folder(folder) if bucket is None else Remote(folder, bucket)
    return Vault(store, officer_key(master), db)
