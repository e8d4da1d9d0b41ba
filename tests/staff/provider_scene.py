"""A sign-in service that a test can bend: real sockets, real signatures, PKCE checked."""

import hmac
import json
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

SECRET = "s3cret:with/odd chars"


@dataclass
class Service:
    """What the service answers; every part can be bent."""

    url: str = ""
    keys: list[RSAKey] = field(default_factory=lambda: [new_key("k1")])
    signs_with: Any = None
    alg: str = "RS256"
    claims: dict[str, Any] = field(default_factory=dict)
    offer: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def authorize(self, address: str) -> str:
        """Let the person in who was sent to `address`; return where their browser goes back."""
        wanted = {name: one[0] for name, one in parse_qs(urlsplit(address).query).items()}
        assert wanted["response_type"] == "code"
        assert wanted["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = wanted
        return f"{wanted['redirect_uri']}?code={code}&state={wanted['state']}"

    def token(self, form: dict[str, str], header: str) -> tuple[int, dict[str, Any]]:
        """Redeem a code once, for whoever began it and knows our secret."""
        wanted = self.codes.pop(form.get("code", ""), None)
        plain = b64decode(header.removeprefix("Basic ")).decode() if header else ""
        proof = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest())
        if (wanted is None or plain != "openhaven:s3cret%3Awith%2Fodd%20chars"
                or proof.decode().rstrip("=") != wanted["code_challenge"]
                or form.get("redirect_uri") != wanted["redirect_uri"]):  # fmt: skip
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": "openhaven", "sub": "u-1", "name": "Ida", "iat": now,
                  "exp": now + 300, "nonce": wanted["nonce"], "auth_time": now}  # fmt: skip
        claims |= self.claims
        claims = {name: one for name, one in claims.items() if one is not None}
        return 200, {"id_token": self.signed(claims), "token_type": "Bearer", "access_token": "x"}

    def signed(self, claims: dict[str, Any]) -> str:
        key = self.signs_with or self.keys[-1]
        if self.alg == "none":
            return _forged({"alg": "none"}, claims, None)
        if self.alg == "HS256":
            # The classic confusion: the public key, taken for a shared secret.
            return _forged({"alg": "HS256", "kid": key.kid}, claims, key.as_pem(private=False))
        header = {"alg": self.alg} | ({"kid": key.kid} if key.kid else {})
        return jwt.encode(header, claims, key, algorithms=[self.alg])

    def described(self) -> dict[str, Any]:
        told = {"issuer": self.url, "authorization_endpoint": f"{self.url}/authorize"}
        told |= {"token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys"}
        return told | self.offer


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": kid, "use": "sig"})


def _forged(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None) -> str:
    said = b".".join(_b64(json.dumps(one).encode()) for one in (header, claims))
    mark = b"" if secret is None else _b64(hmac.digest(secret, said, "sha256"))
    return (said + b"." + mark).decode()


def _b64(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


@contextmanager
def service() -> Iterator[Service]:
    """Run the service on a free port."""
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            if self.path == "/keys":
                self.answer(200, KeySet(list(made.keys)).as_dict(private=False))
            else:
                self.answer(200, made.described())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: one[0] for name, one in parse_qs(body).items()}
            self.answer(*made.token(form, self.headers.get("authorization", "")))

        def answer(self, status: int, body: Any) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join(300)
        server.server_close()
