"""From a root to a key for one purpose and family, and from that to a token. Pure."""

import hmac
from collections.abc import Iterable

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openhaven.exchange.returning.model import Setting
from openhaven.exchange.returning.normal import normal
from openhaven.intake.model import Identifier, IdentifierKind

OWN, AGREED = "own", "agreed"


class Root(msgspec.Struct, frozen=True):
    """What keys are derived from: 32 random bytes of a purpose and an epoch.

    `purpose` is what stands with a token: `own`, or the id of an agreement. `domain` is what goes
    into the key: the platform, or `agreed`, so that both sides of an agreement have the same. Only
    who holds the root can make a token, so that lists of two purposes cannot be joined.
    """

    purpose: str
    domain: str
    epoch: str
    secret: bytes

    def key(self, family: str) -> bytes:
        """Return the key of a family (32 bytes), by HKDF-SHA-256 (RFC 5869)."""
        info = f"openhaven returning 1|{self.domain}|{self.epoch}|{family}".encode()
        return HKDF(SHA256(), 32, None, info).derive(self.secret)


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A keyed token of one identifier: HMAC-SHA-256 (RFC 2104) of its kind and one spelling."""

    purpose: str
    epoch: str
    family: str
    kind: IdentifierKind
    strong: bool
    token: bytes


def tokens(given: Iterable[Identifier], roots: Iterable[Root], data: Setting) -> list[Token]:
    """Return the tokens of all identifiers that tell people apart, under all roots, each once.

    Those that cannot be read, or that the platform says are shared by many, have none.
    """
    spelled = [(one, spelling) for one in given
               if not one.shared and (spelling := normal(one, data)) is not None]  # fmt: skip
    found: dict[bytes, Token] = {}
    for root in roots:
        keys = {family: root.key(family)
                for family in {data.kinds[one.kind].family for one, _ in spelled}}  # fmt: skip
        for one, spelling in spelled:
            family = data.kinds[one.kind].family
            made = hmac.digest(keys[family], one.kind.encode() + b"\0" + spelling, "sha256")
            found[made] = Token(
                purpose=root.purpose, epoch=root.epoch, family=family, kind=one.kind, token=made,
                strong=data.families[family].strong,
            )  # fmt: skip
    return list(found.values())
