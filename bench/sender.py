"""`python -m bench.sender`: post prepared batches over some connections, as fast as they are taken.

Reads its order as JSON from standard input, says `ready` when all bodies are made, begins with the
next line it reads, and prints the seconds it took. Its work is small beside that of the line.
"""

import sys
import threading
import time
from collections.abc import Iterator

import msgspec
import urllib3

from bench.texts import batches


class Order(msgspec.Struct):
    """What to send, where, and over how many connections."""

    url: str
    key: str
    run: str
    events: int
    batch: int
    connections: int


def main() -> int:
    """Send everything; returns 1 when a batch was not taken whole."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    bodies = iter(list(batches(order.run, order.events, order.batch)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.buffer.readline()
    began = time.perf_counter()
    failed = _send(order, bodies)
    sys.stdout.write(f"{time.perf_counter() - began}\n")
    for failure in failed[:3]:
        sys.stderr.write(f"bench: {failure}\n")
    return 1 if failed else 0


def _send(order: Order, bodies: Iterator[bytes]) -> list[str]:
    lock = threading.Lock()
    failed: list[str] = []

    def one() -> None:
        with urllib3.HTTPConnectionPool(*_place(order.url), maxsize=1, timeout=60) as pool:
            while not failed:
                with lock:
                    body = next(bodies, None)
                if body is None:
                    return
                try:
                    answer = pool.urlopen("POST", "/v1/events", body, headers(order.key))
                except urllib3.exceptions.HTTPError as error:
                    failed.append(type(error).__name__)
                    return
                if answer.status != 200 or len(_taken(answer.data)) != body.count(b'"kind":'):
                    failed.append(f"status {answer.status}: {answer.data[:300].decode()}")

    threads = [threading.Thread(target=one) for _ in range(order.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def _taken(answer: bytes) -> list[int]:
    """Return the places of a batch's events that are stored now."""
    statuses = [one.status for one in msgspec.json.decode(answer, type=list[_Status])]
    return [place for place, status in enumerate(statuses) if status == 202]


class _Status(msgspec.Struct):
    status: int


def headers(key: str) -> dict[str, str]:
    """Return what a platform sends with every call."""
    return {"authorization": f"Bearer {key}", "content-type": "application/json"}


def _place(url: str) -> tuple[str, int]:
    found = urllib3.util.parse_url(url)
    return found.host or "127.0.0.1", found.port or 80


if __name__ == "__main__":
    sys.exit(main())
