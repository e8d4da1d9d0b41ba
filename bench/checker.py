"""`python -m bench.checker`: ask for checks over some connections, at a steady rate, and time each.

Reads its order as JSON from standard input and prints what it saw as JSON. A request that goes out
late because the one before it was slow counts from the moment when it was due. Bare sockets with
prepared requests, so that the one who asks takes little of the machine that answers.
"""

import socket
import sys
import threading
import time
from urllib.parse import urlsplit

import msgspec


class Order(msgspec.Struct):
    """Whom to ask, how: `size` questions a request (1 is no list), requests a second in all."""

    url: str
    key: str
    connections: int
    rate: float
    size: int
    seconds: float
    accounts: int


class Seen(msgspec.Struct):
    """The milliseconds of every request, the seconds that all took, and what went wrong.

    `work` has the seconds of a processor that asking took.
    """

    ms: list[float]
    seconds: float
    work: float
    failed: list[str]


_ACTIONS = ("message.send", "contact.request", "profile.discover", "ad.profiled", "group.add")


def body(number: int, size: int, accounts: int) -> bytes:
    """Return the body of the request with this number."""
    asked = [
        {
            "action": _ACTIONS[place % len(_ACTIONS)],
            "from": {"id": f"b{place * 7 % accounts}"},
            "to": {"id": f"b{(place * 13 + 1) % accounts}"},
            "relation": {"connected": place % 3 == 0},
            "language": "en",
        }
        for place in range(number * size, (number + 1) * size)
    ]
    return msgspec.json.encode(asked[0] if size == 1 else asked)


def _request(order: Order, number: int) -> bytes:
    raw = body(number, order.size, order.accounts)
    head = (
        f"POST /v1/protections/check HTTP/1.1\r\nHost: {urlsplit(order.url).netloc}\r\n"
        f"Authorization: Bearer {order.key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


class _Checker:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._requests = [_request(order, number) for number in range(400)]
        self.seen = Seen([], 0.0, 0.0, [])

    def ask(self, place: int) -> None:
        """Ask over one connection until the time is over."""
        order = self._order
        where = urlsplit(order.url)
        pause = order.connections / order.rate
        began = time.perf_counter()
        due = began + pause * place / order.connections
        number = place
        with socket.create_connection((where.hostname, where.port or 80), timeout=10) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while due < began + order.seconds:
                time.sleep(max(0.0, due - time.perf_counter()))
                line.sendall(self._requests[number % len(self._requests)])
                status = _read(line)
                self.seen.ms.append((time.perf_counter() - due) * 1000)
                if status != 200:
                    self.seen.failed.append(f"status {status}")
                    return
                number += order.connections
                due += pause


def _read(line: socket.socket) -> int:
    """Read one answer whole, and return its status."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += _some(line)
    head, _, rest = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(rest) < length:
        rest += _some(line)
    return int(head.split()[1])


def _some(line: socket.socket) -> bytes:
    got = line.recv(1 << 20)
    if not got:
        raise ConnectionError("the server closed the connection")
    return got


def main() -> int:
    """Ask as ordered; returns 1 when an answer was none."""
    checker = _Checker(msgspec.json.decode(sys.stdin.buffer.read(), type=Order))
    threads = [
        threading.Thread(target=checker.ask, args=(place,))
        for place in range(checker._order.connections)
    ]
    began, worked = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    checker.seen.seconds = time.perf_counter() - began
    checker.seen.work = time.process_time() - worked
    sys.stdout.write(msgspec.json.encode(checker.seen).decode())
    return 1 if checker.seen.failed else 0


if __name__ == "__main__":
    sys.exit(main())
