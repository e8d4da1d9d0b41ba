"""The conversation with the other service: what it offers, its keys, a code for its word."""

import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode

import msgspec

from openhaven.core import Problem
from openhaven.staff.oidc.model import ALGORITHMS, Who, check_claims, check_logout, is_safe, refused
from openhaven.storage.settings import Oidc

# The library for tokens is loaded where it is used: most houses have no such service.
if TYPE_CHECKING:
    from joserfc.jwk import KeySet

_KEPT_S = 3_600.0
# Whoever sends words with unknown keys must not make us ask for keys all the time.
_AGAIN_S = 10.0
_LIMIT = 500_000


class Reply(Protocol):
    """What came back."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class Out(Protocol):
    """The one way out of the house."""

    def send(
        self, method: str, url: str, *, body: bytes | None = None,
        headers: Mapping[str, str] | None = None, limit: int = 1_000_000,
    ) -> Reply: ...  # fmt: skip


class Offer(msgspec.Struct, frozen=True):
    """What the service says of itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


class Provider:
    """One service, asked through the one way out; safe to use from several threads."""

    def __init__(self, settings: Oidc, out: Out) -> None:
        self.settings = settings
        self._out = out
        self._lock = threading.Lock()
        self._offer: tuple[float, Offer] | None = None
        self._keys: tuple[float, KeySet] | None = None

    @property
    def name(self) -> str:
        """What people call the service."""
        return self.settings.name or "your organisation"

    def way(self, back: str, state: str, nonce: str, verifier: str, *, again: bool = False) -> str:
        """Return where to send the browser; `again` asks the service to have a person prove it."""
        wanted = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": self.settings.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _b64(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        if again:
            wanted |= {"prompt": "login", "max_age": "0"}
        address = self.offer().authorization_endpoint
        return f"{address}{'&' if '?' in address else '?'}{urlencode(wanted)}"

    def redeem(self, code: str, verifier: str, back: str, nonce: str, now: datetime) -> Who:
        """Return of whom the service speaks for this code; raises `Problem` (400, 502)."""
        offer = self.offer()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back,
                "client_id": self.settings.client_id, "code_verifier": verifier}  # fmt: skip
        headers = {"content-type": "application/x-www-form-urlencoded",
                   "accept": "application/json"}  # fmt: skip
        if self.settings.client_secret:
            self._prove(offer, form, headers)
        raw = self._ask("POST", offer.token_endpoint, urlencode(form).encode(), headers)
        try:
            token = msgspec.json.decode(raw, type=_Tokens).id_token
        except msgspec.MsgspecError as error:
            raise refused("It sent no ID token.") from error
        return check_claims(self._opened(token), self.settings, nonce, now)

    def ended(self, token: str, now: datetime) -> tuple[str, int]:
        """Return whose session ended there, and when, for a logout token; raises `Problem`."""
        return check_logout(self._opened(token), self.settings, now)

    def way_out(self, back: str) -> str:
        """Return where somebody signs out of the service as well; empty where it has no such page.

        OpenID Connect RP-Initiated Logout 1.0; the service asks the person, since we keep no token
        of theirs that could prove who they are.
        """
        try:
            address = self.offer().end_session_endpoint
        except Problem:  # Whoever leaves is let go, also while the service is away.
            return ""
        if not is_safe(address):
            return ""
        told = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(told)}"

    def offer(self) -> Offer:
        """Return what the service says of itself, at most an hour old."""
        with self._lock:
            kept = self._offer
        if kept and time.monotonic() - kept[0] < _KEPT_S:
            return kept[1]
        url = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            found = msgspec.json.decode(self._ask("GET", url), type=Offer)
        except msgspec.MsgspecError as error:
            raise refused("It does not describe itself.") from error
        addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
        if found.issuer != self.settings.issuer or not all(map(is_safe, addresses)):
            raise refused("It describes another service, or addresses without TLS.")
        with self._lock:
            self._offer = (time.monotonic(), found)
        return found

    def _opened(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token with a good signature; learns of new keys when needed."""
        from joserfc.errors import JoseError

        keys = self._present_keys(older_than=_KEPT_S)
        try:
            return _claims(token, keys)
        except (JoseError, ValueError):
            newer = self._present_keys(older_than=_AGAIN_S)
        try:
            return _claims(token, newer)
        except (JoseError, ValueError) as error:
            raise refused("Its signature is not one of the service's.") from error

    def _present_keys(self, older_than: float) -> "KeySet":
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        with self._lock:
            kept = self._keys
        if kept and time.monotonic() - kept[0] < older_than:
            return kept[1]
        try:
            raw = msgspec.json.decode(self._ask("GET", self.offer().jwks_uri), type=dict[str, Any])
            found = KeySet.import_key_set(raw)  # type: ignore[arg-type]
        except (msgspec.MsgspecError, JoseError, ValueError, KeyError, TypeError) as error:
            raise refused("Its keys cannot be read.") from error
        with self._lock:
            self._keys = (time.monotonic(), found)
        return found

    def _prove(self, offer: Offer, form: dict[str, str], headers: dict[str, str]) -> None:
        """Show our secret in the way that the service takes (RFC 6749, 2.3.1)."""
        ways = offer.token_endpoint_auth_methods_supported
        if "client_secret_basic" in ways or "client_secret_post" not in ways:
            pair = (self.settings.client_id, self.settings.client_secret)
            plain = ":".join(quote(one, safe="") for one in pair)
            headers["authorization"] = "Basic " + b64encode(plain.encode()).decode()
        else:
            form["client_secret"] = self.settings.client_secret

    def _ask(
        self, method: str, url: str, body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:  # fmt: skip
        try:
            reply = self._out.send(method, url, body=body, headers=headers, limit=_LIMIT)
        except Problem:
            raise
        except Exception as error:  # Whatever the way out says of why: nobody could be asked.
            raise _silent(type(error).__name__) from error
        if reply.status != 200:
            raise _silent(f"It answered HTTP {reply.status}.")
        return reply.body


def verifier_from(secret: bytes) -> str:
    """Return the PKCE verifier of a step (RFC 7636, 4.1: 43 characters)."""
    return _b64(secret)


def _claims(token: str, keys: "KeySet") -> Mapping[str, Any]:
    from joserfc import jwt

    return jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _silent(detail: str) -> Problem:
    return Problem("oidc.silent", "The sign-in service does not answer as it should.", detail,
                   status=502, next_step="Try again, or sign in in another way.")  # fmt: skip
