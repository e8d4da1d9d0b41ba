"""The door to any platform that can receive a signed webhook (Standard Webhooks).

An act is sent with its id as `webhook-id`; the platform answers 2xx when it has taken it over, and
reports completion or failure to `POST /v1/acts/{id}/outcome`.
"""

from openhaven.connectors.webhook.send import Webhook

__all__ = ["Webhook"]
