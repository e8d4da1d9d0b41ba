"""`python -m plaza`: start the demo platform. Its settings are environment variables."""

import gc
import logging
import socket
import sys

import uvicorn

from plaza.app import application, build
from plaza.settings import Settings, SettingsError


def main() -> int:
    """Run until told to stop. Returns 2 for wrong settings, 1 for a port that is taken."""
    try:
        settings = Settings.load()
    except SettingsError as error:
        sys.stderr.write(f"Plaza cannot start.\n{error}\n")
        return 2
    try:
        door = _listen(settings.host, settings.port)
    except OSError as error:
        sys.stderr.write(f"Plaza cannot listen on {settings.host}, port {settings.port}: "
                         f"{error.strerror}. PLAZA_PORT chooses another.\n")  # fmt: skip
        return 1
    logging.basicConfig(level=logging.INFO, format="%(asctime)s plaza %(levelname)s %(message)s")
    logging.info("listening on %s; a demo without passwords", settings.url)
    config = uvicorn.Config(application(build(settings)), log_level="warning", access_log=False,
                            loop="asyncio", timeout_graceful_shutdown=3)  # fmt: skip
    gc.freeze()
    uvicorn.Server(config).run(sockets=[door])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError:
        door.close()
        raise
    return door


if __name__ == "__main__":
    sys.exit(main())
