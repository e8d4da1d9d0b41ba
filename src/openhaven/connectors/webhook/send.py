"""Sending an act as a signed webhook."""

from collections.abc import Callable, Mapping

import msgspec
from standardwebhooks import Webhook as Signature

from openhaven.connectors.http import UnreachableError
from openhaven.connectors.model import Carried, Wiring
from openhaven.core import Problem, utcnow
from openhaven.core.words import REVERSING
from openhaven.decisions import Act
from openhaven.intake import Platform


class Webhook:
    """Delivers acts by webhook; a platform is expected to keep what it removes."""

    kind = "webhook"
    verbs: Mapping[str, bool] = {"notify": False, "warn": False} | dict.fromkeys(
        [*REVERSING.keys(), *REVERSING.values()], True
    )

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def jobs(self) -> Mapping[str, Callable[[], int]]:
        """A webhook platform calls us; there is nothing to poll."""
        return {}

    def carry_out(self, platform: Platform, act: Act) -> Carried:
        """Send the act; any 2xx means that the platform has taken it over."""
        if not platform.webhook_url or not platform.webhook_secret:
            return Carried("failed", "This platform has no webhook address.")
        with self._wiring.db.read() as tx:
            secret = tx.keys.open(platform.id, platform.webhook_secret)
        if secret is None:
            return Carried("failed", "The platform's webhook secret cannot be opened.")
        body = msgspec.json.encode(act.message()).decode()
        now = utcnow()
        headers = {
            "content-type": "application/json",
            "user-agent": "openhaven",
            "webhook-id": act.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Signature(secret).sign(act.id, now, body),
        }
        try:
            reply = self._wiring.http.send(
                "POST", platform.webhook_url, body=body.encode(), headers=headers
            )
        except UnreachableError as error:
            return Carried("retry", str(error))
        except Problem as problem:
            return Carried("failed", problem.title)
        if 200 <= reply.status < 300:
            return Carried("accepted")
        return Carried("retry", f"The platform answered {reply.status}.")
