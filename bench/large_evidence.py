"""One large file through everything that evidence does with it: time of each step, and memory.

`python -m bench.large_evidence -n 4096` makes a file of so many megabytes, receives it, reads it,
puts it into a sealed packet, opens and checks that, and sends it to a stand-in for an authority's
server, by the product's own code. A small file goes the same way first: what memory grows by after
that is what the size of a file costs. The last line is one JSON object.
"""

import argparse
import hashlib
import json
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from openhaven import evidence, intake, ledger, staff
from openhaven.authorities.cybertip import Account, Server
from openhaven.connectors import Http
from openhaven.core import Actor, new_id, system
from openhaven.evidence import Item, Vault, packet
from openhaven.ledger import Sequencer, Signer
from openhaven.storage import Database, migrate, postgres

MASTER = bytes(range(32))
ME = system("bench")
MB = 1 << 20
PIECE = 1 << 18


class House:
    """A database, a vault, a specialist, and a case for each file."""

    def __init__(self, url: str, home: Path) -> None:
        self.db = Database(url, MASTER, size=2)
        self.vault: Vault = evidence.vault(home, MASTER, self.db)
        self.signer: Signer = ledger.signer_from(MASTER)
        self.sequencer = Sequencer(self.db, self.signer, home)
        self.sequencer.start()
        self.key = X25519PrivateKey.generate()
        with self.db.begin(ME) as tx:
            self.platform, _ = intake.add_platform(tx, "bench")
            self.who: Actor = staff.create(tx, "Sam", ("specialist",)).actor

    def receive(self, file: Path) -> Item:
        with self.db.begin(ME) as tx:
            case = new_id("cas")
            tx.run("""INSERT INTO cases (id, platform, item, harm, opened_at)
                      VALUES (%(c)s, %(p)s, %(c)s, 'other', %(now)s)""",
                   c=case, p=self.platform, now=tx.now)  # fmt: skip
            return evidence.receive(self.vault, tx, case, kind="media", source="bench",
                                    method="generated", data=file, media_type="video/mp4",
                                    name="placeholder")  # fmt: skip

    def pieces(self, item: Item) -> Iterator[bytes]:
        with self.db.begin(self.who) as tx:
            return evidence.read(self.vault, tx, item, "bench")

    def read(self, item: Item) -> None:
        digest = hashlib.sha256()
        for piece in self.pieces(item):
            digest.update(piece)
        assert digest.digest() == item.sha256

    def export(self, item: Item, target: Path) -> None:
        packet.export(self.vault, self.who, item.case_id, target, to="Nobody", reference="1",
                      sequence=self.sequencer.tick, signer=self.signer,
                      seal_for=[self.key.public_key().public_bytes_raw()])  # fmt: skip

    def check(self, sealed: Path, target: Path) -> None:
        with open(sealed, "rb") as source, open(target, "wb") as out:
            for piece in packet.opened(source, self.key):
                out.write(piece)
        assert packet.verify(target, self.signer.vkey).files == 1

    def send(self, item: Item) -> None:
        with standing_in() as url:
            server = Server(Http(), url, Account("bench", "bench"))
            answer = server.upload("1", item.id, item.bytes, self.pieces(item))
            assert answer.md5 == item.md5.hex(), answer


@contextmanager
def standing_in() -> Iterator[str]:
    """Serve the one call that takes a file, which is hashed as it comes and kept nowhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            left, md5 = int(self.headers["content-length"]), hashlib.md5(usedforsecurity=False)
            border = self.headers["content-type"].partition("boundary=")[2].encode()
            tail, held, begun = len(border) + 8, b"", False
            while left:
                held += self.rfile.read(min(PIECE, left))
                left -= min(PIECE, left)
                if not begun:
                    begun, held = True, held.split(b"\r\n\r\n", 2)[2]
                md5.update(held[:-tail])
                held = held[-tail:]
            told = {"responseCode": 0, "reportId": 1, "fileId": "x", "hash": md5.hexdigest()}
            inner = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
            body = f"<reportResponse>{inner}</reportResponse>"
            self.send_response(200)
            self.send_header("content-type", "text/xml")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def through(house: House, folder: Path, size: int) -> dict[str, float]:
    """Take a file of `size` bytes through everything; return the seconds of each step."""
    file, sealed, opened = folder / "file", folder / "sealed", folder / "opened"
    block = hashlib.shake_256(b"a placeholder").digest(MB)
    with open(file, "wb") as out:
        for at in range(0, size, MB):
            out.write(block[: min(MB, size - at)])
    took: dict[str, float] = {}

    def timed(name: str, work: Callable[[], None]) -> None:
        began = time.monotonic()
        work()
        took[name] = round(time.monotonic() - began, 2)

    found: list[Item] = []
    timed("receive_s", lambda: found.append(house.receive(file)))
    file.unlink()
    timed("read_s", lambda: house.read(found[0]))
    timed("packet_s", lambda: house.export(found[0], sealed))
    timed("open_and_verify_s", lambda: house.check(sealed, opened))
    timed("send_s", lambda: house.send(found[0]))
    for path in (sealed, opened):
        path.unlink()
    return took


def peak() -> int:
    """Return the most memory that this process has ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured(url: str, folder: Path, megabytes: int) -> dict[str, float]:
    """Return the seconds of each step, and by how many megabytes memory grew for the size."""
    house = House(url, folder)
    through(house, folder, MB)
    before = peak()
    took = through(house, folder, megabytes * MB)
    house.db.close()
    return {"megabytes": megabytes, **took, "peak_mb": round(peak() / MB, 1),
            "grown_mb": round((peak() - before) / MB, 1)}  # fmt: skip


def main() -> None:
    """Measure in a folder of its own, or (for the test) on a database that is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--megabytes", type=int, default=4096)
    parser.add_argument("--url", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="oh-large-") as name:
        if given.url:
            print(json.dumps(measured(given.url, Path(name), given.megabytes)))  # noqa: T201
            return
        with postgres.start(Path(name), password=MASTER.hex(), say=lambda _: None) as server:
            migrate(server.url)
            print(json.dumps(measured(server.url, Path(name), given.megabytes)))  # noqa: T201


if __name__ == "__main__":
    main()
