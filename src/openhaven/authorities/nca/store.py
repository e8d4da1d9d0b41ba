"""Reading sheets."""

import msgspec

from openhaven.authorities.nca.model import Sheet
from openhaven.storage import Tx


def sheet_of(tx: Tx, filing: str) -> Sheet | None:
    """Return the sheet of a filing; None when it was destroyed."""
    sealed = tx.value("SELECT body FROM filings WHERE id = %(f)s", f=filing)
    plain = None if sealed is None else tx.keys.open(filing, sealed)
    return None if plain is None else msgspec.json.decode(plain, type=Sheet)
