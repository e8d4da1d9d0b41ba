"""A passkey made of software, as honest or dishonest as a test wants it."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def raw(given: str) -> bytes:
    return urlsafe_b64decode(given + "=" * (-len(given) % 4))


@dataclass
class SoftKey:
    """An authenticator with one credential (W3C Web Authentication, section 6)."""

    origin: str = "https://safe.example"
    name: str = "safe.example"
    flags: int = PRESENT | VERIFIED
    uses: int = 0
    holder: str = ""
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what a browser says of a new passkey for these options."""
        self.holder = options["user"]["id"]
        point = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"),
                              -3: point.y.to_bytes(32, "big")})  # fmt: skip
        size = len(self.credential).to_bytes(2, "big")
        data = self._data(ATTESTED) + bytes(16) + size + self.credential + public
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        response = {"clientDataJSON": text(client), "attestationObject": text(attested)}
        return {"id": text(self.credential), "response": response}

    def sign(self, options: dict[str, Any], **said: Any) -> dict[str, Any]:
        """Return what a browser says of a signature; `said` is added to the client data."""
        self.uses += 1
        data = self._data(0)
        client = self._client("webauthn.get", options["challenge"], **said)
        digest = hashlib.sha256(client).digest()
        signature = self.key.sign(data + digest, ec.ECDSA(SHA256()))
        return {"id": text(self.credential), "response": {
            "clientDataJSON": text(client), "authenticatorData": text(data),
            "signature": text(signature), "userHandle": self.holder}}  # fmt: skip

    def _data(self, more: int) -> bytes:
        name = hashlib.sha256(self.name.encode()).digest()
        return name + bytes([self.flags | more]) + self.uses.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, **said: Any) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | said).encode()
