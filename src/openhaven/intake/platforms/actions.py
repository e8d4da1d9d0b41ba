"""Verbs of platforms: add one, give it a key, take a key back, record a legal basis."""

import base64
import re
import secrets

from psycopg.types.json import Jsonb

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.core.words import REVERSING
from openhaven.intake.store import Platform
from openhaven.storage import Tx

# What a platform with a webhook can do besides: each measure, and acts in some countries only.
_WEBHOOK_CAN = ["age_gate", "demote", "label", "no_interaction", "monetary", "service", "country"]
_WEBHOOK_VERBS = {"notify": False, "warn": False} | dict.fromkeys(
    [*REVERSING.keys(), *REVERSING.values()], True
)


def add_platform(
    tx: Tx,
    name: str,
    *,
    webhook_url: str | None = None,
    connector: str = "webhook",
    verbs: dict[str, bool] | None = None,
    private_basis: str | None = None,
) -> tuple[str, str]:
    """Add a platform and return its id and its webhook secret (`whsec_…`, shown once).

    `verbs` says what the platform can carry out and whether it can undo it; a webhook platform is
    expected to keep what it removes until the appeal window has passed.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        raise Problem("platform.name", "A platform's name has small letters, digits and hyphens.")
    if tx.value("SELECT 1 FROM platforms WHERE name = %(n)s", n=name):
        raise Problem("platform.exists", f"There is already a platform “{name}”.", status=409)
    platform, secret = new_id("plt"), secrets.token_bytes(32)
    tx.run(
        """INSERT INTO platforms (id, name, connector, webhook_url, webhook_secret, verbs,
             can, private_basis, created_at)
           VALUES (%(id)s, %(name)s, %(connector)s, %(url)s, %(secret)s, %(verbs)s, %(can)s,
             %(basis)s, %(now)s)""",
        id=platform,
        name=name,
        connector=connector,
        url=webhook_url,
        secret=tx.keys.seal(platform, secret),
        verbs=Jsonb(verbs or _WEBHOOK_VERBS),
        can=_WEBHOOK_CAN if connector == "webhook" else [],
        basis=private_basis,
        now=tx.now,
    )
    ledger.append(tx, "platform.added", {"platform": platform})
    return platform, secret_text(secret)


def set_webhook(tx: Tx, platform: Platform, url: str | None, *, new_secret: bool = False) -> str:
    """Change where a platform's acts are sent; return the secret that signs them, if it is new.

    Without a `url` the address stays. A platform that never had one gets its secret told now. Acts
    that failed meanwhile stay failed: they can be tried again from the console's deliveries.
    """
    if platform.connector != "webhook":
        raise Problem("platform.connector", f"“{platform.name}” is no platform with a webhook.",
                      next_step="Its acts go the way of its connector.")  # fmt: skip
    fresh = new_secret or platform.webhook_url is None
    secret = secrets.token_bytes(32) if fresh else None
    tx.run(
        """UPDATE platforms SET webhook_url = coalesce(%(url)s, webhook_url),
             webhook_secret = coalesce(%(secret)b, webhook_secret) WHERE id = %(id)s""",
        id=platform.id,
        url=url,
        secret=tx.keys.seal(platform.id, secret) if secret else None,
    )
    ledger.append(tx, "platform.webhook", {"platform": platform.id})
    return secret_text(secret) if secret else ""


def secret_text(secret: bytes) -> str:
    """Return a webhook secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secret).decode()


def set_private_basis(tx: Tx, platform: Platform, basis: str) -> None:
    """Record the legal basis on which the content of private conversations may be looked at."""
    sql = "UPDATE platforms SET private_basis = %(basis)s WHERE id = %(id)s"
    tx.run(sql, id=platform.id, basis=basis)
    ledger.append(tx, "platform.private_basis", {"platform": platform.id})


def create_key(tx: Tx, name: str, platform: Platform) -> str:
    """Create an API key and return it; only its digest is stored, so it is shown this once."""
    if tx.value("SELECT 1 FROM api_keys WHERE name = %(n)s AND revoked_at IS NULL", n=name):
        raise Problem(
            "key.exists",
            f"There is already a key “{name}”.",
            status=409,
            next_step=f"Choose another name, or: openhaven keys revoke {name}",
        )
    key_id, key = new_id("key"), f"oh_{secrets.token_urlsafe(32)}"
    tx.run(
        """INSERT INTO api_keys (id, platform, name, digest, created_at)
           VALUES (%(id)s, %(platform)s, %(name)s, %(digest)s, %(now)s)""",
        id=key_id,
        platform=platform.id,
        name=name,
        digest=tx.keys.digest(key.encode()),
        now=tx.now,
    )
    ledger.append(tx, "key.created", {"key": key_id, "platform": platform.id})
    return key


def revoke_key(tx: Tx, name: str) -> None:
    """Revoke the living key of this name; it stops working within a second."""
    sql = """UPDATE api_keys SET revoked_at = %(now)s
             WHERE name = %(n)s AND revoked_at IS NULL RETURNING id"""
    key_id = tx.value(sql, n=name, now=tx.now)
    if key_id is None:
        raise Problem("key.unknown", f"There is no living key “{name}”.", status=404)
    ledger.append(tx, "key.revoked", {"key": key_id})
