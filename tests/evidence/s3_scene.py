"""A real S3 server (SeaweedFS) here, with a bucket that locks objects and one that does not."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from openhaven.core import Problem
from openhaven.storage.settings import Objects
from openhaven.storage.signing import Credentials, Signed
from ports import free_ports

KEY, SECRET = "TESTKEY", "test-secret-0123456789"
# A machine may stand still for long: it is waited for, not hoped for.
DEADLINE_S = 300.0
WEED = Path(sys.executable).with_name("weed")


@dataclass(frozen=True)
class Store:
    """A running server, and the file with its keys."""

    endpoint: str
    credentials: Path

    def settings(self, bucket: str, **more: str) -> Objects:
        return Objects(endpoint=self.endpoint, bucket=bucket, credentials=self.credentials,
                       **more)  # type: ignore[arg-type]  # fmt: skip

    def signed(self, bucket: str) -> Signed:
        return Signed(self.endpoint, bucket, "us-east-1", Credentials(KEY, SECRET))


def keys_in(folder: Path, secret: str = SECRET) -> Path:
    path = folder / "keys.toml"
    path.touch(mode=0o600)
    path.write_text(f'access_key_id = "{KEY}"\nsecret_access_key = "{secret}"\n')
    return path


@contextmanager
def running_store() -> Iterator[Store]:
    folder = Path(tempfile.mkdtemp(prefix="oh-s3-"))
    try:
        # A port can be taken by somebody else between the choice and the start.
        for _ in range(3):
            with _server(folder) as store:
                if store is not None:
                    yield store
                    return
        raise RuntimeError((folder / "log").read_text()[-2_000:])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server(folder: Path) -> Iterator[Store | None]:
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
             "filer.port.grpc", "s3.port", "s3.port.grpc")  # fmt: skip
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    (folder / "data").mkdir(exist_ok=True)
    identity = {"name": "test", "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"]}  # fmt: skip
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    command = [str(WEED), "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1",
               "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={folder / 's3.json'}",
               "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false",
               "-volume.max=8", "-master.volumeSizeLimitMB=256", "-master.telemetry=false",
               *(f"-{name}={port}" for name, port in ports.items())]  # fmt: skip
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    store = Store(f"http://127.0.0.1:{ports['s3.port']}", keys_in(folder))
    try:
        yield store if _made(store, server) else None
    finally:
        server.kill()
        server.wait()


def _made(store: Store, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server makes its two buckets; say whether it did before it ended."""
    end = time.monotonic() + DEADLINE_S
    while server.poll() is None and time.monotonic() < end:
        try:
            for name, headers in (("locked", {"x-amz-bucket-object-lock-enabled": "true"}),
                                  ("plain", {})):  # fmt: skip
                store.signed(name)._ask("PUT", "", {}, headers=headers, fine=(200, 409))
            # A bucket can be there before anything can be stored in it.
            store.signed("plain")._ask("PUT", "ready", {}, b"1", fine=(200,))
        except Problem:
            time.sleep(0.2)
            continue
        return True
    return False
