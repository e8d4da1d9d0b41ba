"""What can be taken of a list that arrived, and what is poisoned. Pure."""

import base64
import binascii
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openhaven.core import canonical
from openhaven.exchange.returning.lists.model import Listed, ListedEntry, Report
from openhaven.exchange.returning.model import Setting

REASONS: dict[str, str] = {
    "malformed": "it cannot be read",
    "class": "its class is not part of the agreement",
    "expired": "its time has passed",
    "mass": "it has more tokens than one person has",
    "thin": "it has no two families with a strong one, so that it could never count",
    "common": "many entries share a token of it, so that it tells nobody apart",
    "crowd": "a token of it was met at many accounts here",
    "duplicate": "it came before, or twice",
}
MOST_TOKENS, MOST_OF_A_FAMILY, MOST_WITH_ONE_TOKEN = 20, 6, 2
OLDEST, AHEAD = timedelta(days=30), timedelta(days=1)
# With more than this share of bad entries nobody looks after the list, and none of it is taken.
MOST_BAD, FEW = 0.1, 2


def mark_of(secret: bytes) -> str:
    """Return what names an agreement on both sides and tells nothing of its secret."""
    return HKDF(SHA256(), 16, None, b"openhaven returning 1|mark").derive(secret).hex()


def signed_bytes(listed: Listed) -> bytes:
    """Return what the signature is over: all of the list but the signature."""
    bare = msgspec.to_builtins(msgspec.structs.replace(listed, signature=""))
    return b"openhaven returning list 1\n" + canonical(bare)


class Known(msgspec.Struct, frozen=True):
    """What is here already: entries that came before, and tokens that were met by a crowd."""

    remotes: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()


def check(
    body: bytes, secret: bytes, peer: bytes, classes: Collection[str], known: Known, now: datetime,
    data: Setting,
) -> tuple[Report, list[ListedEntry]]:  # fmt: skip
    """Return what was found in a list, and the entries that can be taken of it."""
    try:
        listed = msgspec.json.decode(body, type=Listed)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Report(refused="It is no list of this form."), []
    why = _refusal(listed, secret, peer, now)
    if why:
        return Report(entries=len(listed.entries), refused=why), []
    good, bad = _sort(listed, classes, known, now, data)
    wrong = sum(bad.values()) - bad["duplicate"] - bad["expired"]
    much = wrong > max(FEW, MOST_BAD * len(listed.entries))
    refused = "Too many of its entries are bad; nothing of it is taken." if much else ""
    report = Report(entries=len(listed.entries), good=0 if much else len(good), bad=dict(bad),
                    refused=refused)  # fmt: skip
    return report, [] if much else good


def _refusal(listed: Listed, secret: bytes, peer: bytes, now: datetime) -> str:
    if listed.agreement != mark_of(secret):
        return "It was made under another agreement."
    try:
        key = Ed25519PublicKey.from_public_bytes(peer)
        key.verify(base64.b64decode(listed.signature, validate=True), signed_bytes(listed))
    except (InvalidSignature, binascii.Error, ValueError, RecursionError):
        return "Its signature is not that of the other operator."
    if listed.made_at.tzinfo is None or not now - OLDEST <= listed.made_at <= now + AHEAD:
        return "It is older than 30 days, or from the future."
    return ""


def _sort(
    listed: Listed, classes: Collection[str], known: Known, now: datetime, data: Setting
) -> tuple[list[ListedEntry], Counter[str]]:
    bad: Counter[str] = Counter()
    read: list[ListedEntry] = []
    for raw in listed.entries:
        try:
            read.append(msgspec.convert(raw, ListedEntry))
        except msgspec.ValidationError:
            bad["malformed"] += 1
    often = Counter(token for one in read for token in {t.token for t in one.tokens})
    seen = set(known.remotes)
    good = []
    for one in read:
        reason = _fault(one, classes, now, data, often, known)
        if not reason and one.id in seen:
            reason = "duplicate"
        seen.add(one.id)
        if reason:
            bad[reason] += 1
        else:
            good.append(one)
    return good, bad


def _fault(
    one: ListedEntry, classes: Collection[str], now: datetime, data: Setting,
    often: Counter[str], known: Known,
) -> str:  # fmt: skip
    """Return why an entry is not taken, or nothing."""
    families = Counter(data.kinds[token.kind].family for token in one.tokens)
    if one.harm not in classes or one.harm not in data.classes:
        return "class"
    if one.expires_at.tzinfo is None or one.expires_at <= now:
        return "expired"
    if len(one.tokens) > MOST_TOKENS or max(families.values(), default=0) > MOST_OF_A_FAMILY:
        return "mass"
    if len(families) <= 1 or not any(data.families[name].strong for name in families):
        return "thin"
    if any(often[token.token] > MOST_WITH_ONE_TOKEN for token in one.tokens):
        return "common"
    return "crowd" if any(token.token in known.shared for token in one.tokens) else ""
