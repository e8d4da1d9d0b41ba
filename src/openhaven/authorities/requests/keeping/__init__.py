"""Keeping what an authority asks to be kept: sealed copies under a hold that ends by itself."""

from openhaven.authorities.requests.keeping.actions import keep, let_go, preserved, renew

__all__ = ["keep", "let_go", "preserved", "renew"]
