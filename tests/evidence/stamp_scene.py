"""A time-stamp authority (RFC 3161) on this machine: `openssl ts` behind a small HTTP server."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/{name}.pem
signer_key = {folder}/key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """An authority, how it answers (`mode`), and its root as a PEM file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mode, self.url = folder, "good", ""
        self.root, self.asked = folder / "root.pem", 0
        key, now = rsa.generate_private_key(65537, 2048), datetime.now(UTC)
        day = timedelta(days=1)
        (folder / "key.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self._key, self._root_key = key, rsa.generate_private_key(65537, 2048)
        self._certify("root", now - 30 * day, now + 30 * day, root=True)
        self._certify("good", now - 3 * day, now + 3 * day)
        self._certify("expired", now - 20 * day, now - 3 * day)
        (folder / "serial").write_text("01\n")

    def _certify(self, name: str, begin: datetime, end: datetime, *, root: bool = False) -> None:
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root of a test")])
        subject = issuer if root else x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"Time stamps of a test, {name}")]
        )  # fmt: skip
        made = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
                .public_key((self._root_key if root else self._key).public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(begin).not_valid_after(end)
                .add_extension(x509.BasicConstraints(root, None), critical=True))  # fmt: skip
        if not root:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            made = made.add_extension(usage, critical=True)
        found = made.sign(self._root_key, hashes.SHA256())
        (self.folder / f"{name}.pem").write_bytes(found.public_bytes(Encoding.PEM))

    def answer(self, request: bytes) -> bytes:
        """Return the answer to a request, true or as the mode says."""
        self.asked += 1
        if self.mode in ("wrong digest", "wrong nonce"):
            other = b"something else" if self.mode == "wrong digest" else self.data
            request = (TimestampRequestBuilder().data(other)
                       .hash_algorithm(HashAlgorithm.SHA256).build().as_bytes())  # fmt: skip
        if self.mode == "nonsense":
            return b"no time stamp at all"
        return self._stamp(request, "expired" if self.mode == "expired" else "good")

    # What is to be stamped, for an answer with the right digest and another nonce.
    data = b"the manifest"

    def _stamp(self, request: bytes, name: str) -> bytes:
        (self.folder / "ts.cnf").write_text(CONFIG.format(folder=self.folder, name=name))
        (self.folder / "query").write_bytes(request)
        subprocess.run(
            [shutil.which("openssl") or "openssl", "ts", "-reply", "-config",
             self.folder / "ts.cnf", "-queryfile", self.folder / "query", "-out",
             self.folder / "reply"],
            check=True, capture_output=True, env={"RANDFILE": str(self.folder / "rand")},
        )  # fmt: skip
        return (self.folder / "reply").read_bytes()


@contextmanager
def serving_stamps(folder: Path) -> Iterator[Authority]:
    authority = Authority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["content-length"]))
            status = 500 if authority.mode == "fails" else 200
            body = authority.answer(request) if status == 200 else b""
            self.send_response(status)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    authority.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
