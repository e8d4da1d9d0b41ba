"""Who sent a request, as far as its e-mail says: what speaks against the sender. Pure.

Nothing here ever speaks for a sender. A forged request of the police is the classic way to get at
somebody's data, and it comes from a domain that looks right, from a mail-box that anybody can have,
or from a real one that was broken into.
"""

import re
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parseaddr

from openhaven.authorities.requests.model import Asked

FLAGS: dict[str, str] = {
    "no_address": "It names no e-mail address of the authority.",
    "freemail": "Its address is at a service where anybody can have one.",
    "look_alike": "Its domain looks like one that we know, and is another.",
    "unknown_domain": "Its domain is none of those that two people here know.",
    "odd_domain": "Its domain has letters of other scripts, or hides another name in it.",
    "reply_to": "Answers would go to another domain than it came from.",
    "return_path": "It was sent from another domain than it says.",
    "dkim": "The signature of its mail host (DKIM) is missing or wrong.",
    "dmarc": "Our mail host could not confirm its domain (SPF or DMARC).",
}
_FREE = frozenset(
    (
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "ymail.com",
        "aol.com",
        "icloud.com",
        "me.com",
        "proton.me",
        "protonmail.com",
        "gmx.de",
        "gmx.net",
        "gmx.com",
        "web.de",
        "mail.com",
        "mail.ru",
        "yandex.ru",
        "yandex.com",
        "qq.com",
        "163.com",
        "tutanota.com",
        "tuta.com",
        "zoho.com",
        "fastmail.com",
    )
)
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})+", re.ASCII)
_SAID = re.compile(r"\b(dkim|spf|dmarc)\s*=\s*([a-z]+)", re.I)


# A letter's head and its first words; what a forger adds is parsed no longer than that.
_LOOKED_AT = 200_000
_LONGEST_HEAD = 2_000


def domain_of(address: str) -> str:
    """Return the domain of an e-mail address in lower case and ASCII; empty when there is none."""
    try:
        domain = parseaddr(address)[1].rpartition("@")[2].strip().rstrip(".").lower()
        plain = domain.encode("idna").decode("ascii") if domain else ""
    except (UnicodeError, RecursionError):  # Parentheses can be nested deeper than is read.
        return ""
    return plain if _DOMAIN.fullmatch(plain) else ""


def mail_of(raw: bytes) -> tuple[dict[str, str], str]:
    """Return what the head of an e-mail says, and its text; both empty for what is none.

    Of `Authentication-Results` the first one counts: it is our own mail host's, those below may
    have been written by the sender.
    """
    try:
        message = message_from_bytes(raw[:_LOOKED_AT], policy=policy.compat32)
        if not message.get("From"):
            return {}, ""
        names = {"from": "From", "reply_to": "Reply-To", "return_path": "Return-Path",
                 "subject": "Subject", "date": "Date", "message_id": "Message-ID"}  # fmt: skip
        found = {name: _head(message, header) for name, header in names.items()}
        found |= _said(_head(message, "Authentication-Results").lower())
        return {name: text for name, text in found.items() if text}, _text(message)
    except RecursionError:  # Parts within parts, deeper than any letter is.
        return {}, ""


def _said(results: str) -> dict[str, str]:
    """Return the worst that is said of each: an address in it may be called `dkim=pass`."""
    found = _SAID.findall(results)
    worst = sorted(found, key=lambda pair: ("fail" in pair[1], pair[1] != "pass"))
    return {"dkim": "none", "spf": "none", "dmarc": "none"} | dict(worst)


def _head(message: Message, name: str) -> str:
    try:
        # The parser of structured heads takes the square of their length: it gets a part of it.
        text = str(message.get(name, ""))[:_LONGEST_HEAD]
        return " ".join(str(policy.default.header_fetch_parse(name, text)).split())[:500]
    except (ValueError, IndexError, AttributeError, RecursionError):  # Nobody can read this head.
        return ""


def _text(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/plain" and not part.get_filename():
            try:
                plain = bytes(part.get_payload(decode=True) or b"")
                return plain.decode(part.get_content_charset("utf-8"), "replace")[:20_000]
            except (LookupError, ValueError, TypeError):
                return ""
    return ""


def flags_of(asked: Asked, via: str, known: Iterable[str]) -> list[str]:
    """Return the codes of what speaks against the sender; `known` are the domains that we know."""
    domains = frozenset(known)
    sender = domain_of(asked.mail.get("from", "")) or domain_of(asked.email)
    found = _of_domain(sender, domains) if sender else []
    if not sender and via in ("door", "email"):
        found.append("no_address")
    if sender and domain_of(asked.email) not in ("", sender):
        found.append("reply_to")
    if via == "email":
        found += _of_mail(asked.mail, sender)
    return sorted(set(found))


def _of_domain(domain: str, known: frozenset[str]) -> list[str]:
    if any(domain == one or domain.endswith(f".{one}") for one in known):
        return []
    found = ["freemail" if domain in _FREE else "unknown_domain"]
    if any(part.startswith("xn--") for part in domain.split(".")) or any(
        f".{one}." in f".{domain}" for one in known
    ):
        found.append("odd_domain")
    if any(_near(domain, one) for one in known):
        found.append("look_alike")
    return found


def _of_mail(mail: dict[str, str], sender: str) -> list[str]:
    found = [name for name in ("reply_to", "return_path")
             if (other := domain_of(mail.get(name, ""))) and not _same(other, sender)]  # fmt: skip
    if mail.get("dkim", "none") != "pass":
        found.append("dkim")
    if "fail" in mail.get("dmarc", "") or "fail" in mail.get("spf", ""):
        found.append("dmarc")
    return found


def _same(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


# What is read as another letter at a glance.
_LIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "3": "e", "-": "", "_": ""})


def _near(domain: str, known: str) -> bool:
    """Say whether two domains are one or two slips apart, or the same name at another end."""
    one, other = (name.translate(_LIKE).replace("rn", "m").replace("vv", "w")
                  for name in (domain, known))  # fmt: skip
    first, second = (name.split(".")[0] for name in (one, other))
    if len(second) >= 4 and (first == second or second in first):
        return True
    return _distance(one, other, 2) <= 2


def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters differ (Levenshtein); `most` + 1 for more than `most`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, second in enumerate(other, 1):
            cost = before + (letter != second)
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, cost)
    return min(row[-1], most + 1)
