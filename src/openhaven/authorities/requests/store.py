"""Reading the register: requests with what they say, checks, scopes, files and deliveries."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from openhaven.authorities.requests.model import Asked, Check, Request, Wanted
from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.storage import Tx

T = TypeVar("T")
_COLUMNS = """r.id, r.kind, r.country, r.via, r.life, r.received_at, r.received_by, r.due_at,
  r.level, r.flags, r.state, r.authenticated_at, r.authenticated_by, r.checked_at, r.checked_by,
  r.scope, r.approved_at, r.key_kind, r.key, r.key_by, r.ended_at, r.ended_by, r.refusal, r.part,
  r.accounts, r.decision, r.forgotten_at"""


def subject_of(request: str) -> str:
    """Return the subject that everything of a request is sealed for."""
    return f"request:{request}"


def opened(tx: Tx, request: str, sealed: bytes | None, kind: type[T]) -> T | None:
    """Return what was sealed for a request; None when it was forgotten."""
    plain = None if sealed is None else tx.keys.open(subject_of(request), sealed)
    return None if plain is None else msgspec.json.decode(plain, type=kind)


def request(tx: Tx, request_id: str) -> Request:
    """Return a request; raises `Problem` 404."""
    sql = f"SELECT {_COLUMNS} FROM lawful_requests r WHERE r.id = %(id)s"  # noqa: S608 (a constant)
    found = tx.one(sql, Request, id=request_id)
    if found is None:
        raise _unknown()
    return _with_key(tx, found)


def _with_key(tx: Tx, found: Request) -> Request:
    """Return a request with its key as it is: a certificate names people, so that it is sealed."""
    plain = None if found.key is None else tx.keys.open(subject_of(found.id), found.key)
    return msgspec.structs.replace(found, key=plain)


def _unknown() -> Problem:
    return Problem("request.unknown", "There is no such request.", status=404,
                   next_step="Look in the list of requests.")  # fmt: skip


def asked(tx: Tx, request_id: str) -> Asked:
    """Return what a request says; of one that was forgotten nothing but that."""
    sql = "SELECT body FROM lawful_requests WHERE id = %(id)s"
    found = opened(tx, request_id, tx.value(sql, id=request_id), Asked)
    return found or Asked(authority="(forgotten)")


class Line(msgspec.Struct, frozen=True):
    """A request in a list, with the authority's name."""

    request: Request
    authority: str
    reference: str


def listed(
    tx: Tx, *, which: str = "open", kind: str = "", limit: int = 200, after: int = 0
) -> list[Line]:
    """Return requests: the open ones, first due first; `which` may be `ended`, `late` or `all`.

    At most `limit` of them, after the first `after`.
    """
    sql = f"""SELECT {_COLUMNS}, r.body FROM lawful_requests r
              WHERE (%(kind)s = '' OR r.kind = %(kind)s)
                AND CASE %(which)s WHEN 'open' THEN r.ended_at IS NULL
                  WHEN 'late' THEN r.ended_at IS NULL AND r.due_at <= %(now)s
                  WHEN 'ended' THEN r.ended_at IS NOT NULL ELSE true END
              ORDER BY r.ended_at DESC NULLS FIRST, r.due_at, r.id
              LIMIT %(limit)s OFFSET %(after)s"""  # noqa: S608 (constants)
    rows = tx.rows(sql, kind=kind, which=which, now=tx.now, limit=limit, after=after)
    tx.keys.load(subject_of(str(row["id"])) for row in rows)
    return [_line(tx, row) for row in rows]


def _line(tx: Tx, row: dict[str, Any]) -> Line:
    said = opened(tx, row["id"], row.pop("body"), Asked)
    found = msgspec.convert(row, Request, strict=False, builtin_types=(bytes, datetime))
    return Line(found, said.authority if said else "(forgotten)", said.reference if said else "")


def by_code(tx: Tx, code: str) -> Request:
    """Return the request with this code; raises `Problem` 404."""
    sql = f"SELECT {_COLUMNS} FROM lawful_requests r WHERE r.code = %(c)s"  # noqa: S608
    found = tx.one(sql, Request, c=code_digest(tx, code))
    if found is None:
        raise Problem("request.unknown", mark("There is nothing under this code."), status=404)
    return _with_key(tx, found)


def code_digest(tx: Tx, code: str) -> bytes:
    """Return the keyed digest under which a code is stored."""
    plain = "".join(one for one in code.lower() if one.isalnum())
    return tx.keys.digest(b"lawful request:" + plain.encode())


def checks(tx: Tx, request_id: str) -> list[Check]:
    """Return what was done to find out who asks, oldest first."""
    sql = """SELECT c.id, c.kind, c.result, c.origin, c.contact, c.staff, s.name, c.at, c.body
             FROM request_checks c JOIN staff s ON s.id = c.staff
             WHERE c.request = %(r)s ORDER BY c.at, c.id"""
    found = []
    for row in tx.rows(sql, r=request_id):
        said = opened(tx, request_id, row.pop("body"), dict[str, str]) or {}
        found.append(msgspec.convert({**row, **said}, Check))
    return found


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """A scope as it was stored, with its accounts as long as they are not forgotten."""

    id: str
    accounts: int
    part: bool
    asked_by: str
    asked_at: datetime
    wanted: Wanted | None = None


def scope(tx: Tx, scope_id: str) -> Scope:
    """Return a scope; raises `Problem` 404."""
    sql = """SELECT id, request, accounts, part, asked_by, asked_at, body FROM request_scopes
             WHERE id = %(s)s"""
    rows = tx.rows(sql, s=scope_id)
    if not rows:
        raise _unknown()
    row = rows[0]
    wanted = opened(tx, row.pop("request"), row.pop("body"), Wanted)
    return Scope(**row, wanted=wanted)


def request_of_scope(tx: Tx, scope_id: str) -> str | None:
    """Return the id of the request that a scope belongs to."""
    found = tx.value("SELECT request FROM request_scopes WHERE id = %(s)s", s=scope_id)
    return None if found is None else str(found)


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A letter that came in, or a file that goes out, without its bytes."""

    id: str
    side: str
    sha256: bytes
    bytes: int
    added_at: datetime
    added_by: str
    name: str = ""

    @property
    def digest(self) -> str:
        """Its SHA-256 in hexadecimal digits."""
        return self.sha256.hex()


def files(tx: Tx, request_id: str) -> list[File]:
    """Return the files of a request, oldest first."""
    sql = """SELECT id, side, sha256, bytes, added_at, added_by, about FROM request_files
             WHERE request = %(r)s ORDER BY added_at, id"""
    found = []
    for row in tx.rows(sql, r=request_id):
        name = opened(tx, request_id, row.pop("about"), str) or ""
        found.append(File(**row, name=name))
    return found


def file_bytes(tx: Tx, request_id: str, file: str) -> bytes:
    """Return what is in a file of a request; raises `Problem` 404, 410 when it was forgotten."""
    sql = "SELECT body FROM request_files WHERE id = %(f)s AND request = %(r)s"
    rows = tx.rows(sql, f=file, r=request_id)
    if not rows:
        raise _unknown()
    sealed = rows[0]["body"]
    plain = None if sealed is None else tx.keys.open(subject_of(request_id), bytes(sealed))
    if plain is None:
        raise Problem("request.forgotten", "This was destroyed when its time was over.", status=410)
    return plain


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What was given: a packet sealed to the authority's key, until when it can be fetched."""

    id: str
    key_kind: str
    plain_sha256: bytes
    sha256: bytes
    bytes: int
    files: int
    made_at: datetime
    made_by: str
    fetched_at: datetime | None
    until: datetime
    there: bool

    @property
    def digest(self) -> str:
        """The SHA-256 of the sealed packet in hexadecimal digits."""
        return self.sha256.hex()


def delivery(tx: Tx, request_id: str) -> Delivery | None:
    """Return what was given upon a request; None when nothing was."""
    sql = """SELECT id, key_kind, plain_sha256, sha256, bytes, files, made_at, made_by, fetched_at,
               until, body IS NOT NULL AND until > %(now)s AS there
             FROM request_deliveries WHERE request = %(r)s"""
    return tx.one(sql, Delivery, r=request_id, now=tx.now)


class Keep(msgspec.Struct, frozen=True):
    """What is kept because of a request: the case with sealed copies, and until when."""

    case_id: str
    hold: str
    until: datetime
    renewed_at: datetime | None
    ended_at: datetime | None


def keeps(tx: Tx, request_id: str) -> list[Keep]:
    """Return what is, or was, kept because of a request."""
    sql = """SELECT k.case_id, k.hold, h.until, h.renewed_at, h.ended_at FROM request_keeps k
             JOIN holds h ON h.id = k.hold WHERE k.request = %(r)s ORDER BY k.kept_at, k.case_id"""
    return tx.all(sql, Keep, r=request_id)


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """Word to one person: how far it is, and when it is due."""

    id: str
    request: str
    state: str
    delay_ground: str
    longer_until: datetime | None
    longer_ground: str | None
    due_at: datetime
    attempts: int
    renewals: int
    last_error: str | None
    ended_at: datetime | None
    platform: str = ""
    account: str = ""


_NOTICE = """SELECT id, request, state, delay_ground, longer_until, longer_ground, due_at, attempts,
               renewals, last_error, ended_at, body FROM request_notices """


def tellings(tx: Tx, request_id: str) -> list[Telling]:
    """Return the words to the persons concerned, in the order in which they are due."""
    rows = tx.rows(_NOTICE + "WHERE request = %(r)s ORDER BY due_at, id", r=request_id)
    return [telling_in(tx, row) for row in rows]


def telling(tx: Tx, notice: str) -> Telling:
    """Return the word to one person; raises `Problem` 404."""
    rows = tx.rows(_NOTICE + "WHERE id = %(n)s", n=notice)
    if not rows:
        raise _unknown()
    return telling_in(tx, rows[0])


def telling_in(tx: Tx, row: dict[str, Any]) -> Telling:
    """Return a row of words to persons, opened."""
    whom = opened(tx, row["request"], row.pop("body"), dict[str, str]) or {}
    return msgspec.convert({**row, **whom}, Telling)


class Called(msgspec.Struct, frozen=True):
    """How a call to one of the list of contacts went."""

    request: str
    number: int
    state: str
    attempts: int
    last_error: str | None
    ended_at: datetime | None


def calls(tx: Tx, request_id: str) -> list[Called]:
    """Return how the contacts for threats to life were called about a request."""
    sql = """SELECT request, number, state, attempts, last_error, ended_at FROM request_calls
             WHERE request = %(r)s ORDER BY number"""
    return tx.all(sql, Called, r=request_id)


class Trouble(msgspec.Struct, frozen=True):
    """What about requests needs somebody now, in numbers."""

    late: int
    unheard: int
    unset: int
    untold: int


def trouble(tx: Tx) -> Trouble:
    """Count requests that are late, calls for a life that nobody heard, words that stuck."""
    sql = """SELECT
      (SELECT count(*) FROM lawful_requests WHERE ended_at IS NULL AND due_at <= %(now)s) AS late,
      (SELECT count(*) FROM request_calls c JOIN lawful_requests r ON r.id = c.request
         WHERE r.ended_at IS NULL AND c.state = 'failed') AS unheard,
      (SELECT count(*) FROM lawful_requests r WHERE r.ended_at IS NULL AND r.life
         AND NOT EXISTS (SELECT 1 FROM request_calls c WHERE c.request = r.id)) AS unset,
      (SELECT count(*) FROM request_notices WHERE state = 'by_hand') AS untold"""
    found = tx.one(sql, Trouble, now=tx.now)
    assert found is not None
    return found
