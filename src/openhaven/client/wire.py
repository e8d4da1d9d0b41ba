"""One way to Openhaven: requests, what may go wrong with them, and a rest after it did."""

import threading
import time
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import urllib3

T = TypeVar("T")
JSON = "application/json"
_CONNECT = 1.0
_REST = (1.0, 15.0)
# A wrong key is for the operator to mend; until then it is as if nobody answered.
_LATER = frozenset({401, 403, 408, 425, 429})


class Unreachable(Exception):  # noqa: N818 - it is news, not a mistake
    """No answer, or one that asks for patience: the same call may succeed later."""


class Refused(Exception):  # noqa: N818
    """An answer that asking again does not change: its status, its code, and why in words."""

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(why or code or f"status {status}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """A call to Openhaven. `after` names an account that has to be read anew once it is done."""

    method: str
    path: str
    body: bytes = b""
    after: str = ""


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str = ""
    code: str = ""


class Wire:
    """One Openhaven, reached with one key. Threads may share it."""

    def __init__(self, url: str, key: str, seconds: float) -> None:
        """Reach it at `url`; an answer may take at most `seconds`."""
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}", "content-type": JSON}
        timeout = urllib3.Timeout(connect=min(_CONNECT, seconds), read=seconds)
        self._http = urllib3.PoolManager(maxsize=16, timeout=timeout, retries=False)
        self._lock = threading.Lock()
        self._rest = 0.0
        self._until = 0.0
        self.answered: float | None = None
        self.why = "It has not been asked yet."

    @property
    def resting(self) -> bool:
        """Whether it failed so lately that who is in a hurry need not try."""
        return time.monotonic() < self._until

    def send(self, request: Request) -> bytes:
        """Return the body of the answer.

        Raises `Unreachable` when the same call may succeed later, `Refused` when it will not.
        """
        try:
            answer = self._http.request(
                request.method, self._url + request.path, body=request.body, headers=self._headers,
                redirect=False,
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise self._failed(type(error).__name__) from error
        if answer.status >= 500 or answer.status in _LATER:
            raise self._failed(f"It answered with status {answer.status}.")
        with self._lock:
            self._rest, self._until = 0.0, 0.0
            self.answered, self.why = time.monotonic(), ""
        if not 200 <= answer.status < 300:
            found = _problem(answer.data)
            why = f"{found.title} {found.detail}".strip()
            raise Refused(answer.status, found.code, why)
        return answer.data

    def close(self) -> None:
        """Let the connections go."""
        self._http.clear()

    def _failed(self, why: str) -> Unreachable:
        with self._lock:
            self._rest = min(max(self._rest * 2, _REST[0]), _REST[1])
            self._until, self.why = time.monotonic() + self._rest, why
        return Unreachable(why)


def read(body: bytes, kind: type[T]) -> T:
    """Return `body` as a value of this kind; an answer of another shape counts as no answer."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Unreachable(f"The answer cannot be read: {error}") from error


def _problem(body: bytes) -> _Problem:
    try:
        return msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        return _Problem()
