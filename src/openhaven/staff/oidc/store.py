"""Reading whom another service speaks of."""

from openhaven.staff.oidc.model import Who
from openhaven.storage import Tx


def subject_digest(tx: Tx, who: Who) -> bytes:
    """Return under what somebody of another service is stored."""
    return tx.keys.digest(f"identity:{who.issuer}\n{who.subject}".encode())


def is_connected(tx: Tx, staff: str) -> bool:
    """Say whether another service may speak for a member."""
    return tx.value("SELECT 1 FROM identities WHERE staff = %(s)s", s=staff) is not None
