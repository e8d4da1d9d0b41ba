"""A real mail host on this machine, for tests that send letters."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Post:
    """A mail host: what arrived, for whom; `refuse` answers every letter with an error."""

    port: int = 0
    refuse: bytes = b""
    letters: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    def to(self, address: str) -> list[EmailMessage]:
        return [letter for whom, letter in self.letters if whom == [address]]


@contextmanager
def post_office() -> Iterator[Post]:
    """Run a mail host that speaks as much SMTP (RFC 5321) as a sender needs."""
    post = Post()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say(b"220 test")
            whom: list[str] = []
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"RCPT":
                    whom.append(re.search(rb"<(.*)>", line)[1].decode())  # type: ignore[index]
                if verb == b"DATA":
                    self.say(b"354 go on")
                    self.take(whom)
                    whom = []
                elif verb == b"QUIT":
                    self.say(b"221 bye")
                    return
                else:
                    self.say(b"250 fine")

        def take(self, whom: list[str]) -> None:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line[1:] if line.startswith(b"..") else line)
            if post.refuse:
                self.say(post.refuse)
                return
            letter = message_from_bytes(b"".join(lines), policy=policy.default)
            post.letters.append((whom, letter))
            self.say(b"250 taken")

        def say(self, line: bytes) -> None:
            self.wfile.write(line + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        post.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield post
        server.shutdown()
