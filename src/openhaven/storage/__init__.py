"""PostgreSQL (bundled or given), migrations, blobs, sealing keys and settings of the machine.

`Database.begin(actor)` opens the one kind of transaction there is: it knows who acts and when, and
it seals and opens personal data. Writes stand in the `actions.py` of the rooms and nowhere else.
"""

from openhaven.storage.blobs import Blobs
from openhaven.storage.database import Database, Tx
from openhaven.storage.migrate import migrate
from openhaven.storage.objects import Bucket, blobs_of, bucket_of
from openhaven.storage.opening import opened
from openhaven.storage.seal import Sealer
from openhaven.storage.secrets import Secrets
from openhaven.storage.settings import Settings

__all__ = [
    "Blobs",
    "Bucket",
    "Database",
    "Sealer",
    "Secrets",
    "Settings",
    "Tx",
    "blobs_of",
    "bucket_of",
    "migrate",
    "opened",
]
