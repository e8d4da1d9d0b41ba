"""Notices by e-mail (SMTP)."""

import smtplib
import ssl
from email.message import EmailMessage

import msgspec

from openhaven.decisions import Letter, Notice
from openhaven.intake import email_of
from openhaven.storage import Database, Settings, Tx


def send(db: Database, settings: Settings, letter: Letter) -> str | None:
    """Send one notice; return None when the mail host took it, else why not, for staff.

    The `Message-ID` is made from the notice's id, so that a mail host that saw it before can tell.
    """
    if not settings.mail.host:
        return "No mail host is set (mail.host)."
    with db.read() as tx:
        address, notice = _opened(tx, letter)
    if address is None or notice is None:
        return "The address or the text was erased."
    try:
        return _delivered(settings, _message(settings, letter, address, notice))
    except ValueError as error:  # The address or the title cannot stand in a header.
        return _not_taken(error)


def tell(settings: Settings, address: str, title: str, text: str, name: str) -> str | None:
    """Send a message to staff; return None when the mail host took it, else why not.

    `name` is an id of ours that stays the same when it is sent again.
    """
    message = EmailMessage()
    message["From"] = settings.mail.sender or f"openhaven@{settings.mail.host}"
    message["Message-ID"] = f"<{name}@openhaven.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    try:
        message["To"] = address
        message["Subject"] = " ".join(title.split())
    except ValueError as error:
        return _not_taken(error)
    return _delivered(settings, message)


def _delivered(settings: Settings, message: EmailMessage) -> str | None:
    try:
        _deliver(settings, message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return _not_taken(error)
    return None


def _not_taken(error: Exception) -> str:
    # Its text may hold the address, so that only its kind is told.
    return f"The mail host did not take it ({type(error).__name__})."


def _message(settings: Settings, letter: Letter, address: str, notice: Notice) -> EmailMessage:
    """Return the letter; raises `ValueError` for what may not stand in a header."""
    message = EmailMessage()
    message["From"] = settings.mail.sender or f"openhaven@{settings.mail.host}"
    message["To"] = address
    message["Subject"] = " ".join(notice.title.split())
    message["Message-ID"] = f"<{letter.id}@openhaven.invalid>"
    message["Content-Language"] = notice.language
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.text)
    return message


def _deliver(settings: Settings, message: EmailMessage) -> None:
    mail = settings.mail
    with smtplib.SMTP(mail.host, mail.port, timeout=20) as host:
        if mail.starttls:
            host.starttls(context=ssl.create_default_context())
        if mail.user:
            host.login(mail.user, mail.password)
        host.send_message(message)


def _opened(tx: Tx, letter: Letter) -> tuple[str | None, Notice | None]:
    found = [notice for one in (letter, *letter.more) if (notice := _notice(tx, one)) is not None]
    return _address(tx, letter), _one(found)


def _notice(tx: Tx, letter: Letter) -> Notice | None:
    plain = None if letter.body is None else tx.keys.open(letter.subject, letter.body)
    return None if plain is None else msgspec.json.decode(plain, type=Notice)


def _one(found: list[Notice]) -> Notice | None:
    """Return one message that tells all; None when nothing is left to be told."""
    if len(found) < 2:
        return found[0] if found else None
    first = found[0]
    text = f"\n\n{'-' * 40}\n\n".join(f"{one.title}\n\n{one.text}" for one in found)
    return Notice(f"{first.title} (+{len(found) - 1})", text, first.help, first.language)


def _address(tx: Tx, letter: Letter) -> str | None:
    if letter.report is not None:
        sql = "SELECT body FROM reports WHERE id = %(id)s"
        sealed = tx.value(sql, id=letter.report)
        plain = None if sealed is None else tx.keys.open(letter.subject, sealed)
        contact = "" if plain is None else msgspec.json.decode(plain).get("contact") or ""
        return email_of(contact)
    sql = "SELECT contact FROM accounts WHERE platform = %(p)s AND id = %(a)s"
    sealed = tx.value(sql, p=letter.platform, a=letter.account)
    plain = None if sealed is None else tx.keys.open(letter.subject, sealed)
    return None if plain is None else plain.decode()
