"""Verbs of the register: receive, check who asks, look at the law, refuse, and take back.

Each is in the caller's transaction, holds the request's row, and leaves an entry in the ledger.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from openhaven import ledger
from openhaven.authorities.requests import store
from openhaven.authorities.requests.clocks.actions import call_contacts
from openhaven.authorities.requests.contacts import contact, domains
from openhaven.authorities.requests.keys import key_in
from openhaven.authorities.requests.kinds import CATEGORIES, kind_of
from openhaven.authorities.requests.model import (
    CHECKS,
    GROUNDS,
    ORIGINS,
    RESULTS,
    Asked,
    Request,
    Verb,
    after,
    digits,
    genuine,
)
from openhaven.authorities.requests.permitted import only_handlers
from openhaven.authorities.requests.sender import flags_of, mail_of
from openhaven.core import Problem, new_id
from openhaven.core.words import mark
from openhaven.staff import approvals
from openhaven.storage import Tx

LARGEST = 20_000_000
# What comes through the public door in a day, in bytes, over all who send.
MOST_OF_A_DAY = 2_000_000_000
_WORDS = 10_000


class Made(msgspec.Struct, frozen=True):
    """A request that was stored, with the code that is shown once."""

    id: str
    code: str


# Receiving ------------------------------------------------------------------------------------


def receive(
    tx: Tx,
    kind: str,
    country: str,
    via: str,
    asked: Asked,
    *,
    life: bool = False,
    letter: bytes = b"",
    contacts: Sequence[str] = (),
) -> Made:
    """Store a request with its clock; return its id and code. Nothing is believed by it.

    `letter` is what came along (an e-mail as it was received is read for what speaks against its
    sender). With `life` everybody in `contacts` (addresses of the settings) is called at once.
    Raises `Problem` 400 for what is missing or too long, 429 for letters beyond a day's measure.
    """
    of = kind_of(kind)
    _require_complete(country, asked)
    if letter and via == "email":
        mail, text = mail_of(letter)
        asked = msgspec.structs.replace(asked, mail=mail, what=asked.what or text[:_WORDS])
    life = life or kind == "emergency"
    made = Made(new_id("lrq"), _code())
    tx.run(
        """INSERT INTO lawful_requests (id, kind, country, via, life, received_at, received_by,
             due_at, code, body, flags)
           VALUES (%(id)s, %(kind)s, %(c)s, %(via)s, %(life)s, %(now)s, %(by)s, %(due)s, %(code)s,
             %(body)s, %(flags)s)""",
        id=made.id, kind=kind, c=country.upper(), via=via, life=life, now=tx.now,
        by=str(tx.actor), due=_due(of.due(tx.now, life=life), asked.answer_by, tx.now),
        code=store.code_digest(tx, made.code), body=_sealed(tx, made.id, asked),
        flags=flags_of(asked, via, domains(tx)),
    )  # fmt: skip
    ids = {"request": made.id}
    ledger.append(tx, "request.received", ids, row=("lawful_requests", made.id))
    if letter:
        if via == "door":
            _require_room(tx, len(letter))
        add_file(tx, made.id, "in", letter, "as it was received")
    if life:
        call_contacts(tx, made.id, len(contacts), public=via == "door")
    tx.wake("requests")
    tx.wake("console")
    return made


def _require_room(tx: Tx, size: int) -> None:
    """Raise `Problem` 429 when everybody together has sent more letters today than is stored."""
    # Of a client's letters the door counts a few; with many addresses they would fill the disk.
    sql = """SELECT coalesce(sum(f.bytes), 0)::bigint FROM request_files f
             JOIN lawful_requests r ON r.id = f.request
             WHERE r.via = 'door' AND f.side = 'in' AND f.added_at > %(now)s - interval '1 day'"""
    if int(tx.value(sql, now=tx.now)) + size > MOST_OF_A_DAY:
        raise Problem("request.many", mark("Many requests came today, so this one has to wait."),
                      status=429, next_step=mark("Send a smaller one."))  # fmt: skip


def _require_complete(country: str, asked: Asked) -> None:
    texts = [getattr(asked, name) for name in ("authority", "reference", "basis", "what", "whom",
                                               "officer", "email", "phone")]  # fmt: skip
    if not asked.authority.strip() or not asked.what.strip():
        raise Problem("request.missing", mark("Something is missing."),
                      next_step=mark("Say which authority asks, and for what."))  # fmt: skip
    if any(len(text) > _WORDS for text in texts):
        raise Problem("request.long", mark("That is too long."),
                      next_step=mark("Attach it as a file instead."))  # fmt: skip
    if len(country) != 2 or not (country.isascii() and country.isalpha()):
        raise Problem("request.country", mark("The country has two letters, such as DE."),
                      next_step=mark("Mend it and send it again."))  # fmt: skip
    if set(asked.categories) - set(CATEGORIES):
        raise Problem("request.missing", mark("Something is missing."))
    for day in (asked.since, asked.until, asked.answer_by):
        if day:
            _day(day)


def _day(text: str) -> datetime:
    try:
        # Days are compared as texts later on: each has all its digits.
        if len(text) != 10:
            raise ValueError(text)
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Problem("request.day", mark("A day is written like 2026-11-30."),
                      next_step=mark("Mend it and send it again.")) from error  # fmt: skip


def _due(usual: datetime, answer_by: str, now: datetime) -> datetime:
    """Return the sooner of our clock and the day that the request names, if that is to come."""
    named = _day(answer_by) if answer_by else None
    return min(usual, named) if named is not None and named > now else usual


def _code() -> str:
    code = secrets.token_hex(12)
    return "-".join(code[at : at + 4] for at in range(0, 24, 4))


def _sealed(tx: Tx, request: str, value: object) -> bytes:
    return tx.keys.seal(store.subject_of(request), msgspec.json.encode(value))


def add_file(tx: Tx, request: str, side: str, data: bytes, name: str) -> str:
    """Seal a file for a request, its hash first; `side` is `in` or `out`. Return its id.

    Raises `Problem`: 400 for an empty or too large one; for what goes out 403 by role, and 409 once
    a second person looks at what is given or has agreed to it, or it has ended.
    """
    if not 0 < len(data) <= LARGEST:
        raise Problem("request.file", mark("The file is empty, or larger than 20 MB."),
                      next_step=mark("Send a smaller one."))  # fmt: skip
    if side == "out":
        only_handlers(tx)
        _require_unseen(locked(tx, request))
    made = new_id("rfl")
    tx.run(
        """INSERT INTO request_files (id, request, side, sha256, bytes, added_at, added_by, about,
             body)
           VALUES (%(id)s, %(r)s, %(side)s, %(sha)s, %(n)s, %(now)s, %(by)s, %(about)s,
             %(body)s)""",
        id=made, r=request, side=side, sha=hashlib.sha256(data).digest(), n=len(data), now=tx.now,
        by=str(tx.actor), about=_sealed(tx, request, name.strip()[:200]),
        body=tx.keys.seal(store.subject_of(request), data),
    )  # fmt: skip
    ids = {"file": made, "request": request}
    ledger.append(tx, "request.file_sealed", ids, row=("request_files", made))
    return made


def locked(tx: Tx, request: str) -> Request:
    """Hold a request's row until the end of the transaction, and return it; raises 404."""
    tx.run("SELECT 1 FROM lawful_requests WHERE id = %(r)s FOR UPDATE", r=request)
    return store.request(tx, request)


def _require_unseen(found: Request) -> None:
    """Raise `Problem` 409 where a second person would not see what is added now."""
    _require_open(found)
    if found.state in ("asked", "approved"):
        raise Problem("request.seen", "A second person looks at what is given, or agreed to it.",
                      status=409, next_step="Narrow it anew, add the file, and ask again.",
                      )  # fmt: skip


def _require_open(found: Request) -> None:
    if found.ended:
        raise Problem("request.ended", "This request has ended.", status=409,
                      next_step="Look at what came of it.")  # fmt: skip


# What is done only for who is still taken for who they say.
_BELIEVING = frozenset({"check", "ask", "produce", "preserve", "remove"})


def require_genuine(tx: Tx, found: Request) -> None:
    """Raise `Problem` 409 unless the last word on who asks is that it is they."""
    if not genuine(found.flags, store.checks(tx, found.id)):
        raise Problem("request.forged", "Somebody noted that it does not come from who it says.",
                      status=409, next_step="Refuse it; or call them back once more, and write "
                      "down what came of it.")  # fmt: skip


def step(tx: Tx, found: Request, verb: Verb, **columns: object) -> None:
    """Take a request on by a verb, and write it down; raises `Problem` 409 for no such way."""
    state = after(found.state, verb, found.of)
    if verb in _BELIEVING:
        require_genuine(tx, found)
    if state in ("produced", "preserved", "removed", "refused", "withdrawn"):
        columns |= {"ended_at": tx.now, "ended_by": str(tx.actor)}
    columns |= {"state": state}
    names = ", ".join(f"{name} = %({name})s" for name in columns)
    tx.run(f"UPDATE lawful_requests SET {names} WHERE id = %(id)s", id=found.id, **columns)  # noqa: S608 (own names)
    ledger.append(tx, f"request.{verb}", {"request": found.id})
    tx.wake("console")


# Who asks ---------------------------------------------------------------------------------------


def note_check(
    tx: Tx,
    request: str,
    kind: str,
    result: str,
    *,
    origin: str = "",
    number: str = "",
    known: str = "",
    spoke_with: str = "",
    note: str = "",
) -> bool:
    """Write down what was done to find out who asks; say whether it is known now.

    A call back needs the number and where it was found (`origin`), or an authority of our list
    (`known`). The number in the letter is refused, unless two people had put the same one into the
    list before the letter came. Raises `Problem`: 400, 403, 409 once it has ended.
    """
    only_handlers(tx)
    found = locked(tx, request)
    _require_open(found)
    if kind not in CHECKS or result not in RESULTS:
        raise Problem("request.check", "Say what was done, and what came of it.")
    if kind == "call_back":
        number, origin = _number(tx, found, number, origin, known)
    body = {"number": number[:60], "spoke_with": spoke_with[:200], "note": note[:2_000]}
    made, called = new_id("rck"), kind == "call_back"
    tx.run(
        """INSERT INTO request_checks (id, request, kind, result, origin, contact, staff, at, body)
           VALUES (%(id)s, %(r)s, %(kind)s, %(result)s, %(origin)s, %(contact)s, %(me)s, %(now)s,
             %(body)s)""",
        id=made, r=request, kind=kind, result=result, origin=origin if called else "",
        contact=known if called and known else None, me=tx.actor.id, now=tx.now,
        body=_sealed(tx, request, body),
    )  # fmt: skip
    ids = {"check": made, "request": request}
    ledger.append(tx, "request.sender_checked", ids, row=("request_checks", made))
    sure = genuine(found.flags, store.checks(tx, request))
    if found.state == "received" and sure:
        step(tx, found, "authenticate", authenticated_at=tx.now, authenticated_by=str(tx.actor))
    return sure


def _number(tx: Tx, found: Request, number: str, origin: str, known: str) -> tuple[str, str]:
    """Return the number that was called and where it was found; raises for that of the letter."""
    asked = store.asked(tx, found.id)
    if known:
        one = contact(tx, known)
        if one.known_at is None or one.country != found.country:
            raise Problem("request.contact", "This authority is not one of the list, or of another "
                          "country.", next_step="A second person has to agree to it first.",
                          )  # fmt: skip
        if _in_letter(one.about.phone, asked) and one.known_at >= found.received_at:
            raise _of_the_letter()
        return one.about.phone, "kept"
    if origin not in ORIGINS or origin == "kept" or len(digits(number)) < 5:
        raise Problem("request.number", "Say which number was called, and where it was found.",
                      next_step="Look it up in a register, or on the authority's own site.",
                      )  # fmt: skip
    if _in_letter(number, asked):
        raise _of_the_letter()
    return number.strip(), origin


def _in_letter(number: str, asked: Asked) -> bool:
    """Say whether a number is that of the letter, which may also stand beneath its signature."""
    called = digits(number)
    if called and called == digits(asked.phone):
        return True
    texts = (asked.what, asked.whom, asked.officer, asked.basis, asked.reference)
    lines = (line for text in texts for line in text.splitlines())
    # What is shorter may be part of any other number.
    return len(called) >= 7 and any(called in _all_digits(line) for line in lines)


def _all_digits(line: str) -> str:
    return "".join(one for one in line if one.isdecimal())


def _of_the_letter() -> Problem:
    return Problem("request.letter_number", "That is the number in the letter.",
                   "Who forged the letter answers it.", status=409,
                   next_step="Find a number in another way, and call that one.")  # fmt: skip


# The law ----------------------------------------------------------------------------------------

QUESTIONS: dict[str, str] = {
    "binds": "The law that it names binds this service",
    "competent": "Who issued it may ask for this",
    "form": "It is complete, signed, and about what it says",
    "needed": "What it asks for is necessary and in proportion",
    "rights": "No immunity, privilege or right stands against it",
}


def check_law(tx: Tx, request: str, holds: Sequence[str], *, treaty: str = "", note: str) -> None:
    """Write down the legal check: every question of `QUESTIONS` has to be answered with yes.

    What is not so is a ground to refuse it. A request from another country names its treaty.
    Raises `Problem`: 400 when something is not answered with yes, 403, 409.
    """
    only_handlers(tx)
    found = locked(tx, request)
    after(found.state, "check", found.of)
    missing = [words for code, words in QUESTIONS.items() if code not in holds]
    if missing:
        raise Problem("request.law", "The law does not carry this request.", "Not so: "
                      + "; ".join(missing) + ".", status=409,
                      next_step="Refuse it with the ground, or ask the authority to mend it.",
                      )  # fmt: skip
    if found.of.treaty and not treaty.strip():
        raise Problem("request.treaty", "It comes from another country: name the treaty.",
                      status=409, next_step="Without one, refuse it.")  # fmt: skip
    if not note.strip():
        raise Problem("request.note", "Say in a few words why the law carries it.",
                      next_step="Name the law, and what it lets us give.")  # fmt: skip
    said = {"note": note.strip()[:5_000], "treaty": treaty.strip()[:500]}
    _say(tx, found, legal=said)
    step(tx, found, "check", checked_at=tx.now, checked_by=str(tx.actor))


def _say(tx: Tx, found: Request, **fields: object) -> None:
    """Add to what is sealed of a request."""
    said = msgspec.structs.replace(store.asked(tx, found.id), **fields)
    tx.run("UPDATE lawful_requests SET body = %(b)s WHERE id = %(r)s",
           b=_sealed(tx, found.id, said), r=found.id)  # fmt: skip


# Where it goes ----------------------------------------------------------------------------------


def set_key(tx: Tx, request: str, text: str, *, confirmed: bool, known: str = "") -> None:
    """Store the key to which what is given is sealed: of our list (`known`), or as text.

    What was not in the list has to be `confirmed`: its fingerprint was read out at a number that
    was found independently. Raises `Problem`: 400, 403, 409.
    """
    only_handlers(tx)
    found = locked(tx, request)
    _require_open(found)
    if known:
        one = contact(tx, known)
        if (one.known_at is None or one.country != found.country or one.key is None
                or one.key_kind is None):  # fmt: skip
            raise Problem("request.key_unknown", "There is no key of this authority in the list.")
        kind, key = one.key_kind, one.key
    else:
        if not confirmed or found.authenticated_at is None:
            raise Problem("request.key_unsure", "Nobody has confirmed that this key is theirs.",
                          status=409, next_step="Call them back, let them read its fingerprint "
                          "out, compare it, and say so.")  # fmt: skip
        kind, key = key_in(text)
    tx.run("UPDATE lawful_requests SET key_kind = %(k)s, key = %(key)s, key_by = %(by)s "
           "WHERE id = %(r)s", k=kind, key=tx.keys.seal(store.subject_of(request), key),
           by=str(tx.actor), r=request)  # fmt: skip
    ledger.append(tx, "request.key_set", {"request": request})


# The end ----------------------------------------------------------------------------------------


def refuse(tx: Tx, request: str, ground: str, words: str) -> None:
    """Give nothing, by a ground and in words that the authority gets; raises 400, 403, 409."""
    only_handlers(tx)
    found = locked(tx, request)
    if ground not in GROUNDS or not words.strip():
        raise Problem("request.ground", "A refusal has a ground and says why.",
                      next_step="Choose the ground, and write what the authority is told.",
                      )  # fmt: skip
    _say(tx, found, words=words.strip()[:5_000])
    step(tx, found, "refuse", refusal=ground)


def withdraw(tx: Tx, request: str) -> None:
    """Note that the authority has withdrawn its request; raises `Problem` 403, 409."""
    only_handlers(tx)
    step(tx, locked(tx, request), "withdraw")


def read_file(tx: Tx, request: str, file: str) -> bytes:
    """Return a file of a request, after it is written down who opens it; raises 403, 404, 410."""
    only_handlers(tx)
    data = store.file_bytes(tx, request, file)
    ledger.append(tx, "request.file_opened", {"file": file, "request": request})
    return data


# What is over -----------------------------------------------------------------------------------

# So many days after its end nothing of a request can be read any more; what is counted stays.
_KEPT_DAYS = 1_096


def forget(tx: Tx) -> int:
    """Destroy what requests said that ended three years ago, and packets whose time is over."""
    over = """UPDATE request_deliveries SET body = NULL
              WHERE body IS NOT NULL AND until <= %(now)s"""
    tx.run(over, now=tx.now)
    sql = """SELECT r.id FROM lawful_requests r WHERE r.forgotten_at IS NULL
               AND r.ended_at < %(now)s - %(days)s * interval '1 day'
               AND NOT EXISTS (SELECT 1 FROM request_notices n WHERE n.request = r.id
                               AND n.state IN ('waiting', 'by_hand'))
             ORDER BY r.ended_at LIMIT 100 FOR UPDATE SKIP LOCKED"""
    gone = [str(row["id"]) for row in tx.rows(sql, now=tx.now, days=_KEPT_DAYS)]
    for one in gone:
        _forget(tx, one)
    return len(gone)


def _forget(tx: Tx, request: str) -> None:
    sql = """SELECT id FROM request_scopes WHERE request = %(r)s
             UNION ALL SELECT id || '.' || n FROM request_notices, generate_series(0, renewals) AS n
             WHERE request = %(r)s"""
    approvals.forget(tx, [str(row["id"]) for row in tx.rows(sql, r=request)])
    for table in ("request_files", "request_scopes", "request_checks", "request_notices"):
        tx.run(f"UPDATE {table} SET body = NULL WHERE request = %(r)s", r=request)  # noqa: S608
    tx.run("UPDATE request_files SET about = NULL WHERE request = %(r)s", r=request)
    tx.run("UPDATE lawful_requests SET body = NULL, forgotten_at = %(now)s WHERE id = %(r)s",
           now=tx.now, r=request)  # fmt: skip
    tx.keys.destroy(store.subject_of(request))
    ledger.append(tx, "request.forgotten", {"request": request})
