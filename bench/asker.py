"""`python -m bench.asker`: ask for verdicts one event at a time, at a steady rate, and time each.

Reads its order as JSON from standard input and asks until standard input ends; then prints the
milliseconds of every answer as a JSON list. A question that comes late because the one before it
was slow counts from the moment when it was due, so that slowness is not hidden.
"""

import sys
import threading
import time

import msgspec
import urllib3

from bench.sender import headers
from bench.texts import event


class Order(msgspec.Struct):
    """Whom to ask, over how many connections, and how often in a second in all."""

    url: str
    key: str
    run: str
    connections: int
    rate: float


class _Asker:
    def __init__(self, order: Order) -> None:
        self._order = order
        self.ending = threading.Event()
        self.taken: list[float] = []
        self.failed: list[str] = []

    def ask(self, place: int) -> None:
        """Ask over one connection until the end."""
        order = self._order
        pause = order.connections / order.rate
        due = time.perf_counter() + pause * place / order.connections
        pool = urllib3.PoolManager(maxsize=1, timeout=30, retries=False)
        url, number = f"{order.url}/v1/events?wait=verdict", place
        while not self.ending.wait(max(0.0, due - time.perf_counter())):
            body = msgspec.json.encode(event(order.run, number))
            try:
                answer = pool.request("POST", url, body=body, headers=headers(order.key))
            except urllib3.exceptions.HTTPError as error:
                self.failed.append(type(error).__name__)
                return
            self.taken.append((time.perf_counter() - due) * 1000)
            # 202: not within two seconds, which the times show.
            if answer.status not in (200, 202):
                self.failed.append(f"status {answer.status}: {answer.data[:300].decode()}")
            number += order.connections
            due += pause


def main() -> int:
    """Ask until standard input ends; returns 1 when an answer was an error."""
    asker = _Asker(msgspec.json.decode(sys.stdin.buffer.readline(), type=Order))
    threads = [
        threading.Thread(target=asker.ask, args=(place,))
        for place in range(asker._order.connections)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.buffer.read()
    asker.ending.set()
    for thread in threads:
        thread.join()
    sys.stdout.write(msgspec.json.encode(asker.taken).decode())
    for failure in asker.failed[:3]:
        sys.stderr.write(f"bench: {failure}\n")
    return 1 if asker.failed else 0


if __name__ == "__main__":
    sys.exit(main())
